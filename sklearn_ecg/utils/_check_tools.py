"""Helpers of the estimator checks: records, containers and the comparison of results."""

import random
import re
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

from ..leads import is_lead_frame, stack_signals, to_lead_array, to_lead_frame

_LEADS = ("I", "II", "V2", "V5")
_N_TIMES = 50
# Differences that are due to float32.
_TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


@contextmanager
def _raises(*patterns, error=ValueError):
    """Assert that the block raises an error whose message matches all patterns."""
    try:
        yield
    except error as raised:
        for pattern in patterns:
            if not re.search(pattern, str(raised)):
                raise AssertionError(f"{pattern!r} does not match: {raised}") from raised
    else:
        raise AssertionError(f"no {error.__name__} was raised; expected {patterns}")


def _make_records(n_records=24, n_times=_N_TIMES, n_classes=2, seed=0):
    """Return records in mV whose class is the amplitude of a bump in lead V2."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_records) % n_classes
    X = 0.3 * rng.randn(n_records, len(_LEADS), n_times).astype(np.float32)
    X[:, 2, n_times // 3 : n_times // 2 + 1] += 1.5 * y[:, None]
    return X, y


def _clone_with(estimator, **params):
    """Return a clone with these parameters and a fixed random state."""
    estimator = clone(estimator)
    if "random_state" in estimator.get_params():
        params.setdefault("random_state", 0)
    return estimator.set_params(**params)


def _outputs(estimator, X):
    """Return the outputs of all methods of a fitted estimator for X."""
    methods = ["decision_function", "predict_proba", "predict_log_proba", "predict", "transform"]
    return {m: _to_array(getattr(estimator, m)(X)) for m in methods if hasattr(estimator, m)}


def _to_array(output):
    """Return an output as an array of numbers, with signals in cells stacked."""
    if is_lead_frame(output):
        return to_lead_array(output)
    output = np.asarray(output)
    if output.dtype == object and output.ndim == 2 and isinstance(output.flat[0], np.ndarray):
        return stack_signals(output)
    return output


def _assert_outputs(estimator, other, X, other_X=None, exact=False):
    """Assert that two fitted estimators have the same outputs, each for its own X if given."""
    first = _outputs(estimator, X)
    second = _outputs(other, X if other_X is None else other_X)
    assert first, "the estimator has neither predict nor transform"
    for method, expected in first.items():
        if expected.ndim > 2 == second[method].ndim:
            # The output for rows consists of rows.
            expected = expected.reshape(len(expected), -1)
        if exact or expected.dtype.kind not in "fc":
            np.testing.assert_array_equal(second[method], expected, err_msg=method)
        else:
            np.testing.assert_allclose(second[method], expected, err_msg=method, **_TOLERANCE)


def _containers(X):
    """Return the five containers of the same signals, with the parameters that each requires."""
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


def _program_state():
    """Return the state of the process that estimators and functions must not change, by name."""
    name, keys, *others = np.random.get_state()
    state = {
        "the random state of Python": random.getstate(),
        "the random state of NumPy": (name, keys.tobytes(), *others),
        "np.geterr()": np.geterr(),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        cudnn = torch.backends.cudnn
        state |= {
            "the random state of torch": torch.random.get_rng_state().numpy().tobytes(),
            "the number of threads of torch": torch.get_num_threads(),
            "the default dtype of torch": torch.get_default_dtype(),
            "the default device of torch": torch.get_default_device(),
            "the precision of products of torch": torch.get_float32_matmul_precision(),
            "the gradient mode of torch": torch.is_grad_enabled(),
            "the inference mode of torch": torch.is_inference_mode_enabled(),
            "torch.use_deterministic_algorithms": (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            "torch.backends.cudnn": (cudnn.enabled, cudnn.deterministic, cudnn.benchmark),
        }
    return state


def _prediction_method(estimator):
    """Return `predict`, or `transform` if there is none."""
    return estimator.predict if hasattr(estimator, "predict") else estimator.transform


def _allows_nan(estimator):
    return get_tags(estimator).input_tags.allow_nan


def _allows_missing_leads(estimator):
    return getattr(estimator, "_allow_nan", False) == "leads"


def _preserves_float64(estimator):
    tags = get_tags(estimator).transformer_tags
    return tags is not None and "float64" in tags.preserves_dtype


def _takes_images(estimator):
    """Return whether an estimator takes images rather than signals."""
    return "image_shape" in estimator.get_params(deep=False)


def _kind_of_output(estimator):
    """Return "signals" or "images" if a transformer of signals returns them, otherwise None.

    It is fitted to find out. Signals are 3-D arrays of floats, images 3-D or 4-D arrays of bytes.
    """
    if is_classifier(estimator) or _takes_images(estimator) or not hasattr(estimator, "transform"):
        return None
    X, y = _make_records()
    try:
        out = _clone_with(estimator).fit(X, y).transform(X)
    except ValueError:
        # The checks report what is wrong.
        return None
    if np.ndim(out) == 3 and out.dtype.kind == "f":
        return "signals"
    return "images" if np.ndim(out) in (3, 4) and out.dtype == np.uint8 else None
