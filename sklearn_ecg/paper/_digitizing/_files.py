"""Images and paths: how files are opened, and what is reported if they cannot be."""

import os
from pathlib import Path

import numpy as np

from ..._validation import is_path
from ...leads import STANDARD_LEADS
from ...utils._image_files import (
    ImageFacts,
    describe_decoding_error,
    open_image_path,
    put_on_white,
    read_image,
    read_opened_image,
    record_warnings,
)
from ._digitize import PageReading, digitize_page
from ._pages import MAX_PIXELS, as_image


def open_and_digitize(image, options, max_pixels=None, steps=None):
    """Return the reading of an image, which is opened if it is a path.

    Parameters
    ----------
    image : ndarray, Image or path
    options : PageOptions
    max_pixels : int, default=None
        Images in files with more pixels are not decoded.
    steps : dict, default=None
        Gets what each step finds, in place.

    Returns
    -------
    reading : PageReading
    """
    facts = ImageFacts()
    try:
        if is_path(image):
            image = _read_file(image, facts, max_pixels)
        else:
            image = as_image(image) if isinstance(image, np.ndarray) else image
            image = put_on_white("image", read_opened_image(image, "image", facts))
        if facts.is_turned:
            facts.shape = facts.shape[::-1]
    except Exception as error:
        # Decoders raise errors of many types.
        error = describe_decoding_error("image", error)
        empty = np.full((len(STANDARD_LEADS), options.n_times), np.nan, dtype=np.float32)
        return PageReading(empty, "failed", "file", error.reason.removesuffix("."))
    if steps is not None:
        steps["image"] = image
    return digitize_page(image, options, facts, steps)


def _read_file(path, facts, max_pixels):
    path = Path(path).expanduser()
    with record_warnings(), open_image_path(path) as file:
        image = read_image(file, os.fspath(path), facts, max_pixels=max_pixels, enough=MAX_PIXELS)
        return put_on_white(os.fspath(path), image)
