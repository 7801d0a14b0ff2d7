"""Signals of PTB-XL that were drawn on paper, digitized, and compared with the originals.

    OMP_NUM_THREADS=1 python benchmarks/digitizer_ptbxl.py FOLDER

It prints, for each kind of page, how many pages are refused, the signal-to-noise ratio per lead in
dB (medians are subtracted, and both are aligned by less than one pixel), pages with leads in a
wrong place (another lead is nearer to the truth), and pages whose heart rate in lead II differs by
more than 2 %. Each arm has other records of the folds.

Limits of the digitizer were chosen on folds 1 and 2. digitizer_infarction.py has the AUROC of
infarction.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--records", type=int, default=40, help="of each arm")
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder)
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
