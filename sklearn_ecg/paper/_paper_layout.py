"""The layout of ECG paper: panels of leads, the rhythm strip, the scales and the pulse.

Everything here is in the units of paper: seconds, millivolts and millimeters. `ECGImageRenderer`
draws the layout in pixels, `sklearn_ecg.inspection.ECGDisplay` draws it with matplotlib.
"""

from dataclasses import dataclass

import numpy as np

from ..leads import STANDARD_LEADS, normalize_lead_names

# Rows and columns of the layouts. Leads run down the columns. "12x1" takes any leads.
LAYOUTS = {"3x4": (3, 4), "6x2": (6, 2), "12x1": (12, 1)}

# Layouts with a given number of rhythm strips. The others have as many as there are rhythm leads.
LAYOUTS_WITH_STRIPS = {"3x4+1": ("3x4", 1), "3x4+3": ("3x4", 3), "6x2+1": ("6x2", 1)}

# The usual leads of three rhythm strips.
THREE_RHYTHM_LEADS = ("V1", "II", "V5")

# The usual scales.
MM_PER_SECOND, MM_PER_MILLIVOLT = 25.0, 10.0

# Seconds of paper to the left and to the right of the traces. The pulse is in the left margin.
LEFT_MARGIN, RIGHT_MARGIN = 0.52, 0.08

# The calibration pulse is 1 mV high. Its start and end are in seconds before the traces, with a
# line at 0 mV on both sides.
PULSE_START, PULSE_END, PULSE_EDGE = -0.36, -0.16, 0.08

# Lines of the grid are 1 mm and 5 mm apart.
FINE_STEP, BOLD_STEP = 1.0, 5.0
FINE_COLOR, BOLD_COLOR = (248, 214, 208), (235, 167, 159)

# Half the height in mm of the tick between two leads in a row.
TICK = 2.5


@dataclass(frozen=True)
class Panel:
    """The place of a lead, or of the rhythm strip, on the page.

    Attributes
    ----------
    name : str
        Name of the lead.
    lead : int or None
        Position of the lead among the signals. None is an empty panel.
    row, column : int
        Counted from the upper left corner.
    n_columns : int
        Number of columns in the row of the panel.
    """

    name: str
    lead: int | None
    row: int
    column: int
    n_columns: int

    def time_span(self, n_times):
        """Return the start and the stop of the panel, in time points of a record."""
        length = n_times / self.n_columns
        return self.column * length, (self.column + 1) * length


@dataclass(frozen=True)
class PaperLayout:
    """The panels of a page.

    Attributes
    ----------
    n_rows : int
        Number of rows, with that of the rhythm strip.
    n_columns : int
        Number of columns of leads.
    panels : tuple of Panel
        The leads, column after column.
    strips : tuple of Panel
        The rhythm strips.
    """

    n_rows: int
    n_columns: int
    panels: tuple
    strips: tuple

    @property
    def strip(self):
        """The first rhythm strip, or None."""
        return self.strips[0] if self.strips else None

    @property
    def all_panels(self):
        """All panels, with the rhythm strips at the end."""
        return (*self.panels, *self.strips)


