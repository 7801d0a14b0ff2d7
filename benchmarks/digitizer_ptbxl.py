"""Signals of PTB-XL that were drawn on paper, digitized, and compared with the originals.

    OMP_NUM_THREADS=1 python benchmarks/digitizer_ptbxl.py FOLDER
    OMP_NUM_THREADS=1 python benchmarks/digitizer_ptbxl.py FOLDER --infarction

The first command prints, for each kind of page, how many pages are refused, the signal-to-noise
ratio per lead in dB (medians are subtracted, and both are aligned by less than one pixel), pages
with leads in a wrong place (another lead is nearer to the truth), and pages whose heart rate in
lead II differs by more than 2 %. Each arm has other records of the folds.

The second one prints the AUROC of infarction from BeatFeatures and gradient boosting, out of fold,
for the originals and for digitized pages of layout 12x1, with a paired interval.

Limits of the digitizer were chosen on folds 1 and 2.
"""

import argparse
import time

import numpy as np
import torch

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.augmentation import RandomPhoto, RandomScan
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.leads import STANDARD_LEADS
from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer

RATE = 100
SMALL, LARGE = (850, 1100), (1700, 2200)
HEADER = "GENERAL HOSPITAL   ID 123456   Male   61 years\n25 mm/s  10 mm/mV  0.05-150 Hz"
# Name, parameters of the renderer, and a transform of the images.
ARMS = {
    "3x4, 850 x 1100": (dict(layout="3x4", rhythm_lead=None), None),
    "3x4+1, 850 x 1100": (dict(layout="3x4+1"), None),
    "3x4+1, green, header, lines": (
        dict(layout="3x4+1", grid_color="green", header=HEADER, separators="lines"),
        None,
    ),
    "3x4+3, gray image": (dict(layout="3x4+3", color="gray"), None),
    "6x2, blue": (dict(layout="6x2", rhythm_lead=None, grid_color="blue"), None),
    "12x1, 1700 x 2200": (dict(layout="12x1", image_size=LARGE), None),
    "3x4+1, 1700 x 2200, gray grid": (
        dict(layout="3x4+1", image_size=LARGE, grid_color="gray"),
        None,
    ),
    "3x4+1, 1700 x 2200, scan": (dict(layout="3x4+1", image_size=LARGE), RandomScan(1.0)),
    "3x4+1, 1700 x 2200, photo": (dict(layout="3x4+1", image_size=LARGE), RandomPhoto(1.0)),
    "12x1, 1700 x 2200, photo": (dict(layout="12x1", image_size=LARGE), RandomPhoto(1.0)),
}


