"""The calibration pulse of a row: a rectangle at the left or at the right end of its traces."""

from dataclasses import dataclass

import numpy as np

# mm: how far from the end of the ink a pulse may be, and its width.
_REACH = 22.0
_WIDTH = (0.8, 11.0)
# mm: change between two columns of a flat line, and length of a flat line.
_FLAT, _FLAT_LENGTH = 0.3, 0.7
# mm: horizontal distance of the flat lines of a pulse, which vertical lines connect.
_EDGE = 1.2
# Heights of 1 mV in mm that are recognized, and their tolerance.
_HEIGHTS = (5.0, 10.0, 20.0)
_TOLERANCE = 0.12


@dataclass
class Pulse:
    """A calibration pulse.

    Attributes
    ----------
    left, right : float
        Ends of its upper line in pixels.
    height : float
        In mm.
    foot : float
        Pixel row of its foot, 0 mV.
    side : {"left", "right"}
    """

    left: float
    right: float
    height: float
    foot: float
    side: str


def find_pulses(curves, scale, vertical_scale):
    """Return the calibration pulse of each row, or None. All of them are on one side of the page.

    Parameters
    ----------
    curves : list of Curve
    scale, vertical_scale : float
        Pixels per mm, horizontally and vertically.
    """
    pulses = [find_pulse(curve, scale, vertical_scale) for curve in curves]
    sides = [pulse.side for pulse in pulses if pulse is not None]
    for side, other in (("left", "right"), ("right", "left")):
        if sides.count(side) > max(1, sides.count(other)):
            # A beat may look like a pulse.
            pulses = [
                find_pulse(curve, scale, vertical_scale, side)
                if pulse is not None and pulse.side == other
                else pulse
                for curve, pulse in zip(curves, pulses)
            ]
    return pulses


def find_pulse(curve, scale, vertical_scale, only_side=None):
    """Return the calibration pulse of a row, or None.

    Parameters
    ----------
    curve : Curve
    scale, vertical_scale : float
        Pixels per mm, horizontally and vertically.
    only_side : {"left", "right"}, default=None
        Where it is. None is both.
    """
    found = np.flatnonzero(~np.isnan(curve.middle))
    first, last = found[0], found[-1]
    # A pulse and its feet.
    reach = (_REACH + 2 * _EDGE) * scale
    lines = _flat_lines(curve, scale, first + reach, last - reach)
    if not lines:
        return None
    best = None
    for i, (left, right, level) in enumerate(lines):
        width = (right - left) / scale
        if not _WIDTH[0] <= width <= _WIDTH[1]:
            continue
        if right - first <= _REACH * scale:
            side = "left"
        elif last - left <= _REACH * scale:
            side = "right"
        else:
            continue
        if only_side not in (None, side):
            continue
        feet = []
        if i > 0 and left - lines[i - 1][1] <= _EDGE * scale:
            feet.append(lines[i - 1][2])
        if i + 1 < len(lines) and lines[i + 1][0] - right <= _EDGE * scale:
            feet.append(lines[i + 1][2])
        heights = [(foot - level) / vertical_scale for foot in feet]
        matches = [
            (foot, height)
            for foot, height in zip(feet, heights)
            if any(abs(height / known - 1) <= _TOLERANCE for known in _HEIGHTS)
        ]
        if not matches or (len(matches) == 2 and abs(matches[0][1] - matches[1][1]) > 1.0):
            continue
        # With one foot only, the other one is outside of the image.
        at_border = left <= 1.5 * scale or right >= len(curve.middle) - 1.5 * scale
        if len(matches) < 2 and not (at_border or len(feet) == 1):
            continue
        foot, height = np.mean(matches, axis=0)
        pulse = Pulse(float(left), float(right), float(height), float(foot), side)
        if best is None or len(matches) > best[0]:
            best = len(matches), pulse
    return None if best is None else best[1]


def _flat_lines(curve, scale, until, since):
    """Return left, right and level of the flat parts of a curve that begin or end near its ends."""
    middle = curve.middle
    flat = ~np.isnan(middle) & (curve.height <= max(0.35 * scale, 1.5))
    change = np.abs(np.diff(middle))
    joined = flat[:-1] & flat[1:] & (change <= _FLAT * scale)
    lines = []
    padded = np.concatenate([[False], joined, [False]]).astype(int)
    starts, stops = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    for start, stop in zip(starts, stops):
        is_near = start <= until or stop >= since
        if is_near and stop - start + 1 >= _FLAT_LENGTH * scale:
            part = middle[start : stop + 1]
            if np.ptp(part) <= 1.2 * scale or stop - start > 12 * scale:
                # The level next to the vertical lines.
                lines.append((float(start), float(stop + 1), float(np.median(part))))
    return lines
