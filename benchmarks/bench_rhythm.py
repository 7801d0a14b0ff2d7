"""R-peaks compared with sleepecg, wfdb's xqrs and neurokit2: accuracy on LUDB, and speed.

    OMP_NUM_THREADS=1 python benchmarks/bench_rhythm.py [--ludb LUDB_FOLDER] [--write]

This requires the extra (pip install -e .[bench]). Accuracy: all beats that are annotated in lead
II, within 100 ms, between the first and the last annotated beat of a record; the other detectors
use lead II. LUDB is at 500 Hz and is resampled to 100 Hz. Speed: the other detectors have to be
called record by record, on one lead; sleepecg is also timed on all twelve. neurokit2 is listed as
not installed if it is not; version 0.2.13 requires pandas < 3 and therefore a separate environment.
``--write`` replaces the table of docs/rhythm.rst, and does not measure the speed.
"""

import argparse
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import sleepecg
from _tables import Table, drop_zeros, write_tables
from _timing import interleave, report
from scipy.signal import resample_poly

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.datasets import load_ludb, make_ecg

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import wfdb.processing

try:
    import neurokit2
except ImportError:
    neurokit2 = None

II = 1


def with_sklearn_ecg(X, rate):
    return detect_r_peaks(X, sampling_rate=rate).peaks


def with_sleepecg(X, rate):
    return [sleepecg.detect_heartbeats(x, rate) for x in X[:, II].astype(float)]


def with_sleepecg_on_all_leads(X, rate):
    for x in X.astype(float):
        for lead in x:
            sleepecg.detect_heartbeats(lead, rate)


def with_xqrs(X, rate):
    return [
        np.asarray(wfdb.processing.xqrs_detect(x, rate, verbose=False))
        for x in X[:, II].astype(float)
    ]


