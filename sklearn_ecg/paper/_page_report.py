"""The report of the digitizer on an image."""

import os

import numpy as np

from .._validation import is_path
from ..leads import STANDARD_LEADS

# Columns of a report, apart from the share of each lead that was recovered.
_FACTS = (
    "height",
    "width",
    "reduction",
    "scale_from",
    "pixels_per_mm_x",
    "pixels_per_mm_y",
    "rotation",
    "perspective",
    "grid_share",
    "layout",
    "lead_order",
    "rhythm_leads",
    "seconds",
    "start_spread",
    "n_pulses",
    "pulse_height",
    "limb_residual",
    "shared_energy",
    "largest_jump",
    "total_jumps",
    "cut_off",
    "confidence",
    "lead_boxes",
)


def report_row(image, position, reading):
    """Return the row of a report by column.

    Parameters
    ----------
    image : ndarray, Image or path
    position : int
        Of the image in X.
    reading : PageReading

    Returns
    -------
    row : dict
    """
    row = {
        "image": os.fspath(image) if is_path(image) else position,
        "status": reading.status,
        "reason_kind": reading.kind,
        "reason": reading.reason,
    }
    row.update({fact: reading.facts.get(fact) for fact in _FACTS})
    recovered = reading.facts.get("recovered", {})
    row.update({f"recovered_{lead}": recovered.get(lead, np.nan) for lead in STANDARD_LEADS})
    return row
