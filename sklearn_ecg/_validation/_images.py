"""The input contract for images."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import assert_all_finite, validate_data

from ..leads import STANDARD_LEADS, is_lead_frame
from ._containers import as_array, check_container, refuse_other_objects
from ._finite import is_in_range
from ._signals import is_signal_table

SINGLE_IMAGE = "A single image is X[[0]], not X[0]"

# Floats up to 255 reach this, unless all images are dark.
_LEAST_OF_255 = 16


def check_images(estimator, X, *, reset, image_shape=None, dtype=np.float32):
    """Convert X to an array of images, and compare it with the fitted images.

    ==================  =======================================  ================
    container           shape                                    needs
    ==================  =======================================  ================
    gray images         (n_images, height, width)
    images              (n_images, height, width, channels)
    rows, or a frame    (n_images, height * width * channels)    ``image_shape=``
    ==================  =======================================  ================

    Parameters
    ----------
    estimator : estimator
        With ``reset=True``, its attributes ``n_features_in_``, ``feature_names_in_``,
        ``image_shape_in_``, ``n_channels_in_`` and ``image_kind_in_`` are set.
    X : array or DataFrame
        See the table above.
    reset : bool
        True in ``fit``, False in every other method.
    image_shape : tuple of int, default=None
        Shape of the images that are given as rows.
    dtype : dtype, default=np.float32
        Data type of images that are not bytes.

    Returns
    -------
    images : ndarray of shape (n_images, height, width, channels)
        Of dtype uint8 if X is, otherwise of `dtype`.

    Raises
    ------
    ValueError
        If X is ambiguous, contains NaN or infinity, or differs from the fitted images in size,
        number of channels, in being bytes or not, or plainly in the range of floats.
    TypeError
        If X contains objects that are not numbers.
    """
    name = type(estimator).__name__
    check_container(X)
    if is_lead_frame(X) or is_signal_table(X):
        raise ValueError(
            f"X contains signals, but {name} takes images. Render them in a pipeline, "
            f"make_pipeline(ECGImageRenderer(sampling_rate=...), {name}(...)), or pass images."
        )
    if isinstance(X, (list, tuple)):
        X = as_array(X)
    ndim = getattr(X, "ndim", 2)
    if ndim != 2:
        refuse_other_dimensions(X, ", or a 2D array of rows")
    given = X.dtypes if hasattr(X, "dtypes") else [getattr(X, "dtype", None)]
    dtype = np.uint8 if all(kind == np.uint8 for kind in given) else dtype
    options = {"dtype": dtype, "order": "C", "allow_nd": True, "ensure_all_finite": False}
    fitted = getattr(estimator, "image_shape_in_", None)
    shape = tuple(getattr(X, "shape", ()))
    if not reset and shape in (fitted, fitted[:2]) and shape[1:] != (np.prod(fitted),):
        raise ValueError(
            f"X has the shape {shape} of one of the images that {name} was fitted on. "
            f"{SINGLE_IMAGE}."
        )
    # Rows may be passed to an estimator fitted on images, and vice versa. scikit-learn would
    # compare the number of columns with the height.
    with np.errstate(over="ignore"), refuse_other_objects():
        if reset or (ndim == 2 and estimator.n_features_in_ == np.prod(fitted)):
            X = validate_data(estimator, X, reset=reset, **options)
        else:
            X = check_array(X, estimator=estimator, input_name="X", **options)
    if ndim == 2:
        X = X.reshape(len(X), *_shape_of_rows(X.shape, image_shape, name))
    if ndim == 3:
        if X.shape[1] == len(STANDARD_LEADS) and X.dtype != np.uint8:
            raise ValueError(
                f"X has shape {X.shape}, which looks like signals of 12 leads, but {name} takes "
                "images. Render them in a pipeline, make_pipeline(ECGImageRenderer("
                f"sampling_rate=...), {name}(...)). If these are gray images of height 12, pass "
                "X[..., np.newaxis]."
            )
        X = X[..., np.newaxis]
    if X.shape[1] in (1, 3, 4) and X.shape[3] not in (1, 3, 4):
        raise ValueError(
            f"X has shape {X.shape}, which looks like images with the channels first. Channels "
            "come last: pass X.transpose(0, 2, 3, 1)."
        )
    if 0 in X.shape[1:]:
        raise ValueError(f"X has images of shape {X.shape[1:]}: a minimum of 1 pixel is required.")
    kind = "bytes" if X.dtype == np.uint8 else "floats"
    if reset:
        estimator.image_shape_in_ = X.shape[1:]
        estimator.n_channels_in_ = X.shape[3]
        estimator.image_kind_in_ = kind
    if X.shape[1:] != estimator.image_shape_in_:
        raise ValueError(
            f"X has images of shape {X.shape[1:]} (height, width, channels), but {name} was fitted "
            f"on {estimator.image_shape_in_}: resize them, as load_ecg_images does."
        )
    if kind != estimator.image_kind_in_:
        raise ValueError(
            f"X holds {kind}, but {name} was fitted on {estimator.image_kind_in_}. Bytes (uint8) "
            "are divided by 255, floats are not: pass images of the fitted kind."
        )
    if kind == "floats":
        # The sum of infinities of both signs is NaN, which numpy would warn of.
        with np.errstate(invalid="ignore", over="ignore"):
            assert_all_finite(X, input_name="X")
        if not is_in_range(X):
            raise ValueError(
                "Input X contains values above 1e15. Pass floats that are about in [0, 1]."
            )
        _check_float_range(estimator, X, name, reset)
    return X


def _check_float_range(estimator, X, name, reset):
    """Raise if floats are plainly up to 255 and the fitted ones up to 1, or vice versa."""
    highest = X.max()
    white = None
    if X.min() >= 0 and 0 < highest <= 255:
        white = 1 if highest <= 1 else 255 if highest > _LEAST_OF_255 else None
    if reset:
        estimator._fitted_white = white
        return
    fitted = getattr(estimator, "_fitted_white", None)
    if None not in (white, fitted) and white != fitted:
        remedy = "Divide X by 255." if fitted == 1 else "Multiply X by 255."
        raise ValueError(
            f"X holds floats up to {highest:g}, but {name} was fitted on floats from 0 to "
            f"{fitted}. {remedy}"
        )


def refuse_other_dimensions(X, also=""):
    """Raise a ValueError if the shape of an array is not that of several images.

    Parameters
    ----------
    X : array
    also : str, default=""
        What else the caller accepts, for the message.
    """
    if X.ndim not in (3, 4):
        raise ValueError(
            "Expected images (n_images, height, width) or (n_images, height, width, channels)"
            f"{also}, got {X.ndim}D array with shape {X.shape} instead. Reshape your data. "
            f"{SINGLE_IMAGE}."
        )


def check_image_size(image_size):
    """Return height and width of images in pixels, from a pair or a single number."""
    size = (image_size, image_size) if isinstance(image_size, Integral) else image_size
    try:
        height, width = size
    except (TypeError, ValueError):
        height = width = None
    for pixels in (height, width):
        if not isinstance(pixels, Integral) or isinstance(pixels, bool) or pixels < 1:
            raise ValueError(
                "image_size must be (height, width) in pixels, or one number for both, got "
                f"{image_size!r}."
            )
    return int(height), int(width)


def _shape_of_rows(shape, image_shape, name):
    """Return the shape of the images in rows, from `image_shape`, which may contain one -1."""
    if image_shape is None:
        raise ValueError(
            f"X has shape {shape}. If its rows are images, pass their shape to {name}, as in "
            "image_shape=(height, width). Otherwise, pass an array of shape (n_images, height, "
            f"width) or (n_images, height, width, channels). {SINGLE_IMAGE}."
        )
    found = tuple(image_shape) + (1,) * (len(image_shape) == 2)
    if not all(isinstance(size, Integral) for size in found):
        raise ValueError(f"image_shape must contain integers, got {image_shape!r}.")
    known = -np.prod(found) if -1 in found else np.prod(found)
    is_invalid = len(found) != 3 or found.count(-1) > 1 or min(found) < -1 or known <= 0
    if is_invalid or shape[1] % known:
        raise ValueError(
            f"X has {shape[1]} columns, which does not match image_shape={image_shape!r}. Pass "
            "(height, width) or (height, width, channels) whose product is the number of columns; "
            "one of them may be -1."
        )
    if -1 not in found and known != shape[1]:
        raise ValueError(
            f"X has {shape[1]} columns, but image_shape={image_shape!r} requires {known}."
        )
    return tuple(int(shape[1] // known) if size == -1 else int(size) for size in found)
