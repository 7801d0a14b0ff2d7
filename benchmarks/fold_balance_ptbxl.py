"""How evenly splitters divide the superclasses of PTB-XL among five folds.

    python benchmarks/fold_balance_ptbxl.py PTB_XL_FOLDER [--write]

Records are those of folds 1-9 with a superclass. For each label, the largest minus the smallest
share of positive records among the test sets of the five folds is printed. ``--write`` replaces
the table of docs/evaluation.rst.
"""

import argparse

import numpy as np
from _tables import Table, drop_zeros, write_tables
from sklearn.model_selection import GroupKFold

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold

SPLITTERS = (GroupKFold(5), MultilabelStratifiedGroupKFold(5))


def largest_difference(splitter, y, patients):
    """Return the range over the folds of the share of each label in the test records."""
    splits = splitter.split(np.zeros((len(y), 1)), y, patients)
    return np.ptp([y[test].mean(axis=0) for _, test in splits], axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="superclass", folds=range(1, 10))
    y, patients = np.asarray(ecg.target), np.asarray(ecg.groups)
    found = [largest_difference(splitter, y, patients) for splitter in SPLITTERS]
    rows = [
        (label, *(drop_zeros(f"{value:.4f}") for value in values))
        for label, *values in zip(ecg.target_names, *found)
    ]
    title = f"Superclasses of {len(y):,} records of {len(np.unique(patients)):,} patients"
    table = Table(title, ("label", *(type(cv).__name__ for cv in SPLITTERS)), rows)
    print("\n".join([title, *(", ".join(row) for row in (table.header, *rows))]))
    if args.write:
        write_tables("evaluation.rst", "folds", [table], "fold_balance_ptbxl.py PTB_XL_FOLDER")


if __name__ == "__main__":
    main()
