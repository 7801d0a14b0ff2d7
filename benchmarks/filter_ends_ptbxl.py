"""How far from the ends of a record a band-pass filter is accurate: docs/preprocessing.rst.

    OMP_NUM_THREADS=1 python benchmarks/filter_ends_ptbxl.py PTB_XL_FOLDER [--write]

The second half of each record is filtered alone, and compared with the same half of the whole
filtered record, from where the half begins. ``--write`` replaces the text of the page.
"""

import argparse
import textwrap

import numpy as np
from _tables import write_tables

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BandpassFilter

# Seconds from the end at which the half was cut.
SPANS = ((0, 0.5), (0.5, 1.5), (1.5, 5))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--write", action="store_true", help="write the text of the page")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="all", folds=range(1, 10))
    X, rate = np.asarray(ecg.data), ecg.sampling_rate
    start = X.shape[2] // 2
    bandpass = BandpassFilter(sampling_rate=rate)
    whole = bandpass.fit_transform(X)[:, :, start:]
    alone = bandpass.fit_transform(np.ascontiguousarray(X[:, :, start:]))
    squares = np.square(whole - alone, dtype=np.float64)
    found = [
        np.sqrt(squares[:, :, round(first * rate) : round(last * rate)].mean())
        for first, last in SPANS
    ]
    text = (
        "If the second half of a record of PTB-XL is filtered alone, it differs from the same half "
        f"of the whole filtered record by {found[0]:.1g} mV (root mean square of {len(X):,} "
        f"records) in its first half second, by {found[1]:.1g} mV in the following second, and by "
        f"{found[2]:.1g} mV after that. Therefore, filter first and crop afterwards."
    )
    print(text)
    if args.write:
        command = "filter_ends_ptbxl.py PTB_XL_FOLDER"
        write_tables("preprocessing.rst", "ends", [textwrap.fill(text, 120)], command)


if __name__ == "__main__":
    main()
