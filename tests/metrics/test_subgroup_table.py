"""Tests of scores by subgroup: values, intervals, differences, notes, containers of variables."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from sklearn_ecg.metrics import auroc_score, bootstrap_interval, brier_score, score_by_group

N = 300


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    y = (rng.rand(N) < 0.4).astype(int)
    sex = np.where(rng.rand(N) < 0.5, "female", "male")
    score = 1 / (1 + np.exp(1 - 2 * y - rng.randn(N) * np.where(sex == "male", 1, 2)))
    return y, score, sex, np.arange(N) // 2


def test_rows_equal_the_metric_and_interval_of_their_records(data):
    y, score, sex, patients = data
    options = {"n_resamples": 60, "confidence_level": 0.8, "random_state": 3}
    table = score_by_group("roc_auc", y, score, sex, groups=patients, **options)
    assert table.index.tolist() == [
        ("overall", "all records"),
        ("group", "female"),
        ("group", "male"),
    ]
    assert table.index.names == ["variable", "group"]
    for key, member in {
        ("overall", "all records"): np.ones(N, bool),
        ("group", "female"): sex == "female",
        ("group", "male"): sex == "male",
    }.items():
        row = table.loc[key]
        assert row["n_records"] == member.sum()
        assert row["n_patients"] == len(set(patients[member]))
        assert row["n_positive"] == y[member].sum() == row["n_rarest"]
        assert row["score"] == pytest.approx(roc_auc_score(y[member], score[member]), abs=1e-12)
        expected = bootstrap_interval(
            "roc_auc", y[member], score[member], groups=patients[member], **options
        )
        assert tuple(row[["score", "low", "high"]]) == tuple(expected)
    assert table.columns.tolist() == [
        *("n_records", "n_patients", "n_positive", "n_rarest", "score", "low", "high", "note")
    ]
    same = score_by_group("roc_auc", y, score, sex, groups=patients, **options)
    pd.testing.assert_frame_equal(table, same)
    # A row does not depend on the other variables.
    more = score_by_group(
        "roc_auc", y, score, {"site": patients % 3, "group": sex}, groups=patients, **options
    )
    pd.testing.assert_frame_equal(more.loc[["group"]], table.loc[["group"]])


def concordance(y, score):
    """Return the AUROC from ranks, faster than scikit-learn's."""
    n = np.count_nonzero(y)
    return (rankdata(score)[y].sum() - n * (n + 1) / 2) / (n * (len(y) - n))


def by_hand(y, score, strata_of_unit, unit, parts, n_resamples):
    """Return resampled differences: patients drawn within strata, the metric of each part."""
    rng = np.random.RandomState(1)
    differences = []
    records_of = [np.flatnonzero(unit == i) for i in range(unit.max() + 1)]
    for _ in range(n_resamples):
        drawn = np.concatenate(
            [
                rng.choice(
                    np.flatnonzero(strata_of_unit == stratum), sum(strata_of_unit == stratum)
                )
                for stratum in np.unique(strata_of_unit)
            ]
        )
        index = np.concatenate([records_of[i] for i in drawn])
        a, b = (index[part[index]] for part in parts)
        differences.append(concordance(y[a], score[a]) - concordance(y[b], score[b]))
    return np.quantile(differences, [0.025, 0.975])