def lay_out_panels(layout, names, *, rhythm_lead, missing_leads="raise", standard_order=True):
    """Place leads and the rhythm strip in the rows and columns of a layout.

    Parameters
    ----------
    layout : {"3x4", "3x4+1", "3x4+3", "6x2", "6x2+1", "12x1"}
    names : sequence of str
        Names of the leads of the signals.
    rhythm_lead : str, sequence of str or None
        Leads of the rhythm strips. The layout "12x1" has no strip.
    missing_leads : {"raise", "empty"}, default="raise"
        Whether to raise an error for a missing lead or to leave its panel empty.
    standard_order : bool, default=True
        Whether "12x1" moves the standard leads to the top, in standard order.

    Returns
    -------
    layout : PaperLayout
    """
    names = list(names)
    if layout == "12x1":
        rank = {lead: position for position, lead in enumerate(STANDARD_LEADS)}
        order = range(len(names))
        if standard_order:
            order = sorted(order, key=lambda lead: rank.get(names[lead], len(rank)))
        panels = tuple(Panel(names[lead], lead, row, 0, 1) for row, lead in enumerate(order))
        return PaperLayout(len(names), 1, panels, ())
    _check_standard_leads(layout, names, missing_leads)
    rhythm_leads = _rhythm_leads(layout, rhythm_lead)
    layout, _ = LAYOUTS_WITH_STRIPS.get(layout, (layout, None))
    n_rows, n_columns = LAYOUTS[layout]
    panels = tuple(
        Panel(lead, _position(lead, names), i % n_rows, i // n_rows, n_columns)
        for i, lead in enumerate(STANDARD_LEADS)
    )
    strips = []
    for lead in normalize_lead_names(rhythm_leads, strict=False):
        if lead not in names and missing_leads == "raise":
            raise ValueError(
                f"rhythm_lead={rhythm_lead!r} is not among the leads {', '.join(names)}. Pass one "
                "of them, or None."
            )
        strips.append(Panel(lead, _position(lead, names), n_rows + len(strips), 0, 1))
    return PaperLayout(n_rows + len(strips), n_columns, panels, tuple(strips))


def stack_rows(above, below):
    """Return the height of 0 mV of each row, on bold lines of the grid and 0 for the first row.

    Parameters
    ----------
    above, below : sequence of float
        Room in mV that each row needs above and below its 0 mV.

    Returns
    -------
    zero_lines : list of float
        In mV, from the top to the bottom.
    """
    square = BOLD_STEP / MM_PER_MILLIVOLT
    zero_lines = [0.0]
    for upper, lower in zip(below, above[1:]):
        zero_lines.append(zero_lines[-1] - float(np.ceil((upper + lower) / square)) * square)
    return zero_lines


def calibration_pulse():
    """Return the corners of the calibration pulse, an array (6, 2) of seconds and mV."""
    before, after = PULSE_START - PULSE_EDGE, PULSE_END + PULSE_EDGE
    seconds = [before, PULSE_START, PULSE_START, PULSE_END, PULSE_END, after]
    return np.column_stack([seconds, [0, 0, 1, 1, 0, 0]])


def _rhythm_leads(layout, rhythm_lead):
    """Return the leads of the strips, whose number the layout may prescribe."""
    _, count = LAYOUTS_WITH_STRIPS.get(layout, (layout, None))
    if rhythm_lead is None:
        leads = []
    elif isinstance(rhythm_lead, str):
        leads = [rhythm_lead]
    else:
        leads = list(rhythm_lead)
    if count == len(THREE_RHYTHM_LEADS) and rhythm_lead == "II":
        return list(THREE_RHYTHM_LEADS)
    if count not in (None, len(leads)):
        raise ValueError(
            f"layout={layout!r} has {count} rhythm strip(s), but rhythm_lead={rhythm_lead!r} names "
            f"{len(leads)} lead(s). Pass {count} lead(s), or layout={layout.split('+')[0]!r}, "
            "which has a strip for each lead of rhythm_lead."
        )
    return leads


def _position(lead, names):
    return names.index(lead) if lead in names else None


def _check_standard_leads(layout, names, missing_leads):
    further = [name for name in names if name not in STANDARD_LEADS]
    if further:
        raise ValueError(
            f"layout={layout!r} has no panel for the lead(s) {', '.join(further)}. Pass "
            "layout='12x1', which draws any leads, or remove them with LeadSelector."
        )
    missing = [lead for lead in STANDARD_LEADS if lead not in names]
    if missing and missing_leads == "raise":
        raise ValueError(
            f"layout={layout!r} has panels for the twelve standard leads, but {', '.join(missing)} "
            "missing. Pass missing_leads='empty' to leave their panels empty, layout='12x1', or "
            "derive limb leads with LeadDeriver."
        )
