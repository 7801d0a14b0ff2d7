"""Features of a record that are computed from the measurements of several leads."""

import numpy as np

from ._measurements import MIN_WAVE, MIN_WAVE_AREA

_CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")

# Their names, with the leads that they require. Leads I and II replace aVF.
_REQUIRED_LEADS = {
    "p_axis": ("I", "aVF"),
    "qrs_axis": ("I", "aVF"),
    "t_axis": ("I", "aVF"),
    "qrs_t_angle": ("I", "aVF"),
    "r_transition": _CHEST_LEADS,
    "sokolow_lyon": ("V1", "V5", "V6"),
    "cornell": ("aVL", "V3"),
}


def combinations_of_leads(leads):
    """Return the names of the features that can be computed from some leads, in a fixed order."""
    present = set(leads)
    if {"I", "II"} <= present:
        present.add("aVF")
    return [name for name, needed in _REQUIRED_LEADS.items() if present.issuperset(needed)]


def combine_leads(lead_values, names):
    """Compute axes, R transition and voltages, if their leads are present."""
    place = {name: i for i, name in enumerate(names or ())}
    measures = {}
    if "I" in place and ("aVF" in place or "II" in place):
        second = place["aVF" if "aVF" in place else "II"]
        flat = _is_flat(lead_values)[:, [place["I"], second]].any(axis=1)
        for wave in ("p", "qrs", "t"):
            area = lead_values[f"{wave}_area"]
            x, y = area[:, place["I"]], area[:, second]
            unknown = flat
            if "II" in place:
                other = area[:, place["II"]] - x / 2
                if "aVF" in place:
                    # A flat lead that agrees with the others is isoelectric.
                    unknown = flat & (np.abs(y - other) >= MIN_WAVE_AREA)
                else:
                    y = other
            # aVF is an augmented lead; this factor makes its scale that of lead I.
            y = 2 / np.sqrt(3) * y
            axis = np.degrees(np.arctan2(y, x))
            axis[unknown | (np.hypot(x, y) < MIN_WAVE_AREA)] = np.nan
            measures[f"{wave}_axis"] = axis
        angle = np.abs(measures["qrs_axis"] - measures["t_axis"])
        measures["qrs_t_angle"] = np.minimum(angle, 360 - angle)
    r, depth = _find_voltages(lead_values)
    if place.keys() >= set(_CHEST_LEADS):
        chest = [place[name] for name in _CHEST_LEADS]
        measures["r_transition"] = _find_transition((r - depth)[:, chest])
    if place.keys() >= set(_REQUIRED_LEADS["sokolow_lyon"]):
        highest = np.maximum(r[:, place["V5"]], r[:, place["V6"]])
        measures["sokolow_lyon"] = depth[:, place["V1"]] + highest
    if place.keys() >= set(_REQUIRED_LEADS["cornell"]):
        measures["cornell"] = r[:, place["aVL"]] + depth[:, place["V3"]]
    return measures


def _is_flat(lead_values):
    """Return which leads have no wave of at least the minimum height."""
    heights = [np.abs(lead_values[f"{wave}_amplitude"]) for wave in ("p", "qrs", "t")]
    return ~(np.fmax.reduce(heights) >= MIN_WAVE)


def _find_voltages(lead_values):
    """Return the height of R or R', and the depth of S or QS, in each lead.

    An absent wave is 0 in a lead that has another one, and NaN in a lead without a QRS.
    """
    q, r, s, r2 = (lead_values[f"{wave}_amplitude"] for wave in ("q", "r", "s", "r2"))
    height = np.fmax(r, r2)
    depth = -np.where(np.isnan(r), q, s)  # without R, Q is a QS complex
    flat = np.isnan(height) & np.isnan(depth)
    height, depth = np.nan_to_num(height), np.nan_to_num(depth)
    height[flat] = depth[flat] = np.nan
    return height, depth


def _find_transition(excess):
    """Return where R - S, of shape (n_records, 6), is first non-negative, counting from 1."""
    reached = excess >= 0
    index = reached.argmax(axis=1)
    before = np.maximum(index - 1, 0)
    rows = np.arange(len(excess))
    step = excess[rows, index] - excess[rows, before]
    part = np.divide(-excess[rows, before], step, out=np.ones_like(step), where=step > 0)
    place = np.where(index == 0, 1, index + part)
    place = np.where(reached.any(axis=1), place, len(_CHEST_LEADS) + 1)
    return np.where(np.isnan(excess).any(axis=1), np.nan, place)
