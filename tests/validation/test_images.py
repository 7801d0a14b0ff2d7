"""Tests of the input contract of images: shapes, dtypes, limits, and error messages."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from sklearn_ecg._validation import check_images


class Estimator(BaseEstimator):
    pass


FLOATS = np.random.RandomState(0).rand(4, 6, 5, 3)
BYTES = (255 * FLOATS).astype(np.uint8)


def check(X, **options):
    return check_images(Estimator(), X, reset=True, **options)


def fitted(X, **options):
    estimator = Estimator()
    check_images(estimator, X, reset=True, **options)
    return estimator


@pytest.mark.parametrize("order", ["C", "F"])
def test_shapes_and_dtypes(order):
    images = check(np.asarray(FLOATS, order=order))
    assert images.dtype == np.float32 and images.flags.c_contiguous
    np.testing.assert_allclose(images, FLOATS, rtol=1e-6)
    assert check(FLOATS, dtype=np.float64).dtype == np.float64
    assert check(BYTES).dtype == np.uint8 and (check(BYTES) == BYTES).all()
    assert check(BYTES.astype(int)).dtype == np.float32
    gray = check(FLOATS[..., 0])
    assert gray.shape == (4, 6, 5, 1)
    np.testing.assert_allclose(gray[..., 0], FLOATS[..., 0], rtol=1e-6)
    assert check(FLOATS.tolist()).shape == FLOATS.shape


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame])
@pytest.mark.parametrize("X", [FLOATS, BYTES])
def test_rows(X, convert):
    rows = convert(X.reshape(4, -1))
    for shape in ((6, 5, 3), (6, 5, -1), (-1, 5, 3), (np.int64(6), -1, 3)):
        images = check(rows, image_shape=shape)
        np.testing.assert_allclose(images, X, rtol=1e-6)
        assert images.dtype == (np.uint8 if X is BYTES else np.float32)
    gray = convert(X[..., 0].reshape(4, -1))
    for shape in ((6, 5), (6, -1), (-1, 5)):
        np.testing.assert_allclose(check(gray, image_shape=shape)[..., 0], X[..., 0], rtol=1e-6)


def test_attributes():
    estimator = fitted(FLOATS)
    assert estimator.image_shape_in_ == (6, 5, 3) and estimator.n_channels_in_ == 3
    assert estimator.image_kind_in_ == "floats" and fitted(BYTES).image_kind_in_ == "bytes"
    assert estimator.n_features_in_ == 6


def test_rows_and_images_may_change_between_fit_and_predict():
    rows = FLOATS.reshape(4, -1)
    for estimator in (fitted(FLOATS), fitted(rows, image_shape=(6, 5, 3))):
        for X, options in ((FLOATS, {}), (rows, {"image_shape": (6, 5, 3)})):
            found = check_images(estimator, X, reset=False, **options)
            np.testing.assert_allclose(found, FLOATS, rtol=1e-6)
    estimator = fitted(pd.DataFrame(rows).add_prefix("x"), image_shape=(6, 5, 3))
    other = pd.DataFrame(rows).add_prefix("y")
    with pytest.raises(ValueError, match="feature names should match"):
        check_images(estimator, other, reset=False, image_shape=(6, 5, 3))


def test_what_differs_from_fit_is_refused():
    for X, message in (
        (FLOATS[:, :5], r"shape \(5, 5, 3\).* fitted on \(6, 5, 3\): resize"),
        (FLOATS[..., 0], r"shape \(6, 5, 1\)"),
        (BYTES, "X holds bytes, but Estimator was fitted on floats"),
        (FLOATS[0], r"shape \(6, 5, 3\) of one of the images.*X\[\[0\]\]"),
        (FLOATS[0, ..., 0], r"shape \(6, 5\) of one of the images"),
    ):
        with pytest.raises(ValueError, match=message):
            check_images(fitted(FLOATS), X, reset=False)
    with pytest.raises(ValueError, match="X holds floats, but Estimator was fitted on bytes"):
        check_images(fitted(BYTES), FLOATS, reset=False)


def test_another_range_of_floats_is_refused():
    """Values that are 255 times as large give embeddings without meaning."""
    large = BYTES.astype(float)
    with pytest.raises(ValueError, match="up to 254, but Estimator .* from 0 to 1. Divide X"):
        check_images(fitted(large / 255), large, reset=False)
    with pytest.raises(ValueError, match="up to 0.99.*, but .* from 0 to 255. Multiply X"):
        check_images(fitted(large), large / 255, reset=False)
    # Black, standardized and slightly brighter images have no plain range.
    for X in (0 * large, large / 127.5 - 1, large / 200):
        for training in (large, large / 255):
            check_images(fitted(training), X, reset=False)
        for other in (large, large / 255):
            check_images(fitted(X), other, reset=False)


def with_value(value):
    X = FLOATS.copy()
    X[1, 2, 3, 0] = value
    return X


ROWS = FLOATS.reshape(4, -1)
ERRORS = {
    "1-D": (ROWS[0], {}, r"got 1D array with shape \(90,\)"),
    "5-D": (FLOATS[None], {}, "got 5D array"),
    "signals": (np.zeros((3, 12, 100)), {}, "looks like signals of 12 leads"),
    "channels first": (FLOATS.transpose(0, 3, 1, 2), {}, r"pass X.transpose\(0, 2, 3, 1\)"),
    "gray, channels first": (np.zeros((3, 1, 8, 9)), {}, "channels first"),
    "no pixels": (np.zeros((3, 0, 8)), {}, "minimum of 1 pixel"),
    "NaN": (with_value(np.nan), {}, "contains NaN"),
    "infinity": (with_value(-np.inf), {}, "infinity"),
    "large": (with_value(2e15), {}, "above 1e15"),
    "large and negative": (with_value(-2e15), {}, "above 1e15"),
    "complex": (FLOATS * 1j, {}, "Complex data not supported: X must contain real numbers"),
    "rows without shape": (ROWS, {}, r"X has shape \(4, 90\).*image_shape=\(height, width\)"),
    "float in shape": (ROWS, {"image_shape": (6.0, 5, 3)}, "must contain integers"),
    "one number": (ROWS, {"image_shape": (90,)}, "does not match"),
    "four numbers": (ROWS, {"image_shape": (6, 5, 3, 1)}, "does not match"),
    "two unknown": (ROWS, {"image_shape": (-1, -1, 3)}, "does not match"),
    "not a divisor": (ROWS, {"image_shape": (7, -1, 3)}, "does not match"),
    "zero": (ROWS, {"image_shape": (0, 5, 3)}, "does not match"),
    "negative numbers": (ROWS, {"image_shape": (-6, 5, -3)}, "does not match"),
    "smaller product": (ROWS, {"image_shape": (6, 5)}, "requires 30"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_error_messages(case):
    X, options, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        check(X, **options)


def test_limits_of_the_refusals():
    assert check(with_value(1e15)).shape == FLOATS.shape
    assert check(np.zeros((3, 12, 100, 1))).shape == (3, 12, 100, 1)
    assert check(np.zeros((3, 12, 100), np.uint8)).shape == (3, 12, 100, 1)
    # Narrow images with the channels last.
    for height in (1, 3, 4):
        assert check(np.zeros((2, height, 8, 3))).shape == (2, height, 8, 3)
    assert check(np.zeros((2, 2, 8, 5))).shape == (2, 2, 8, 5)
