"""A record as on paper."""

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from ..._validation import read_container
from ...leads import STANDARD_LEADS, normalize_lead_names, stack_signals, to_lead_array
from ._style import (
    BLUE,
    VERMILION,
    check_option,
    close_if_fails,
    heat_scale,
    keep_inside,
    real_array,
)

# Rows and columns of the layouts of twelve leads, in the order of the signals' columns.
_LAYOUTS = {"3x4": (3, 4), "6x2": (6, 2), "12x1": (12, 1)}

# Paper: a square of 1 mm is 0.04 s and 0.1 mV, every fifth line is bold.
_MM_PER_S, _MM_PER_MV = 25.0, 10.0
_FINE, _BOLD = "#f8dcd8", "#eba79f"
_WIDEST_MM = _TALLEST_MM = 450.0
_NARROWEST = 1.8  # s, room for what is written below

# Seconds: the shortest part of a lead that has room for its name, and those that a page chosen here
# shows of each.
_SHORTEST_PART, _PART = 0.5, 1.0

_PULSE = np.array([[-0.44, 0], [-0.36, 0], [-0.36, 1], [-0.16, 1], [-0.16, 0], [-0.08, 0]])
_LEFT = 0.52  # s, room for the calibration pulse

_CLEARANCE = 0.4  # mV, above a trace, for the lead's name
_NOTE = 0.4  # mV, above the first row, for a note
_LARGEST_MV = 30.0


class _Panel(NamedTuple):
    lead: int
    row: int
    start: int  # time points
    stop: int


