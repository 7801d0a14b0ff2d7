"""Decoding one image with Pillow: upright, on white, and at the requested size."""

import struct
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .._records import RecordError, show_name
from ._opening import describe_access_error, open_image_file
from ._pdf import is_pdf, render_page

# Of JPEG files with further images in them (MPO), which phones write, the first image is read.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_ORIENTATION_TAG = 0x0112  # of EXIF; 1 is upright
_MAX_COUNTED_PAGES = 100
_PIXELS_PER_TILE = 2**22
# Of a progressive JPEG, Pillow keeps all coefficients in memory until the last scan is decoded.
_MAX_PROGRESSIVE_BYTES = 2**29
# Pillow takes 8 bytes for each row of an image, and scaling it 32 bytes for each row and column.
_MAX_SIDE = 2**20


@dataclass
class DecodedImage:
    """Result of decoding a file; an error is kept here, because it comes from a worker process."""

    pixels: np.ndarray | None = None  # (height, width) or (height, width, 3), uint8
    error: RecordError | None = None
    shape: tuple | None = None  # height and width in the file
    mode: str | None = None  # of Pillow, in the file
    notes: list = field(default_factory=list)


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
        with _record_warnings() as caught:
            with open_image_file(root, name) as file:
                if is_pdf(file):
                    image = _render_page(file, name, page, dpi, max_pixels, decoded)
                else:
                    image = _read_image(file, name, size, max_pixels, decoded)
                image = _put_on_white(name, image, size, aspect, color, decoded.notes)
                decoded.pixels = np.asarray(image.convert("L" if color == "gray" else "RGB"))
        decoded.notes += [f"Pillow: {warning.message}" for warning in caught]
    except RecordError as error:
        decoded.error = error
    except Exception as error:
        # Decoders raise errors of many types. Large images may also need too much memory.
        decoded.error = _describe_decoding_error(show_name(name), error)
    return decoded


class EmptyFileError(UnidentifiedImageError):
    """Raised for a file without a byte."""


@contextmanager
def _record_warnings():
    """Record Pillow's warnings for the notes, in the main thread only.

    In other threads, warnings are issued as usual, because filters belong to all threads.
    """
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _read_image(file, name, size, max_pixels, decoded):
    """Return the image of a file, and note in `decoded` what was found and done."""
    image = _identify(file)
    file.has_header = True
    decoded.shape, decoded.mode = image.size[::-1], image.mode
    _check_size(name, *decoded.shape, max_pixels)
    _check_single_page(name, image)
    _scale_while_decoding(image, size, decoded.notes)
    # Pillow turns TIFF files itself while loading, and then removes the orientation.
    orientations = {image.getexif().get(_ORIENTATION_TAG, 1)}
    image.load()
    orientations.add(image.getexif().get(_ORIENTATION_TAG, 1))
    # Other numbers mean nothing.
    if orientations.intersection(range(2, 9)):
        ImageOps.exif_transpose(image, in_place=True)
        decoded.notes.append("turned according to EXIF")
    return image


def _render_page(file, name, page, dpi, max_pixels, decoded):
    """Return the image of a page of a PDF file, and note in `decoded` what was found and done."""
    name = f"{name}, page {page}"

    def check_size(height, width):
        decoded.shape, decoded.mode = (height, width), "RGB"
        _check_size(name, height, width, max_pixels, remedy="Pass a lower dpi")

    image = render_page(name, file, page, dpi, check_size)
    decoded.shape = image.size[::-1]
    decoded.notes.append(f"rendered with {dpi:g} dpi")
    return image


def _identify(file):
    """Return the image of an open file, whose pixels are not decoded yet.

    `PIL.Image.open` compares the size with its own limit, and only issues a warning.
    """
    prefix = file.read(16)
    if not prefix:
        raise EmptyFileError
    Image.init()
    for name in _FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is not None and not accept(prefix):
            continue
        file.seek(0)
        try:
            # Without a path: given one, Pillow 13.0 maps uncompressed TIFF files into memory, and
            # garbles those that EXIF turns by a right angle.
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue
    raise UnidentifiedImageError


def _describe_decoding_error(name, error):
    """Return a RecordError that says why Pillow could not read a file."""
    if isinstance(error, EmptyFileError):
        return RecordError(
            name, "format", "it has no bytes.", "Copy or download it again, or leave it out."
        )
    if isinstance(error, UnidentifiedImageError):
        return RecordError(
            name,
            "format",
            "Pillow finds no PNG, JPEG, TIFF or BMP image in it, and it is no PDF file.",
            "Convert it, or leave it out.",
        )
    if isinstance(error, MemoryError):
        return RecordError(
            name, "size", "decoding it takes too much memory.", "Make it smaller, or leave it out."
        )
    found = describe_access_error(name, error)
    if found is not None:
        return found
    return RecordError(
        name,
        "content",
        f"Pillow cannot decode it ({type(error).__name__}: {error}).",
        "Copy or download it again, convert it, or leave it out.",
    )


