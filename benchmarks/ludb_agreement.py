"""Intervals and amplitudes beside LUDB's annotations, and beside neurokit2's delineation.

    python benchmarks/ludb_agreement.py LUDB_FOLDER

Prints bias and 95 % limits of agreement (bias -+ 1.96 standard deviations of the differences,
Bland and Altman 1986) over records. Each record counts once, with the median over its annotated
beats. The limits of `BeatFeatures` were set with subjects 1, 3, 5, ..., but the figures of
the others were seen meanwhile, so that neither half is an untouched test set.

neurokit2 reads one lead, II, and is held to the annotations of lead II. `BeatFeatures` reads all
leads: it is held to the annotations of lead II, and to the median over those of all leads.
neurokit2 is measured where it is installed; version 0.2.13 needs pandas < 3 and so an environment
of its own.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

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
    """Annotations of one record as an array (n_beats, 12, 3 waves, 3) of time points."""
    peaks = table[(table["lead"] == "II") & (table["wave"] == "QRS")]["peak"]
    beats = peaks.to_numpy(float)
    notes = np.full((len(beats), len(STANDARD_LEADS), 3, 3), np.nan)
    # A P belongs to the beat after it, a T to the beat before it.
    reach = {"P": (20, 250), "QRS": (-75, 75), "T": (-350, -20)}
    for wave, (low, high) in reach.items():
        for row in table[table["wave"] == wave].itertuples():
            distance = beats - row.peak
            distance = np.where((distance >= low) & (distance <= high), np.abs(distance), np.inf)
            if np.isfinite(distance).any():
                points = [np.nan if pd.isna(x) else x for x in (row.onset, row.peak, row.offset)]
                place = distance.argmin(), STANDARD_LEADS.index(row.lead), WAVES.index(wave)
                notes[place] = points
    return notes


def intervals(notes):
    """Intervals in ms from marks (..., 3 waves, 3)."""
    ms = 1000 / RATE * notes
    return {
        "p_duration": ms[..., P, OFFSET] - ms[..., P, ONSET],
        "pr_interval": ms[..., QRS, ONSET] - ms[..., P, ONSET],
        "qrs_duration": ms[..., QRS, OFFSET] - ms[..., QRS, ONSET],
        "qt_interval": ms[..., T, OFFSET] - ms[..., QRS, ONSET],
    }


def amplitudes(signal, notes):
    """Amplitudes at the marked peaks of one lead, less the level before the QRS."""
    values = {name: np.full(len(notes), np.nan) for name in AMPLITUDES}
    for beat, marks in enumerate(notes):
        if np.isnan(marks[QRS, ONSET]):
            continue
        onset = int(marks[QRS, ONSET])
        level = signal[max(onset - 10, 0) : max(onset - 2, 1)].mean()
        for wave, name in enumerate(AMPLITUDES):
            if np.isfinite(marks[wave, PEAK]):
                values[name][beat] = signal[int(marks[wave, PEAK])] - level
    return values


def with_neurokit2(signal):
    """Marks (n_beats, 3, 3) of one lead by neurokit2's wavelet delineation."""
    clean = neurokit2.ecg_clean(signal.astype(float), sampling_rate=RATE)
    peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE)[1]["ECG_R_Peaks"]
    marks = np.full((max(len(peaks), 1), 3, 3), np.nan)
    try:
        found = neurokit2.ecg_delineate(clean, peaks, sampling_rate=RATE, method="dwt")[1]
    except (ValueError, ZeroDivisionError):  # of records with too few beats: counted as missed
        return marks
    for wave, letter in enumerate("PRT"):
        names = (f"ECG_{letter}_Onsets", f"ECG_{letter}_Peaks", f"ECG_{letter}_Offsets")
        for point, name in enumerate(names):
            marks[:, wave, point] = peaks if name == "ECG_R_Peaks" else found[name]
    return marks


def median(values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(values)


def collect(records):
    """For each source, the value of each measurement in each record."""
    values = {}

    def put(source, name, value):
        values.setdefault((source, name), []).append(value)

    X = np.array([signals for signals, _ in records])
    features = BeatFeatures(sampling_rate=RATE).fit(X)
    table = dict(zip(features.get_feature_names_out(), features.transform(X).T))
    for i, (signals, notes) in enumerate(records):
        for name, value in intervals(notes).items():
            put("annotated, lead II", name, median(value[:, II]))
            put("annotated, all leads", name, median(value))
            put("BeatFeatures", name, table[f"global__{name}"][i])
        for name, value in amplitudes(signals[II], notes[:, II]).items():
            put("annotated, lead II", name, median(value))
        # R where the annotated peak is positive, the deeper of Q and S where it is negative.
        q, r, s = (table[f"II__{wave}_amplitude"][i] for wave in "qrs")
        upright = values["annotated, lead II", "qrs_peak"][-1] > 0
        put("BeatFeatures", "qrs_peak", r if upright else np.fmin(q, s))
        put("BeatFeatures", "p_amplitude", table["II__p_amplitude"][i])
        put("BeatFeatures", "t_amplitude", table["II__t_amplitude"][i])
        if neurokit2:
            marks = with_neurokit2(signals[II])
            for name, value in intervals(marks).items():
                put("neurokit2", name, median(value))
            for name, value in amplitudes(signals[II], marks).items():
                put("neurokit2", name, median(value))
    return {key: np.array(value) for key, value in values.items()}


def report(values, subjects, title):
    print(f"\n{title}")
    heads = f"{'reference':22}{'n':>4}{'missed':>8}{'bias':>9}{'limits of agreement':>24}"
    print(f"  {'':28}{heads}")
    for name in (*INTERVALS, *AMPLITUDES):
        digits = 1 if name in INTERVALS else 3
        for source, reference in (
            ("BeatFeatures", "annotated, lead II"),
            ("neurokit2", "annotated, lead II"),
            ("BeatFeatures", "annotated, all leads"),
        ):
            if (source, name) not in values or (reference, name) not in values:
                continue
            truth, found = values[reference, name][subjects], values[source, name][subjects]
            known = np.isfinite(truth)
            error = (found - truth)[known & np.isfinite(found)]
            spread = 1.96 * error.std(ddof=1)
            low, high = error.mean() - spread, error.mean() + spread
            print(
                f"  {name:14}{source:14}{reference:22}{len(error):4}{known.sum() - len(error):8}"
                f"{error.mean():9.{digits}f}{low:12.{digits}f} to {high:8.{digits}f}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder that holds LUDB's data/")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    ludb = load_ludb(args.folder, n_jobs=2)
    tables = dict(list(ludb.annotations.groupby("record")))
    records = [(x, annotations_by_beat(tables[i])) for i, x in enumerate(ludb.data)]
    values = collect(records)
    number = ludb.groups
    report(values, number % 2 == 0, "Even subjects (ms and mV)")
    report(values, number % 2 == 1, "Odd subjects (ms and mV): limits were set with these")


if __name__ == "__main__":
    main()