@pytest.mark.parametrize("reference", ["overall", {"group": "male"}])
def test_differences_to_a_reference(data, reference):
    _, score, _, _ = data
    rng = np.random.RandomState(5)
    unit = np.arange(N) // 2
    y, sex = (rng.rand(N // 2) < 0.4)[unit], rng.choice(["female", "male"], N // 2)[unit]
    score = y + rng.randn(N) * np.where(sex == "male", 0.7, 1.5)
    table = score_by_group(
        "roc_auc", y, score, sex, groups=unit, reference=reference, random_state=0, n_resamples=2000
    )
    row = table.loc[("group", "female")]
    other = np.ones(N, bool) if reference == "overall" else sex == "male"
    female = sex == "female"
    expected = roc_auc_score(y[female], score[female]) - roc_auc_score(y[other], score[other])
    assert row["difference"] == pytest.approx(expected, abs=1e-12)
    strata = (2 * y + (sex == "male"))[::2]
    ends = by_hand(y, score, strata, unit, (female, other), 1000)
    np.testing.assert_allclose(
        row[["difference_low", "difference_high"]].astype(float), ends, atol=0.02
    )
    if reference == "overall":
        assert np.isnan(table["difference"].iloc[0])
    else:
        male = table.loc[("group", "male")]
        assert male["difference"] == 0 and np.isnan(male["difference_low"])


def test_group_without_a_class_is_a_row_with_the_reason(data):
    y, score, sex, patients = data
    site = np.where(np.arange(N) < 12, "small", "large")
    y = y.copy()
    y[:12] = 0
    table = score_by_group(
        "roc_auc", y, score, site, groups=patients, n_resamples=20, random_state=0
    )
    row = table.loc[("group", "small")]
    assert row[["score", "low", "high"]].isna().all()
    assert row["note"] == "Undefined: no records of class 1. Small: 0 records of class 1."
    assert row["n_records"] == 12 and row["n_positive"] == 0
    assert table.loc[("group", "large"), "score"] > 0.5
    # The smallest class of the other groups has 100 records or more, or is named.
    assert (table["n_rarest"] >= 100).tolist() == (table["note"] == "").tolist()
    table = score_by_group(
        "roc_auc", y, score, site, min_per_class=0, n_resamples=20, random_state=0
    )
    assert table["note"].tolist() == ["", "", "Undefined: no records of class 1."]


def test_multiclass_group_without_a_class():
    rng = np.random.RandomState(0)
    y = np.array(["AF", "SR", "VT"])[rng.randint(3, size=N)]
    predicted = np.where(rng.rand(N) < 0.7, y, "SR")
    site = np.where((np.arange(N) < 60) & (y != "VT"), "a", "b")
    options = {"n_resamples": 20, "random_state": 0}
    table = score_by_group(accuracy_score, y, predicted, site, **options)
    assert table["n_positive"].isna().all() and table["n_patients"].isna().all()
    assert np.isnan(table.loc[("group", "a"), "score"])
    assert "no records of class 'VT'" in table.loc[("group", "a"), "note"]
    table = score_by_group(accuracy_score, y, predicted, site, require_all_classes=False, **options)
    expected = (y == predicted)[site == "a"].mean()
    assert table.loc[("group", "a"), "score"] == pytest.approx(expected)
    # Probabilities, one column per class.
    probability = rng.dirichlet(np.ones(3), N)
    table = score_by_group(auroc_score, y, probability, site, **options)
    b = site == "b"
    expected = np.mean(
        [roc_auc_score(y[b] == c, probability[b, i]) for i, c in enumerate(np.unique(y))]
    )
    assert table.loc[("group", "b"), "score"] == pytest.approx(expected)


def test_resamples_of_many_classes_are_stratified():
    y = np.arange(160) % 20
    y[y == 1] = 0  # the largest class

    def share_of_largest(y_true, y_score):
        return np.mean(y_true == 0)

    sex = np.where(np.arange(160) < 100, "female", "male")
    table = score_by_group(
        share_of_largest, y, y, sex, reference="overall", n_resamples=20, random_state=0
    )
    # Each resample has the same number of records of each class and group.
    ends = table.loc["group", ["difference_low", "difference_high"]]
    np.testing.assert_allclose(ends, 0, atol=1e-12)


def test_multilabel_by_name(data):
    rng = np.random.RandomState(0)
    y = pd.DataFrame((rng.rand(N, 2) < [0.5, 0.2]).astype(int), columns=["MI", "CD"])
    score = pd.DataFrame(y + rng.randn(N, 2), columns=["MI", "CD"])
    sex = pd.Series(data[2], name="sex")
    y.loc[(sex == "male"), "CD"] = 0
    table = score_by_group(
        "roc_auc", y, score[["CD", "MI"]], sex, reference="overall", n_resamples=30, random_state=0
    )
    f = (sex == "female").to_numpy()
    expected = roc_auc_score(y[f], score[f])
    row = table.loc[("sex", "female")]
    assert row["score"] == pytest.approx(expected)
    assert row["n_positive"] == y[f].any(axis=1).sum() and row["n_rarest"] == y[f]["CD"].sum()
    assert row["difference"] == pytest.approx(expected - roc_auc_score(y, score))
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert (
        "0 of" in table.loc[("sex", "male"), "note"]
        and "'CD'" in table.loc[("sex", "male"), "note"]
    )
    assert np.isnan(table.loc[("sex", "male"), "difference"])


def test_label_too_rare_for_resamples_keeps_the_score():
    rng = np.random.RandomState(0)
    y = np.zeros((40, 2), int)
    y[:20, 0] = 1
    y[0, 1] = 1
    y[20:, 1] = rng.randint(2, size=20)
    site = np.repeat(["a", "b"], 20)
    y[5, 0] = 0
    score = rng.rand(40, 2)
    # One positive record of twenty is drawn in most resamples; a patient of all others in few.
    patients = np.r_[0, np.ones(19, int), np.arange(2, 22)]
    table = score_by_group(
        "roc_auc", y[:, 1], score[:, 1], site, groups=patients, n_resamples=20, random_state=0
    )
    row = table.loc[("group", "a")]
    assert row["score"] == pytest.approx(roc_auc_score(y[:20, 1], score[:20, 1]))
    assert np.isnan(row["low"]) and "all resamples are equal" in row["note"]


def test_warnings_of_a_metric_become_notes_and_its_errors_too(data):
    y, score, sex, _ = data

    def fails_for_men(y_true, y_score):
        if len(y_true) == np.sum(sex == "male"):
            raise ValueError("No men.")
        return y_score.mean()

    table = score_by_group(fails_for_men, y, score, sex, n_resamples=3, random_state=0)
    assert table.loc[("group", "male"), "note"].startswith("No men.")
    assert table["score"].isna().tolist() == [False, False, True]

    def fails(y_true, y_score):
        raise ValueError("No one.")

    with pytest.raises(ValueError, match="No one"):
        score_by_group(fails, y, score, sex)

    def undefined_for_men(y_true, y_score):
        return np.nan if len(y_true) == np.sum(sex == "male") else y_score.mean()

    table = score_by_group(undefined_for_men, y, score, sex, n_resamples=3, random_state=0)
    assert table.loc[("group", "male"), "note"].startswith("The metric is NaN.")


def test_overall_warnings_stay_warnings(data):
    y, score, sex, _ = data

    def metric(y_true, y_score):
        return np.nan

    with pytest.warns(UndefinedMetricWarning, match="NaN for 2 of 2"):
        # The score is computed, the resamples are not.
        values = iter([0.5] + [np.nan] * 100)
        score_by_group(lambda *_: next(values), y, score, sex, n_resamples=2, random_state=0)


def test_missing_values(data):
    y, score, sex, _ = data
    variable = pd.Series(sex, name="sex", dtype=object)
    variable.iloc[:40] = None
    options = {"n_resamples": 5, "random_state": 0}
    table = score_by_group("roc_auc", y, score, variable, **options)
    assert table.loc["sex"].index.tolist() == ["female", "male", "missing"]
    assert table.loc[("sex", "missing"), "n_records"] == 40
    expected = roc_auc_score(y[:40], score[:40])
    assert table.loc[("sex", "missing"), "score"] == pytest.approx(expected)
    table = score_by_group("roc_auc", y, score, variable, missing="drop", **options)
    assert table.loc["sex"].index.tolist() == ["female", "male"]
    assert table["n_records"].tolist() == [N, *(variable == "female", variable == "male")][:1] + [
        (variable == "female").sum(),
        (variable == "male").sum(),
    ]
    with pytest.raises(ValueError, match="'sex' is missing for 40 of 300 records"):
        score_by_group("roc_auc", y, score, variable, missing="raise", **options)
    # A list of strings with None, and a reference that is missing.
    table = score_by_group(
        "roc_auc", y, score, {"sex": variable.tolist()}, reference={"sex": None}, **options
    )
    assert table.loc[("sex", "missing"), "difference"] == 0


@pytest.mark.parametrize(
    "subgroups, keys",
    [
        (np.arange(N) % 2, [("group", "0"), ("group", "1")]),
        (
            np.where(np.arange(N) < 9, np.nan, np.arange(N) % 2),
            [("group", "0"), ("group", "1"), ("group", "missing")],
        ),
        (np.arange(N) % 2 == 0, [("group", "False"), ("group", "True")]),
        (
            np.c_[np.arange(N) % 2, np.arange(N) // 150],
            [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")],
        ),
        (
            pd.Categorical.from_codes(np.arange(N) % 2, ["z", "a", "unused"]),
            [("group", "z"), ("group", "a"), ("group", "unused")],
        ),
        (
            pd.Series(pd.cut(np.arange(N), [0, 150, 300], right=False), name="age"),
            [("age", "[0, 150)"), ("age", "[150, 300)")],
        ),
        (
            pd.DataFrame(
                {"sex": list("ab") * 150, "site": ["x", "y", "y"] * 100}, index=range(900, 1200)
            ),
            [("sex", "a"), ("sex", "b"), ("site", "x"), ("site", "y")],
        ),
    ],
)
def test_containers_of_variables(data, subgroups, keys):
    y, score, _, _ = data
    table = score_by_group("roc_auc", y, score, subgroups, n_resamples=3, random_state=0)
    assert table.index.tolist()[1:] == keys
    if keys[-1][1] == "unused":
        assert table.iloc[-1]["n_records"] == 0
        assert table.iloc[-1]["note"] == "Undefined: no records."


def test_inputs_are_left_as_they_are(data):
    arrays = [np.array(part) for part in data[:3]]
    for array in arrays:
        array.setflags(write=False)
    y, score, sex = arrays
    state = np.random.get_state()[1].copy()
    score_by_group(brier_score, y, score, sex, n_resamples=3, random_state=0)
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"subgroups": np.linspace(20, 90, N)}, "numbers such as .*pandas.cut"),
        ({"subgroups": np.arange(N)}, "300 values, more than 100"),
        ({"subgroups": np.arange(10)}, "'group' has 10 values for 300 records"),
        ({"subgroups": np.zeros((N, 2, 2))}, r"got shape \(300, 2, 2\)"),
        ({"subgroups": {}}, "has no variables"),
        ({"subgroups": {"overall": np.zeros(N)}}, "name 'overall'"),
        (
            {"subgroups": pd.DataFrame(np.zeros((N, 2)), columns=["a", "a"])},
            "'a' that occurs twice",
        ),
        ({"subgroups": ["1", 1] * 150}, "different values with the name '1'"),
        ({"subgroups": ["missing", None] * 150}, "different values with the name 'missing'"),
        ({"subgroups": np.ma.masked_equal(np.arange(N) % 2, 1)}, "masked"),
        ({"reference": "male"}, "reference must be"),
        ({"reference": {"group": "x"}}, "its groups are 'female', 'male'"),
        ({"reference": {"sex": "male"}}, "known are 'group'"),
        ({"missing": "keep"}, "missing"),
        ({"groups": np.arange(5)}, "inconsistent numbers"),
        (
            {
                "subgroups": pd.Series(0, index=range(1, N + 1)),
                "y_true": pd.Series(np.arange(N) % 2, index=range(2, N + 2)),
            },
            "overlap",
        ),
        (
            {"y_true": np.arange(N) % 2 + 1, "require_all_classes": False},
            "Encode the labels as 0 and 1",
        ),
        ({"y_true": np.ones(N)}, "two labels"),
    ],
)
def test_errors(data, change, message):
    y, score, sex, _ = data
    arguments = {"y_true": y, "y_score": score, "subgroups": sex, "n_resamples": 3, **change}
    with pytest.raises(ValueError, match=message):
        score_by_group("roc_auc", **arguments)


def test_callable_of_predictions(data):
    y, score, sex, _ = data
    table = score_by_group(
        balanced_accuracy_score, y, score > 0.5, sex, n_resamples=10, random_state=0
    )
    male = sex == "male"
    assert table.loc[("group", "male"), "score"] == pytest.approx(
        balanced_accuracy_score(y[male], score[male] > 0.5)
    )
