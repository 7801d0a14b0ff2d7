"""Tests of the input contract of signals: copies, names, and error messages."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier

from sklearn_ecg import STANDARD_LEADS, to_lead_frame
from sklearn_ecg._validation import check_signals, read_signals
from sklearn_ecg.datasets import make_ecg


class Estimator(BaseEstimator):
    def __init__(self, n_leads=None, lead_names=None):
        self.n_leads = n_leads
        self.lead_names = lead_names


class LeadNames(ClassifierMixin, Estimator):
    def fit(self, X, y):
        check_signals(self, X, reset=True)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        raise NotImplementedError


X12 = np.random.RandomState(0).randn(5, 12, 100).astype(np.float32)


def check(X, reset=True, **params):
    return check_signals(Estimator(**params), X, reset=reset)


def test_float32_array_is_not_copied():
    signals, names = check(X12)
    assert np.shares_memory(signals, X12)
    assert names == STANDARD_LEADS


def test_memmap_is_not_copied(tmp_path):
    np.save(tmp_path / "X.npy", X12)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(check(mapped)[0], mapped)


def test_rows_are_not_copied():
    rows = X12.reshape(5, -1)
    signals, names = check(rows, n_leads=12)
    assert np.shares_memory(signals, rows) and names == STANDARD_LEADS
    np.testing.assert_array_equal(signals, X12)


def test_names_of_leads():
    assert check(X12[:, :3])[1] is None
    assert check(X12[:, :3], lead_names=["avr", "MLII", "my lead"])[1] == ("aVR", "II", "my lead")
    frame = to_lead_frame(X12[:, :2], ["V1", "V2"]).set_axis(["v1", "Lead V2"], axis=1)
    assert check(frame)[1] == ("V1", "V2")
    rows = X12[:, :3].reshape(5, -1)
    assert check(rows, n_leads=3)[1] is None
    assert check(rows, n_leads=3, lead_names=["v1", "II", "I"])[1] == ("V1", "II", "I")


def test_meta_estimators_lose_names():
    """They make an object array of a lead frame, whose leads may be in any order."""
    frame = to_lead_frame(X12)[[*STANDARD_LEADS[::-1]]]
    bagging = BaggingClassifier(LeadNames(), n_estimators=2, random_state=0)
    for estimator in bagging.fit(frame, [0, 1, 0, 1, 0]).estimators_:
        assert estimator.lead_names_in_ is None
    named = LeadNames(lead_names=STANDARD_LEADS[::-1]).fit(frame.to_numpy(), [0, 1, 0, 1, 0])
    assert named.lead_names_in_ == STANDARD_LEADS[::-1]
    assert read_signals(frame.to_numpy(), name="f")[1] is None
    on_array = Estimator()
    check_signals(on_array, X12, reset=True)
    assert check_signals(on_array, frame.to_numpy(), reset=False)[1] == STANDARD_LEADS


def test_dtype_follows_the_argument():
    signals, _ = check_signals(Estimator(), X12, reset=True, dtype=np.float64)
    assert signals.dtype == np.float64


ERRORS = {
    "one dimension": (X12[0, 0], {}, r"Expected 3D array .* got 1D array .* X\[\[0\]\]"),
    "four dimensions": (X12[None], {}, r"got 4D array with shape \(1, 5, 12, 100\)"),
    "rows without n_leads": (X12[:, 0], {}, r"shape \(5, 100\).*n_leads=12"),
    "n_leads that does not divide": (X12[:, 0], {"n_leads": 7}, "which n_leads=7 does not divide"),
    "transposed": (
        X12.transpose(0, 2, 1),
        {},
        r"100 leads of 12 time points.*transpose\(.*n_leads=100",
    ),
    "transposed, n_leads given": (
        X12.transpose(0, 2, 1),
        {"n_leads": 12},
        r"100 leads, but n_leads=12 .*X.transpose\(0, 2, 1",
    ),
    "other n_leads": (X12, {"n_leads": 8}, "X has 12 leads, but n_leads=8 was given"),
    "no records": (X12[:0], {}, r"0 sample\(s\)"),
    "no time points": (X12[:, :, :0], {}, r"0 time point\(s\)"),
    "NaN": (np.where(X12 == X12[2, 7, 30], np.nan, X12), {}, "1 of 5.*record 2, lead V2.*30"),
    "too large": (np.full((1, 2, 3), 1e300), {}, "too large for float32.*record 0, lead 0"),
    "finite and too large": (np.full((1, 2, 3), -2e15), {}, r"too large.*\(above 1e\+15\)"),
    "ragged list": ([[[1.0, 2], [1, 2, 3]]], {}, "parts differ in length.*crop or pad"),
    "strings": (np.full((2, 2, 3), "a"), {}, "could not convert string"),
    "complex": (X12 * 1j, {}, "Complex data not supported: X must contain real numbers"),
    "names too few": (X12, {"lead_names": ["I"]}, r"lead_names has 1 names \(I\), but X has 12"),
    "names twice": (X12[:, :2], {"lead_names": ["aVR", "AVR"]}, "aVR"),
    "frame with a number column": (
        to_lead_frame(X12).assign(age=50),
        {},
        "contain signals, but these do not: 'age'",
    ),
    "numeric frame": (pd.DataFrame(X12[:, 0]).add_prefix("t"), {}, "n_leads=12"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_error_messages(case):
    X, params, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        check(X, **params)


def test_leads_and_length_must_be_the_fitted_ones():
    estimator = Estimator()
    check_signals(estimator, X12, reset=True)
    with pytest.raises(ValueError, match="99 time points, but Estimator was fitted on 100"):
        check_signals(estimator, X12[:, :, :99], reset=False)
    for fewer in (X12[:, :11], to_lead_frame(X12).to_numpy()[:, :11]):
        with pytest.raises(ValueError, match="X has 11 leads, but Estimator was fitted on 12"):
            check_signals(estimator, fewer, reset=False)


def test_containers_may_change_between_fit_and_predict():
    """With n_leads, rows can be passed to an estimator fitted on an array, and vice versa."""
    estimator = Estimator(n_leads=12)
    check_signals(estimator, X12, reset=True)
    np.testing.assert_array_equal(check_signals(estimator, X12.reshape(5, -1), reset=False)[0], X12)
    check_signals(estimator, X12.reshape(5, -1), reset=True)
    np.testing.assert_array_equal(check_signals(estimator, X12, reset=False)[0], X12)


def test_frame_after_array_must_be_in_standard_order():
    estimator = Estimator()
    frame = to_lead_frame(X12)
    check_signals(estimator, X12, reset=True)
    with pytest.raises(ValueError, match="another order.*lead_names_in_"):
        check_signals(estimator, frame[[*STANDARD_LEADS[::-1]]], reset=False)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        signals, _ = check_signals(estimator, frame, reset=False)
    np.testing.assert_array_equal(signals, X12)


def test_same_leads_spelled_differently_are_named():
    estimator = Estimator()
    check_signals(estimator, to_lead_frame(X12), reset=True)
    other = to_lead_frame(X12).rename(columns=str.lower)
    with pytest.raises(ValueError, match="same leads spelled differently: rename"):
        check_signals(estimator, other, reset=False)


def test_numbers_as_text_in_a_numeric_frame():
    """scikit-learn converts them, but no other text."""
    frame = pd.DataFrame(X12[:, 0].astype(str).astype(object)).add_prefix("t")
    np.testing.assert_allclose(check(frame, n_leads=1)[0][:, 0], X12[:, 0], rtol=1e-6)
    frame.iloc[0, 3] = "high"
    with pytest.raises(ValueError, match="cells of column 't3' are not signals: got str, 'high'"):
        check(frame, n_leads=1)


def test_object_array_with_an_empty_first_cell():
    cells = to_lead_frame(X12).to_numpy()
    cells[0, 0] = None
    with pytest.raises(ValueError, match="record 0, lead"):
        check(cells)


def test_array_after_frame_of_another_order_raises():
    estimator = Estimator()
    check_signals(estimator, to_lead_frame(X12)[[*STANDARD_LEADS[::-1]]], reset=True)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        with pytest.raises(ValueError, match="fitted on V6, V5.*in standard order"):
            check_signals(estimator, X12, reset=False)


def test_array_after_frame_warns():
    estimator = Estimator()
    frame = to_lead_frame(X12)
    check_signals(estimator, frame, reset=True)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        check_signals(estimator, X12, reset=False)


def test_predictions_of_usual_arrays_skip_the_checks_of_scikit_learn(monkeypatch):
    from sklearn_ecg._validation import _signals

    plain, on_frame, on_rows = Estimator(), Estimator(), Estimator(n_leads=12)
    check_signals(plain, X12, reset=True)
    check_signals(on_frame, to_lead_frame(X12), reset=True)
    check_signals(on_rows, X12.reshape(5, -1), reset=True)
    calls = []

    def count(function):
        return lambda *args, **options: calls.append(1) or function(*args, **options)

    for name in ("validate_data", "check_array"):
        monkeypatch.setattr(_signals, name, count(getattr(_signals, name)))
    signals, names = check_signals(plain, X12, reset=False)
    assert signals is X12 and names == STANDARD_LEADS and not calls
    # What scikit-learn converts or warns of is still passed to it.
    for X in (X12.astype(float), X12.astype(">f4"), np.asfortranarray(X12), X12.tolist()):
        calls.clear()
        np.testing.assert_array_equal(check_signals(plain, X, reset=False)[0], X12)
        assert calls
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        check_signals(on_frame, X12, reset=False)
    calls.clear()
    check_signals(on_rows, X12, reset=False)
    assert calls
    for X, message in (
        (X12[:, :3], "X has 3 leads"),
        (X12[:, :, :50], "50 time points"),
        (X12[:0], r"0 sample\(s\)"),
        (np.where(np.arange(100) == 3, np.nan, X12).astype(np.float32), "contains NaN"),
        (np.where(np.arange(100) == 3, -np.inf, X12).astype(np.float32), "contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            check_signals(plain, X, reset=False)


ORDERS = {
    "chest leads after II": ([0, 1, *range(6, 12), *range(2, 6)], "lead 8 is lead 1 minus lead 0"),
    "chest leads first": ([*range(6, 12), *range(6)], "lead 8 is lead 7 minus lead 6"),
    "columns of a page": ([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11], "lead 8 is lead 4 minus lead 0"),
    "aVF before aVL": ([0, 1, 2, 3, 5, 4, *range(6, 12)], "aVL is lead 5, and not lead 4"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_leads_in_another_order_than_assumed(order):
    X = make_ecg(6, duration=4, random_state=0).data
    positions, message = ORDERS[order]
    names = [STANDARD_LEADS[i] for i in positions]
    with pytest.warns(UserWarning, match=f"Estimator assumes .* in 5 of 5 records {message}"):
        check(X[:, positions])
    with pytest.warns(UserWarning, match=message):
        check(X[:, positions].reshape(6, -1), n_leads=12)
    with pytest.warns(UserWarning, match=f"to_lead_frame assumes .* {message}"):
        to_lead_frame(X[:, positions])
    # No warnings: names that are known, the standard order, and what says nothing.
    check(X[:, positions], lead_names=names)
    check(to_lead_frame(X[:, positions], names))
    check(to_lead_frame(X[:, positions], names).to_numpy())
    check(X)
    mean, scale = X.mean(axis=2, keepdims=True), X.std(axis=2, keepdims=True)
    check(((X - mean) / scale)[:, positions])


def test_scaled_leads_that_satisfy_an_identity_by_chance():
    """Scaled I and III with a correlation of .5 have the scaled aVL as their difference."""
    rng = np.random.default_rng(0)
    X = make_ecg(6, duration=4, random_state=0).data
    for record in X:
        first, second = np.linalg.qr(rng.standard_normal((X.shape[2], 2)))[0].T
        lead_i, lead_iii = first, first / 2 + np.sqrt(0.75) * second
        lead_ii = lead_i + lead_iii
        avr, avl, avf = -(lead_i + lead_ii) / 2, (lead_i - lead_iii) / 2, (lead_ii + lead_iii) / 2
        record[:6] = lead_i, lead_ii, lead_iii, avr, avl, avf
    scaled = X / np.sqrt(np.square(X).mean(axis=2, keepdims=True))
    np.testing.assert_allclose(scaled[:, 4], scaled[:, 0] - scaled[:, 2], atol=1e-5)
    check(scaled)
