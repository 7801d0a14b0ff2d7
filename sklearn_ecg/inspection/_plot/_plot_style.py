"""Colors, axes and checks that the displays share."""

from collections.abc import Hashable
from functools import wraps
from typing import TYPE_CHECKING

import numpy as np

from ...leads import REGIONS_12

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colors by Okabe and Ito, "Color universal design" (2008), for color-blind readers.
BLACK, ORANGE, SKY_BLUE, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GRAY = "#999999"
CATEGORIES = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY_BLUE, BLACK, YELLOW)

# A color and, for print without colors, a hatch for each region.
REGION_STYLE = dict(
    zip(REGIONS_12, [(BLUE, "//"), (ORANGE, ".."), (GREEN, "\\\\"), (VERMILION, "xx")])
)
NO_REGION_STYLE = (GRAY, "")
REGION_OF_LEAD = {lead: region for region, leads in REGIONS_12.items() for lead in leads}

# Its lightness is monotonic, so that the order is visible in print without colors.
SEQUENTIAL = "cividis"


def new_axes(ax, figsize):
    """Return the given axes, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def figure_of(ax) -> "Figure":
    """Return the figure of axes; type checkers expect that of a subfigure otherwise."""
    return ax.figure


def close_if_fails(plot):
    """Decorate a ``plot`` method so that it closes the figure that it made if it fails.

    It also checks the axes.
    """

    @wraps(plot)
    def closing_plot(self, ax=None, **options):
        if ax is not None:
            if not hasattr(ax, "set_xlabel"):
                raise TypeError(
                    f"ax must be matplotlib Axes, got {type(ax).__name__}. Pass one of those that "
                    "plt.subplots() returns, or None."
                )
            return plot(self, ax, **options)
        import matplotlib.pyplot as plt

        before = set(plt.get_fignums())
        try:
            return plot(self, None, **options)
        except BaseException:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
            raise

    return closing_plot


def make_room_right(ax, artist):
    """Make axes narrower when they are drawn, by the width of an artist to the right of them.

    A legend or a color bar thus stays in the original area of the axes, with any layout engine.

    Parameters
    ----------
    ax : matplotlib Axes
    artist : matplotlib Artist
        It moves with the right edge of the axes.
    """
    ax.set_axes_locator(_NarrowAxesLocator(ax, artist))


class _NarrowAxesLocator:
    """Locate axes such that an artist to the right of them fits in their original area."""

    def __init__(self, ax, artist):
        self.ax, self.artist, self.original = ax, artist, ax.get_axes_locator()

    def get_subplotspec(self):
        """Return the subplot specification, which ``tight_layout`` needs."""
        return self.ax.get_subplotspec()

    def __call__(self, ax, renderer):
        if self.original is None:
            box = ax.get_position(original=True)
        else:
            box = self.original(ax, renderer)
        narrow = box
        # A smaller color bar has other tick labels, which may be wider.
        for _ in range(3 * self.artist.get_visible()):
            ax.apply_aspect(narrow)
            right_end = self.artist.get_tightbbox(renderer).x1
            overhang = (right_end - ax.bbox.x1) / ax.figure.bbox.width
            # Narrow axes have no room for the artist. A fifth of their width always remains.
            right = max(box.x1 - overhang, box.x0 + 0.2 * box.width)
            narrow = type(box).from_extents(box.x0, box.y0, min(right, narrow.x1), box.y1)
        return narrow


def heat_colors(values):
    """Return colors for a map that is drawn over a record or an image, with 0 transparent.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    colormap : matplotlib Colormap
        From transparent to vermilion for positive values, and to blue for negative ones.
    low, high : float
        The values at its ends.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    largest = float(np.max(np.abs(values), initial=0)) or 1.0
    colors = [to_rgba(VERMILION, alpha) for alpha in (0.0, 0.3, 0.65)]
    if np.min(values, initial=0) >= 0:
        return LinearSegmentedColormap.from_list("heat", colors), 0.0, largest
    colors = [to_rgba(BLUE, alpha) for alpha in (0.65, 0.3, 0.0)] + colors
    positions = [0, 0.25, 0.5, 0.5, 0.75, 1]
    # An odd number of colors, so that the middle one is that of 0.
    colormap = LinearSegmentedColormap.from_list("signed heat", list(zip(positions, colors)), N=257)
    return colormap, -largest, largest


def color_limits(values):
    """Return limits of a color scale that contains 0 and is not empty."""
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    return (low, high) if high > low else (low, low + 1.0)


def as_real_array(name, values):
    """Return an array of real numbers, or raise an error that names the argument."""
    try:
        if np.iscomplexobj(values):
            raise TypeError
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of real numbers, got {values!r}.") from None


def readable_score(name):
    """Return the name of a score for a label of an axis, such as AUROC for "roc_auc"."""
    return str(name).replace("roc_auc", "AUROC").replace("_", " ")


def text_color(rgba):
    """Return black or white, whichever has more contrast with a color."""
    red, green, blue = rgba[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def check_option(name, value, options):
    """Raise an error unless a value is one of the options."""
    if not isinstance(value, Hashable) or value not in list(options):
        raise ValueError(
            f"{name}={value!r} is unknown. Pass one of {', '.join(map(repr, options))}."
        )
