"""Decoding one image for a loader: upright, on white, and at the requested size."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from ...utils._image_files import (
    ImageFacts,
    describe_decoding_error,
    open_image_file,
    put_on_white,
    read_image,
    record_warnings,
)
from ...utils._record_error import RecordError


@dataclass
class DecodedImage(ImageFacts):
    """Result of decoding a file; an error is kept here, because it comes from a worker process."""

    pixels: np.ndarray | None = None  # (height, width) or (height, width, 3), uint8
    error: RecordError | None = None


def decode_image(root, name, page, size, aspect, color, dpi, max_pixels):
    """Decode an image file, or a page of a PDF file.

    Parameters
    ----------
    root, name : str
        The folder, and the file relative to it.
    page : int
        Page of a PDF file, from 1.
    size : (int, int)
        Height and width.
    aspect : {"pad", "stretch"}
    color : {"gray", "rgb"}
    dpi : float
        Pixels per inch of a page of a PDF file.
    max_pixels : int or None
        Images with more pixels are not decoded.

    Returns
    -------
    DecodedImage
    """
    decoded = DecodedImage()
    try:
        with record_warnings() as caught:
            with open_image_file(root, name) as file:
                image = read_image(
                    file, name, decoded, max_pixels=max_pixels, size=size, page=page, dpi=dpi
                )
                fit = partial(_fit_size, size=size, aspect=aspect)
                image = put_on_white(name, image, color, decoded.notes, fit)
                decoded.pixels = np.asarray(image.convert("L" if color == "gray" else "RGB"))
        decoded.notes += [f"Pillow: {warning.message}" for warning in caught]
    except Exception as error:
        # Decoders raise errors of many types. Large images may also need too much memory.
        decoded.error = describe_decoding_error(name, error)
    return decoded


def _fit_size(image, size, aspect):
    """Scale an image to a size, padded with white or stretched."""
    height, width = size
    if aspect == "pad":
        scale = min(height / image.height, width / image.width)
        inner = (
            min(width, max(1, round(image.width * scale))),
            min(height, max(1, round(image.height * scale))),
        )
    else:
        inner = (width, height)
    if image.size != inner:
        # When Pillow scales down, its filters become as wide as needed to keep thin lines.
        image = image.resize(inner, Image.Resampling.BICUBIC)
    if inner == (width, height):
        return image
    padded = Image.new(image.mode, (width, height), "white")
    padded.paste(image, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return padded
