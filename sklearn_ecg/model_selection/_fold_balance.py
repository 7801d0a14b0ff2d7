"""Report of the balance of labels between the test sets of splits."""

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from ._disjoint import list_splits
from ._label_counts import count_per_patient, number_patients, read_labels


@validate_params(
    {
        "cv": ["cv_object"],
        "X": ["array-like"],
        "y": ["array-like", "sparse matrix"],
        "groups": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def fold_balance(cv, X, y, groups=None):
    """Report the share of each label in each test set, and the largest difference.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        As in `sklearn.model_selection.cross_validate`.
    X : array-like, DataFrame or lead frame
        Records, of which only the number is used.
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1.
    groups : array-like of shape (n_records,), default=None
        Patient of each record, which is also passed to the splitter. If None, each record counts
        as a patient.

    Returns
    -------
    table : DataFrame
        One row per class or label, named by the columns of a DataFrame ``y``, by the classes, or by
        numbers from 0. A last row "records" has the sizes of the test sets. The columns are:

        - ``n_positive`` and ``n_groups``: the number of records with the label, and of patients
          with such a record;
        - ``share``: the share of the label among all records;
        - ``test_0``, ``test_1``, ...: the share of the label among the records of each test set. In
          the row "records", the share of all records that are in the test set;
        - ``max_difference``: the largest difference between the shares of two test sets, or of the
          test set and the training set of a split.

    Raises
    ------
    ValueError
        If lengths differ, a label or a patient is missing, a test set is empty, `cv` has no splits
        or indices that are not in X, or it is an iterator, which could be used only once.

    See Also
    --------
    MultilabelStratifiedGroupKFold : Splitter that keeps the differences small.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import KFold
    >>> from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold, fold_balance
    >>> rng = np.random.RandomState(0)
    >>> patients = rng.randint(100, size=200)
    >>> X, y = np.zeros((200, 1)), (rng.rand(200, 2) < [0.4, 0.1]).astype(int)
    >>> fold_balance(KFold(3), X, y, patients).iloc[:, 2:].round(2)
             share  test_0  test_1  test_2  max_difference
    label
    0         0.37    0.40    0.30    0.41            0.11
    1         0.09    0.10    0.10    0.06            0.04
    records   0.33    0.34    0.34    0.33            0.01
    >>> cv = MultilabelStratifiedGroupKFold(3)
    >>> fold_balance(cv, X, y, patients).iloc[:, 2:].round(2)
             share  test_0  test_1  test_2  max_difference
    label
    0         0.37    0.37    0.36    0.38            0.02
    1         0.09    0.09    0.09    0.09            0.00
    records   0.33    0.34    0.34    0.33            0.01
    """
    n_records = X.shape[0] if hasattr(X, "shape") else len(X)
    indicator, names, _ = read_labels(y, n_records)
    patients, n_patients = number_patients(groups, n_records)
    counts = count_per_patient(indicator, patients, n_patients)
    splits = list_splits(cv, n_records, y, groups)
    rows = np.column_stack([indicator, np.ones(n_records, dtype=np.intp)])
    shares, differences = [], []
    for number, split in enumerate(splits):
        if not all(map(len, split)):
            raise ValueError(f"Split {number} has an empty training set or test set.")
        train, test = (rows[part].mean(axis=0) for part in split)
        test[-1], train[-1] = len(split[1]) / n_records, np.nan
        shares.append(test)
        differences.append(np.abs(test - train))
    shares, differences = np.array(shares), np.array(differences)
    differences[:, -1] = 0  # a test set and its training set may differ in size
    table = pd.DataFrame(
        {
            "n_positive": np.append(indicator.sum(axis=0), n_records),
            "n_groups": np.append((counts[:, 1:] > 0).sum(axis=0), n_patients),
            "share": np.append(indicator.mean(axis=0), shares[:, -1].mean()),
            **{f"test_{number}": share for number, share in enumerate(shares)},
            "max_difference": np.maximum(np.ptp(shares, axis=0), differences.max(axis=0)),
        },
        index=pd.Index([*names, "records"], name="label"),
    )
    return table
