"""Checks of transformers from signals to pictures, and of estimators of images."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..leads import to_lead_frame
from ._check_tools import (
    _LEADS,
    _TOLERANCE,
    _assert_outputs,
    _containers,
    _data,
    _make,
    _predictor,
    _raises,
)

# Transformers from signals to pictures


def check_image_containers(estimator):
    """Signals become pictures; rows and numeric frames become rows of pixels, with their names."""
    X, y = _data()
    fitted = _make(estimator, lead_names=_LEADS).fit(X, y)
    expected = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert isinstance(expected, np.ndarray) and expected.dtype == np.uint8
    assert len(set(names)) == len(names) == expected[0].size
    for name, (container, params) in _containers(X).items():
        index = None
        if hasattr(container, "columns"):
            index = [f"record{i}" for i in range(len(X))]
            container = container.set_axis(index)
        out = _make(estimator, **params).fit_transform(container, y)
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
    """The estimator is a step of a Pipeline that is told to put out frames."""
    X, y = _data()
    made = _make(estimator)
    assert made.set_output(transform="pandas") is made
    pipeline = Pipeline([("images", made), ("pass", "passthrough")])
    pipeline.set_output(transform="pandas")
    out = pipeline.fit(X, y).transform(X)
    assert isinstance(out, np.ndarray)
    np.testing.assert_array_equal(out, _make(estimator).fit(X, y).transform(X))
    assert len(pipeline.get_feature_names_out()) == out[0].size


# Estimators of images, in place of the contract of signals


def _images(dtype=np.float32, **options):
    """Grey images of four rows, of which the classes differ in one place."""
    X, y = _data(**options)
    low, high = X.min(), X.max()
    shares = (X - low) / (high - low)
    return (255 * shares).astype(np.uint8) if dtype == np.uint8 else shares.astype(dtype), y


def check_images_agree(estimator):
    """Grey images with and without a channel, rows and frames give the same results, bit by bit."""
    for dtype in (np.float32, np.uint8):
        X, y = _images(dtype)
        reference = _make(estimator).fit(X, y)
        rows = X.reshape(len(X), -1)
        frame = pd.DataFrame(rows, columns=[f"p{i}" for i in range(rows.shape[1])])
        for other_X, params in [
            (X[..., np.newaxis], {}),
            (rows, {"image_shape": X.shape[1:]}),
            (rows, {"image_shape": (X.shape[1], -1)}),
            (frame, {"image_shape": X.shape[1:]}),
        ]:
            other = _make(estimator, **params).fit(other_X, y)
            _assert_outputs(reference, other, X, other_X, exact=True)
            assert other.image_shape_in_ == (*X.shape[1:], 1)
            assert other.n_features_in_ == other_X.shape[1]
            assert hasattr(other, "feature_names_in_") == hasattr(other_X, "columns")
        # Those of one kind are read by an estimator that was fitted on another.
        _assert_outputs(reference, reference, X, X[..., np.newaxis], exact=True)


def check_image_channels(estimator):
    """Channels come last, and must be as many as fitted."""
    X, y = _images()
    colour = np.stack([X, X / 2, 1 - X], axis=-1)
    fitted = _make(estimator).fit(colour, y)
    assert len(_predictor(fitted)(colour)) == len(X)
    with _raises("Channels come last"):
        _make(estimator).fit(colour.transpose(0, 3, 1, 2), y)
    with _raises(r"\(4, 50, 1\)", r"fitted on \(4, 50, 3\)"):
        _predictor(fitted)(X)


def check_image_size(estimator):
    """Images of another size than fitted are an error that names both."""
    X, y = _images()
    fitted = _make(estimator).fit(X, y)
    with _raises(r"\(4, 49, 1\)", r"fitted on \(4, 50, 1\)"):
        _predictor(fitted)(X[:, :, :-1])


def check_image_kind(estimator):
    """Bytes and floats are not mixed up."""
    X, y = _images()
    as_bytes, _ = _images(np.uint8)
    with _raises("X holds bytes", "fitted on floats"):
        _predictor(_make(estimator).fit(X, y))(as_bytes)
    with _raises("X holds floats", "fitted on bytes"):
        _predictor(_make(estimator).fit(as_bytes, y))(X)
    shares = as_bytes / np.float32(255)
    of_bytes = _make(estimator).fit(as_bytes, y).transform(as_bytes)
    of_floats = _make(estimator).fit(shares, y).transform(shares)
    # Resized bytes are rounded to bytes.
    assert np.abs(of_floats - of_bytes).max() < 0.2 * np.abs(of_bytes).max()


def check_rows_need_image_shape(estimator):
    """2-D rows without image_shape are refused, and so is one that does not fit."""
    X, y = _images()
    rows = X.reshape(len(X), -1)
    with _raises("image_shape"):
        _make(estimator).fit(rows, y)
    for wrong in [(7, 7), (7, -1), (-1, -1), (4,), (4, 25)]:
        with _raises("image_shape"):
            _make(estimator, image_shape=wrong).fit(rows, y)


def check_signals_refused(estimator):
    """Signals are not taken for images."""
    X, y = _data()
    frame = to_lead_frame(X, _LEADS)
    with _raises("holds signals", "renderer"):
        _make(estimator).fit(frame, y)
    with _raises("holds signals", "renderer"):
        _make(estimator).fit(frame.to_numpy(), y)
    with _raises("12 leads", "renderer"):
        _make(estimator).fit(np.tile(X, (1, 3, 1)), y)


def check_image_non_finite(estimator):
    """NaN and infinity are refused."""
    X, y = _images()
    fitted = _make(estimator).fit(X, y)
    for value, name in [(np.nan, "NaN"), (np.inf, "infinity")]:
        bad = X.copy()
        bad[3, 2, 7] = value
        with _raises(f"contains {name}"):
            _make(estimator).fit(bad, y)
        with _raises(f"contains {name}"):
            _predictor(fitted)(bad)


def check_image_embedding(estimator):
    """transform gives named columns, as an array or as a frame."""
    X, y = _images()
    fitted = _make(estimator).fit(X, y)
    embedding = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert embedding.shape == (len(X), len(names))
    framed = _make(estimator).set_output(transform="pandas").fit(X, y).transform(X)
    assert list(framed.columns) == list(names)
    np.testing.assert_allclose(framed.to_numpy(), embedding, **_TOLERANCE)
