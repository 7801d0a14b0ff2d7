"""Images of any sizes, as arrays, as images of Pillow, or as paths of files."""

import os

import numpy as np
import pandas as pd
from PIL import Image

from ..leads import is_lead_frame
from ._images import SINGLE_IMAGE, refuse_other_dimensions

_PIXELS = (
    "booleans, integers from 0 to 255, uint16 from 0 to 65535, or floats in [0, 1] or [0, 255]"
)
# Of the range of floats.
_EXCESS = 0.01


def list_images(X, name):
    """Return the images or paths in X as a list, and the index of X or None.

    Parameters
    ----------
    X : array or sequence
    name : str
        Name of the estimator, for errors.

    Returns
    -------
    images : list of ndarray, Image, str or path-like
    index : Index or None

    Raises
    ------
    ValueError
        If X contains no images, or is a single one.
    TypeError
        If X is a single path, or contains objects that are neither images nor paths.
    """
    if isinstance(X, (str, bytes, os.PathLike, Image.Image)):
        raise TypeError(
            f"X must be a sequence of images or paths, got a single one, {X!r}. Pass [X]."
        )
    if isinstance(X, pd.DataFrame):
        what = "signals" if is_lead_frame(X) else "a table"
        raise ValueError(
            f"X is {what}, but {name} takes images. Pass an array of images, or a sequence of "
            "images or paths, such as a column of the table."
        )
    index = X.index if isinstance(X, pd.Series) else None
    if isinstance(X, np.ndarray) and X.dtype != object and X.dtype.kind not in "US":
        refuse_other_dimensions(X)
        if X.ndim == 3 and X.shape[2] <= 4:
            raise ValueError(
                f"X has shape {X.shape}, which looks like one image of shape (height, width, "
                f"channels). {SINGLE_IMAGE}."
            )
    images = list(X)
    if len(images) == 0:
        raise ValueError("X contains no images. Pass at least one.")
    for i, image in enumerate(images):
        if not (is_path(image) or isinstance(image, Image.Image)):
            _check_pixels(image, i)
    return images, index


def _check_pixels(image, i):
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"X[{i}] is {type(image).__name__}. Pass images as arrays, images of Pillow, or paths "
            "of files."
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(
            f"X[{i}] has shape {image.shape}, but an image has shape (height, width) or (height, "
            "width, channels) with at most 4 channels, which come last."
        )
    if image.dtype.kind not in "buif":
        raise TypeError(f"X[{i}] has dtype {image.dtype}. Pass {_PIXELS}.")
    if image.dtype in (bool, np.uint8, np.uint16) or image.size == 0:
        return
    low, high = image.min(), image.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"X[{i}] contains NaN or infinity. Pass finite pixels.")
    # Floats may be slightly out of their range, as after interpolation.
    excess = 0.0 if image.dtype.kind in "ui" else _EXCESS * (1 if high <= 1 + _EXCESS else 255)
    if low < -excess or high > 255 + excess:
        raise ValueError(
            f"X[{i}] has dtype {image.dtype} and values from {low:g} to {high:g}, whose range of "
            f"brightness is unknown. Pass {_PIXELS}."
        )


def is_path(image):
    """Whether an item of X is the path of a file."""
    return isinstance(image, (str, os.PathLike))
