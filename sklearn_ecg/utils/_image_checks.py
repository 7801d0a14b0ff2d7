"""Checks of transformers from signals to images, and of estimators that take images."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..leads import to_lead_frame
from ._check_tools import (
    _LEADS,
    _TOLERANCE,
    _assert_outputs,
    _clone_with,
    _containers,
    _make_records,
    _prediction_method,
    _raises,
)

# Transformers from signals to images


def check_image_containers(estimator):
    """Signals become images; rows and numeric frames become rows of pixels with names."""
    X, y = _make_records()
    fitted = _clone_with(estimator, lead_names=_LEADS).fit(X, y)
    expected = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert isinstance(expected, np.ndarray) and expected.dtype == np.uint8
    assert len(set(names)) == len(names) == expected[0].size
    for name, (container, params) in _containers(X).items():
        index = None
        if hasattr(container, "columns"):
            index = [f"record{i}" for i in range(len(X))]
            container = container.set_axis(index)
        out = _clone_with(estimator, **params).fit_transform(container, y)
        if name == "numeric frame":
            assert isinstance(out, pd.DataFrame)
            assert list(out.columns) == list(names) and list(out.index) == index
        else:
            assert isinstance(out, np.ndarray), name
        assert (np.ndim(out) == 2) == ("n_leads" in params), name
        out = np.asarray(out)
        assert out.dtype == np.uint8, name
        np.testing.assert_array_equal(out.reshape(expected.shape), expected, err_msg=name)


def check_image_pipeline(estimator):
    """The estimator works as a step of a Pipeline with ``set_output(transform="pandas")``."""
    X, y = _make_records()
    made = _clone_with(estimator)
    assert made.set_output(transform="pandas") is made
    pipeline = Pipeline([("images", made), ("pass", "passthrough")])
    pipeline.set_output(transform="pandas")
    out = pipeline.fit(X, y).transform(X)
    assert isinstance(out, np.ndarray)
    np.testing.assert_array_equal(out, _clone_with(estimator).fit(X, y).transform(X))
    assert len(pipeline.get_feature_names_out()) == out[0].size


# Estimators that take images


def _make_images(dtype=np.float32, **options):
    """Return gray images of four rows whose classes differ in one region."""
    X, y = _make_records(**options)
    low, high = X.min(), X.max()
    shares = (X - low) / (high - low)
    return (255 * shares).astype(np.uint8) if dtype == np.uint8 else shares.astype(dtype), y


def check_image_containers_agree(estimator):
    """Gray images with and without a channel, rows and frames give the same results."""
    for dtype in (np.float32, np.uint8):
        X, y = _make_images(dtype)
        reference = _clone_with(estimator).fit(X, y)
        rows = X.reshape(len(X), -1)
        frame = pd.DataFrame(rows, columns=[f"p{i}" for i in range(rows.shape[1])])
        for other_X, params in [
            (X[..., np.newaxis], {}),
            (rows, {"image_shape": X.shape[1:]}),
            (rows, {"image_shape": (X.shape[1], -1)}),
            (frame, {"image_shape": X.shape[1:]}),
        ]:
            other = _clone_with(estimator, **params).fit(other_X, y)
            _assert_outputs(reference, other, X, other_X, exact=True)
            assert other.image_shape_in_ == (*X.shape[1:], 1)
            assert other.n_features_in_ == other_X.shape[1]
            assert hasattr(other, "feature_names_in_") == hasattr(other_X, "columns")
        # The container of a prediction may differ from that of fit.
        _assert_outputs(reference, reference, X, X[..., np.newaxis], exact=True)


def check_image_channels(estimator):
    """Channels are the last axis, and their number must be that of `fit`."""
    X, y = _make_images()
    color = np.stack([X, X / 2, 1 - X], axis=-1)
    fitted = _clone_with(estimator).fit(color, y)
    assert len(_prediction_method(fitted)(color)) == len(X)
    with _raises("Channels come last"):
        _clone_with(estimator).fit(color.transpose(0, 3, 1, 2), y)
    with _raises(r"\(4, 50, 1\)", r"fitted on \(4, 50, 3\)"):
        _prediction_method(fitted)(X)


def check_image_size(estimator):
    """A size other than in `fit` raises an error that names both sizes."""
    X, y = _make_images()
    fitted = _clone_with(estimator).fit(X, y)
    with _raises(r"\(4, 49, 1\)", r"fitted on \(4, 50, 1\)"):
        _prediction_method(fitted)(X[:, :, :-1])


def check_image_kind(estimator):
    """Bytes after a fit on floats, and the reverse, raise an error."""
    X, y = _make_images()
    as_bytes, _ = _make_images(np.uint8)
    with _raises("X holds bytes", "fitted on floats"):
        _prediction_method(_clone_with(estimator).fit(X, y))(as_bytes)
    with _raises("X holds floats", "fitted on bytes"):
        _prediction_method(_clone_with(estimator).fit(as_bytes, y))(X)
    shares = as_bytes / np.float32(255)
    of_bytes = _clone_with(estimator).fit(as_bytes, y).transform(as_bytes)
    of_floats = _clone_with(estimator).fit(shares, y).transform(shares)
    # Resized bytes are rounded to bytes.
    assert np.abs(of_floats - of_bytes).max() < 0.2 * np.abs(of_bytes).max()


def check_rows_need_image_shape(estimator):
    """2-D rows raise an error without image_shape, or if it does not match their length."""
    X, y = _make_images()
    rows = X.reshape(len(X), -1)
    with _raises("image_shape"):
        _clone_with(estimator).fit(rows, y)
    for wrong in [(7, 7), (7, -1), (-1, -1), (4,), (4, 25)]:
        with _raises("image_shape"):
            _clone_with(estimator, image_shape=wrong).fit(rows, y)


def check_signals_raise(estimator):
    """Signals raise an error that recommends to render them in a pipeline."""
    X, y = _make_records()
    frame = to_lead_frame(X, _LEADS)
    with _raises("contains signals", "make_pipeline.ECGImageRenderer"):
        _clone_with(estimator).fit(frame, y)
    with _raises("contains signals", "make_pipeline.ECGImageRenderer"):
        _clone_with(estimator).fit(frame.to_numpy(), y)
    with _raises("12 leads", "make_pipeline.ECGImageRenderer"):
        _clone_with(estimator).fit(np.tile(X, (1, 3, 1)), y)


def check_image_non_finite(estimator):
    """NaN and infinity raise an error."""
    X, y = _make_images()
    fitted = _clone_with(estimator).fit(X, y)
    for value, name in [(np.nan, "NaN"), (np.inf, "infinity")]:
        bad = X.copy()
        bad[3, 2, 7] = value
        with _raises(f"contains {name}"):
            _clone_with(estimator).fit(bad, y)
        with _raises(f"contains {name}"):
            _prediction_method(fitted)(bad)


def check_image_embedding(estimator):
    """`transform` returns named columns, as an array or as a DataFrame."""
    X, y = _make_images()
    fitted = _clone_with(estimator).fit(X, y)
    embedding = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert embedding.shape == (len(X), len(names))
    framed = _clone_with(estimator).set_output(transform="pandas").fit(X, y).transform(X)
    assert list(framed.columns) == list(names)
    np.testing.assert_allclose(framed.to_numpy(), embedding, **_TOLERANCE)
