"""Checks of transformers from signals to signals."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..leads import is_lead_frame, to_lead_frame
from ._check_tools import _LEADS, _clone_with, _containers, _make_records, _to_array


def check_same_container_out(estimator):
    """The output has the container and the index of the input, and equal values in each."""
    X, y = _make_records()
    fitted = _clone_with(estimator, lead_names=_LEADS).fit(X, y)
    expected = fitted.transform(X)
    leads = list(fitted.get_feature_names_out())
    assert isinstance(expected, np.ndarray)
    assert expected.shape[:2] == (len(X), len(leads))
    for name, (container, params) in _containers(X).items():
        index = None
        if hasattr(container, "columns"):
            index = [f"record{i}" for i in range(len(X))]
            container = container.set_axis(index)
        other = _clone_with(estimator, **params).fit(container, y)
        out = other.transform(container)
        assert type(out) is type(container), f"{name}: the output is a {type(out).__name__}"
        again = _clone_with(estimator, **params).fit_transform(container, y)
        np.testing.assert_array_equal(_to_array(again), _to_array(out), err_msg=name)
        if index is not None:
            assert list(out.index) == index, f"{name}: the index differs"
        if name == "lead frame":
            assert is_lead_frame(out)
            assert list(out.columns) == leads
        if name == "object array":
            assert out.shape == expected.shape[:2] and out.dtype == object
        values = _to_array(out).reshape(expected.shape)
        np.testing.assert_array_equal(values, expected, err_msg=name)
        assert values.dtype == expected.dtype, name


def check_signal_dtypes(estimator):
    """float64 is preserved, and all other dtypes become float32."""
    X, y = _make_records()
    X = np.round(100 * X)
    for dtype in (np.float64, np.float32, np.float16, np.int16, np.int64):
        for params in ({}, {"n_leads": len(_LEADS)}):
            given = X.astype(dtype)
            if params:
                given = given.reshape(len(X), -1)
            out = _clone_with(estimator, **params).fit(given, y).transform(given)
            wanted = np.float64 if dtype is np.float64 else np.float32
            assert out.dtype == wanted, f"{np.dtype(dtype)} became {out.dtype}"
    frame = to_lead_frame(X.astype(np.float64), _LEADS)
    out = _clone_with(estimator).fit(frame, y).transform(frame)
    assert _to_array(out).dtype == np.float64


def check_set_output_does_nothing(estimator):
    """`set_output` returns the estimator and does not change the container of the output."""
    X, y = _make_records()
    made = _clone_with(estimator)
    assert made.set_output(transform="pandas") is made
    out = made.fit(X, y).transform(X)
    assert isinstance(out, np.ndarray) and out.ndim == 3


def check_signal_names(estimator):
    """Output names are those of leads, or those of columns after a fit on rows."""
    X, y = _make_records()
    n_leads_out, n_times_out = _clone_with(estimator).fit(X, y).transform(X).shape[1:]
    for container, params in _containers(X).values():
        fitted = _clone_with(estimator, **params).fit(container, y)
        names = fitted.get_feature_names_out()
        assert isinstance(names, np.ndarray) and names.dtype == object
        assert len(set(names)) == len(names)
        assert len(names) == fitted.transform(container).shape[1]
        out = fitted.transform(container)
        if isinstance(out, pd.DataFrame):
            assert list(out.columns) == list(names)
        if hasattr(container, "columns"):
            np.testing.assert_array_equal(
                fitted.get_feature_names_out(fitted.feature_names_in_), names
            )
        if "n_leads" in params:
            leads = names.reshape(n_leads_out, n_times_out)[:, 0]
            assert all(name.endswith("__t0") for name in leads), leads
    unnamed = _clone_with(estimator).fit(X, y).get_feature_names_out()
    assert len(unnamed) == n_leads_out


def check_signal_pipeline(estimator):
    """The estimator works as a step of a Pipeline with ``set_output(transform="pandas")``."""
    X, y = _make_records()
    for name, (container, params) in _containers(X).items():
        pipeline = Pipeline(
            [("signals", _clone_with(estimator, **params)), ("pass", "passthrough")]
        )
        pipeline.set_output(transform="pandas")
        out = pipeline.fit(container, y).transform(container)
        expected = _clone_with(estimator, **params).fit(container, y).transform(container)
        np.testing.assert_array_equal(_to_array(out), _to_array(expected), err_msg=name)
        assert len(pipeline.get_feature_names_out()) == out.shape[1]


def check_signals_not_shared(estimator):
    """The output shares no memory with X, and writing to it does not change later outputs."""
    X, y = _make_records()
    for dtype in (np.float32, np.float64):
        given = X.astype(dtype)
        before = given.copy()
        fitted = _clone_with(estimator).fit(given, y)
        out = fitted.transform(given)
        assert not np.shares_memory(out, given)
        assert out.flags.c_contiguous
        kept = out.copy()
        out[:] = 7
        np.testing.assert_array_equal(given, before)
        np.testing.assert_array_equal(fitted.transform(given), kept)
