"""Colours, axes and choices that all figures share."""

from functools import wraps

import numpy as np

from ...leads import REGIONS_12

# Okabe and Ito's colours, which colour-blind readers tell apart; "Color universal design" (2008).
BLACK, ORANGE, SKY_BLUE, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#999999"
CATEGORIES = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY_BLUE, BLACK, YELLOW)

# A colour and, for print without colours, a hatch for each region.
REGION_STYLE = dict(
    zip(REGIONS_12, [(BLUE, "//"), (ORANGE, ".."), (GREEN, "\\\\"), (VERMILION, "xx")])
)
NO_REGION = (GREY, "")
REGION_OF_LEAD = {lead: region for region, leads in REGIONS_12.items() for lead in leads}

# Monotone in lightness, so that it keeps its order in print.
SEQUENTIAL = "cividis"


def new_axes(ax, figsize):
    """The axes given, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def close_if_fails(plot):
    """Let a ``plot`` that fails close the figure that it made."""

    @wraps(plot)
    def closing_plot(self, ax=None, **options):
        if ax is not None:
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


def keep_inside(ax, beside):
    """Make axes narrower when they are drawn, by what lies to the right of them.

    A legend or a colour bar thus stays in the area that the axes had, whatever lays them out.

    Parameters
    ----------
    ax : matplotlib Axes
    beside : matplotlib Artist
        It moves with the right edge of the axes.
    """
    ax.set_axes_locator(_Narrower(ax, beside))


class _Narrower:
    def __init__(self, ax, beside):
        self.ax, self.beside, self.before = ax, beside, ax.get_axes_locator()

    def get_subplotspec(self):
        """For ``tight_layout``."""
        return self.ax.get_subplotspec()

    def __call__(self, ax, renderer):
        box = ax.get_position(original=True) if self.before is None else self.before(ax, renderer)
        narrow = box
        # A smaller colour bar has other numbers beside it, which may be wider.
        for _ in range(3 * self.beside.get_visible()):
            ax.apply_aspect(narrow)
            over = (self.beside.get_tightbbox(renderer).x1 - ax.bbox.x1) / ax.figure.bbox.width
            # Axes that are nearly as narrow as this have no room for it; a strip of them remains.
            right = max(box.x1 - over, box.x0 + 0.2 * box.width)
            narrow = type(box).from_extents(box.x0, box.y0, min(right, narrow.x1), box.y1)
        return narrow


def heat_scale(values):
    """Colours that lie over a record or an image, and their limits; 0 has none.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    colormap : matplotlib Colormap
        From transparent to vermilion, and where values are negative, to blue on the other side.
    low, high : float
        The values at its ends.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    largest = float(np.max(np.abs(values), initial=0)) or 1.0
    colors = [to_rgba(VERMILION, alpha) for alpha in (0.0, 0.3, 0.65)]
    if np.min(values, initial=0) >= 0:
        return LinearSegmentedColormap.from_list("heat", colors), 0.0, largest
    colors = [to_rgba(BLUE, alpha) for alpha in (0.65, 0.3, 0.0)] + colors
    at = [0, 0.25, 0.5, 0.5, 0.75, 1]
    # An odd number of colours, of which the middle one is that of 0.
    colormap = LinearSegmentedColormap.from_list("signed heat", list(zip(at, colors)), N=257)
    return colormap, -largest, largest


def color_limits(values):
    """Limits of a colour scale that holds 0, of some width."""
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    return (low, high) if high > low else (low, low + 1.0)


def real_array(name, values):
    """An array of real numbers, or an error that names the argument."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of real numbers, got {values!r}.") from None


def text_color(rgba):
    """Black or white, whichever reads better on a colour."""
    red, green, blue = rgba[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def check_option(name, value, options):
    """Raise unless a value is among the options."""
    if value not in list(options):
        raise ValueError(
            f"{name}={value!r} is unknown. Pass one of {', '.join(map(repr, options))}."
        )
