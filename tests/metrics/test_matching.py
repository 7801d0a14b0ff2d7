"""Tests of labels and scores with names: columns, indexes, missing values."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from sklearn_ecg.metrics import (
    auroc_score,
    bootstrap_difference,
    bootstrap_interval,
    delong_interval,
    delong_test,
    label_table,
)

NAMES = ["MI", "HYP", "CD"]
ORDER = ["CD", "MI", "HYP"]
OPTIONS = {"n_resamples": 10, "random_state": 0}


@pytest.fixture(scope="module")
def frames():
    rng = np.random.RandomState(0)
    y = (rng.rand(80, 3) < [0.5, 0.3, 0.4]).astype(int)
    score = y + rng.randn(80, 3)
    return pd.DataFrame(y, columns=NAMES), pd.DataFrame(score, columns=NAMES)


def assert_same_table(found, expected):
    pd.testing.assert_frame_equal(found, expected)


def test_columns_are_matched_by_name(frames):
    y, score = frames
    table = label_table(y, score, **OPTIONS)
    for name in NAMES:
        assert table.loc[name, "auroc"] == pytest.approx(roc_auc_score(y[name], score[name]))
    assert_same_table(label_table(y, score[ORDER], **OPTIONS), table)
    assert_same_table(label_table(y.to_numpy(), score[ORDER], label_names=NAMES, **OPTIONS), table)
    # The order of y_true is that of the rows.
    pd.testing.assert_frame_equal(
        label_table(y[ORDER], score, threshold=None, **OPTIONS)[["auroc"]].iloc[:3],
        table[["auroc"]].loc[ORDER],
    )
    renamed = label_table(y, score[ORDER], label_names=["a", "b", "c"], **OPTIONS)
    np.testing.assert_array_equal(
        renamed.to_numpy(float, na_value=np.nan), table.to_numpy(float, na_value=np.nan)
    )


@pytest.mark.parametrize("metric", ["roc_auc", roc_auc_score, lambda y, s: roc_auc_score(y, s)])
def test_bootstrap_matches_columns_by_name(metric, frames):
    y, score = frames
    expected = bootstrap_interval(metric, y, score, **OPTIONS)
    assert bootstrap_interval(metric, y, score[ORDER], **OPTIONS) == expected
    assert bootstrap_difference(metric, y, score, score[ORDER], **OPTIONS) == (0, 0, 0)
    assert expected.score == pytest.approx(roc_auc_score(y, score))


def test_columns_without_names_are_matched_by_position(frames):
    y, score = frames
    expected = label_table(y, score, **OPTIONS)
    for unnamed in (score.to_numpy(), pd.DataFrame(score.to_numpy()), score.to_numpy().tolist()):
        assert_same_table(label_table(y, unnamed, **OPTIONS), expected)
    numbered = label_table(y.to_numpy(), score, **OPTIONS)
    assert numbered.index.tolist() == [0, 1, 2, "macro"]
    np.testing.assert_array_equal(
        numbered.to_numpy(float, na_value=np.nan), expected.to_numpy(float, na_value=np.nan)
    )


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda score: score.assign(AF=0.0), "y_score are not those of y_true: unexpected AF"),
        (lambda score: score[["MI", "CD"]], "missing HYP"),
        (lambda score: score.add_prefix("p_"), r"missing MI, HYP, CD; unexpected p_MI, p_HYP"),
        (lambda score: score[["MI", "CD", "MI"]], "missing HYP; repeated MI"),
    ],
    ids=["extra", "missing", "renamed", "repeated"],
)
def test_other_names_raise(change, message, frames):
    y, score = frames
    with pytest.raises(ValueError, match=message):
        label_table(y, change(score), **OPTIONS)
    with pytest.raises(ValueError, match=message):
        bootstrap_interval("roc_auc", y, change(score), **OPTIONS)
    with pytest.raises(ValueError, match=message.replace("y_score", "y_score_b")):
        bootstrap_difference("roc_auc", y, score, change(score), **OPTIONS)
    with pytest.raises(ValueError, match=message.replace("y_true", "label_names")):
        label_table(y.to_numpy(), change(score), label_names=NAMES, **OPTIONS)


def test_label_names_in_another_order_raise(frames):
    y, score = frames
    with pytest.raises(ValueError, match="label_names has 'CD' in the place of the column 'MI'"):
        label_table(y, score.to_numpy(), label_names=ORDER, **OPTIONS)


def test_scores_of_an_unnamed_target_must_have_the_same_order(frames):
    y, score = frames
    with pytest.raises(ValueError, match="those of y_score_a MI, HYP, CD and those of y_score_b"):
        bootstrap_difference("roc_auc", y.to_numpy(), score, score[ORDER], **OPTIONS)


def test_columns_of_classes_must_be_in_sorted_order():
    rng = np.random.RandomState(0)
    y = np.array(list("abc"))[rng.randint(0, 3, 60)]
    score = pd.DataFrame(rng.dirichlet([1, 1, 1], 60), columns=list("abc"))

    def metric(y, score):
        return roc_auc_score(y, score, multi_class="ovr")

    expected = bootstrap_interval(metric, y, score.to_numpy(), **OPTIONS)
    assert bootstrap_interval(metric, y, score, **OPTIONS) == expected
    with pytest.raises(ValueError, match="are c, a, b, but metrics take the classes in sorted"):
        bootstrap_interval(metric, y, score[list("cab")], **OPTIONS)
    # Records of one class may be absent.
    few = y != "c"
    options = {"labels": list("abc"), "average": None, "undefined": "skip"}
    found = auroc_score(y[few], score[few], **options)
    np.testing.assert_array_equal(found, auroc_score(y[few], score[few].to_numpy(), **options))
    with pytest.raises(ValueError, match=r"Pass y_score\[sorted\(y_score.columns\)\]"):
        auroc_score(y[few], score.loc[few, list("cab")], **options)


def test_thresholds_are_matched_by_name(frames):
    y, score = frames
    expected = label_table(y, score, threshold=[0.1, 0.5, 0.9], **OPTIONS)
    values = {"CD": 0.9, "MI": 0.1, "HYP": 0.5}
    for threshold in (values, pd.Series(values), pd.Series([0.1, 0.5, 0.9])):
        assert_same_table(label_table(y, score, threshold=threshold, **OPTIONS), expected)
    numbered = [frame.set_axis([2, 0, 1], axis=1) for frame in frames]
    by_number = label_table(*numbered, threshold={0: 0.5, 1: 0.9, 2: 0.1}, **OPTIONS)
    assert_same_table(by_number.set_axis(expected.index), expected)
    with pytest.raises(ValueError, match="names of threshold are not .*: missing HYP, CD"):
        label_table(y, score, threshold={"MI": 0.5}, **OPTIONS)
    with pytest.raises(ValueError, match="threshold contains NaN"):
        label_table(y, score, threshold=[0.1, np.nan, 0.2], **OPTIONS)
    with pytest.raises(ValueError, match="threshold must hold numbers"):
        label_table(y, score, threshold=["low", "low", "low"], **OPTIONS)


CALLS = {
    "bootstrap_interval": lambda y, s: bootstrap_interval("roc_auc", y, s, **OPTIONS),
    "bootstrap_difference": lambda y, s: bootstrap_difference("roc_auc", y, s, s, **OPTIONS),
    "groups": lambda y, s: bootstrap_interval("roc_auc", y, y.array, groups=s, **OPTIONS),
    "label_table": lambda y, s: label_table(y, s, **OPTIONS),
    "delong_interval": lambda y, s: delong_interval(y, s),
    "delong_test": lambda y, s: delong_test(y, y.array, s),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_index_in_another_order_raises(call, frames):
    y, score = frames[0]["MI"], frames[1]["MI"]
    call(y, score)
    with pytest.raises(ValueError, match="are in different orders"):
        call(y, score.sort_values())
    records = np.arange(80) + 100
    with pytest.raises(ValueError, match="overlap, but differ"):
        call(y.set_axis(records), score.set_axis(records + 1))


def test_index_that_was_numbered_is_ignored(frames):
    """Scores in a new Series are numbered from 0, whatever the index of the labels is."""
    y, score = frames[0]["MI"], frames[1]["MI"]
    expected = delong_interval(y, score)
    for index in (np.arange(80) * 3, np.arange(80) + 1000, [f"record {i}" for i in range(80)]):
        assert delong_interval(y.set_axis(index), score) == expected
    # An index with repeated values does not identify records.
    assert delong_interval(y, score.set_axis(np.arange(80) // 2)) == expected


def test_missing_and_masked_values_raise(frames):
    y, score = frames[0]["MI"].to_numpy(), frames[1]["MI"].to_numpy()
    for missing in (np.nan, None):
        labels = ["sick" if value else "well" for value in y]
        labels[3] = missing
        with pytest.raises(ValueError, match="y_true has missing values for 1 of 80 records"):
            delong_interval(labels, score)
        patients = [f"patient {i}" for i in range(79)] + [missing]
        with pytest.raises(ValueError, match="groups has missing values for 1 of 80 records"):
            bootstrap_interval("roc_auc", y, score, groups=patients, **OPTIONS)
    masked = np.ma.masked_array(score, np.arange(80) < 5)
    with pytest.raises(ValueError, match="y_score is an array with 5 masked values"):
        label_table(y, masked, **OPTIONS)
    with pytest.raises(ValueError, match="groups is an array with 5 masked values"):
        bootstrap_interval("roc_auc", y, score, groups=masked, **OPTIONS)
    assert delong_interval(y, np.ma.masked_array(score)) == delong_interval(y, score)


@pytest.mark.parametrize("dtypes", [("Int64", "Float64"), ("int8[pyarrow]", "double[pyarrow]")])
def test_dtypes_of_pandas(dtypes, frames):
    y, score = frames
    expected = label_table(y, score, **OPTIONS)
    y, score = y.astype(dtypes[0]), score.astype(dtypes[1])
    assert_same_table(label_table(y, score, **OPTIONS), expected)
    score.iloc[0, 0] = pd.NA
    with pytest.raises(ValueError, match="y_score contains NaN"):
        label_table(y, score, **OPTIONS)
    y.iloc[0, 0] = pd.NA
    with pytest.raises(ValueError, match="y_true has missing values for 1 of 80 records"):
        label_table(y, score, **OPTIONS)


def test_patients_of_mixed_types(frames):
    y, score = frames[0]["MI"], frames[1]["MI"]
    patients = np.array([i // 2 if i % 4 else f"patient {i}" for i in range(80)], dtype=object)
    result = bootstrap_interval("roc_auc", y, score, groups=patients, **OPTIONS)
    assert result.low < result.score < result.high
    with pytest.raises(ValueError, match=r"groups must have shape \(n_records,\), got .*\(80, 2\)"):
        bootstrap_interval("roc_auc", y, score, groups=np.zeros((80, 2)), **OPTIONS)