def _check_size(name, height, width, max_pixels, remedy="Make it smaller"):
    if max_pixels is not None and height * width > max_pixels:
        raise RecordError(
            show_name(name),
            "size",
            "it has more pixels than Pillow's limit against decompression bombs "
            f"({max_pixels}, PIL.Image.MAX_IMAGE_PIXELS).",
            f"{remedy}, or raise the limit if you trust the file.",
        )
    if max(height, width) > _MAX_SIDE:
        raise RecordError(
            show_name(name),
            "size",
            f"it has {height} x {width} pixels; at most {_MAX_SIDE} are read in a row or a column.",
            f"{remedy}, or leave it out.",
        )


def _check_single_page(name, image):
    if image.format == "PNG" and image.is_animated:
        raise RecordError(
            show_name(name),
            "pages",
            f"it is an animation of {image.n_frames} images, and it is unknown which one to load.",
            "Save the image to load as a file of its own.",
        )
    if image.format != "TIFF" or not image.is_animated:
        return
    n_pages = 1
    try:
        # Some files claim thousands of pages, or have a circle of them.
        while n_pages < _MAX_COUNTED_PAGES:
            image.seek(n_pages)
            n_pages += 1
    except EOFError:
        pass
    image.seek(0)
    if n_pages > 1:
        at_least = "at least " if n_pages == _MAX_COUNTED_PAGES else ""
        raise RecordError(
            show_name(name),
            "pages",
            f"it has {at_least}{n_pages} pages, and it is unknown which one to load.",
            "Save each page as a file of its own.",
        )


def _scale_while_decoding(image, size, notes):
    """Let a large progressive JPEG be decoded at half its size, if that is larger than the result.

    The decoder takes 2 bytes per coefficient, and Pillow 1 or 4 bytes per decoded pixel.
    """
    if image.format != "JPEG" or "progressive" not in image.info:
        return
    width, height = image.size
    n_channels = len(image.getbands())
    n_bytes = width * height * (2 * n_channels + (1 if n_channels == 1 else 4))
    # After it was turned according to EXIF, the width may be the height.
    if n_bytes > _MAX_PROGRESSIVE_BYTES and min(width, height) // 2 >= max(size):
        image.draft(image.mode, (width // 2, height // 2))
        notes.append("decoded at half its size, because it is a large progressive JPEG")


def _put_on_white(name, image, size, aspect, color, notes):
    """Return an image of mode L or RGB and of the requested size, with white where it was clear.

    A large image is converted in tiles, and one channel at a time: Pillow's conversions and its
    alpha compositing would take several copies of it.
    """
    has_16_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    if image.mode in ("I", "F") and not has_16_bits:
        raise RecordError(
            show_name(name),
            "mode",
            f"its pixels are numbers of mode {image.mode!r}, whose range is unknown.",
            "Save it with 8 or 16 bits per pixel.",
        )
    is_clear = not has_16_bits and image.has_transparency_data
    if has_16_bits:
        notes.append("16 bits converted to 8")
        channels = [(_convert_16_bits, 0)]
    elif image.mode in ("1", "L") and not is_clear:
        channels = [(_convert_gray, 0)]
    else:
        convert = _convert_color
        if is_clear:
            notes.append("transparency replaced by white")
            convert = _convert_clear
        channels = [(convert, channel) for channel in range(3)]
        if color == "gray":
            channels = [(lambda tile: convert(tile).convert("L"), 0)]
    if image.mode == ("L" if len(channels) == 1 else "RGB") and not is_clear:
        return _fit_size(image, size, aspect)
    planes = [
        _fit_size(_convert_tiles(image, convert, channel), size, aspect)
        for convert, channel in channels
    ]
    return planes[0] if len(planes) == 1 else Image.merge("RGB", planes)


def _convert_tiles(image, convert, channel):
    """Return a channel of an image, mode L, that is converted tile by tile."""
    plane = Image.new("L", image.size)
    width = min(image.width, _PIXELS_PER_TILE)
    height = max(1, _PIXELS_PER_TILE // width)
    for top in range(0, image.height, height):
        for left in range(0, image.width, width):
            box = (left, top, min(left + width, image.width), min(top + height, image.height))
            plane.paste(convert(image.crop(box)).getchannel(channel), box)
    return plane


def _convert_16_bits(tile):
    values = np.asarray(tile).astype(np.int64)
    # Rounded: 255 is 65535.
    return Image.fromarray(((values + 128) // 257).clip(0, 255).astype(np.uint8))


def _convert_gray(tile):
    return tile.convert("L")


def _convert_color(tile):
    return tile.convert("RGB")


def _convert_clear(tile):
    tile = tile.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", tile.size, "white"), tile).convert("RGB")


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