def make_pages(X, options, transform, seed):
    """Return images of records, after a random transform."""
    options = {"image_size": SMALL, "color": "rgb", **options}
    images = ECGImageRenderer(RATE, **options).fit_transform(X)
    if transform is None:
        return images
    channels = torch.as_tensor(images).permute(0, 3, 1, 2) / 255
    changed = [transform(image[None], random_state=seed + i) for i, image in enumerate(channels)]
    changed = [image[0] if isinstance(image, tuple) else image for image in changed]
    return (torch.cat(changed).permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()


def compare(truth, signals, pixel):
    """Return the ratio in dB of each lead, and whether a lead is nearer to another one."""
    decibels, is_elsewhere = np.full(12, np.nan), False
    for lead in range(12):
        known = np.flatnonzero(~np.isnan(signals[lead]))
        found = signals[lead, known] - np.median(signals[lead, known])
        errors = np.full(12, np.inf)
        for shift in np.linspace(-pixel, pixel, 9):
            at = np.clip(known + shift, 0, truth.shape[1] - 1)
            for other in range(12) if shift == 0 else [lead]:
                expected = np.interp(at, np.arange(truth.shape[1]), truth[other])
                expected = expected - np.median(expected)
                errors[other] = min(errors[other], ((found - expected) ** 2).sum())
        expected = truth[lead, known] - np.median(truth[lead, known])
        energy = (expected**2).sum()
        decibels[lead] = 10 * np.log10(energy / errors[lead])
        # Flat leads are near to each other.
        is_elsewhere |= errors[lead] > errors.min() and errors[lead] > 0.5 * energy
    return decibels, is_elsewhere


def heart_rates(signals):
    """Return beats per minute from the median interval in lead II, where it is known."""
    rates = np.full(len(signals), np.nan)
    for i, signal in enumerate(signals):
        known = ~np.isnan(signal[1])
        if known.sum() < 4 * RATE:
            continue
        peaks = detect_r_peaks(signal[None, 1:2, known], RATE).peaks[0]
        if len(peaks) > 2:
            rates[i] = 60 * RATE / np.median(np.diff(peaks))
    return rates


def measure(name, X, seed):
    options, transform = ARMS[name]
    pages = make_pages(X, options, transform, seed)
    start = time.process_time()
    bunch = ECGImageDigitizer(RATE, on_error="nan").digitize(pages)
    seconds = (time.process_time() - start) / len(X)
    report = bunch.report
    good = np.flatnonzero(report["status"] == "digitized")
    pixel = (RATE / 25 / report["pixels_per_mm_x"]).to_numpy()
    compared = [compare(X[i], bunch.signals[i], pixel[i]) for i in good]
    decibels = np.concatenate([ratio for ratio, _ in compared] or [[np.nan]])
    known = decibels[~np.isnan(decibels)] if len(good) else np.full(1, np.nan)
    truth = np.where(np.isnan(bunch.signals[good]), np.nan, X[good])
    rates = heart_rates(bunch.signals[good]) / heart_rates(truth)
    rates = rates[~np.isnan(rates)]
    print(
        f"{name:32}{len(X):5}{len(X) - len(good):9}{np.median(known):8.1f}"
        f"{np.percentile(known, 5):8.1f}{sum(wrong for _, wrong in compared):7}"
        f"{(np.abs(rates - 1) > 0.02).sum():6} / {len(rates):3}{1000 * seconds:7.0f}",
        flush=True,
    )
    reasons = report.loc[report["status"] == "refused", "reason_kind"].value_counts()
    if len(reasons):
        print(f"{'':34}refused: " + ", ".join(f"{k} {v}" for k, v in reasons.items()), flush=True)


def infarction(ecg, folds):
    """Compare the AUROC of digitized and of original signals."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    from sklearn_ecg.metrics import auroc_score, bootstrap_difference
    from sklearn_ecg.preprocessing import BeatFeatures

    names = list(ecg.target_names)
    is_mi, is_normal = ecg.target[:, names.index("MI")], ecg.target[:, names.index("NORM")]
    used = np.flatnonzero(np.isin(ecg.folds, folds) & (is_mi != is_normal))
    X, y, groups = ecg.data[used], is_mi[used], ecg.groups[used]
    signals = np.full_like(X, np.nan)
    options = dict(layout="12x1", image_size=LARGE, color="rgb")
    for i in range(len(X)):
        pages = ECGImageRenderer(RATE, **options).fit_transform(X[i : i + 1])
        signals[i] = ECGImageDigitizer(RATE, on_error="nan").transform(pages)[0]
    complete = ~np.isnan(signals).all(axis=2).any(axis=1)
    print(f"{len(X)} records, {y.sum()} with infarction; {(~complete).sum()} pages refused")
    X, y, groups, signals = X[complete], y[complete], groups[complete], signals[complete]
    # The last time point of a row may be missing.
    for record, lead in np.ndindex(signals.shape[:2]):
        row = signals[record, lead]
        known = np.flatnonzero(~np.isnan(row))
        signals[record, lead] = np.interp(np.arange(len(row)), known, row[known])
    probabilities = {}
    for name, data in {"signals": X, "digitized": signals}.items():
        classifier = HistGradientBoostingClassifier(max_iter=100, random_state=0)
        model = make_pipeline(BeatFeatures(RATE), classifier)
        probabilities[name] = cross_val_predict(
            model, data, y, groups=groups, cv=GroupKFold(5), method="predict_proba"
        )[:, 1]
        print(f"  {name}: AUROC {auroc_score(y, probabilities[name]):.3f}")
    interval = bootstrap_difference(
        auroc_score,
        y,
        probabilities["digitized"],
        probabilities["signals"],
        groups=groups,
        random_state=0,
    )
    print(f"  difference: {interval}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--records", type=int, default=40, help="of each arm")
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--infarction", action="store_true")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder)
    if args.infarction:
        infarction(ecg, args.folds)
        return
    records = np.flatnonzero(np.isin(ecg.folds, args.folds))
    rng = np.random.default_rng(0)
    print(
        f"{'':32}{'pages':>5}{'refused':>9}{'median':>8}{'5 %':>8}{'wrong':>7}{'rate':>12}{'ms':>7}"
    )
    for arm in args.arms:
        chosen = rng.choice(records, min(args.records, len(records)), replace=False)
        measure(arm, ecg.data[chosen], seed=1)
    assert tuple(ecg.lead_names) == tuple(STANDARD_LEADS)


if __name__ == "__main__":
    main()
