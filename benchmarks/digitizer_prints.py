"""Real prints of one device, digitized: the figures of docs/digitizing.rst about prints.

    OMP_NUM_THREADS=1 python benchmarks/digitizer_prints.py FOLDER [--few] [--write]

FOLDER has the subfolders of the 304 prints of Khan and Hussain (2021, Mendeley Data), scaled to
1106 x 786 pixels. The device drew them without a camera or a scanner: a perspective or a rotation
that is found in them is an error. Twenty of them, drawn at random, were read by eye: the heart rate
in the last line is compared with that of the signals. ``--write`` writes this table.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _tables import Table, make_rst, write_tables

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.preprocessing import ECGImageDigitizer

RATE = 250
PRINTED = {
    "abnormal_heartbeat/HB_170": 103,
    "abnormal_heartbeat/HB_195": 106,
    "abnormal_heartbeat/HB_209": 105,
    "abnormal_heartbeat/HB_21": 108,
    "abnormal_heartbeat/HB_222": 98,
    "abnormal_heartbeat/HB_27": 89,
    "abnormal_heartbeat/HB_39": 60,
    "abnormal_heartbeat/HB_58": 104,
    "abnormal_heartbeat/HB_7": 110,
    "history_mi/PMI_44": 70,
    "history_mi/PMI_81": 68,
    "history_mi/PMI_83": 73,
    "mi/MI_10": 62,
    "mi/MI_15": 87,
    "normal/Normal_118": 66,
    "normal/Normal_12": 80,
    "normal/Normal_140": 75,
    "normal/Normal_27": 80,
    "normal/Normal_85": 81,
    "normal/Normal_90": 65,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--few", action="store_true", help="only those that were read by eye")
    parser.add_argument("--write", action="store_true", help="the table of docs/digitizing.rst")
    args = parser.parse_args()
    read = [args.folder / f"{name}.jpg" for name in PRINTED]
    others = [] if args.few else sorted(set(args.folder.glob("*/*.jpg")) - set(read))
    start = time.process_time()
    bunch = ECGImageDigitizer(RATE, on_error="nan").digitize([*read, *others])
    milliseconds = 1000 * (time.process_time() - start) / len(bunch.report)
    report = bunch.report
    refused = report[report["status"] != "digitized"]
    print(f"{len(report)} prints, {len(refused)} refused, {milliseconds:.0f} ms each")
    for row in refused.itertuples():
        print(f"  {Path(row.image).stem}: {row.reason_kind}: {row.reason}")
    found = report.drop(refused.index)
    print("rhythm strips:", found["rhythm_leads"].astype(str).value_counts().to_dict())
    wrong = found[(found["perspective"] > 0.02) | (found["rotation"].abs() > 0.1)]
    print(f"{len(wrong)} digitized with a perspective above 2 % or a rotation above 0.1 degrees:")
    print("  " + ", ".join(Path(image).stem for image in wrong["image"]))
    rates = np.full(len(PRINTED), np.nan)
    good = [i for i in found.index if i < len(PRINTED)]
    rates[good] = detect_r_peaks(bunch.signals[good], RATE).heart_rate()
    rows = [
        [Path(name).name, printed, f"{rate:.1f}", f"{100 * (rate / printed - 1):+.1f}"]
        for (name, printed), rate in zip(PRINTED.items(), rates)
    ]
    table = Table("", ["print", "printed (1/min)", "digitized (1/min)", "difference (%)"], rows)
    print(make_rst(table))
    if args.write:
        write_tables(
            "digitizing.rst", "prints", [table], "digitizer_prints.py FOLDER --few --write"
        )


if __name__ == "__main__":
    main()
