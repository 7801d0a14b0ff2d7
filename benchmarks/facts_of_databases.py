"""What the documentation says about the records of several databases, without a model.

    OMP_NUM_THREADS=1 python benchmarks/facts_of_databases.py DATA_FOLDER [--write]

DATA_FOLDER contains ptbxl (with some records at 500 Hz), challenge2011, challenge2021, ludb and
multan_images, the prints of Khan and Hussain (2021, Mendeley Data). ``--write`` replaces a table of
docs/electrodes.rst (identities of the limb leads), of docs/beats.rst (QRS durations at several
rates) and of docs/evaluation.rst (thumbnails of prints and of their JPEG copies).
"""

import argparse
import io
from pathlib import Path

import numpy as np
from _tables import Table, make_rst, write_tables
from PIL import Image

from sklearn_ecg.datasets import load_challenge, load_ludb, load_ptbxl
from sklearn_ecg.preprocessing import BeatFeatures, Resampler, SignalQuality
from sklearn_ecg.utils._similar_records import _thumbnails

RATES = (250, 200, 100)
QUALITIES = (30, 50, 75, 90)


def count_identities(name, X, rate):
    """Return a row: records by what `SignalQuality.report` says about their limb leads."""
    quality = SignalQuality(sampling_rate=rate).fit(X)
    found = quality.report(X)["limb_leads"].to_numpy()
    consistent, exchanged = found == "consistent", found == "aVL and aVF exchanged"
    flat = (np.ptp(X[:, :6], axis=2) == 0).sum(axis=1)
    counts = (
        len(X),
        consistent.sum(),
        (consistent & (flat == 6)).sum(),
        exchanged.sum(),
        (~consistent & ~exchanged & (flat > 0)).sum(),
        (~consistent & ~exchanged & (flat == 0)).sum(),
    )
    return (name, *(f"{count:,}" for count in counts))


def identities_table(folder):
    """Return a table of the identities of Einthoven and Goldberger in four databases."""
    ptbxl = load_ptbxl(folder / "ptbxl", task="all", folds=range(1, 10))
    later = load_challenge(
        folder / "challenge2021",
        labels="all",
        unlabeled="keep",
        duration=5,
        longer="crop_start",
        resample_to=500,
    )
    ludb = load_ludb(folder / "ludb")
    stored = np.load(folder / "challenge2011/X_100hz_int16_5uV.npz")["X"]
    signals = stored.transpose(0, 2, 1) * np.float32(0.005)
    rows = [
        count_identities("PTB-XL, folds 1-9", np.asarray(ptbxl.data), 100),
        count_identities("Challenges 2020 and 2021", np.asarray(later.data), 500),
        count_identities("Challenge 2011, converted from text files", signals, 100),
        count_identities("LUDB, each lead scaled to the same range", np.asarray(ludb.data), 500),
    ]
    header = (
        *("", "records", "consistent", "of these, all limb leads flat", "aVL and aVF exchanged"),
        *("other faults, with a flat limb lead", "other faults"),
    )
    return Table("Limb leads", header, rows, widths=(30, 11, 12, 12, 12, 12, 11))


def durations_table(folder):
    """Return a table of QRS durations of the same records at several rates."""
    ecg = load_ptbxl(
        folder / "ptbxl",
        task="all",
        folds=range(1, 10),
        sampling_rate=500,
        missing="drop",
    )
    X = np.asarray(ecg.data)

    def measure(rate):
        signals = X if rate == 500 else Resampler(rate, sampling_rate=500).fit_transform(X)
        features = BeatFeatures(rate, drop_empty=False).set_output(transform="pandas")
        return features.fit_transform(signals)["global__qrs_duration"].to_numpy()

    reference = measure(500)
    rows = []
    for rate in RATES:
        longer = measure(rate) - reference
        longer = longer[~np.isnan(longer)]
        share = f"{100 * np.mean(longer > 20):.1f} %"
        rows.append((f"{rate} Hz", f"{len(longer)}", f"{np.median(longer):.1f}", share))
    header = ("rate", "records", "longer by, ms (median)", "longer by more than 20 ms")
    return Table("QRS durations, compared with 500 Hz", header, rows)


def thumbnails_table(folder):
    """Return a table of the correlations of the thumbnails of different prints and of copies."""
    originals, copies = [], {quality: [] for quality in QUALITIES}
    for path in sorted((folder / "multan_images").glob("*/*.jpg")):
        with Image.open(path) as file:
            image = file.convert("L")
        originals.append(_thumbnails(np.asarray(image)[np.newaxis])[0])
        for quality in QUALITIES:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality)
            copy = np.asarray(Image.open(buffer))
            copies[quality].append(_thumbnails(copy[np.newaxis])[0])
    originals = np.array(originals)
    different = originals @ originals.T
    np.fill_diagonal(different, -1)
    rows = [("two different prints, largest", f"{different.max():.3f}".lstrip("0"))]
    for quality in QUALITIES:
        lowest = np.sum(originals * copies[quality], axis=1).min()
        name = f"a print and its JPEG copy of quality {quality}, smallest"
        rows.append((name, f"{lowest:.3f}".lstrip("0")))
    return Table(f"{len(originals)} prints of one device", ("thumbnails", "correlation"), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="write the tables of the pages")
    args = parser.parse_args()
    parts = (
        ("electrodes.rst", "identities", identities_table),
        ("beats.rst", "rates", durations_table),
        ("evaluation.rst", "thumbnails", thumbnails_table),
    )
    for page, name, make_table in parts:
        table = make_table(args.folder)
        print(make_rst(table), flush=True)
        if args.write:
            write_tables(page, name, [table], "facts_of_databases.py DATA_FOLDER")


if __name__ == "__main__":
    main()
