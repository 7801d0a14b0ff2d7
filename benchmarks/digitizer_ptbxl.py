"""Signals of PTB-XL that were drawn on paper, digitized, and compared with the originals.

    OMP_NUM_THREADS=1 python benchmarks/digitizer_ptbxl.py FOLDER [--write]

It counts, for each kind of page, how many pages are refused, the signal-to-noise ratio per lead in
dB (medians are subtracted, and both are aligned by less than one pixel), pages with a lead in a
wrong place (another lead is nearer to the truth), and pages whose heart rate is within 2 % of that
of the same parts of the original: that of all printed leads, as `detect_r_peaks` measures it in
records with gaps, and that of lead II alone, where it is printed for 4 s or more. Each kind has
other records of the folds. ``--write`` writes the tables of docs/digitizing.rst, of pages with a
grid, without one, and with one that is about as dark as the traces. Finished kinds are kept in
benchmarks/results. ``--time`` measures the CPU time per page instead, with pages of folds 1 to 6
that are digitized in turn.

Limits of the digitizer were chosen on folds 1 to 6. digitizer_infarction.py has the AUROC of
infarction.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from _results import cached_arrays, code_hash
from _study import hash_arrays
from _tables import Table, make_rst, write_tables
from _timing import interleave

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.augmentation import RandomPhoto, RandomScan
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.leads import STANDARD_LEADS
from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer

RATE = 100
SMALL, LARGE = (850, 1100), (1700, 2200)
PAGE = "digitizing.rst"
HEADER = "GENERAL HOSPITAL   ID 123456   Male   61 years\n25 mm/s  10 mm/mV  0.05-150 Hz"
# Name, parameters of the renderer, and a transform of the images.
ARMS = {
    "3x4, 850 x 1100": (dict(layout="3x4", rhythm_lead=None), None),
    "3x4+1, 850 x 1100": (dict(layout="3x4+1"), None),
    "3x4+1, green grid, header, lines between columns, 850 x 1100": (
        dict(layout="3x4+1", grid_color="green", header=HEADER, separators="lines"),
        None,
    ),
    "3x4+3, gray image, 850 x 1100": (dict(layout="3x4+3", color="gray"), None),
    "6x2, blue grid, 850 x 1100": (dict(layout="6x2", rhythm_lead=None, grid_color="blue"), None),
    "12x1, 1700 x 2200": (dict(layout="12x1", image_size=LARGE), None),
    "3x4+1, gray grid, 1700 x 2200": (
        dict(layout="3x4+1", image_size=LARGE, grid_color="gray"),
        None,
    ),
    "3x4+1, scanner effects, 1700 x 2200": (
        dict(layout="3x4+1", image_size=LARGE),
        RandomScan(1.0),
    ),
    "3x4+1, effects of a camera, 1700 x 2200": (
        dict(layout="3x4+1", image_size=LARGE),
        RandomPhoto(1.0),
    ),
    "12x1, effects of a camera, 1700 x 2200": (
        dict(layout="12x1", image_size=LARGE),
        RandomPhoto(1.0),
    ),
    "3x4+1, 1700 x 2200": (dict(layout="3x4+1", image_size=LARGE), None),
}


class TwoLevels:
    """Black and white, of which lines of a grid that are lighter than a threshold become white."""

    def __init__(self, threshold=0.5):
        self.threshold = threshold

    def __call__(self, images, random_state=None):
        return (images > self.threshold).to(images.dtype)

    def __repr__(self):
        return f"TwoLevels({self.threshold})"


PLAIN_ARMS = {
    "3x4, 850 x 1100": (dict(layout="3x4", rhythm_lead=None, grid=False), None),
    "3x4+1, header, lines between columns, 850 x 1100": (
        dict(layout="3x4+1", header=HEADER, separators="lines", grid=False),
        None,
    ),
    "6x2, 850 x 1100": (dict(layout="6x2", rhythm_lead=None, grid=False), None),
    "12x1, 1700 x 2200": (dict(layout="12x1", image_size=LARGE, grid=False), None),
    "3x4+1, 1700 x 2200": (dict(layout="3x4+1", image_size=LARGE, grid=False), None),
    "3x4+1, black and white, 850 x 1100": (dict(layout="3x4+1"), TwoLevels()),
    "3x4+1, black and white, 1700 x 2200": (dict(layout="3x4+1", image_size=LARGE), TwoLevels()),
    "3x4+1, scanner effects, 1700 x 2200": (
        dict(layout="3x4+1", image_size=LARGE, grid=False),
        RandomScan(1.0),
    ),
    "3x4+1, effects of a camera, 1700 x 2200": (
        dict(layout="3x4+1", image_size=LARGE, grid=False),
        RandomPhoto(1.0),
    ),
}
# Lines of 5 mm have these colors, and those of 1 mm are half as dark.
DARK_ARMS = {
    "#606060, 850 x 1100": (dict(grid_color="#606060"), None),
    "#606060, 1700 x 2200": (dict(grid_color="#606060", image_size=LARGE), None),
    "#606060, scanner effects, 850 x 1100": (dict(grid_color="#606060"), RandomScan(1.0)),
    "#606060, scanner effects, 1700 x 2200": (
        dict(grid_color="#606060", image_size=LARGE),
        RandomScan(1.0),
    ),
    "#606060, effects of a camera, 1700 x 2200": (
        dict(grid_color="#606060", image_size=LARGE),
        RandomPhoto(1.0),
    ),
    "black, 1700 x 2200": (dict(grid_color="#000000", image_size=LARGE), None),
    "black, scanner effects, 1700 x 2200": (
        dict(grid_color="#000000", image_size=LARGE),
        RandomScan(1.0),
    ),
    "black and white, only lines of 5 mm, 1700 x 2200": (
        dict(grid_color="#606060", image_size=LARGE),
        TwoLevels(0.66),
    ),
    "black and white, all lines, 1700 x 2200": (
        dict(grid_color="#000000", image_size=LARGE),
        TwoLevels(0.66),
    ),
}
TIMED = {
    name: ARMS[name]
    for name in (
        "3x4+1, 850 x 1100",
        "3x4+1, 1700 x 2200",
        "3x4+1, gray grid, 1700 x 2200",
        "12x1, 1700 x 2200",
        "3x4+1, scanner effects, 1700 x 2200",
        "3x4+1, effects of a camera, 1700 x 2200",
    )
}
TIMED["3x4+1, no grid, 1700 x 2200"] = PLAIN_ARMS["3x4+1, 1700 x 2200"]
TIMED["3x4+1, no grid, scanner effects, 1700 x 2200"] = PLAIN_ARMS[
    "3x4+1, scanner effects, 1700 x 2200"
]
TABLES = {"accuracy": ARMS, "without-grid": PLAIN_ARMS, "dark-grids": DARK_ARMS}
TIMED_FOLDS, TIMED_PAGES, REPEATS = (1, 2, 3, 4, 5, 6), 10, 3

HEADINGS = [
    "page",
    "refused",
    "median (dB)",
    "5th percentile (dB)",
    "worst lead (dB)",
    "pages with a lead in a wrong place",
    "heart rate within 2 %",
    "of lead II alone",
]


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
    """Return beats per minute of each record, by all of its printed leads."""
    rates = np.full(len(signals), np.nan)
    known = np.flatnonzero(~np.isnan(signals).all(axis=(1, 2)))
    if len(known):
        rates[known] = detect_r_peaks(signals[known], RATE, lead_names=STANDARD_LEADS).heart_rate()
    return rates


def heart_rates_of_lead_ii(signals):
    """Return beats per minute in lead II alone, where at least 4 s of it are known."""
    rates = np.full(len(signals), np.nan)
    for i, signal in enumerate(signals):
        known = ~np.isnan(signal[1])
        if known.sum() < 4 * RATE:
            continue
        rhythm = detect_r_peaks(signal[None, 1:2, known], RATE)
        if len(rhythm.peaks[0]) > 2:
            rates[i] = rhythm.heart_rate()[0]
    return rates


def measure(arm, X, seed):
    """Return what is found on the pages of a kind, one value per page or per lead."""
    options, transform = arm
    pages = make_pages(X, options, transform, seed)
    bunch = ECGImageDigitizer(RATE, on_error="nan").digitize(pages)
    report = bunch.report
    pixel = (RATE / 25 / report["pixels_per_mm_x"]).to_numpy(dtype=float)
    decibels, is_wrong = np.full((len(X), 12), np.nan), np.zeros(len(X), dtype=bool)
    good = np.flatnonzero(report["status"] == "digitized")
    for i in good:
        decibels[i], is_wrong[i] = compare(X[i], bunch.signals[i], pixel[i])
    truth = np.where(np.isnan(bunch.signals), np.nan, X)
    return {
        "reason": report["reason_kind"].to_numpy(dtype=str),
        "decibels": decibels,
        "wrong": is_wrong,
        "rates": heart_rates(bunch.signals) / heart_rates(truth),
        "rates_ii": heart_rates_of_lead_ii(bunch.signals) / heart_rates_of_lead_ii(truth),
    }


def make_row(name, found):
    """Return a row of the table, of one kind of page or of several."""
    decibels = found["decibels"][~np.isnan(found["decibels"])]
    rates = [found[name][~np.isnan(found[name])] for name in ("rates", "rates_ii")]
    kinds, counts = np.unique(found["reason"][found["reason"] != ""], return_counts=True)
    levels = 3 * ["-"]
    if len(decibels):
        levels = [f"{value:.1f}" for value in np.percentile(decibels, [50, 5, 0])]
    reasons = ", ".join(f"{kind} {count}" for kind, count in zip(kinds, counts))
    return [
        name,
        f"{counts.sum()} of {len(found['reason'])}" + (f" ({reasons})" if reasons else ""),
        *levels,
        int(found["wrong"].sum()),
        *(f"{(np.abs(ratio - 1) <= 0.02).sum()} of {len(ratio)}" for ratio in rates),
    ]


def time_pages(ecg):
    """Return rows of the table of CPU times: the median of pages that are digitized in turn."""
    rng = np.random.default_rng(1)
    records = np.flatnonzero(np.isin(ecg.folds, TIMED_FOLDS))
    X = ecg.data[np.sort(rng.choice(records, TIMED_PAGES, replace=False))]
    digitizer = ECGImageDigitizer(RATE, on_error="nan")
    pages = {name: make_pages(X, *arm, seed=1) for name, arm in TIMED.items()}
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
        print(f"{name:46}{values[0]:>7} ms ({values[1]} to {values[2]})", flush=True)
        rows.append([name, *values])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--records", type=int, default=40, help="of each kind")
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--arms", nargs="+", choices=[*ARMS, *PLAIN_ARMS, *DARK_ARMS])
    parser.add_argument("--time", action="store_true", help="measure the time of pages instead")
    parser.add_argument("--write", action="store_true", help="the table of docs/digitizing.rst")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder)
    assert tuple(ecg.lead_names) == tuple(STANDARD_LEADS)
    if args.time:
        rows = time_pages(ecg)
        if args.write:
            header = ("page", "median (ms)", "fastest page (ms)", "slowest page (ms)")
            command = "digitizer_ptbxl.py PTB_XL_FOLDER --time --write"
            write_tables(PAGE, "digitizing-time", [Table("", header, rows)], command)
        return
    code = code_hash("paper", "beats", "preprocessing")
    records = np.flatnonzero(np.isin(ecg.folds, args.folds))
    for name, arms in TABLES.items():
        rng = np.random.default_rng(0)
        rows, found = [], []
        # Each kind has its own records, whichever kinds are chosen.
        for arm, (options, transform) in arms.items():
            X = ecg.data[rng.choice(records, min(args.records, len(records)), replace=False)]
            if args.arms is None or arm in args.arms:
                key = f"accuracy of {arm}: {options} {transform} {hash_arrays(X)}, code {code}"
                compute = partial(measure, (options, transform), X, seed=1)
                found.append(cached_arrays(None, key, compute))
                rows.append(make_row(arm, found[-1]))
                print(rows[-1], flush=True)
        if not rows:
            continue
        every = {column: np.concatenate([kind[column] for kind in found]) for column in found[0]}
        table = Table("", HEADINGS, [*rows, make_row("all", every)])
        print(make_rst(table))
        if args.write:
            command = f"digitizer_ptbxl.py PTB_XL_FOLDER --records {args.records} --write"
            write_tables(PAGE, name, [table], command)


if __name__ == "__main__":
    main()
