"""Reading one image file with Pillow, or a page of a PDF file: upright, within limits."""

import struct
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError

from .._record_error import RecordError
from .._regular_files import show_name
from ._opening import describe_access_error
from ._pdf import is_pdf, render_page

# Of JPEG files with further images in them (MPO), which phones write, the first image is read.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_ORIENTATION_TAG = 0x0112  # of EXIF; 1 is upright
_MAX_COUNTED_PAGES = 100
# Of a progressive JPEG, Pillow keeps all coefficients in memory until the last scan is decoded.
_MAX_PROGRESSIVE_BYTES = 2**29
# Pillow takes 8 bytes for each row of an image, and scaling it 32 bytes for each row and column.
_MAX_SIDE = 2**20


@dataclass
class ImageFacts:
    """What was found in an image file, and what was done to the image."""

    shape: tuple | None = None  # height and width in the file
    mode: str | None = None  # of Pillow, in the file
    notes: list = field(default_factory=list)
    reduction: int = 1  # pixels in the file for one of the image, in each direction
    is_turned: bool = False  # by a right angle, so that height and width are exchanged


def read_image(file, name, facts, *, max_pixels, size=(1, 1), enough=None, page=None, dpi=200):
    """Read an image file, or a page of a PDF file.

    Parameters
    ----------
    file : ImageFile
    name : str
        For errors.
    facts : ImageFacts
        Is completed, also if an error is raised.
    max_pixels : int or None
        Images with more pixels are not decoded.
    size : (int, int), default=(1, 1)
        Height and width that are needed. A large progressive JPEG may be decoded at half its size
        if that is larger.
    enough : int, default=None
        Number of pixels that are needed: larger images will be reduced by `find_reduction`. A JPEG
        is decoded at a half, a quarter or an eighth of its size if that divides the reduction.
    page : int, default=None
        Page of a PDF file, from 1. With None, the file has to have one page.
    dpi : float, default=200
        Pixels per inch of a page of a PDF file.

    Returns
    -------
    image : PIL.Image.Image
        Of any mode.

    Raises
    ------
    RecordError
        If the image exceeds a limit, or has several pages.
    Exception
        Decoders raise errors of many types: see `describe_decoding_error`.
    """
    if is_pdf(file):
        return _render_page(file, name, page, dpi, max_pixels, facts)
    return _read_image(file, name, size, enough, max_pixels, facts)


def read_opened_image(image, name, facts):
    """Read an image that Pillow has opened or made as `read_image` reads a file.

    Parameters
    ----------
    image : PIL.Image.Image
        Is not changed.
    name : str
        For errors.
    facts : ImageFacts
        Is completed, also if an error is raised.

    Returns
    -------
    image : PIL.Image.Image
        Of any mode.

    Raises
    ------
    RecordError
        If the image has several pages.
    Exception
        Decoders raise errors of many types: see `describe_decoding_error`.
    """
    facts.shape, facts.mode = image.size[::-1], image.mode
    _check_single_page(name, image)
    return _load_upright(image, facts, in_place=False)


def find_reduction(width, height, enough):
    """Return the whole number by which an image is reduced to have at most `enough` pixels."""
    reduction = 1
    while (width // reduction) * (height // reduction) > enough:
        reduction += 1
    return reduction


class EmptyFileError(UnidentifiedImageError):
    """Raised for a file without a byte."""


@contextmanager
def record_warnings():
    """Record Pillow's warnings for the notes, in the main thread only.

    In other threads, warnings are issued as usual, because filters belong to all threads.
    """
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _read_image(file, name, size, enough, max_pixels, facts):
    """Return the image of a file, and note in `facts` what was found and done."""
    image = _identify(file)
    file.has_header = True
    facts.shape, facts.mode = image.size[::-1], image.mode
    _check_size(name, *facts.shape, max_pixels)
    _check_single_page(name, image)
    if enough is None:
        _scale_while_decoding(image, size, facts.notes)
    elif image.format == "JPEG":
        reduction = find_reduction(*image.size, enough)
        facts.reduction = next(part for part in (8, 4, 2, 1) if reduction % part == 0)
        image.draft(image.mode, tuple(side // facts.reduction for side in image.size))
    return _load_upright(image, facts, in_place=True)


def _load_upright(image, facts, in_place):
    """Decode an image, and turn it according to EXIF."""
    size = image.size
    # Pillow turns TIFF files itself while loading, and then removes the orientation.
    orientations = {image.getexif().get(_ORIENTATION_TAG, 1)}
    image.load()  # an opened file may be damaged
    orientations.add(image.getexif().get(_ORIENTATION_TAG, 1))
    # Other numbers mean nothing.
    if orientations.intersection(range(2, 9)):
        turned = ImageOps.exif_transpose(image, in_place=in_place)
        image = image if in_place else turned
        facts.notes.append("turned according to EXIF")
        facts.is_turned = image.size != size
    return image


def _render_page(file, name, page, dpi, max_pixels, facts):
    """Return the image of a page of a PDF file, and note in `facts` what was found and done."""
    if page is not None:
        name = f"{name}, page {page}"

    def check_size(height, width):
        facts.shape, facts.mode = (height, width), "RGB"
        _check_size(name, height, width, max_pixels, remedy="Pass a lower dpi")

    image = render_page(name, file, page, dpi, check_size)
    facts.shape = image.size[::-1]
    facts.notes.append(f"rendered with {dpi:g} dpi")
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


def describe_decoding_error(name, error):
    """Return a RecordError that says why Pillow could not read a file, from any error."""
    if isinstance(error, RecordError):
        return error
    name = show_name(name)
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
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return
    if image.format != "TIFF":
        raise RecordError(
            show_name(name),
            "pages",
            f"it is an animation of {image.n_frames} images, and it is unknown which one to load.",
            "Save the image to load as a file of its own.",
        )
    n_pages, page = 1, image.tell()
    try:
        # Some files claim thousands of pages, or have a circle of them.
        while n_pages < _MAX_COUNTED_PAGES:
            image.seek(n_pages)
            n_pages += 1
    except EOFError:
        pass
    image.seek(page)
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