def with_neurokit2(X, rate):
    found = []
    for x in X[:, II].astype(float):
        clean = neurokit2.ecg_clean(x, sampling_rate=rate)
        found.append(neurokit2.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"])
    return found


DETECTORS = {
    "sklearn_ecg (12 leads)": with_sklearn_ecg,
    "sleepecg (lead II)": with_sleepecg,
    "xqrs (lead II)": with_xqrs,
}
if neurokit2:
    DETECTORS["neurokit2 (lead II)"] = with_neurokit2


def read_ludb(folder):
    """Return signals at 500 Hz, and the time points of the R-peaks annotated in lead II."""
    ludb = load_ludb(folder, annotated_leads=["II"], n_jobs=-1)
    beats = ludb.annotations[ludb.annotations["wave"] == "QRS"]
    peaks = [beats["peak"][beats["record"] == row].to_numpy(int) for row in range(len(ludb.data))]
    return ludb.data, peaks


def match(truth, found, tolerance):
    """Return the timing errors of the detected beats, and the number of false detections.

    Each annotated beat is matched to at most one detection.
    """
    found = found[(found >= truth[0] - tolerance) & (found <= truth[-1] + tolerance)]
    free = np.ones(len(found), dtype=bool)
    errors = []
    for beat in truth:
        distance = np.where(free, np.abs(found - beat), np.inf)
        if len(found) and distance.min() <= tolerance:
            free[distance.argmin()] = False
            errors.append(distance.min())
    return errors, np.count_nonzero(free)


def accuracy(X, peaks, rate):
    """Print a table, and return the F1 score, missed and false beats of each detector."""
    scores = {}
    print(f"\nLUDB at {rate} Hz, {len(X)} records, {sum(map(len, peaks))} beats")
    print(f"  {'':26}{'F1':>8}{'sens.':>8}{'prec.':>8}{'missed':>8}{'false':>7}{'error, ms':>11}")
    for name, detect in DETECTORS.items():
        errors, n_false = [], 0
        for truth, found in zip(peaks, detect(X, rate)):
            beat_errors, n_false_of_record = match(truth, np.asarray(found), 0.1 * rate)
            errors += beat_errors
            n_false += n_false_of_record
        hits, total = len(errors), sum(map(len, peaks))
        f1 = 2 * hits / (hits + n_false + total)
        scores[name] = (drop_zeros(f"{f1:.3f}"), f"{total - hits}", f"{n_false}")
        print(
            f"  {name:26}{f1:8.4f}{hits / total:8.4f}"
            f"{hits / (hits + n_false):8.4f}{total - hits:8}{n_false:7}"
            f"{1000 * np.mean(errors) / rate:11.1f}"
        )
    return scores


def make_table(n_beats, found):
    """Return the accuracies at several rates, as a table."""
    header = ["Detector"]
    for rate in found:
        header += [f"F1, {rate} Hz", "missed", "false"]
    rows = []
    for name in DETECTORS:
        library = "wfdb" if name.startswith("xqrs") else name.split()[0]
        version = "" if library == "sklearn_ecg" else f", {library} {metadata.version(library)}"
        cells = [cell for by_name in found.values() for cell in by_name[name]]
        rows.append((f"{name}{version}", *cells))
    return Table(f"{n_beats} beats of LUDB", header, rows)


def speed(rate, n_records, n_slow, repeats):
    """Time all detectors per record; the slow ones get fewer records."""
    X = make_ecg(n_records, sampling_rate=rate, random_state=0).data
    X_slow = X[:n_slow]
    fast = {
        "sklearn_ecg, 12 leads": lambda: with_sklearn_ecg(X, rate),
        "sklearn_ecg, 1 lead": lambda: with_sklearn_ecg(X[:, [II]], rate),
        "sleepecg, 1 lead": lambda: with_sleepecg(X, rate),
    }
    slow = {
        "sklearn_ecg, 12 leads, 1 record": lambda: [
            with_sklearn_ecg(X_slow[:1], rate) for _ in X_slow
        ],
        "sleepecg, 12 leads": lambda: with_sleepecg_on_all_leads(X_slow, rate),
        "xqrs, 1 lead": lambda: with_xqrs(X_slow, rate),
        "neurokit2, 1 lead": neurokit2 and (lambda: with_neurokit2(X_slow, rate)),
    }
    seconds = interleave({**fast, **slow}, repeats=repeats)
    for name in slow:
        seconds[name] = [value * n_records / n_slow for value in seconds[name]]
    share = np.median(seconds["sleepecg, 12 leads"]) / np.median(seconds["sklearn_ecg, 12 leads"])
    report(
        f"R-peaks of 10-s records at {rate} Hz",
        seconds,
        n_records=n_records,
        reference="sleepecg, 1 lead",
        goals={
            "sklearn_ecg, 1 lead": 5 if rate == 100 else 2,
            "sklearn_ecg, 12 leads": 5 if rate == 100 else 2,
        },
        reason=(
            "sleepecg processes one lead; here all twelve are processed: for the same twelve leads "
            f"sleepecg takes {share:.0f} times as long"
        ),
    )
    for name, values in filter(lambda item: item[1], seconds.items()):
        print(f"  {name:34}{1000 * np.median(values) / n_records:8.3f} ms per record")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ludb", type=Path, help="LUDB folder")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="write the table of LUDB to the page")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.write and not args.ludb:
        parser.error("--write requires --ludb")
    if args.ludb:
        X, peaks = read_ludb(args.ludb)
        found = {500: accuracy(X, peaks, 500)}
        low = resample_poly(X, 1, 5, axis=2)
        found[100] = accuracy(low, [row / 5 for row in peaks], 100)
        if args.write:
            table = make_table(sum(map(len, peaks)), found)
            write_tables("rhythm.rst", "accuracy", [table], "bench_rhythm.py --ludb LUDB_FOLDER")
            return
    speed(100, 256, 16, args.repeats)
    speed(500, 128, 8, args.repeats)


if __name__ == "__main__":
    main()
