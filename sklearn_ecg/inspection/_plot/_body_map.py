"""Positions of the leads on a map of the body, and its outline."""

import numpy as np

# Angles of the limb leads in the frontal plane: degrees clockwise from the left of the patient.
_ANGLES = {"I": 0, "II": 60, "aVF": 90, "III": 120, "aVR": -150, "aVL": -30}
_FRONTAL_CENTER, _FRONTAL_RADIUS = (-2.85, 0.15), 1.0
# Chest electrodes seen from the front: the left of the patient is on the right.
_CHEST_ELECTRODES = {
    "V1": (-0.19, 0.42),
    "V2": (0.19, 0.42),
    "V3": (0.42, 0.19),
    "V4": (0.66, -0.03),
    "V5": (0.96, -0.07),
    "V6": (1.26, -0.03),
}
LEAD_RADIUS = 0.13
# Limits of the x-axis and of the y-axis.
MAP_LIMITS = (-4.1, 1.6), (-1.3, 1.65)
# Points of width that the color bar takes.
_COLORBAR_WIDTH = 50


def lead_position(lead):
    """Return the position of a standard lead on the map."""
    if lead in _CHEST_ELECTRODES:
        return _CHEST_ELECTRODES[lead]
    angle = np.deg2rad(_ANGLES[lead])
    (x, y), radius = _FRONTAL_CENTER, _FRONTAL_RADIUS
    return x + radius * np.cos(angle), y - radius * np.sin(angle)


def points_per_unit(ax):
    """Return the scale of the map on these axes, in points."""
    width, height = ax.bbox.size * 72 / ax.figure.dpi
    x_limits, y_limits = MAP_LIMITS
    return min((width - _COLORBAR_WIDTH) / np.ptp(x_limits), height / np.ptp(y_limits))


def draw_body(ax, title_size):
    """Draw the axes of the limb leads, and the outline of a torso."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x, y), style = _FRONTAL_CENTER, {"color": "#777777", "linewidth": 1.0, "zorder": 1}
    for lead in _ANGLES:
        end_x, end_y = lead_position(lead)
        ax.plot([x, end_x], [y, end_y], **style)
        ax.plot([x, 2 * x - end_x], [y, 2 * y - end_y], linestyle=":", **style)
    ax.text(x, 1.5, "Limb leads, frontal plane", ha="center", va="center", fontsize=title_size)
    ax.text(0.0, 1.5, "Chest leads", ha="center", va="center", fontsize=title_size)
    # The left half of the outline, from the neck down. The other half is its mirror image.
    half = [
        (-0.26, 1.3),
        (-0.27, 1.05),
        (-0.34, 1.02),
        (-0.75, 0.96),
        (-1.2, 0.9),
        (-1.42, 0.72),
        (-1.45, 0.35),
        (-1.3, 0.1),
        (-1.2, -0.3),
        (-1.14, -0.7),
        (-1.12, -0.95),
        (-1.16, -1.25),
    ]
    for side in (-1, 1):
        vertices = [(side * -across, up) for across, up in half]
        codes = [Path.MOVETO] + [Path.CURVE3, Path.CURVE3] * 5 + [Path.LINETO]
        ax.add_patch(
            PathPatch(Path(vertices, codes), facecolor="none", edgecolor="#777777", linewidth=1.2)
        )
    ax.plot([0, 0], [0.95, -0.35], color="#cccccc", linewidth=1.0, zorder=1)  # sternum
    for side in (-1, 1):  # clavicles and costal arch
        ax.plot([side * 0.08, side * 0.95], [0.9, 0.84], color="#cccccc", linewidth=1.0, zorder=1)
        ax.plot([0, side * 0.6], [-0.35, -0.85], color="#cccccc", linewidth=1.0, zorder=1)
