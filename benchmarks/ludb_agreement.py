"""Agreement of intervals and amplitudes with LUDB's annotations, compared with neurokit2.

    python benchmarks/ludb_agreement.py LUDB_FOLDER [--write]

``--write`` replaces the table of docs/beats.rst, which has the even subjects.

Prints bias and 95 % limits of agreement (bias -+ 1.96 standard deviations of the differences,
Bland and Altman 1986) over records. Each record counts once, with the median over its annotated
beats. The limits of `BeatFeatures` were set with subjects 1, 3, 5, ..., but the figures of the
other subjects were seen meanwhile, so that neither half is an untouched test set.

neurokit2 delineates lead II only, and is compared with the annotations of lead II. `BeatFeatures`
uses all leads: it is compared with the annotations of lead II, and with the median over those of
all leads. neurokit2 is skipped if it is not installed; version 0.2.13 requires pandas < 3 and
therefore a separate environment.
"""

import argparse
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import Table, drop_zeros, write_tables

from sklearn_ecg import STANDARD_LEADS
from sklearn_ecg.datasets import load_ludb
from sklearn_ecg.preprocessing import BeatFeatures

try:
    import neurokit2
except ImportError:
    neurokit2 = None

RATE = 500
II = 1
WAVES = ("P", "QRS", "T")
P, QRS, T = range(3)
ONSET, PEAK, OFFSET = range(3)
INTERVALS = ("p_duration", "pr_interval", "qrs_duration", "qt_interval")
AMPLITUDES = ("p_amplitude", "qrs_peak", "t_amplitude")


def annotations_by_beat(table):
    """Return the annotated time points of one record as an array (n_beats, 12, 3 waves, 3)."""
    peaks = table[(table["lead"] == "II") & (table["wave"] == "QRS")]["peak"]
    beats = peaks.to_numpy(float)
    marks = np.full((len(beats), len(STANDARD_LEADS), 3, 3), np.nan)
    # A P wave belongs to the next beat, a T wave to the previous one.
    reach = {"P": (20, 250), "QRS": (-75, 75), "T": (-350, -20)}
    for wave, (low, high) in reach.items():
        for row in table[table["wave"] == wave].itertuples():
            distance = beats - row.peak
            distance = np.where((distance >= low) & (distance <= high), np.abs(distance), np.inf)
            if np.isfinite(distance).any():
                points = [np.nan if pd.isna(x) else x for x in (row.onset, row.peak, row.offset)]
                place = distance.argmin(), STANDARD_LEADS.index(row.lead), WAVES.index(wave)
                marks[place] = points
    return marks


def intervals(marks):
    """Return intervals in ms from marks (..., 3 waves, 3) in time points."""
    ms = 1000 / RATE * marks
    return {
        "p_duration": ms[..., P, OFFSET] - ms[..., P, ONSET],
        "pr_interval": ms[..., QRS, ONSET] - ms[..., P, ONSET],
        "qrs_duration": ms[..., QRS, OFFSET] - ms[..., QRS, ONSET],
        "qt_interval": ms[..., T, OFFSET] - ms[..., QRS, ONSET],
    }


def amplitudes(signal, marks):
    """Return amplitudes at the marked peaks of one lead, relative to the level before the QRS."""
    values = {name: np.full(len(marks), np.nan) for name in AMPLITUDES}
    for beat, points in enumerate(marks):
        if np.isnan(points[QRS, ONSET]):
            continue
        onset = int(points[QRS, ONSET])
        level = signal[max(onset - 10, 0) : max(onset - 2, 1)].mean()
        for wave, name in enumerate(AMPLITUDES):
            if np.isfinite(points[wave, PEAK]):
                values[name][beat] = signal[int(points[wave, PEAK])] - level
    return values


def with_neurokit2(signal):
    """Return the marks (n_beats, 3, 3) of neurokit2's wavelet delineation of one lead."""
    clean = neurokit2.ecg_clean(signal.astype(float), sampling_rate=RATE)
    peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE)[1]["ECG_R_Peaks"]
    marks = np.full((max(len(peaks), 1), 3, 3), np.nan)
    try:
        delineation = neurokit2.ecg_delineate(clean, peaks, sampling_rate=RATE, method="dwt")[1]
    except (ValueError, ZeroDivisionError):
        # Raised for records with too few beats, which count as missed.
        return marks
    for wave, letter in enumerate("PRT"):
        names = (f"ECG_{letter}_Onsets", f"ECG_{letter}_Peaks", f"ECG_{letter}_Offsets")
        for point, name in enumerate(names):
            marks[:, wave, point] = peaks if name == "ECG_R_Peaks" else delineation[name]
    return marks


