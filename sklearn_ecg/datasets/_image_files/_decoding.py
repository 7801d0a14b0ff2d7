"""Decoding one image with Pillow: upright, on white, and at the requested size."""

import os
import warnings
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .._records import RecordError

# Of JPEG files with further images in them (MPO), which phones write, the first image is read.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_ORIENTATION_TAG = 0x0112  # of EXIF; 1 is upright


@dataclass
class DecodedImage:
    """Result of decoding a file; an error is kept here, because it comes from a worker process."""

    pixels: np.ndarray | None = None  # (height, width) or (height, width, 3), uint8
    error: RecordError | None = None
    shape: tuple | None = None  # height and width in the file
    mode: str | None = None  # of Pillow, in the file
    notes: list = field(default_factory=list)


def decode_image(root, name, size, aspect, color):
    """Decode an image file.

    Parameters
    ----------
    root, name : str
        The folder, and the file relative to it.
    size : (int, int)
        Height and width.
    aspect : {"pad", "stretch"}
    color : {"gray", "rgb"}

    Returns
    -------
    DecodedImage
    """
    decoded = DecodedImage()
    try:
        image = _open_upright(os.path.join(root, name), name, decoded)
        image = image.convert("L" if color == "gray" else "RGB")
        decoded.pixels = np.asarray(_fit_size(image, size, aspect))
    except RecordError as error:
        decoded.error = error
    return decoded


def _open_upright(path, name, decoded):
    """Return the upright image of a file, and note in `decoded` what was found and done."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Suspiciously large images are not decoded.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            # From an open file: given a path, Pillow 13.0 maps uncompressed TIFF files into memory,
            # and garbles those that EXIF turns by a right angle.
            with open(path, "rb") as file, Image.open(file, formats=_FORMATS) as image:
                decoded.shape, decoded.mode = image.size[::-1], image.mode
                _check_single_page(name, image)
                # Pillow turns TIFF files itself while loading, and then removes the orientation.
                orientations = {image.getexif().get(_ORIENTATION_TAG, 1)}
                image.load()
                orientations.add(image.getexif().get(_ORIENTATION_TAG, 1))
                upright = ImageOps.exif_transpose(image)
                if orientations != {1}:
                    decoded.notes.append("turned according to EXIF")
                upright = _put_on_white(name, upright, decoded.notes)
        except RecordError:
            raise
        except Exception as error:
            # Decoders raise errors of many types.
            raise _describe_decoding_error(name, error) from error
    decoded.notes += [f"Pillow: {warning.message}" for warning in caught]
    return upright


def _describe_decoding_error(name, error):
    """Return a RecordError that says why Pillow could not read a file."""
    if isinstance(error, UnidentifiedImageError):
        return RecordError(
            name,
            "format",
            "Pillow finds no PNG, JPEG, TIFF or BMP image in it.",
            "Convert it, or leave it out.",
        )
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return RecordError(
            name,
            "size",
            "it has more pixels than Pillow's limit against decompression bombs "
            f"({Image.MAX_IMAGE_PIXELS}, PIL.Image.MAX_IMAGE_PIXELS).",
            "Make it smaller, or raise the limit if you trust the file.",
        )
    if isinstance(error, FileNotFoundError):
        return RecordError(name, "file", "it does not exist.", "Correct its name, or add the file.")
    if isinstance(error, (PermissionError, IsADirectoryError)):
        return RecordError(
            name, "file", f"it cannot be opened ({error.strerror}).", "Make it readable."
        )
    return RecordError(
        name,
        "content",
        f"Pillow cannot decode it ({type(error).__name__}: {error}).",
        "Copy or download it again, convert it, or leave it out.",
    )


def _check_single_page(name, image):
    n_pages = getattr(image, "n_frames", 1)
    if image.format == "TIFF" and n_pages > 1:
        raise RecordError(
            name,
            "pages",
            f"it has {n_pages} pages, and it is unknown which one to load.",
            "Save each page as a file of its own.",
        )


def _put_on_white(name, image, notes):
    """Return an image of mode L or RGB, with white where it was transparent."""
    has_16_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    if has_16_bits:
        values = np.asarray(image).astype(np.float64)
        notes.append("16 bits converted to 8")
        return Image.fromarray(np.rint(values / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise RecordError(
            name,
            "mode",
            f"its pixels are numbers of mode {image.mode!r}, whose range is unknown.",
            "Save it with 8 or 16 bits per pixel.",
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        notes.append("transparency replaced by white")
        return Image.alpha_composite(background, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


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
