"""Signals of PTB-XL that were drawn on paper, digitized, and compared with the originals.

    OMP_NUM_THREADS=1 python benchmarks/digitizer_ptbxl.py FOLDER

It prints, for each kind of page, how many pages are refused, the signal-to-noise ratio per lead in
dB (medians are subtracted, and both are aligned by less than one pixel), pages with leads in a
wrong place (another lead is nearer to the truth), and pages whose heart rate in lead II differs by
more than 2 %. Each arm has other records of the folds.

With ``--write``, the tables of accuracy and of time in docs/digitizing.rst are written, with
``--arms`` and nothing after it, that of time only. Times are CPU time per page, of pages of folds
1 to 6 that are digitized in turn.

Limits of the digitizer were chosen on folds 1 and 2. digitizer_infarction.py has the AUROC of
infarction.
"""

import argparse
import time

import numpy as np
import torch
from _tables import Table, write_tables
from _timing import interleave

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.augmentation import RandomPhoto, RandomScan
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.leads import STANDARD_LEADS
from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer

PAGE = "digitizing.rst"
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
    "3x4+1, 1700 x 2200": (dict(layout="3x4+1", image_size=LARGE), None),
}
TIMED = (
    "3x4+1, 850 x 1100",
    "3x4+1, 1700 x 2200",
    "3x4+1, 1700 x 2200, gray grid",
    "12x1, 1700 x 2200",
    "3x4+1, 1700 x 2200, scan",
    "3x4+1, 1700 x 2200, photo",
)
TIMED_FOLDS, TIMED_PAGES, REPEATS = (1, 2, 3, 4, 5, 6), 2, 3


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
    """Digitize pages, print a line, and return a row of the table."""
    options, transform = ARMS[name]
    pages = make_pages(X, options, transform, seed)
    start = time.process_time()
    bunch = ECGImageDigitizer(RATE, on_error="nan").digitize(pages)
    milliseconds = 1000 * (time.process_time() - start) / len(X)
    report = bunch.report
    good = np.flatnonzero(report["status"] == "digitized")
    pixel = (RATE / 25 / report["pixels_per_mm_x"]).to_numpy()
    compared = [compare(X[i], bunch.signals[i], pixel[i]) for i in good]
    decibels = np.concatenate([ratio for ratio, _ in compared] or [[np.nan]])
    known = decibels[~np.isnan(decibels)] if len(good) else np.full(1, np.nan)
    truth = np.where(np.isnan(bunch.signals[good]), np.nan, X[good])
    rates = heart_rates(bunch.signals[good]) / heart_rates(truth)
    rates = rates[~np.isnan(rates)]
    n_refused, n_wrong = len(X) - len(good), sum(wrong for _, wrong in compared)
    low, n_off = np.percentile(known, 5), (np.abs(rates - 1) > 0.02).sum()
    print(
        f"{name:32}{len(X):5}{n_refused:9}{np.median(known):8.1f}{low:8.1f}{n_wrong:7}"
        f"{n_off:6} / {len(rates):3}{milliseconds:7.0f}",
        flush=True,
    )
    reasons = report.loc[report["status"] == "refused", "reason_kind"].value_counts()
    if len(reasons):
        print(f"{'':34}refused: " + ", ".join(f"{k} {v}" for k, v in reasons.items()), flush=True)
    return [
        name,
        f"{n_refused} of {len(X)}",
        f"{np.median(known):.1f}",
        f"{low:.1f}",
        str(n_wrong),
        f"{n_off} of {len(rates)}",
    ]


def time_pages(ecg):
    """Return rows of the table of CPU times: the median of pages that are digitized in turn."""
    rng = np.random.default_rng(1)
    records = np.flatnonzero(np.isin(ecg.folds, TIMED_FOLDS))
    X = ecg.data[np.sort(rng.choice(records, TIMED_PAGES, replace=False))]
    digitizer = ECGImageDigitizer(RATE, on_error="nan")
    pages = {name: make_pages(X, *ARMS[name], seed=1) for name in TIMED}
    functions = {
        (name, i): lambda name=name, i=i: digitizer.digitize(pages[name][i : i + 1])
        for name in TIMED
        for i in range(TIMED_PAGES)
    }
    seconds = interleave(functions, repeats=REPEATS, clock=time.process_time)
    rows = []
    for name in TIMED:
        medians = 1000 * np.median([seconds[name, i] for i in range(TIMED_PAGES)], axis=1)
        values = [f"{value:.0f}" for value in (np.median(medians), medians.min(), medians.max())]
        print(f"{name:32}{values[0]:>7} ms ({values[1]} to {values[2]})", flush=True)
        rows.append([name, *values])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--records", type=int, default=40, help="of each arm")
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--arms", nargs="*", default=list(ARMS))
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder)
    records = np.flatnonzero(np.isin(ecg.folds, args.folds))
    rng = np.random.default_rng(0)
    print(
        f"{'':32}{'pages':>5}{'refused':>9}{'median':>8}{'5 %':>8}{'wrong':>7}{'rate':>12}{'ms':>7}"
    )
    assert tuple(ecg.lead_names) == tuple(STANDARD_LEADS)
    rows = []
    for arm in args.arms:
        chosen = rng.choice(records, min(args.records, len(records)), replace=False)
        rows.append(measure(arm, ecg.data[chosen], seed=1))
    times = time_pages(ecg)
    if args.write:
        command = "digitizer_ptbxl.py PTB_XL_FOLDER --write"
        header = ("page", "median (ms)", "faster page (ms)", "slower page (ms)")
        write_tables(PAGE, "digitizing-time", [Table("", header, times)], f"{command} --arms")
        if args.arms == list(ARMS):
            header = ("page", "refused", "median (dB)", "5th percentile (dB)")
            header += ("pages with a lead in a wrong place", "heart rate off by more than 2 %")
            command += f" --records {args.records}"
            write_tables(PAGE, "digitizing-accuracy", [Table("", header, rows)], command)


if __name__ == "__main__":
    main()
