"""Probabilities of records from windows, and of patients from records: as computed one by one."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from strategies import GROUP_KINDS, as_rows, examples, groups, labels, records, scores, weights
from test_estimator_properties import check_outputs

from sklearn_ecg import PatientAggregator, WindowedClassifier
from sklearn_ecg.aggregation import aggregate_patients, patient_labels

SIZES = st.sampled_from((12, 5, 20, 2, 1, 0))
LINEAR = (LogisticRegression(), OneVsRestClassifier(LogisticRegression()))


def mean_of_rows(part):
    return part.mean(axis=0)


def twice(part):
    return 2 + part.mean(axis=0)


RULES = st.sampled_from(("mean", "mean", "median", "max", "noisy_or", mean_of_rows, twice, "sum"))


def aggregate_slowly(part, rule, kind):
    """Return the probabilities of one patient or record from the definition."""
    if rule in ("mean", mean_of_rows):
        return np.array([np.mean(column) for column in part.T])
    if rule == "median":
        found = np.array([np.median(column) for column in part.T])
        if kind != "multiclass":
            return found
        return found / found.sum() if found.sum() else part.mean(axis=0)
    found = np.array([max(c) if rule == "max" else 1 - np.prod(1 - c) for c in part.T])
    return found if kind == "multilabel" else np.array([1 - found[1], found[1]])


@covers(patient_labels)
@examples(60)
@given(data=st.data())
def test_patient_labels(data):
    n_records = data.draw(SIZES)
    target = data.draw(labels(n_records))
    patients, kind = data.draw(groups(n_records))
    conflicts = data.draw(st.sampled_from(("raise", "any", "any", "majority")))
    result = attempt(patient_labels, target.y, patients, conflicts=conflicts)
    if isinstance(result, Refused):
        is_valid = target.is_plain and target.label_type != "column" and conflicts != "majority"
        assert not (is_valid and kind == "records"), result
        any_label = conflicts == "any" and target.target != "multiclass"
        is_text = target.label_type in ("str", "object", "list") and target.target == "binary"
        any_label = any_label and not is_text
        assert not (is_valid and any_label and kind in ("pairs", "one", "floats")), result
        return
    assert conflicts != "majority" and kind not in ("none", "nan", "length", "2-D")
    assert result.index.is_unique and result.index.name == "patient"
    if target.codes is None:
        return
    y = np.asarray(target.y)
    y = y.reshape(y.shape[:1] if target.target != "multilabel" else y.shape)
    numbers = np.asarray(patients, dtype=object)
    assert set(result.index) == set(numbers)
    for patient, found in zip(result.index, result.to_numpy()):
        of_patient = y[numbers == patient]
        expected = of_patient.max(axis=0) if conflicts == "any" else of_patient[0]
        np.testing.assert_array_equal(found, expected)


@covers(aggregate_patients)
@examples(60)
@given(data=st.data())
def test_aggregate_patients(data):
    n_records = data.draw(SIZES)
    target = data.draw(labels(n_records, faults=False))
    proba = data.draw(scores(target, n_records))
    patients, kind = data.draw(groups(n_records))
    rule = data.draw(RULES)
    multilabel = target.target == "multilabel"
    classes = data.draw(st.sampled_from((None, None, ["a", "b"], ["a"])))
    options = {"aggregate": rule, "multilabel": multilabel, "classes": classes}
    table = attempt(aggregate_patients, proba.y_score, patients, **options)
    if isinstance(table, Refused):
        is_valid = proba.is_plain and proba.are_probabilities and n_records and classes is None
        is_valid = is_valid and kind in ("records", "pairs", "one") and rule not in ("sum", twice)
        is_valid = is_valid and (rule in ("mean", "median") or target.target == "binary")
        # Rounded to fewer digits, they may not add up to 1.
        assert not is_valid or proba.score_type == "float16", table
        return
    assert rule not in ("sum", twice) and kind not in ("none", "nan", "length", "2-D")
    values = np.asarray(proba.y_score, dtype=float)
    values = np.column_stack([1 - values, values]) if values.ndim == 1 else values
    assert ((values >= 0) & (values <= 1)).all()
    numbers = np.asarray(patients, dtype=object)
    assert table.index.is_unique and set(table.index) == set(numbers)
    for patient, found in zip(table.index, table.to_numpy()):
        expected = aggregate_slowly(values[numbers == patient], rule, target.target)
        np.testing.assert_allclose(found, expected, atol=1e-9)


def summarize(X):
    """Return the mean and the standard deviation of each record, in any container."""
    rows = np.clip(np.nan_to_num(as_rows(X)), -10, 10)
    return np.column_stack([rows.mean(axis=1), rows.std(axis=1)])


# Patients of plain records.
VALID = ("none", "records", "pairs", "strings", "floats")


def draw_rule(target, plain):
    """Return a strategy of rules, which are defined for the target of plain records."""
    if not plain:
        return RULES
    any_part = () if target.target == "multiclass" else ("max", "noisy_or")
    return st.sampled_from(("mean", "median", mean_of_rows, *any_part))


@covers(WindowedClassifier)
@examples(30)
@given(data=st.data())
def test_windowed_classifier(data):
    plain = data.draw(st.sampled_from((True, True, False)))
    sizes = (12, 20) if plain else (12, 4, 2, 1, 0)
    X = data.draw(
        records(n_records=sizes, n_times=(50, 100, 20, 0)[: 2 if plain else 4], plain=plain)
    )
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, faults=not plain))
    weight, is_valid = data.draw(weights(n_records, faults=not plain))
    patients, kind = data.draw(groups(n_records, kinds=VALID if plain else GROUP_KINDS))
    duration = data.draw(st.sampled_from((0.2, 0.2, 0.5, None, *(() if plain else (0, 1e-9)))))
    step = data.draw(st.sampled_from((None, None, 0.1, 0.03)))
    rule = data.draw(draw_rule(target, plain))
    classifier = data.draw(st.sampled_from(LINEAR[plain and target.target == "multilabel" :]))
    estimator = WindowedClassifier(
        make_pipeline(FunctionTransformer(summarize), classifier),
        duration,
        step,
        aggregate=rule,
        shorter=data.draw(st.sampled_from(("raise", "pad"))),
        weighting=data.draw(st.sampled_from(("records", "windows"))),
        max_windows=data.draw(st.sampled_from((None, None, 2, 1))),
        sampling_rate=100,
        **X.params,
    )
    fitted = attempt(estimator.fit, X.X, target.y, sample_weight=weight, groups=patients)
    table = attempt(estimator.predict_windows, X.X)
    if isinstance(fitted, Refused):
        assert isinstance(table, Refused)
        is_valid = X.is_plain and X.shape[2] >= 50 and target.is_plain and weight is None
        is_valid = is_valid and kind in ("none", "records") and target.label_type != "column"
        is_valid = is_valid and duration in (0.2, 0.5) and rule in ("mean", "median")
        is_valid = is_valid and (target.target != "multilabel" or classifier is LINEAR[1])
        assert not is_valid, fitted
        return
    assert fitted is estimator and is_valid and rule != "sum"
    out = check_outputs(estimator, X.X, target.target, n_records)
    if isinstance(out, Refused):
        assert rule is twice and isinstance(table, pd.DataFrame), out
        return
    n_times = X.shape[2] if duration is None else round(100 * duration)
    every = n_times if step is None else round(100 * step)
    if not X.is_finite or n_times > X.shape[2]:
        return
    signals = X.signals.astype(X.output_dtype)
    starts = range(0, X.shape[2] - n_times + 1, every)
    assert len(table) == n_records * len(starts)
    parts = np.stack([signals[:, :, start : start + n_times] for start in starts], axis=1)
    proba = attempt(estimator.predict_proba, X.X)
    kind = target.target if target.target == "multilabel" else "multiclass"
    kind = "binary" if kind == "multiclass" and len(estimator.classes_) == 2 else kind
    for number, found in enumerate(proba):
        of_windows = estimator.estimator_.predict_proba(parts[number])
        rows = table.iloc[number * len(starts) : (number + 1) * len(starts)]
        np.testing.assert_allclose(rows, of_windows, atol=1e-5)
        np.testing.assert_allclose(found, aggregate_slowly(of_windows, rule, kind), atol=1e-5)


@covers(PatientAggregator)
@examples(50)
@given(data=st.data())
def test_patient_aggregator(data):
    plain = data.draw(st.sampled_from((True, True, False)))
    X = data.draw(
        records(
            kinds=("rows", "numeric frame"),
            n_records=(12, 20) if plain else (12, 4, 2, 1, 0),
            n_times=(20, 1),
            plain=plain,
            odd=not plain,
        )
    )
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, faults=not plain))
    weight, is_valid = data.draw(weights(n_records, faults=not plain))
    patients, kind = data.draw(groups(n_records, kinds=VALID if plain else GROUP_KINDS))
    rule = data.draw(draw_rule(target, plain))
    classifier = data.draw(st.sampled_from(LINEAR[plain and target.target == "multilabel" :]))
    estimator = PatientAggregator(
        classifier,
        aggregate=rule,
        weighting=data.draw(st.sampled_from(("records", "records", "patients"))),
        label_conflicts=data.draw(st.sampled_from(("raise", "any"))),
    )
    records_given, groups_given = X.X, patients
    if X.kind == "numeric frame" and kind in ("records", "pairs", "strings", "one"):
        if data.draw(st.booleans()):
            estimator.set_params(patient_level="patient")
            records_given = X.X.set_axis(pd.Index(patients, name="patient"))
            groups_given = None
    fitted = attempt(
        estimator.fit, records_given, target.y, sample_weight=weight, groups=groups_given
    )
    table = attempt(estimator.predict_patients, records_given, groups_given)
    score = attempt(estimator.score_patients, records_given, target.y, groups_given)
    if isinstance(fitted, Refused):
        assert isinstance(table, Refused) and isinstance(score, Refused)
        is_good = X.is_plain and target.is_plain and weight is None and rule in ("mean", "median")
        is_good = is_good and kind in ("records", "pairs") and target.label_type != "column"
        is_good = is_good and (target.target != "multilabel" or classifier is LINEAR[1])
        assert not is_good, fitted
        return
    assert fitted is estimator and is_valid and rule != "sum"
    estimator = attempt(
        clone(estimator).fit, records_given, target.y, sample_weight=weight, groups=groups_given
    )
    out = check_outputs(estimator, records_given, target.target, n_records)
    if isinstance(out, Refused):
        assert rule is twice, out
        return
    assert isinstance(score, Refused) or 0 <= score <= 1
    n_classes = len(estimator.classes_)
    is_multilabel = target.target == "multilabel"
    target_kind = "multilabel" if is_multilabel else "binary" if n_classes == 2 else "multiclass"
    of_records = estimator.estimator_.predict_proba(records_given)
    numbers = np.arange(n_records) if kind == "none" else np.asarray(patients, dtype=object)
    assert table.index.is_unique and set(table.index) == set(numbers)
    for patient, found in zip(table.index, table.to_numpy()):
        expected = aggregate_slowly(of_records[numbers == patient], rule, target_kind)
        np.testing.assert_allclose(found, expected, atol=1e-6)