class ECGDisplay:
    """A record drawn as on ECG paper.

    The axes are in seconds and mV, in paper's proportion: 25 mm/s beside 10 mm/mV. Columns of
    leads follow each other in time, as a recorder prints them. A figure made here is to scale when
    it is printed in its own size, unless the record is longer than 16 s or the page higher than
    45 cm; it then says so below.

    Make it with `from_record` for a record of a cohort, or from an array. No estimator and no
    prediction is drawn: there is no ``from_estimator`` and no ``from_predictions``.

    Parameters
    ----------
    signals : array-like of shape (n_leads, n_times)
        The record in mV. NaN leaves a gap.
    sampling_rate : float
        Time points per second (Hz).
    lead_names : sequence of str or None, default=None
        Names of the leads. Twelve unnamed leads are in standard order, others are numbered.
    r_peaks : array-like of shape (n_beats,) or None, default=None
        Time points to mark, above the first row and the rhythm strip.
    intervals : list of tuples or None, default=None
        Spans of time to shade, each ``(start, stop)`` in seconds for all leads, or
        ``(start, stop, leads)`` for some, named. Shaded is what a panel shows of them: in the
        layout 3x4 a lead is shown for a quarter of the time.
    heat_map : array-like of shape (n_points,) or (n_leads, n_points), default=None
        Attention, a Grad-CAM map, or the like, laid under the traces. Its points are
        spread evenly over the record's time. 0 has no colour, negative values are blue.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : dict of str to matplotlib Line2D
        The trace of each lead.
    rhythm_line_ : matplotlib Line2D or None
        The trace of the rhythm strip.
    cut_ : dict of str to int
        Number of time points drawn at ``max_amplitude``, as the lead lies beyond it, for each such
        lead.
    baselines_ : dict of str to float
        Where 0 mV of each lead is on the y-axis.
    peaks_ : matplotlib Line2D or None
        The marks of the R-peaks.
    spans_ : list of matplotlib Rectangle
        The shaded intervals.
    heat_ : list of matplotlib AxesImage
        The heat map, part by part.
    colorbar_ : matplotlib Colorbar or None
        Of the heat map.

    See Also
    --------
    GradCAMDisplay : The heat map of a network's decision.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import ECGDisplay
    >>> ecg = make_ecg(5, random_state=0)
    >>> display = ECGDisplay.from_record(ecg.data, 100, record=3, r_peaks="detect")
    >>> display.ax_.get_xlabel()
    'Time (s)'
    >>> ECGDisplay.from_record(ecg.data, 100, record=5)
    Traceback (most recent call last):
        ...
    ValueError: record=5 is not there: X has 5 records, numbered from 0.
    >>> plt.close("all")
    """

    def __init__(
        self,
        signals,
        *,
        sampling_rate,
        lead_names=None,
        r_peaks=None,
        intervals=None,
        heat_map=None,
    ):
        self.signals = signals
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names
        self.r_peaks = r_peaks
        self.intervals = intervals
        self.heat_map = heat_map

    @classmethod
    def from_record(
        cls,
        X,
        sampling_rate,
        *,
        record=0,
        lead_names=None,
        n_leads=None,
        r_peaks=None,
        intervals=None,
        heat_map=None,
        layout=None,
        rhythm_lead="II",
        max_amplitude=5.0,
        title=None,
        ax=None,
    ):
        """Draw one record of a cohort, in any container.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows; in mV.
        sampling_rate : float
            Time points per second (Hz).
        record : int, default=0
            Position of the record in X.
        lead_names : sequence of str or None, default=None
            Names of the leads; None takes those of a lead frame. Twelve unnamed leads are in
            standard order.
        n_leads : int or None, default=None
            Number of leads of rows.
        r_peaks : "detect", RPeaks, array-like of shape (n_beats,) or None, default=None
            Time points to mark. "detect" finds them with `sklearn_ecg.detect_r_peaks`; of an
            `RPeaks` of all records, this record's are taken.
        intervals, heat_map
            See the class.
        layout, rhythm_lead, max_amplitude, title, ax
            See `plot`.

        Returns
        -------
        display : ECGDisplay
            The figure that was drawn.

        Raises
        ------
        ValueError
            If X cannot be read without guessing, or there is no such record.
        """
        signals, _, names = read_record("ECGDisplay.from_record", X, record, n_leads)
        if isinstance(r_peaks, str):
            check_option("r_peaks", r_peaks, ["detect"])
            r_peaks = _detect(signals, sampling_rate)
        elif hasattr(r_peaks, "peaks"):
            if len(r_peaks.peaks) != _num_samples(X):
                raise ValueError(
                    f"r_peaks holds those of {len(r_peaks.peaks)} records, but X has "
                    f"{_num_samples(X)}. Pass detect_r_peaks of the same records."
                )
            r_peaks = r_peaks.peaks[record]
        display = cls(
            signals,
            sampling_rate=sampling_rate,
            lead_names=names if lead_names is None else lead_names,
            r_peaks=r_peaks,
            intervals=intervals,
            heat_map=heat_map,
        )
        return display.plot(
            ax, layout=layout, rhythm_lead=rhythm_lead, max_amplitude=max_amplitude, title=title
        )

    @close_if_fails
    def plot(
        self,
        ax=None,
        *,
        layout=None,
        rhythm_lead="II",
        max_amplitude=5.0,
        title=None,
        heat_label=None,
        line_kwargs=None,
    ):
        """Draw the record.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; their proportion is set to that of paper, and a colour bar takes its
            place from them. None makes a figure to scale.
        layout : {"3x4", "6x2", "12x1"} or None, default=None
            Rows and columns of the twelve standard leads; "12x1" gives each lead a row, however
            many there are. In columns a lead is shown for a part of the time, a quarter or a
            half of it, which must be 0.5 s or more. None is "12x1" for other leads, and for the
            standard ones the first of "3x4", "6x2" and "12x1" that shows a second of each: of
            records from 4 s, from 2 s, and of any length.
        rhythm_lead : str or None, default="II"
            The lead drawn in full below, where leads are in columns and it is there.
        max_amplitude : float or None, default=5.0
            How far from 0 mV a lead is drawn, in mV, so that an artefact does not make a page
            of metres. What lies beyond is drawn there, in red, a note above the first row names
            the leads, and ``cut_`` counts. None draws everything.
        title : str or None, default=None
            Title of the axes.
        heat_label : str or None, default=None
            Label of the heat map's colour bar.
        line_kwargs : dict or None, default=None
            Options of the traces, for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : ECGDisplay
            This object.

        Raises
        ------
        ValueError
            For signals, names, R-peaks, intervals or a heat map that do not fit, signals that are
            not in mV, a lead that is not there, or a layout for other leads or longer records.
        """
        signals, names, rate = _check(self.signals, self.lead_names, self.sampling_rate)
        panels, has_strip = _panels(layout, rhythm_lead, names, signals.shape[1], rate)
        whole, signals = signals, _cut(signals, max_amplitude)
        beyond = (np.abs(whole) > np.abs(signals)) & _shown(panels, whole.shape)
        self.cut_ = {name: int(part.sum()) for name, part in zip(names, beyond) if part.any()}
        n_rows = panels[-1].row + 1
        peaks = _check_peaks(self.r_peaks, signals.shape[1])
        marked = [] if peaks is None else [0] + [n_rows - 1] * has_strip
        baselines, low, high = _rows(signals, panels, n_rows, marked)
        high += _NOTE * bool(self.cut_)
        duration = signals.shape[1] / rate
        right = max(duration + 0.08, _NARROWEST)

        heat = scale_of_heat = None
        if self.heat_map is not None:
            heat = real_array("heat_map", self.heat_map)
            heat, scale_of_heat = _spread(heat, signals.shape), heat_scale(heat)
        intervals = _check_intervals(self.intervals, names, duration)
        is_given = ax is not None
        if not is_given:
            ax = _paper(right, high - low, has_title=bool(title), has_bar=heat is not None)
        self.ax_, self.figure_ = ax, ax.figure
        ax.set(xlim=(-_LEFT, right), ylim=(low, high), aspect=_MM_PER_MV / _MM_PER_S)
        scale = _scale(ax, right, high - low)
        # Letters, marks and lines shrink with small axes, as far as they stay legible.
        shrink = float(np.clip(1.5 * scale, 0.6, 1.0))
        thin = 0.8 * shrink
        _draw_grid(ax, fine=scale > 0.5, shrink=shrink)

        self.lines_, self.rhythm_line_, self.heat_, self.spans_ = {}, None, [], []
        options = {"color": "black", "linewidth": thin, "solid_joinstyle": "round"}
        for panel in panels:
            zero = baselines[panel.row]
            top, bottom = _extent(baselines, panel.row, low, high)
            seconds = np.arange(panel.start, panel.stop) / rate
            start, stop = panel.start / rate, panel.stop / rate
            if heat is not None:
                part = heat[panel.lead, panel.start : panel.stop]
                self.heat_.append(_draw_heat(ax, part, (start, stop, bottom, top), scale_of_heat))
            for first, last, leads in intervals:
                first, last = max(first, start), min(last, stop)
                if first < last and (leads is None or names[panel.lead] in leads):
                    self.spans_.append(_draw_span(ax, first, last, bottom, top))
            trace = signals[panel.lead, panel.start : panel.stop] + zero
            (line,) = ax.plot(seconds, trace, **{**options, **(line_kwargs or {})})
            cut = beyond[panel.lead, panel.start : panel.stop]
            if cut.any():
                ax.plot(
                    seconds[cut],
                    trace[cut],
                    linestyle="none",
                    marker="s",
                    markersize=2.5,
                    color=VERMILION,
                )
            is_strip = has_strip and panel.row == n_rows - 1
            if is_strip:
                self.rhythm_line_ = line
            else:
                self.lines_[names[panel.lead]] = line
            name_at = zero + _reach(signals, panels, panel.row)[0]
            ax.text(
                start + 0.06,
                name_at,
                names[panel.lead],
                va="top",
                weight="bold",
                fontsize=9 * shrink,
            )
            if start > 0:  # where one lead ends and the next begins
                ax.plot([start, start], [zero - 0.25, zero + 0.25], color="black", linewidth=thin)
        for zero in baselines:
            ax.plot(*(_PULSE + [0, zero]).T, color="black", linewidth=thin)

        strip = [names[panels[-1].lead]] if has_strip else []
        self.baselines_ = {names[panel.lead]: float(baselines[panel.row]) for panel in panels}
        if strip:  # the lead's own row, rather than the strip's
            own = next(panel for panel in panels if panel.lead == panels[-1].lead)
            self.baselines_[strip[0]] = float(baselines[own.row])
        self.peaks_ = None
        if peaks is not None:
            heights = [baselines[row] + _reach(signals, panels, row)[0] + 0.18 for row in marked]
            (self.peaks_,) = ax.plot(
                np.tile(peaks / rate, len(heights)),
                np.repeat(heights, len(peaks)),
                linestyle="none",
                marker="v",
                markersize=5 * shrink,
                color=BLUE,
            )
        self.colorbar_ = None
        if heat is not None:
            # Of 5 points at least: on small axes a share of their width would be a line.
            width = max(0.012, 5 / (ax.bbox.width * 72 / ax.figure.dpi))
            beside = ax.inset_axes([1 + width, 0.0, width, 1.0])
            self.colorbar_ = ax.figure.colorbar(self.heat_[0], cax=beside, label=heat_label)
            if is_given:
                keep_inside(ax, beside)
        if self.cut_:
            of = ", ".join(self.cut_) if len(self.cut_) <= 4 else f"{len(self.cut_)} leads"
            ax.annotate(
                f"cut at {max_amplitude:g} mV: {of}",
                (0, 1),
                (4, -3),
                xycoords="axes fraction",
                textcoords="offset points",
                va="top",
                fontsize=9 * shrink,
                color=VERMILION,
            )
        ax.set_xticks(np.arange(0, int(duration) + 1, max(1, int(duration) // 20)))
        ax.set_yticks([])
        ax.set_xlabel("Time (s)", loc="left")
        ax.annotate(
            # The scale of axes that were given may change until they are drawn.
            "25 mm/s, 10 mm/mV" if scale > 0.99 and not is_given else "squares: 0.2 s, 0.5 mV",
            (1, 0),
            (0, -26),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
        )
        if title:
            ax.set_title(title)
        return self


def read_record(name, X, record, n_leads):
    """One record of a cohort: its signals (n_leads, n_times), itself as a cohort, lead names."""
    X, kind, n_leads, names = read_container(X, name=name, n_leads=n_leads)
    n_records = _num_samples(X)
    if not isinstance(record, Integral) or not -n_records <= record < n_records:
        raise ValueError(
            f"record={record!r} is not there: X has {n_records} records, numbered from 0."
        )
    row = signals = _safe_indexing(X, [int(record) % n_records])
    if kind == "lead frame":
        signals = to_lead_array(row)
    elif kind == "cells":
        signals = stack_signals(row)
    return np.asarray(signals).reshape(n_leads, -1), row, names


def _detect(signals, sampling_rate):
    from ...beats._rhythm import detect_r_peaks

    return detect_r_peaks(signals[np.newaxis], sampling_rate).peaks[0]


def _check(signals, names, sampling_rate):
    """The record as an array, the names of its leads, the sampling rate."""
    signals = np.asarray(signals)
    if signals.ndim != 2 or signals.dtype.kind not in "iuf" or signals.size == 0:
        raise ValueError(
            f"signals must hold one record, real numbers of shape (n_leads, n_times), got shape "
            f"{signals.shape} and dtype {signals.dtype}. For a cohort use ECGDisplay.from_record."
        )
    signals = signals.astype(np.float64)
    n_leads = len(signals)
    if names is None:
        standard = n_leads == len(STANDARD_LEADS)
        names = STANDARD_LEADS if standard else [f"lead {lead}" for lead in range(n_leads)]
    names = normalize_lead_names([str(name) for name in names], strict=False)
    if len(names) != n_leads:
        raise ValueError(
            f"lead_names holds {len(names)} names, but the record has {n_leads} leads. Pass one "
            "name for each."
        )
    largest = np.nanmax(np.abs(signals)) if np.isfinite(signals).any() else 0.0
    if not largest <= _LARGEST_MV:
        raise ValueError(
            f"signals reach {largest:g} mV. Pass them in mV: microvolts divided by 1000, and "
            "without a direct-current offset."
        )
    if not (isinstance(sampling_rate, Real) and 0 < sampling_rate < np.inf):
        raise ValueError(f"sampling_rate must be a positive number in Hz, got {sampling_rate!r}.")
    return signals, names, float(sampling_rate)


def _cut(signals, max_amplitude):
    """The record without what lies further from 0 mV than this."""
    if max_amplitude is None:
        return signals
    if not (isinstance(max_amplitude, Real) and 0 < max_amplitude < np.inf):
        raise ValueError(
            f"max_amplitude must be a positive number in mV or None, got {max_amplitude!r}."
        )
    return np.clip(signals, -max_amplitude, max_amplitude)


def _panels(layout, rhythm_lead, names, n_times, rate):
    """Which lead is drawn where, and whether the last row is a rhythm strip."""
    standard = set(names) == set(STANDARD_LEADS)
    part = {layout: n_times / rate / n_columns for layout, (_, n_columns) in _LAYOUTS.items()}
    if layout is None:
        long_enough = [layout for layout in _LAYOUTS if standard and part[layout] >= _PART]
        layout = [*long_enough, "12x1"][0]
    check_option("layout", layout, _LAYOUTS)
    if layout == "12x1":
        return [_Panel(lead, lead, 0, n_times) for lead in range(len(names))], False
    if not standard:
        raise ValueError(
            f"layout={layout!r} is for the twelve standard leads, the record has "
            f"{', '.join(names)}. Pass layout='12x1'."
        )
    if part[layout] < _SHORTEST_PART:
        raise ValueError(
            f"layout={layout!r} shows {part[layout]:g} s of each lead of this record of "
            f"{n_times / rate:g} s, too little to read. Pass layout='12x1', or None."
        )
    n_rows, n_columns = _LAYOUTS[layout]
    bounds = np.linspace(0, n_times, n_columns + 1).astype(int)
    panels = [
        _Panel(names.index(lead), i % n_rows, bounds[i // n_rows], bounds[i // n_rows + 1])
        for i, lead in enumerate(STANDARD_LEADS)
    ]
    panels.sort(key=lambda panel: (panel.row, panel.start))
    if rhythm_lead is None:
        return panels, False
    (rhythm_lead,) = normalize_lead_names([rhythm_lead], strict=False)
    check_option("rhythm_lead", rhythm_lead, names)
    return [*panels, _Panel(names.index(rhythm_lead), n_rows, 0, n_times)], True


def _shown(panels, shape):
    """Which time points of each lead are drawn."""
    shown = np.zeros(shape, dtype=bool)
    for panel in panels:
        shown[panel.lead, panel.start : panel.stop] = True
    return shown


def _reach(signals, panels, row):
    """How far a row reaches above and below 0 mV, with room for names and the pulse."""
    parts = [signals[p.lead, p.start : p.stop] for p in panels if p.row == row]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    highest, lowest = (values.max(), values.min()) if len(values) else (0.0, 0.0)
    return max(highest + _CLEARANCE, 1.1), max(-lowest + 0.1, 0.3)


def _rows(signals, panels, n_rows, marked):
    """Where 0 mV of each row is, on bold lines of the grid, and the limits of the y-axis."""
    baselines, below = [], 0.0
    for row in range(n_rows):
        above, next_below = _reach(signals, panels, row)
        above += 0.35 * (row in marked)
        if row == 0:
            high = above + 0.2
            baselines.append(0.0)
        else:
            baselines.append(baselines[-1] - np.ceil((below + above) * 2) / 2)
        below = next_below
    return baselines, baselines[-1] - below - 0.1, high


def _extent(baselines, row, low, high):
    """Upper and lower end of the area of a row: half way to its neighbours."""
    top = high if row == 0 else (baselines[row - 1] + baselines[row]) / 2
    last = row == len(baselines) - 1
    return top, low if last else (baselines[row] + baselines[row + 1]) / 2


def _spread(heat_map, shape):
    """A heat map (n_leads, n_times), from one of other points per lead or for all leads."""
    heat = np.asarray(heat_map)
    n_leads, n_times = shape
    if heat.ndim == 1:
        heat = heat[np.newaxis]
    if heat.ndim != 2 or len(heat) not in (1, n_leads) or heat.size == 0:
        raise ValueError(
            f"heat_map must have the shape (n_points,) or ({n_leads}, n_points), got "
            f"{np.shape(heat_map)}."
        )
    if not np.isfinite(heat).all():
        raise ValueError("heat_map holds NaN or infinity. Fill these points before.")
    centres = (np.arange(heat.shape[1]) + 0.5) * n_times / heat.shape[1]
    points = np.arange(n_times) + 0.5
    spread = np.array([np.interp(points, centres, values) for values in heat])
    return np.broadcast_to(spread, shape)


def _check_peaks(peaks, n_times):
    if peaks is None:
        return None
    given, peaks = peaks, np.asarray(peaks)
    if peaks.ndim != 1:
        raise ValueError(
            f"r_peaks must hold the time points of this record, a list of integers, got {given!r}. "
            "ECGDisplay.from_record takes 'detect', and R-peaks of all records."
        )
    outside = len(peaks) and (peaks.dtype.kind not in "iu" or min(peaks) < 0)
    if outside or (len(peaks) and max(peaks) >= n_times):
        raise ValueError(
            f"r_peaks must be time points, integers from 0 to {n_times - 1}, got {peaks!r}. "
            "Multiply seconds by the sampling rate and round."
        )
    return peaks


def _check_intervals(intervals, names, duration):
    if intervals is None:
        return []
    form = "(start, stop) or (start, stop, leads), in seconds and with start < stop"
    if isinstance(intervals, str) or not isinstance(intervals, Iterable):
        raise ValueError(f"intervals must be a list of {form}, got {intervals!r}.")
    checked = []
    for interval in intervals:
        if not _is_interval(interval):
            raise ValueError(
                f"intervals must hold {form}, got {interval!r}. Pass a single one as a list, too: "
                "[(start, stop)]."
            )
        if interval[1] <= 0 or interval[0] >= duration:
            raise ValueError(
                f"The interval {interval!r} lies outside the record, which has {duration:g} s. "
                "Pass one that overlaps it, in seconds."
            )
        leads = None
        if len(interval) == 3:
            leads = [interval[2]] if isinstance(interval[2], str) else interval[2]
            leads = normalize_lead_names(leads, strict=False)
            for lead in leads:
                check_option("lead of an interval", lead, names)
        checked.append((float(interval[0]), float(interval[1]), leads))
    return checked


def _is_interval(interval):
    if not isinstance(interval, (Sequence, np.ndarray)) or len(interval) not in (2, 3):
        return False
    is_real = all(isinstance(end, Real) for end in interval[:2])
    return is_real and interval[0] < interval[1]


def _paper(right, millivolts, *, has_title, has_bar):
    """Axes of a new figure, to scale."""
    import matplotlib.pyplot as plt

    width = (right + _LEFT) * _MM_PER_S
    height = millivolts * _MM_PER_MV
    scale = min(1.0, _WIDEST_MM / width, _TALLEST_MM / height)
    width, height = width * scale, height * scale
    left, right, bottom, top = 4.0, 20.0 if has_bar else 4.0, 13.0, 10.0 if has_title else 3.0
    full_width, full_height = left + width + right, bottom + height + top
    figure = plt.figure(figsize=(full_width / 25.4, full_height / 25.4))
    return figure.add_axes(
        [left / full_width, bottom / full_height, width / full_width, height / full_height]
    )


def _scale(ax, right, millivolts):
    """Size of the axes relative to paper, as far as it is known before the figure is drawn."""
    width, height = ax.figure.get_size_inches() * ax.get_position(original=True).size * 25.4
    return min(width / ((right + _LEFT) * _MM_PER_S), height / (millivolts * _MM_PER_MV))


def _draw_grid(ax, *, fine, shrink):
    """Lines of 5 mm and, where they can be told apart, of 1 mm."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for step_x, step_y, color, width in ((0.04, 0.1, _FINE, 0.4), (0.2, 0.5, _BOLD, 0.6)):
        if color == _FINE and not fine:
            continue
        options = {"colors": color, "linewidths": width * shrink, "zorder": 0.5}
        x = np.arange(np.ceil(left / step_x), np.floor(right / step_x) + 1) * step_x
        y = np.arange(np.ceil(low / step_y), np.floor(high / step_y) + 1) * step_y
        ax.vlines(x, low, high, **options)
        ax.hlines(y, left, right, **options)
    ax.set(xlim=(left, right), ylim=(low, high))
    for spine in ax.spines.values():
        spine.set_color(_BOLD)


def _draw_heat(ax, part, extent, scale):
    colormap, low, high = scale
    return ax.imshow(
        part[np.newaxis],
        extent=extent,
        aspect=ax.get_aspect(),
        cmap=colormap,
        vmin=low,
        vmax=high,
        interpolation="nearest",
        zorder=1,
    )


def _draw_span(ax, first, last, bottom, top):
    from matplotlib.patches import Rectangle

    span = Rectangle(
        (first, bottom),
        last - first,
        top - bottom,
        facecolor=BLUE,
        alpha=0.18,
        linewidth=0,
        zorder=1.5,
    )
    return ax.add_patch(span)
