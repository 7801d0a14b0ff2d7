"""Images and paths: what is accepted, and how files are opened."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from ...leads import STANDARD_LEADS, is_lead_frame
from ._digitize import PageReading, digitize_page
from ._pages import as_image


def list_images(X):
    """Return the images or paths in X as a list, and the index of X or None.

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
            f"X is {what}, but ECGImageDigitizer takes images. Pass an array of images, or a "
            "sequence of images or paths, such as a column of the table."
        )
    index = X.index if isinstance(X, pd.Series) else None
    if isinstance(X, np.ndarray) and X.dtype != object and X.dtype.kind not in "US":
        if X.ndim not in (3, 4):
            raise ValueError(
                "Expected images (n_images, height, width) or (n_images, height, width, "
                f"n_channels), got {X.ndim}D array with shape {X.shape} instead. Reshape your "
                "data: a single image is X[np.newaxis]."
            )
        if X.ndim == 3 and X.shape[2] <= 4:
            raise ValueError(
                f"X has shape {X.shape}, which looks like one image of shape (height, width, "
                "n_channels). A single image is X[np.newaxis]."
            )
    images = list(X)
    if len(images) == 0:
        raise ValueError("X contains no images. Pass at least one.")
    for i, image in enumerate(images):
        if is_path(image) or isinstance(image, Image.Image):
            continue
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
            "width, n_channels) with at most 4 channels, which come last."
        )
    if image.dtype.kind not in "buif":
        raise TypeError(f"X[{i}] has dtype {image.dtype}. Pass bytes, or floats in [0, 1].")
    if image.dtype.kind == "f" and image.size and not np.isfinite(image).all():
        raise ValueError(f"X[{i}] contains NaN or infinity. Pass finite pixels.")


def is_path(image):
    """Whether an item of X is the path of a file."""
    return isinstance(image, (str, os.PathLike))


def open_and_digitize(image, options):
    """Return the reading of an image, which is opened if it is a path.

    Parameters
    ----------
    image : ndarray, Image or path
    options : PageOptions

    Returns
    -------
    reading : PageReading
    """
    if is_path(image):
        try:
            path = Path(image).expanduser()
            if path.exists() and not path.is_file():
                # Opening a pipe would wait for its writer.
                raise OSError(f"{path} is not a regular file")
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file)
                image.load()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            reason = (
                "Pillow does not recognize its format"
                if isinstance(error, UnidentifiedImageError)
                else str(error) or type(error).__name__
            )
            empty = np.full((len(STANDARD_LEADS), options.n_times), np.nan, dtype=np.float32)
            return PageReading(empty, "failed", "file", reason)
    elif isinstance(image, np.ndarray):
        image = as_image(image)
    return digitize_page(image, options)