def median(values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(values)


def collect(records):
    """Return the values of all records, by source and measurement."""
    values = {}

    def add(source, name, value):
        values.setdefault((source, name), []).append(value)

    X = np.array([signals for signals, _ in records])
    features = BeatFeatures(sampling_rate=RATE).fit(X)
    table = dict(zip(features.get_feature_names_out(), features.transform(X).T))
    for i, (signals, annotated) in enumerate(records):
        for name, value in intervals(annotated).items():
            add("annotated, lead II", name, median(value[:, II]))
            add("annotated, all leads", name, median(value))
            add("BeatFeatures", name, table[f"global__{name}"][i])
        for name, value in amplitudes(signals[II], annotated[:, II]).items():
            add("annotated, lead II", name, median(value))
        # R if the annotated peak is positive, the deeper one of Q and S if it is negative.
        q, r, s = (table[f"II__{wave}_amplitude"][i] for wave in "qrs")
        is_positive = values["annotated, lead II", "qrs_peak"][-1] > 0
        add("BeatFeatures", "qrs_peak", r if is_positive else np.fmin(q, s))
        add("BeatFeatures", "p_amplitude", table["II__p_amplitude"][i])
        add("BeatFeatures", "t_amplitude", table["II__t_amplitude"][i])
        if neurokit2:
            marks = with_neurokit2(signals[II])
            for name, value in intervals(marks).items():
                add("neurokit2", name, median(value))
            for name, value in amplitudes(signals[II], marks).items():
                add("neurokit2", name, median(value))
    return {key: np.array(value) for key, value in values.items()}


NAMES = {
    "p_duration": "P duration, ms",
    "pr_interval": "PR interval, ms",
    "qrs_duration": "QRS duration, ms",
    "qt_interval": "QT interval, ms",
    "p_amplitude": "P amplitude, lead II, mV",
    "qrs_peak": "QRS peak, lead II, mV",
    "t_amplitude": "T amplitude, lead II, mV",
}


def report(values, subjects, title):
    """Print bias and limits of agreement, and return them as a table."""
    cells = {}
    print(f"\n{title}")
    header = f"{'reference':22}{'n':>4}{'missed':>8}{'bias':>9}{'limits of agreement':>24}"
    print(f"  {'':28}{header}")
    for name in (*INTERVALS, *AMPLITUDES):
        digits = 1 if name in INTERVALS else 3
        for source, reference in (
            ("BeatFeatures", "annotated, lead II"),
            ("neurokit2", "annotated, lead II"),
            ("BeatFeatures", "annotated, all leads"),
        ):
            if (source, name) not in values or (reference, name) not in values:
                continue
            truth, measured = values[reference, name][subjects], values[source, name][subjects]
            known = np.isfinite(truth)
            error = (measured - truth)[known & np.isfinite(measured)]
            spread = 1.96 * error.std(ddof=1)
            low, high = error.mean() - spread, error.mean() + spread
            numbers = [drop_zeros(f"{x:.{digits}f}") for x in (error.mean(), low, high)]
            missed = known.sum() - len(error)
            cells[source, reference, name] = "{} [{} to {}]".format(*numbers), missed
            print(
                f"  {name:14}{source:14}{reference:22}{len(error):4}{known.sum() - len(error):8}"
                f"{error.mean():9.{digits}f}{low:12.{digits}f} to {high:8.{digits}f}"
            )
    return cells


def make_table(cells):
    """Return the values of `report` as a table, intervals of BeatFeatures with both references."""
    columns = {
        ("BeatFeatures", "annotated, all leads"): "``BeatFeatures``, all leads",
        ("BeatFeatures", "annotated, lead II"): "``BeatFeatures``, lead II",
        ("neurokit2", "annotated, lead II"): f"neurokit2 {metadata.version('neurokit2')}, lead II",
    }
    rows, missed = [], {}
    for name, text in NAMES.items():
        found = {column: cells.get((*column, name)) for column in columns}
        rows.append((text, *(cell and cell[0] for cell in found.values())))
        for (source, _), cell in found.items():
            missed.setdefault(source, []).append(cell[1] if cell else 0)
    counts = [f"{max(n)} with {source}" for source, n in missed.items()]
    text = f"Subjects with an annotated wave that was not found: {' and '.join(counts)}."
    header = ("measurement", *columns.values())
    return [Table("Even subjects: bias [95 % limits of agreement]", header, rows), text]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder that contains LUDB's data/")
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    if args.write and neurokit2 is None:
        parser.error("--write requires neurokit2")
    warnings.simplefilter("ignore")
    ludb = load_ludb(args.folder, n_jobs=2)
    tables = dict(list(ludb.annotations.groupby("record")))
    records = [(x, annotations_by_beat(tables[i])) for i, x in enumerate(ludb.data)]
    values = collect(records)
    number = ludb.groups
    cells = report(values, number % 2 == 0, "Even subjects (ms and mV)")
    if args.write:
        command = "ludb_agreement.py LUDB_FOLDER"
        write_tables("beats.rst", "agreement", make_table(cells), command)
    report(values, number % 2 == 1, "Odd subjects (ms and mV): limits were set with these")


if __name__ == "__main__":
    main()
