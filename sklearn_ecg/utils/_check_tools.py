"""Records for the checks of estimators, and how results are compared."""

import re
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

from ..leads import is_lead_frame, stack_signals, to_lead_array, to_lead_frame

_LEADS = ("I", "II", "V2", "V5")
_N_TIMES = 50
# What float32 leaves equal between ways to the same numbers.
_TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


@contextmanager
def _raises(*patterns, error=ValueError):
    """The block must raise an error whose message matches all the patterns."""
    try:
        yield
    except error as raised:
        for pattern in patterns:
            if not re.search(pattern, str(raised)):
                raise AssertionError(f"{pattern!r} is not in the message: {raised}") from raised
    else:
        raise AssertionError(f"no {error.__name__} was raised; expected {patterns}")


def _data(n_records=24, n_times=_N_TIMES, n_classes=2, seed=0):
    """Records in mV whose class is the amplitude of a bump in lead V2."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_records) % n_classes
    X = 0.3 * rng.randn(n_records, len(_LEADS), n_times).astype(np.float32)
    X[:, 2, n_times // 3 : n_times // 2 + 1] += 1.5 * y[:, None]
    return X, y


def _make(estimator, **params):
    """A clone with a fixed random state."""
    estimator = clone(estimator)
    if "random_state" in estimator.get_params():
        params.setdefault("random_state", 0)
    return estimator.set_params(**params)


def _outputs(estimator, X):
    """Everything that a fitted estimator says of X."""
    methods = ["decision_function", "predict_proba", "predict", "transform"]
    return {m: _to_array(getattr(estimator, m)(X)) for m in methods if hasattr(estimator, m)}


def _to_array(output):
    """An output as an array of numbers; signals in cells are stacked."""
    if is_lead_frame(output):
        return to_lead_array(output)
    output = np.asarray(output)
    if output.dtype == object and output.ndim == 2 and isinstance(output.flat[0], np.ndarray):
        return stack_signals(output)
    return output


def _assert_outputs(estimator, other, X, other_X=None, exact=False):
    """Two fitted estimators say the same, each of its own X if two are given."""
    first = _outputs(estimator, X)
    second = _outputs(other, X if other_X is None else other_X)
    assert first, "the estimator has neither predict nor transform"
    for method, expected in first.items():
        if expected.ndim > 2 == second[method].ndim:
            # What went in as rows comes out as rows.
            expected = expected.reshape(len(expected), -1)
        if exact or expected.dtype.kind not in "fc":
            np.testing.assert_array_equal(second[method], expected, err_msg=method)
        else:
            np.testing.assert_allclose(second[method], expected, err_msg=method, **_TOLERANCE)


def _containers(X):
    """The five containers of the same signals, with the parameters each needs."""
    frame = to_lead_frame(X, _LEADS)
    rows = X.reshape(len(X), -1)
    columns = [f"t{i}" for i in range(rows.shape[1])]
    return {
        "3-D array": (X, {"lead_names": _LEADS}),
        "lead frame": (frame, {}),
        "object array": (frame.to_numpy(), {"lead_names": _LEADS}),
        "2-D rows": (rows, {"n_leads": len(_LEADS), "lead_names": _LEADS}),
        "numeric frame": (
            pd.DataFrame(rows, columns=columns),
            {"n_leads": len(_LEADS), "lead_names": _LEADS},
        ),
    }


def _predictor(estimator):
    return estimator.predict if hasattr(estimator, "predict") else estimator.transform


def _allows_nan(estimator):
    return get_tags(estimator).input_tags.allow_nan


def _keeps_float64(estimator):
    tags = get_tags(estimator).transformer_tags
    return tags is not None and "float64" in tags.preserves_dtype


def _gives_signals(estimator):
    """Whether a transformer makes signals of signals: 3-D arrays of 3-D arrays."""
    out = _transformed(estimator)
    return np.ndim(out) == 3 and out.dtype.kind == "f"


def _gives_images(estimator):
    """Whether a transformer makes pictures of signals: bytes, grey or in colour."""
    out = _transformed(estimator)
    return np.ndim(out) in (3, 4) and out.dtype == np.uint8


def _transformed(estimator):
    """What a transformer makes of records; None of a classifier, or if it fails."""
    if is_classifier(estimator) or not hasattr(estimator, "transform"):
        return None
    X, y = _data()
    try:
        return _make(estimator).fit(X, y).transform(X)
    except ValueError:
        # Whatever is wrong with it, the checks will tell.
        return None
