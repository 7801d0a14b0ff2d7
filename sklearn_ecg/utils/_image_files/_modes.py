"""Images of any mode as gray or RGB images with 8 bits, on white."""

import numpy as np
from PIL import Image

from .._record_error import RecordError
from .._regular_files import show_name

_PIXELS_PER_TILE = 2**22


def put_on_white(name, image, color="rgb", notes=None, finish=None):
    """Return an image of mode L or RGB, with white where it was clear.

    A large image is converted in tiles, and one channel at a time: Pillow's conversions and its
    alpha compositing would take several copies of it.

    Parameters
    ----------
    name : str
        Of the file, for errors.
    image : PIL.Image.Image
    color : {"rgb", "gray"}, default="rgb"
        With "gray", images in color become gray. Gray images stay gray with both.
    notes : list of str, default=None
        Gets what was converted.
    finish : callable, default=None
        Called with each channel, or with an image that needs no conversion.

    Returns
    -------
    image : PIL.Image.Image

    Raises
    ------
    RecordError
        If the range of its pixels is unknown.
    """
    notes = [] if notes is None else notes
    finish = finish or (lambda plane: plane)
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
        return finish(image)
    planes = [finish(_convert_tiles(image, convert, channel)) for convert, channel in channels]
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
