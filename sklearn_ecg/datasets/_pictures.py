"""One picture: decoded by Pillow, upright, on white, and of the size asked for."""

import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ._records import RecordError

# Of a JPEG with further pictures in it (MPO), as phones write it, the first is read.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_ORIENTATION = 0x0112  # of EXIF; 1 is upright
_AGAIN = "Copy or download it again, convert it, or leave it out."


def read_picture(path, name, size, aspect, color, outcome):
    """Read a picture.

    Parameters
    ----------
    path, name : str
        Of the file, for Pillow and for errors.
    size : (int, int)
        Height and width.
    aspect : {"pad", "stretch"}
    color : {"grey", "rgb"}
    outcome : dict
        Gets ``shape`` and ``mode`` of the picture in the file as soon as they are known, ``notes``,
        and ``picture``, an array of shape (height, width) or (height, width, 3), uint8.

    Raises
    ------
    RecordError
        If the file is not there or cannot be read as a picture.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # A picture that is suspiciously large is not decoded.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            # From an open file: of a path, Pillow 13.0 maps uncompressed TIFF files into memory,
            # and garbles those that EXIF turns by a right angle.
            with open(path, "rb") as file, Image.open(file, formats=_FORMATS) as image:
                outcome["shape"], outcome["mode"] = image.size[::-1], image.mode
                _check_pages(name, image)
                # Pillow turns TIFF files by itself, and forgets it, when it loads them.
                orientations = {image.getexif().get(_ORIENTATION, 1)}
                image.load()
                orientations.add(image.getexif().get(_ORIENTATION, 1))
                turned = ImageOps.exif_transpose(image)
                if orientations != {1}:
                    outcome["notes"].append("turned as EXIF says")
                picture = _on_white(name, turned, outcome["notes"])
        except RecordError:
            raise
        except Exception as error:
            # Decoders raise whatever they stumble over.
            raise _explain(name, error) from error
    outcome["notes"] += [f"Pillow: {warning.message}" for warning in caught]
    picture = picture.convert("L" if color == "grey" else "RGB")
    outcome["picture"] = np.asarray(_resize(picture, size, aspect))


def _explain(name, error):
    """A RecordError for what Pillow could not read."""
    if isinstance(error, UnidentifiedImageError):
        return RecordError(
            name,
            "format",
            "Pillow finds no PNG, JPEG, TIFF or BMP picture in it.",
            "Convert it, or leave it out.",
        )
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return RecordError(
            name,
            "size",
            f"it has more pixels than Pillow's limit ({Image.MAX_IMAGE_PIXELS}, "
            "PIL.Image.MAX_IMAGE_PIXELS), as decompression bombs do.",
            "Make it smaller, or raise the limit if the file is to be trusted.",
        )
    if isinstance(error, FileNotFoundError):
        return RecordError(name, "file", "it is not there.", "Correct its name, or add the file.")
    if isinstance(error, (PermissionError, IsADirectoryError)):
        return RecordError(
            name, "file", f"it cannot be opened ({error.strerror}).", "Make it readable."
        )
    reason = f"Pillow cannot decode it ({type(error).__name__}: {error})."
    return RecordError(name, "content", reason, _AGAIN)


def _check_pages(name, image):
    n_pages = getattr(image, "n_frames", 1)
    if image.format == "TIFF" and n_pages > 1:
        raise RecordError(
            name,
            "pages",
            f"it has {n_pages} pages, and which one is meant is not known.",
            "Save each page as a file of its own.",
        )


def _on_white(name, image, notes):
    """A picture of mode L or RGB."""
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    if deep:
        values = np.asarray(image).astype(np.float64)
        notes.append("16 bits made 8")
        return Image.fromarray(np.rint(values / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise RecordError(
            name,
            "mode",
            f"its pixels are numbers of mode {image.mode!r}, whose range is not known.",
            "Save it with 8 or 16 bits per pixel.",
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        notes.append("transparency put on white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _resize(picture, size, aspect):
    height, width = size
    if aspect == "pad":
        scale = min(height / picture.height, width / picture.width)
        inner = (
            min(width, max(1, round(picture.width * scale))),
            min(height, max(1, round(picture.height * scale))),
        )
    else:
        inner = (width, height)
    if picture.size != inner:
        # On the way down Pillow's filters grow with the scale, which is what keeps thin lines.
        picture = picture.resize(inner, Image.Resampling.BICUBIC)
    if inner == (width, height):
        return picture
    paper = Image.new(picture.mode, (width, height), "white")
    paper.paste(picture, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return paper
