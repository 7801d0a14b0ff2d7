"""Samplers and prior correction: for any records and labels, what is documented, or an error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from scipy.sparse import issparse
from sklearn.base import clone
from strategies import as_rows, examples, groups, labels, records, scores

from sklearn_ecg.augmentation import GaussianNoise, TimeMask
from sklearn_ecg.imbalance import (
    AugmentationOverSampler,
    BeatSMOTE,
    FeatureLeadDropout,
    RecordOverSampler,
    RecordUnderSampler,
    correct_prevalence,
)
from sklearn_ecg.leads import to_lead_frame

SAMPLERS = {
    RecordOverSampler: RecordOverSampler(random_state=0),
    RecordUnderSampler: RecordUnderSampler(random_state=0),
    AugmentationOverSampler: AugmentationOverSampler(
        [GaussianNoise(0.1), TimeMask(0.1)], random_state=0
    ),
    BeatSMOTE: BeatSMOTE(100, k_neighbors=1, random_state=0),
}
STRATEGIES = ("auto", "auto", "all", "minority", 0.5, 1.0, 2, -1, "some", {0: 5}, {7: 5}, {0: -1})


@covers(*SAMPLERS)
@pytest.mark.parametrize("covered", SAMPLERS, ids=lambda c: c.__name__)
@examples(25)
@given(data=st.data())
def test_sampler(covered, data):
    plain = data.draw(st.booleans())
    sizes = (12, 24) if plain else (12, 24, 2, 1, 0)
    X = data.draw(records(n_records=sizes, n_times=(50, 200, 3, 0), plain=plain, odd=not plain))
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, faults=not plain))
    patients, kind = data.draw(groups(n_records))
    sampler = clone(SAMPLERS[covered])
    strategy = data.draw(st.sampled_from(STRATEGIES))
    sampler.set_params(sampling_strategy=strategy)
    if hasattr(sampler, "n_leads"):
        sampler.set_params(**X.params)
    attempt(sampler.fit, X.X, target.y)
    out = attempt(sampler.fit_resample, X.X, target.y, groups=patients)
    if isinstance(out, Refused):
        usual = strategy == "auto" and kind in ("none", "records") and target.label_type != "column"
        assert not (X.is_plain and target.is_plain and usual), out
        return
    X_new, y_new = out
    y_new = y_new.toarray() if issparse(y_new) else y_new
    indices = sampler.sample_indices_
    assert len(X_new) == len(y_new) == len(indices)
    assert ((indices >= 0) & (indices < n_records)).all()
    assert type(y_new) is type(target.y) or isinstance(y_new, np.ndarray)
    y = np.asarray(target.y.toarray() if issparse(target.y) else target.y)
    np.testing.assert_array_equal(
        np.asarray(y_new).reshape(len(indices), -1), y.reshape(n_records, -1)[indices]
    )
    if isinstance(X.X, pd.DataFrame):
        assert list(X_new.columns) == list(X.X.columns)
    elif isinstance(X.X, np.ndarray):
        assert X_new.ndim == X.X.ndim
    if X.signals is None and covered in (RecordOverSampler, RecordUnderSampler):
        # They copy records of any kind, such as text, without looking at them.
        return
    rows, rows_new = as_rows(X.X), as_rows(X_new)
    if covered in (RecordOverSampler, RecordUnderSampler):
        np.testing.assert_array_equal(rows_new, rows[indices])
    else:
        np.testing.assert_array_equal(rows_new[:n_records], rows.astype(X.output_dtype))
        assert np.isfinite(rows_new).all()
    if covered is not RecordUnderSampler:
        np.testing.assert_array_equal(indices[:n_records], np.arange(n_records))
    if strategy == "auto" and target.target != "multilabel" and kind == "none":
        _, counts = np.unique(np.asarray(y_new).ravel(), return_counts=True)
        assert len(set(counts)) == 1
    names = attempt(sampler.get_feature_names_out)
    if not isinstance(names, Refused):
        assert len(names)


COLUMNS = ("I__r", "V2__st_level", "global__heart_rate", "V1+V2__k1_d2_b3", "V1__r", "I__t")
TABLES = (*("plain",) * 6, "nan", "int", "text", "array", "no leads", "empty", "None", "signals")


@covers(FeatureLeadDropout)
@examples(60)
@given(data=st.data())
def test_feature_lead_dropout(data):
    n_records = data.draw(st.sampled_from((12, 3, 1)))
    target = data.draw(labels(n_records))
    patients, kind = data.draw(groups(n_records))
    table = data.draw(st.sampled_from(TABLES))
    values = np.random.RandomState(n_records).randn(n_records, len(COLUMNS))
    X = pd.DataFrame(values, columns=COLUMNS, index=[f"r{i}" for i in range(n_records)][::-1])
    if table == "nan":
        X.iloc[0] = np.nan
    elif table == "int":
        X = X.round().astype(int)
    elif table == "text":
        X["I__r"] = "high"
    elif table == "array":
        X = X.to_numpy()
    elif table == "no leads":
        X.columns = [f"x{i}" for i in range(len(COLUMNS))]
    elif table == "empty":
        X = X.iloc[:0]
    elif table == "None":
        X = None
    elif table == "signals":
        X = to_lead_frame(np.zeros((n_records, 1, 5)), ["I"])
    subsets = data.draw(
        st.sampled_from((None, None, ["I"], ["I+V2", ["V1"]], ["V6"], "I", [], ["all", "I"]))
    )
    n_copies = data.draw(st.sampled_from((1, 2, 3, 0)))
    probability = data.draw(st.sampled_from((0.5, 0.5, 0, 1, 2)))
    sampler = FeatureLeadDropout(
        subsets, probability=probability, n_copies=n_copies, random_state=0
    )
    attempt(sampler.fit, X, target.y)
    out = attempt(sampler.fit_resample, X, target.y, groups=patients)
    if isinstance(out, Refused):
        is_valid = n_copies and probability != 2 and subsets not in ("I", [], ["V6"])
        is_valid = is_valid and kind in ("none", "records", "pairs", "one")
        is_valid = is_valid and table in ("plain", "nan", "int")
        # Any target is accepted.
        assert not (is_valid and target.fault in ("none", "one class", "unbalanced")), out
        return
    assert table in ("plain", "nan", "int", "text") and n_copies and probability != 2
    X_new, y_new = out
    indices, kept = sampler.sample_indices_, sampler.kept_leads_
    np.testing.assert_array_equal(indices, np.tile(np.arange(n_records), 1 + n_copies))
    assert kept.shape == (len(indices), 3) and kept.any(axis=1).all()
    assert kept[:n_records].all() and set(sampler.leads_) == {"I", "V1", "V2"}
    assert list(X_new.columns) == list(X.columns)
    if subsets is not None:
        allowed = {"I": {"I"}, "I+V2": {"I", "V2"}, "all": {"I", "V1", "V2"}, ("V1",): {"V1"}}
        allowed = [allowed[s if isinstance(s, str) else tuple(s)] for s in subsets]
        of_copies = [set(np.array(sampler.leads_)[row]) for row in kept[n_records:]]
        assert all(leads in allowed for leads in of_copies)
        for record in range(n_records if n_copies >= len(subsets) else 0):
            assert all(leads in of_copies[record::n_records] for leads in allowed)
    elif probability in (0, 1):
        assert (kept[n_records:].sum(axis=1) == (3 if probability == 0 else 1)).all()
    for name in X.columns:
        needed = [] if name.startswith("global") else name.partition("__")[0].split("+")
        has = kept[:, [sampler.leads_.index(lead) for lead in needed]].all(axis=1)
        found, original = X_new[name].to_numpy(), X[name].to_numpy()[indices]
        np.testing.assert_array_equal(found[has], original[has])
        assert pd.isna(found[~has]).all()
    if target.fault == "none":
        y = np.asarray(target.y)[indices].reshape(len(indices), -1)
        np.testing.assert_array_equal(np.asarray(y_new).reshape(len(indices), -1), y)
    assert list(attempt(sampler.get_feature_names_out)) == list(X.columns)


@covers(correct_prevalence)
@examples(80)
@given(data=st.data())
def test_correct_prevalence(data):
    n_records = data.draw(st.sampled_from((5, 1, 0)))
    target = data.draw(labels(n_records, faults=False))
    prob = data.draw(scores(target, n_records))
    values = (
        0.5,
        0.1,
        1e-300,
        1 - 1e-16,
        0,
        1,
        np.nan,
        "a",
        None,
        [0.2, 0.8],
        [0.1, 0.2, 0.7],
        [0.5, 0.6],
    )
    effective, wanted = data.draw(st.sampled_from(values)), data.draw(st.sampled_from(values))
    multilabel = target.target == "multilabel"
    out = attempt(correct_prevalence, prob.y_score, effective, wanted, multilabel=multilabel)
    if isinstance(out, Refused):
        is_valid = prob.is_plain and prob.are_probabilities and effective in (0.5, 0.1)
        assert not (
            is_valid and wanted in (0.5, 0.1) and target.target == "binary" and n_records
        ), out
        return
    assert out.shape == np.shape(prob.y_score) and out.dtype == np.float64
    assert ((out >= 0) & (out <= 1)).all()
    if target.target == "multiclass":
        np.testing.assert_allclose(out.sum(axis=1), 1)
    elif effective == wanted and out.ndim == 1:
        np.testing.assert_allclose(out, np.asarray(prob.y_score, dtype=float))
