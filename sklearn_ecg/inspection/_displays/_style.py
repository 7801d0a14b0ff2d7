"""Colours, axes and choices that all figures share."""

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


def heat_colormap():
    """From transparent to vermilion, to lie over a record or an image."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    return LinearSegmentedColormap.from_list(
        "heat", [to_rgba(VERMILION, alpha) for alpha in (0.0, 0.3, 0.65)]
    )


def heat_limits(values):
    """Limits of a colour scale that holds 0, of some width."""
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    return (low, high) if high > low else (low, low + 1.0)


def text_color(rgba):
    """Black or white, whichever reads better on a colour."""
    red, green, blue = rgba[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def check_option(name, value, options):
    """Raise unless a value is among the options."""
    if value not in options:
        raise ValueError(
            f"{name}={value!r} is unknown. Pass one of {', '.join(map(repr, options))}."
        )
