"""Kinds of y, sample_weight and groups that classifiers take, and those that they refuse."""

import decimal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder, ECGNetClassifier, MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import lead_importance

X, Y = make_ecg(12, duration=2, prevalence=0.5, return_X_y=True, random_state=0)
TEXT = np.where(Y, "MI", "NORM")
OPTIONS = {"max_epochs": 1, "random_state": 0, "device": "cpu"}
CLASSIFIERS = {
    "MSAICNet": MSAICNetClassifier(filters=(4,), dilations=(1,), **OPTIONS),
    "ECGNet": ECGNetClassifier(module_params={"width": 4, "n_blocks": 1}, **OPTIONS),
    "ACLECG": ACLECGClassifier(ACLECGEncoder(sampling_rate=100, max_epochs=0), **OPTIONS),
    "unlabeled": ACLECGClassifier(
        ACLECGEncoder(sampling_rate=100, max_epochs=0), unlabeled=-1, **OPTIONS
    ),
}


@pytest.fixture(params=CLASSIFIERS)
def clf(request):
    return clone(CLASSIFIERS[request.param])


ACCEPTED = {
    "bool": Y == 1,
    "float": Y.astype(float),
    "float16": Y.astype(np.float16),
    "uint8": Y.astype(np.uint8),
    "large integers": Y * 2**40,
    "categories": pd.Series(pd.Categorical(TEXT)),
    "unused category": pd.Series(pd.Categorical(TEXT, categories=["HYP", "NORM", "MI"])),
    "Int64": pd.Series(Y, dtype="Int64"),
    "boolean": pd.Series(Y == 1, dtype="boolean"),
    "string": pd.Series(TEXT, dtype="string"),
    "integers of Arrow": pd.Series(Y, dtype="int64[pyarrow]"),
    "dates": pd.Series(pd.to_datetime(np.where(Y, "2020", "2021"))),
    "read-only": np.broadcast_to(Y, Y.shape),
    "text 'nan'": np.where(Y, "nan", "NORM"),
    "frame": pd.DataFrame({"MI": Y, "NORM": 1 - Y}),
    "indicator of bool": np.c_[Y == 1, Y == 0],
    "sparse": csr_matrix(np.c_[Y, 1 - Y]),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_accepted(kind):
    y = ACCEPTED[kind]
    fitted = clone(CLASSIFIERS["MSAICNet"]).fit(X, y)
    expected = np.arange(2) if np.ndim(y) == 2 or kind == "sparse" else np.unique(np.asarray(y))
    np.testing.assert_array_equal(fitted.classes_, expected)
    assert fitted.predict_proba(X).shape == (12, 2)


SOME_MISSING = ["MI", np.nan, *TEXT[2:]]
REFUSED = {
    "integers of dtype object": (Y.astype(object), r"labels of type int\. Convert .*astype\(int"),
    "bool of dtype object": ((Y == 1).astype(object), r"labels of type bool"),
    "decimals": ([decimal.Decimal(int(i)) for i in Y], "labels of type Decimal"),
    "masked": (np.ma.array(Y, mask=[1] + [0] * 11), "y is an array with 1 masked values"),
    "NaN among strings": (SOME_MISSING, "1 label.s. are missing .* record 1"),
    "None among strings": (["MI", None, *TEXT[2:]], "1 label.s. are missing .* record 1"),
    "NA": (pd.Series([pd.NA, *Y[1:]], dtype="Int64"), "1 label.s. are missing .* record 0"),
    "infinity": (np.where(np.arange(12) == 2, np.inf, Y), "missing or infinite, .* record 2"),
    "fractions": (Y * 0.5, "continuous. y contains numbers such as 0.5"),
    "one class": (Y * 0, "at least 2 classes, got 1 class: 0"),
    "a number": (1, r"y must have shape \(n_records,\) .* got int"),
    "a string": ("MI", r"y must have shape \(n_records,\) .* got str"),
    "a set": ({0, 1}, r"y must have shape \(n_records,\) .* got set"),
    "three dimensions": (np.zeros((12, 2, 2)), r"got shape \(12, 2, 2\)"),
    "lists of labels": ([["MI"], ["MI", "HYP"]] * 6, "MultiLabelBinarizer"),
    "indicator of 2": (np.c_[Y, 1 - Y] * 2, "0 and 1 only"),
    "too few": (Y[:-1], "inconsistent numbers of samples"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind):
    y, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        clone(CLASSIFIERS["MSAICNet"]).fit(X, y)


MASK = np.arange(12) == 3


@pytest.mark.parametrize("argument", ["y", "sample_weight", "groups"])
def test_masks_are_not_lost(argument, clf):
    arguments = {"y": Y, "sample_weight": np.ones(12), "groups": np.arange(12)}
    arguments[argument] = np.ma.array(arguments[argument], mask=MASK)
    with pytest.raises(ValueError, match=f"{argument} is an array with 1 masked values"):
        clf.fit(X, **arguments)
    arguments[argument] = np.ma.array(arguments[argument].data)
    clf.fit(X, **arguments)


@pytest.mark.parametrize("argument", ["y", "sample_weight"])
def test_masks_are_not_lost_in_scores(argument):
    fitted = clone(CLASSIFIERS["MSAICNet"]).fit(X, Y)
    arguments = {"y": Y, "sample_weight": np.ones(12)}
    arguments[argument] = np.ma.array(arguments[argument], mask=MASK)
    with pytest.raises(ValueError, match=f"{argument} is an array with 1 masked values"):
        lead_importance(fitted, X, **arguments, n_repeats=1)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    "groups",
    [
        [None, *"abcdefghijk"],
        np.r_[np.nan, np.arange(11)],
        pd.Series([pd.NA, *range(11)], dtype="Int64"),
    ],
    ids=["None", "NaN", "NA"],
)
def test_unknown_patients(groups, early_stopping, clf):
    clf.set_params(early_stopping=early_stopping)
    with pytest.raises(ValueError, match="groups has missing values for 1 of 12 records. Give"):
        clf.fit(X, Y, groups=groups)


@pytest.mark.parametrize(
    "weights, message",
    [
        (np.r_[np.nan, np.ones(11)], "sample_weight contains NaN"),
        (np.r_[np.inf, np.ones(11)], "sample_weight contains infinity"),
        (np.r_[-1, np.ones(11)], "[Nn]egative"),
        (np.zeros(12), "non-zero"),
        (np.ones((12, 1)), "1D array"),
        (np.ones(11), "11"),
        ([None, *[1] * 11], "sample_weight contains NaN"),
    ],
    ids=["NaN", "infinity", "negative", "zeros", "column", "too few", "None"],
)
def test_invalid_weights(weights, message, clf):
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y, sample_weight=weights)
