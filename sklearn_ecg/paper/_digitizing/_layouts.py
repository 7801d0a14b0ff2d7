"""Which lead is where on a page, and whether the limb leads agree with it."""

from dataclasses import dataclass

import numpy as np

from ...leads import STANDARD_LEADS
from ._refusal import PageRefusedError

# Rows and columns of leads, and further rows with rhythm strips.
READABLE_LAYOUTS = {
    "3x4": (3, 4, 0),
    "3x4+1": (3, 4, 1),
    "3x4+2": (3, 4, 2),
    "3x4+3": (3, 4, 3),
    "6x2": (6, 2, 0),
    "6x2+1": (6, 2, 1),
    "12x1": (12, 1, 0),
}
# Seconds of a column of leads.
COLUMN_SECONDS = {4: 2.5, 2: 5.0, 1: 10.0}
# Seconds of the rows of all layouts.
USUAL_SECONDS = 10.0
# Share of the energy of three limb leads that contradicts their identities.
MAX_LIMB_RESIDUAL = 0.3


@dataclass
class LeadPlace:
    """Where a lead is.

    Attributes
    ----------
    name : str
        Name of the lead; strip1, strip2 ... for rhythm strips.
    row, column, n_columns : int
    """

    name: str
    row: int
    column: int
    n_columns: int


def places_of(layout):
    """Return the places of the leads, and of the rhythm strips after them."""
    n_rows, n_columns, n_strips = READABLE_LAYOUTS[layout]
    places = [
        LeadPlace(lead, i % n_rows, i // n_rows, n_columns) for i, lead in enumerate(STANDARD_LEADS)
    ]
    strips = [LeadPlace(f"strip{i + 1}", n_rows + i, 0, 1) for i in range(n_strips)]
    return places, strips


def possible_layouts(layout, n_rows):
    """Return the layouts with a number of rows.

    Raises
    ------
    PageRefusedError
        If there is none.
    """
    if layout != "auto":
        expected = sum(READABLE_LAYOUTS[layout][::2])
        if n_rows != expected:
            raise PageRefusedError(
                "layout",
                f"the page has {n_rows} row(s) of traces, but layout={layout!r} has {expected}",
            )
        return [layout]
    found = [
        name for name, (rows, _, strips) in READABLE_LAYOUTS.items() if rows + strips == n_rows
    ]
    if found:
        return found
    if n_rows < 3:
        raise PageRefusedError(
            "layout",
            f"the page has {n_rows} row(s) of traces: it is a rhythm strip, no page of "
            "twelve leads",
        )
    raise PageRefusedError(
        "layout",
        f"the page has {n_rows} rows of traces, which is no known layout; an image must show one "
        "page",
    )


def check_second_column(layout, leads):
    """Raise if the second of two columns has limb leads, too.

    Six rows of a page with twelve rows look like two columns.
    """
    if READABLE_LAYOUTS[layout][1] != 2:
        return
    chest = dict(zip(STANDARD_LEADS[:6], (leads[name] for name in STANDARD_LEADS[6:])))
    if max(limb_residual(chest)) <= MAX_LIMB_RESIDUAL:
        raise PageRefusedError(
            "leads",
            "the second half of the rows agrees with II = I + III and aVR + aVL + aVF = 0, so that "
            "it belongs to the limb leads: the rows of the chest leads are missing",
        )


def limb_residual(leads):
    """Return the share of the energy of limb leads that contradicts their identities.

    II = I + III, and aVR + aVL + aVF = 0 [Einthoven, Goldberger]. Leads in other places contradict
    them; so do traces that were confused.

    Parameters
    ----------
    leads : dict of str to ndarray
        Signals with a common time axis, NaN where unknown.

    Returns
    -------
    first, second : float
        Of the standard leads, and of the augmented leads. About 0 for consistent leads and about 1
        for independent signals. NaN without enough common time points.
    """
    return (
        _residual(leads, {"I": 1, "II": -1, "III": 1}),
        _residual(leads, {"aVR": 1, "aVL": 1, "aVF": 1}),
    )


def _residual(leads, signs):
    signals = np.array([sign * leads[name] for name, sign in signs.items()])
    known = ~np.isnan(signals).any(axis=0)
    if known.sum() < 20:
        return np.nan
    signals = signals[:, known]
    # Offsets of the rows and slow drifts do not matter.
    signals = signals - np.median(signals, axis=1, keepdims=True)
    total = signals.sum(axis=0)
    # A common shift of the time axis is no contradiction, and neither are few outliers.
    limit = np.percentile(np.abs(total), 99)
    kept = np.abs(total) <= limit
    energy = (signals[:, kept] ** 2).sum()
    return float((total[kept] ** 2).sum() / energy) if energy > 0 else np.nan
