"""Metrics: for any labels and scores, a value in the documented range or a documented error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from strategies import examples, groups, labels, scores, seeds, weights

from sklearn_ecg.metrics import (
    DeLongResult,
    ScoreInterval,
    auprc_score,
    auroc_score,
    bootstrap_difference,
    bootstrap_interval,
    brier_score,
    calibration_intercept,
    calibration_slope,
    challenge_score,
    class_alignment_consistency,
    delong_interval,
    delong_test,
    expected_calibration_error,
    label_table,
    net_benefit,
    sample_alignment_accuracy,
    score_by_group,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

SIZES = st.sampled_from((12, 2, 3, 5, 20, 40, 1, 0))
AVERAGES = st.sampled_from(("macro", "micro", "weighted", None, "mean"))
# The range of each metric, and whether scores must be probabilities.
LABEL_METRICS = {
    auroc_score: (0, 1, False),
    auprc_score: (0, 1, False),
    sensitivity_at_specificity: (0, 1, False),
    specificity_at_sensitivity: (0, 1, False),
    brier_score: (0, 1, True),
    expected_calibration_error: (0, 1, True),
    calibration_slope: (-np.inf, np.inf, True),
    calibration_intercept: (-np.inf, np.inf, True),
    net_benefit: (-np.inf, 1, True),
}
OPTIONS = {
    sensitivity_at_specificity: ("specificity", (0.9, 0, 1, 2, np.nan, "a")),
    specificity_at_sensitivity: ("sensitivity", (0.9, 0, 1, -1, None)),
    expected_calibration_error: ("n_bins", (10, 1, 0, 2.5)),
    net_benefit: ("threshold", (0.5, 0, 0.99, 1, [0.1, 0.5], [], np.nan, "a", -0.1)),
}


def draw_labels_and_scores(data, *, targets=("binary", "multiclass", "multilabel")):
    n_records = data.draw(SIZES)
    target = data.draw(labels(n_records, targets=targets))
    return target, data.draw(scores(target, n_records)), n_records


def is_plain(target, score):
    return target.is_plain and score.is_plain and target.label_type != "column"


# Labels that are unusual, but classes. Numbers that are not integers may be names of classes.
ACCEPTED = ("none", "one class", "unbalanced", "continuous")


@covers(*LABEL_METRICS)
@pytest.mark.parametrize("covered", LABEL_METRICS, ids=lambda f: f.__name__)
@examples(40)
@given(data=st.data())
def test_metric_of_labels(covered, data):
    low, high, needs_probabilities = LABEL_METRICS[covered]
    target, score, n_records = draw_labels_and_scores(data)
    weight, is_valid = data.draw(weights(n_records))
    average = data.draw(AVERAGES)
    options = {}
    if covered in OPTIONS:
        name, values = OPTIONS[covered]
        options[name] = data.draw(st.sampled_from(values))
    undefined = "warn"
    if covered not in (brier_score, expected_calibration_error, net_benefit):
        undefined = options["undefined"] = data.draw(st.sampled_from(("warn", "skip", "raise")))
    value = attempt(
        covered, target.y, score.y_score, average=average, sample_weight=weight, **options
    )
    if isinstance(value, Refused):
        usual = covered not in OPTIONS or options[OPTIONS[covered][0]] in (0.9, 10, 0.5)
        is_good = is_plain(target, score) and weight is None and average != "mean" and usual
        if undefined != "raise":
            assert not is_good or (needs_probabilities and not score.are_probabilities), value
        return
    assert is_valid and average != "mean"
    if target.fault not in ACCEPTED:
        # Labels and scores may be too short alike.
        assert target.fault == score.fault == "length"
        return
    n_thresholds = np.shape(options.get("threshold", ()))[:1] if "threshold" in options else ()
    is_single = target.target == "binary" or average is not None
    assert np.shape(value) == n_thresholds + (() if is_single else (target.n_classes,))
    assert isinstance(value, float) or np.asarray(value).dtype == np.float64
    known = np.asarray(value)[~np.isnan(value)]
    assert (known >= low - 1e-9).all() and (known <= high + 1e-9).all()
    if is_plain(target, score) and weight is None:
        if covered not in (calibration_slope, calibration_intercept):
            assert known.size == np.size(value)
        _check_values(covered, target, score, value, average)


def _check_values(metric, target, score, value, average):
    """Compare with the definition, label by label."""
    if average is not None or metric not in (auroc_score, brier_score):
        return
    positive, columns = target.codes, score.values
    if target.target == "binary":
        positive, columns = positive[:, None], columns[:, None]
    elif target.target == "multiclass":
        positive = positive[:, None] == np.arange(target.n_classes)
    for label, found in enumerate(np.atleast_1d(value)):
        truth, column = positive[:, label] == 1, columns[:, label]
        if metric is brier_score:
            expected = np.mean([(p - t) ** 2 for p, t in zip(column, truth)])
        else:
            pairs = [(a > b) + 0.5 * (a == b) for a in column[truth] for b in column[~truth]]
            expected = np.mean(pairs)
        np.testing.assert_allclose(found, expected, atol=1e-9)


METRICS = st.sampled_from(
    ("roc_auc", "average_precision", "f1", None, brier_score, lambda y, s: 0.5, lambda y, s: np.nan)
)


def _check_interval(interval, low=0, high=1):
    assert isinstance(interval, ScoreInterval)
    for value in interval:
        assert np.isnan(value) or low <= value <= high
    assert np.isnan(interval.low) == np.isnan(interval.high)
    assert np.isnan(interval.low) or interval.low <= interval.high


@covers(bootstrap_interval, bootstrap_difference)
@examples(50)
@given(data=st.data())
def test_bootstrap(data):
    target, score, n_records = draw_labels_and_scores(data)
    other = data.draw(scores(target, n_records))
    patients, kind = data.draw(groups(n_records))
    metric = data.draw(METRICS)
    options = {
        "groups": patients,
        "n_resamples": data.draw(st.sampled_from((20, 1, 0, 2.5))),
        "confidence_level": data.draw(st.sampled_from((0.95, 0.5, 0, 1, "high"))),
        "random_state": 0,
    }
    interval = attempt(bootstrap_interval, metric, target.y, score.y_score, **options)
    is_valid = (
        is_plain(target, score)
        and metric in ("roc_auc", "average_precision")
        and (target.target != "multiclass")
        and kind in ("none", "records")
        and options["n_resamples"] in (20, 1)
        and options["confidence_level"] in (0.95, 0.5)
        and n_records >= 12
    )
    if isinstance(interval, Refused):
        assert not is_valid, interval
    else:
        _check_interval(interval)
    difference = attempt(
        bootstrap_difference, metric, target.y, score.y_score, other.y_score, **options
    )
    if not isinstance(difference, Refused):
        _check_interval(difference, -1, 1)
        assert not isinstance(interval, Refused) or metric is None


SUBGROUPS = (
    "sex",
    "sex",
    "bands",
    "two",
    "mapping",
    "missing",
    "fraction",
    "length",
    "many",
    "text",
)


def make_subgroups(kind, n_records, seed):
    """Return subgroups, and for each variable the value of each record as str, None if missing."""
    numbers = np.arange(n_records)
    sex = np.where(numbers % 2, "male", "female")
    band = pd.cut(pd.Series(numbers % 3, index=numbers), [-1, 0, 2, 5], labels=["a", "b", "c"])
    both = {"sex": sex, "band": np.where(numbers % 3, "b", "a")}
    if kind == "bands":
        return band.rename("band"), {"band": band.to_numpy(object)}
    if kind == "two":
        return pd.DataFrame(both), both
    if kind == "mapping":
        return both, both
    if kind == "missing":
        values = sex.astype(object)
        values[seed % 3 :: 3] = None
        return pd.Series(values, name="sex"), {"sex": values}
    if kind == "fraction":
        return numbers + 0.5, None
    if kind == "many":
        return np.arange(n_records) + 1000, {"subgroup": (numbers + 1000).astype(str)}
    if kind == "length":
        return sex[:-1], None
    if kind == "text":
        return "male", None
    return pd.Series(sex, name="sex"), {"sex": sex}


@covers(score_by_group)
@examples(50)
@given(data=st.data())
def test_score_by_group(data):
    target, score, n_records = draw_labels_and_scores(data)
    patients, patient_kind = data.draw(groups(n_records))
    metric = data.draw(METRICS)
    kind = data.draw(st.sampled_from(SUBGROUPS))
    subgroups, members = make_subgroups(kind, n_records, data.draw(seeds))
    missing = data.draw(st.sampled_from(("group", "group", "drop", "raise", "keep")))
    reference = data.draw(
        st.sampled_from((None, None, "overall", {"sex": "male"}, {"sex": "x"}, {"age": 3}, "male"))
    )
    options = {
        "groups": patients,
        "n_resamples": data.draw(st.sampled_from((20, 1, 0))),
        "confidence_level": data.draw(st.sampled_from((0.95, 0.5, 1))),
        "random_state": 0,
    }
    table = attempt(
        score_by_group,
        metric,
        target.y,
        score.y_score,
        subgroups,
        reference=reference,
        missing=missing,
        min_per_class=data.draw(st.sampled_from((0, 100))),
        **options,
    )
    if isinstance(table, Refused):
        is_valid = (
            is_plain(target, score)
            and metric in ("roc_auc", "average_precision")
            and target.target != "multiclass"
            and patient_kind in ("none", "records")
            and kind in ("sex", "bands", "two", "mapping")
            and missing in ("group", "drop")
            and reference in (None, "overall")
            and options["n_resamples"] == 20
            and options["confidence_level"] in (0.95, 0.5)
            and n_records >= 12
        )
        assert not is_valid, table
        return
    assert members is not None and missing != "keep" and reference != "male"
    assert table.index[0] == ("overall", "all records") and table["n_records"].iloc[0] == n_records
    ends = table[["low", "score", "high"]].to_numpy(float)
    known = ends[~np.isnan(ends)]
    assert ((known >= -1e-9) & (known <= 1 + 1e-9)).all()
    assert not (ends[:, 0] > ends[:, 2]).any()
    if reference is not None:
        assert (np.abs(table["difference"].dropna()) <= 1 + 1e-9).all()
    for (variable, group), row in table.iloc[1:].iterrows():
        values = next(iter(members.values())) if len(members) == 1 else members[variable]
        is_missing = pd.isna(values)
        inside = is_missing if group == "missing" else ~is_missing & (values.astype(str) == group)
        assert row["n_records"] == inside.sum()
        _check_group(metric, target, score, patients, inside, row, options)


def _check_group(metric, target, score, patients, inside, row, options):
    """Compare with the interval of the records of the group alone."""
    if not is_plain(target, score) or np.isnan(row["score"]):
        return
    interval = attempt(
        bootstrap_interval,
        metric,
        np.asarray(target.y)[inside],
        np.asarray(score.y_score)[inside],
        **{**options, "groups": None if patients is None else np.asarray(patients)[inside]},
    )
    for name in ("score", "low", "high"):
        np.testing.assert_allclose(row[name], getattr(interval, name), atol=1e-9, err_msg=name)


@covers(delong_interval, delong_test)
@examples(50)
@given(data=st.data())
def test_delong(data):
    target, score, n_records = draw_labels_and_scores(data)
    other = data.draw(scores(target, n_records))
    level = data.draw(st.sampled_from((0.95, 0.5, 0, 1, None)))
    interval = attempt(delong_interval, target.y, score.y_score, confidence_level=level)
    is_valid = is_plain(target, score) and target.target == "binary" and level in (0.95, 0.5)
    if isinstance(interval, Refused):
        assert not is_valid, interval
    else:
        _check_interval(interval)
        assert interval.low <= interval.score <= interval.high
    result = attempt(delong_test, target.y, score.y_score, other.y_score, confidence_level=level)
    if isinstance(result, Refused):
        assert not (is_valid and other.is_plain), result
        return
    assert (
        isinstance(result, DeLongResult) and 0 <= result.auroc_a <= 1 and 0 <= result.auroc_b <= 1
    )
    np.testing.assert_allclose(result.difference, result.auroc_a - result.auroc_b, atol=1e-12)
    assert np.isnan(result.p_value) or 0 <= result.p_value <= 1
    assert result.standard_error >= 0 and not result.low > result.high


@covers(label_table)
@examples(30)
@given(data=st.data())
def test_label_table(data):
    target, score, n_records = draw_labels_and_scores(data)
    patients, kind = data.draw(groups(n_records))
    names = data.draw(
        st.sampled_from((None, None, ["a", "b"], ["a", "b", "c"], ["a", "a", "b"], 3))
    )
    threshold = data.draw(
        st.sampled_from(
            (0.5, None, [0.1, 0.2], {"a": 0.1}, np.nan, "a", pd.Series([0.1, 0.2, 0.3]))
        )
    )
    metrics = data.draw(
        st.sampled_from((None, {"brier": brier_score}, {"auroc": brier_score}, [1]))
    )
    table = attempt(
        label_table,
        target.y,
        score.y_score,
        label_names=names,
        groups=patients,
        threshold=threshold,
        metrics=metrics,
        n_resamples=10,
        random_state=0,
    )
    if isinstance(table, Refused):
        is_valid = (
            names is None
            and metrics is None
            and isinstance(threshold, float)
            and threshold == 0.5
            and kind == "none"
        )
        assert not (is_plain(target, score) and target.target != "multiclass" and is_valid), table
        return
    n_labels = target.n_labels
    assert len(table) == (n_labels + 1 if n_labels > 1 else 1)
    assert table["n_records"].eq(n_records).all()
    shares = table.drop(columns=["n_records", "n_positive"]).to_numpy(dtype=float)
    assert np.nanmin(shares) >= 0 and np.nanmax(shares) <= 1


@covers(class_alignment_consistency, sample_alignment_accuracy)
@examples(50)
@given(data=st.data())
def test_alignment(data):
    n_records = data.draw(SIZES)
    target = data.draw(labels(n_records))
    seed = data.draw(seeds)
    rng = np.random.RandomState(seed)
    embedding = rng.randn(n_records, data.draw(st.sampled_from((4, 1, 0))))
    fault = data.draw(
        st.sampled_from(
            ("none", "none", "zeros", "nan", "huge", "tiny", "1-D", "text", "equal", "f4")
        )
    )
    if fault in ("zeros", "nan"):
        embedding[: 1 + seed % 2] = {"zeros": 0, "nan": np.nan}[fault]
    elif fault in ("huge", "tiny"):
        embedding = embedding * {"huge": 1e300, "tiny": 1e-300}[fault]
    elif fault == "equal":
        embedding[:] = 1
    elif fault == "1-D":
        embedding = embedding.ravel()
    elif fault == "text":
        embedding = embedding.astype(str)
    elif fault == "f4":
        embedding = np.asfortranarray(embedding, dtype=np.float32)
    neighborhood = data.draw(st.sampled_from((0.05, 1, 0, 2, 1e-9)))
    results = [
        attempt(class_alignment_consistency, embedding, target.y, neighborhood=neighborhood),
        attempt(sample_alignment_accuracy, embedding, embedding[::-1].copy()[::-1], target.y),
    ]
    is_valid = fault in ("none", "f4") and embedding.size and target.is_plain
    is_valid = is_valid and target.label_type != "column"
    for number, result in enumerate(results):
        if isinstance(result, Refused):
            assert not is_valid or (number == 0 and neighborhood in (0, 2)), result
            continue
        assert isinstance(result, pd.Series)
        known = result.dropna()
        assert known.between(0, 1).all()


@covers(challenge_score)
@examples(50)
@given(data=st.data())
def test_challenge_score(data):
    n_records = data.draw(SIZES)
    target = data.draw(labels(n_records, targets=("multilabel", "binary")))
    predicted = data.draw(labels(n_records, targets=("multilabel",)))
    names = ["NSR", "AF", "LBBB", "RBBB", "PAC"][: target.n_labels]
    credit = 0.5 + 0.5 * np.eye(len(names))
    fault = data.draw(
        st.sampled_from(
            ("none", "none", "none", "nan", "rectangle", "names", "path", "text", "None")
        )
    )
    table = pd.DataFrame(credit, index=names, columns=names)
    if fault == "nan":
        table.iloc[0, 0] = np.nan
    elif fault == "rectangle":
        table = table.iloc[1:]
    elif fault == "names":
        table = table.set_axis(range(len(names)), axis=1)
    elif fault == "text":
        table = table.astype(str).replace("1.0", "one")
    elif fault in ("path", "None"):
        table = {"path": "missing.csv", "None": None}[fault]
    classes = data.draw(st.sampled_from((names, names, None, names[:-1], "NSR")))
    normal = data.draw(st.sampled_from(("NSR", "NSR", "V", 3)))
    equivalent = data.draw(st.sampled_from(((), [["AF", "LBBB"]], [["AF"]], ["AF"], [["V", "W"]])))
    options = {"weights": table, "classes": classes, "normal_class": normal}
    options["equivalent_classes"] = equivalent
    for pred in (predicted, target):
        score = attempt(challenge_score, target.y, pred.y, **options)
        if isinstance(score, Refused):
            is_valid = fault == "none" and classes == names and normal == "NSR" and not equivalent
            is_valid = is_valid and target.target == "multilabel" and pred.target == "multilabel"
            same = target.n_labels == pred.n_labels
            plain = target.fault == pred.fault == "none" and "Series" not in (
                target.label_type,
                pred.label_type,
            )
            assert not (is_valid and same and plain and n_records), score
        else:
            assert isinstance(score, float) and score <= 1 + 1e-9
            if pred is target and target.fault == "none":
                assert score in (0, pytest.approx(1))
