"""Display of a record on ECG paper."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils.validation import _num_samples

from ._ecg_axes import PaperAxes, choose_layout, fit_rows, panels_with_times
from ._ecg_checks import (
    check_intervals,
    check_r_peaks,
    check_record,
    clip_amplitude,
    select_record,
    spread_heat_map,
)
from ._plot_style import check_option, close_if_fails, figure_of, heat_colors, make_room_right


class ECGDisplay:
    """Display of a record on ECG paper.

    The axes are in seconds and mV, in the proportion of ECG paper, 25 mm/s to 10 mm/mV. The layout
    is that of `sklearn_ecg.preprocessing.ECGImageRenderer`: columns of leads follow each other in
    time. A figure that is made here is to scale when it is printed in its own size, unless the
    record is longer than 16 s or the page is higher than 45 cm; a note below states the scale.

    Use `from_record` for a record of a data set, or the constructor for an array. A record is
    drawn without an estimator or a prediction, so that there is no ``from_estimator`` and no
    ``from_predictions``.

    Parameters
    ----------
    signals : array-like of shape (n_leads, n_times)
        The record in mV. NaN leaves a gap.
    sampling_rate : float
        Time points per second (Hz).
    lead_names : sequence of str or None, default=None
        Names of the leads. Twelve unnamed leads are taken to be in standard order, others are
        numbered.
    r_peaks : array-like of shape (n_beats,) or None, default=None
        Time points to mark, above the first row and the rhythm strip.
    intervals : list of tuples or None, default=None
        Spans of time to shade, each ``(start, stop)`` in seconds for all leads, or
        ``(start, stop, leads)`` for some leads, by name. A panel shows only its own part of an
        interval: in the layout "3x4", each lead is shown for a quarter of the time.
    heat_map : array-like of shape (n_points,) or (n_leads, n_points), default=None
        Attention, a Grad-CAM map, or similar values, drawn under the traces. The points are evenly
        spaced over the time of the record. 0 is transparent, negative values are blue.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the record.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib Line2D
        The trace of each lead.
    rhythm_line_ : matplotlib Line2D or None
        The trace of the rhythm strip.
    cut_ : dict of str to int
        Number of time points beyond ``max_amplitude``, which are drawn at it, for each lead that
        has any.
    baselines_ : dict of str to float
        Position of 0 mV of each lead on the y-axis.
    peaks_ : matplotlib Line2D or None
        The marks of the R-peaks.
    spans_ : list of matplotlib Rectangle
        The shaded intervals.
    heat_ : list of matplotlib AxesImage
        The heat map, one image for each panel.
    colorbar_ : matplotlib Colorbar or None
        Color bar of the heat map.

    See Also
    --------
    GradCAMDisplay : Draws the Grad-CAM map of a network over the record.
    sklearn_ecg.preprocessing.ECGImageRenderer : Draws records as images for a network.

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
    ValueError: record=5 is not in X, which holds 5 records. Pass a position from 0 to 4.
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
        rhythm_lead: str | None = "II",
        max_amplitude: float | None = 5.0,
        title=None,
        ax=None,
    ):
        """Draw one record of X, in any container.

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
            Names of the leads. None takes the columns of a lead frame; twelve unnamed leads are
            taken to be in standard order.
        n_leads : int or None, default=None
            Number of leads of rows.
        r_peaks : "detect", RPeaks, array-like of shape (n_beats,) or None, default=None
            Time points to mark. "detect" finds them with `sklearn_ecg.detect_r_peaks`. From an
            `RPeaks` of all records, those of this record are taken.
        intervals : list of tuples or None, default=None
            Spans of time to shade, each ``(start, stop)`` in seconds for all leads, or
            ``(start, stop, leads)`` for some leads, by name. A panel shows only its own part of an
            interval: in the layout "3x4", each lead is shown for a quarter of the time.
        heat_map : array-like of shape (n_points,) or (n_leads, n_points), default=None
            Attention, a Grad-CAM map, or similar values, drawn under the traces. The points are
            evenly spaced over the time of the record. 0 is transparent, negative values are blue.
        layout : {"3x4", "6x2", "12x1"} or None, default=None
            Rows and columns of the twelve standard leads. "12x1" draws each lead in its own row,
            for any number of leads. In columns, each lead is shown for a quarter or a half of the
            time, which must be at least 0.5 s. For the standard leads, None chooses the first
            layout that shows at least 1 s of each lead: "3x4" from 4 s, "6x2" from 2 s, and "12x1"
            for shorter records. For other leads, None is "12x1".
        rhythm_lead : str or None, default="II"
            Lead of the rhythm strip below the columns, which shows the whole record. The layout
            "12x1" has no strip.
        max_amplitude : float or None, default=5.0
            Largest amplitude that is drawn, in mV, so that an artifact does not make the page
            very high. Values beyond it are drawn at this amplitude and marked in red, a note above
            the first row names the leads, and ``cut_`` counts the time points. None draws
            everything.
        title : str or None, default=None
            Title of the axes.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. Their proportion is set to that of ECG paper, and they become narrower
            to make room for a color bar. None makes a figure to scale.

        Returns
        -------
        display : ECGDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the shape of X is ambiguous, there is no such record, or X is a lead frame that
            notes another sampling rate, or another unit than mV.
        """
        signals, _, names = select_record(
            "ECGDisplay.from_record", X, record, n_leads, sampling_rate
        )
        if isinstance(r_peaks, str):
            check_option("r_peaks", r_peaks, ["detect"])
            from ...beats._rhythm import detect_r_peaks

            r_peaks = detect_r_peaks(signals[np.newaxis], sampling_rate).peaks[0]
        elif hasattr(r_peaks, "peaks"):
            if len(r_peaks.peaks) != _num_samples(X):
                raise ValueError(
                    f"r_peaks has the peaks of {len(r_peaks.peaks)} records, but X has "
                    f"{_num_samples(X)}. Pass detect_r_peaks of the same records."
                )
            if r_peaks.sampling_rate != sampling_rate:
                raise ValueError(
                    f"r_peaks was detected at {r_peaks.sampling_rate:g} Hz, but sampling_rate is "
                    f"{sampling_rate!r}. Pass detect_r_peaks of the same records."
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
        rhythm_lead: str | None = "II",
        max_amplitude: float | None = 5.0,
        title=None,
        heat_label=None,
        line_kwargs=None,
    ):
        """Draw the record.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. Their proportion is set to that of ECG paper, and they become narrower
            to make room for a color bar. None makes a figure to scale.
        layout : {"3x4", "6x2", "12x1"} or None, default=None
            Rows and columns of the twelve standard leads. "12x1" draws each lead in its own row,
            for any number of leads. In columns, each lead is shown for a quarter or a half of the
            time, which must be at least 0.5 s. For the standard leads, None chooses the first
            layout that shows at least 1 s of each lead: "3x4" from 4 s, "6x2" from 2 s, and "12x1"
            for shorter records. For other leads, None is "12x1".
        rhythm_lead : str or None, default="II"
            Lead of the rhythm strip below the columns, which shows the whole record. The layout
            "12x1" has no strip.
        max_amplitude : float or None, default=5.0
            Largest amplitude that is drawn, in mV, so that an artifact does not make the page
            very high. Values beyond it are drawn at this amplitude and marked in red, a note above
            the first row names the leads, and ``cut_`` counts the time points. None draws
            everything.
        title : str or None, default=None
            Title of the axes.
        heat_label : str or None, default=None
            Label of the color bar of the heat map.
        line_kwargs : dict or None, default=None
            Options of the traces, for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : ECGDisplay
            This display.

        Raises
        ------
        ValueError
            If signals, names, R-peaks, intervals or the heat map are invalid, signals are plainly
            not in mV or have a large offset, the rhythm lead is missing, or the layout requires
            other leads or a longer record.
        """
        if not isinstance(line_kwargs, (Mapping, type(None))):
            raise TypeError(
                f"line_kwargs must be a dict of options, got {line_kwargs!r}. Pass for instance "
                "{'color': 'red'}."
            )
        signals, names, rate = check_record(self.signals, self.lead_names, self.sampling_rate)
        n_times = signals.shape[1]
        seconds = n_times / rate
        layout = choose_layout(layout, rhythm_lead, names, seconds)
        panels = panels_with_times(layout, n_times)
        clipped = clip_amplitude(signals, max_amplitude)
        is_clipped = np.abs(signals) > np.abs(clipped)
        self.cut_ = _count_clipped(is_clipped, panels)
        peaks = check_r_peaks(self.r_peaks, n_times)
        # The first row and the strip.
        rows_with_peaks = []
        if peaks is not None:
            rows_with_peaks = [0] if layout.strip is None else [0, layout.strip.row]
        rows = fit_rows(clipped, panels, rows_with_peaks=rows_with_peaks, has_note=bool(self.cut_))
        heat = colors = None
        if self.heat_map is not None:
            heat = spread_heat_map(self.heat_map, signals.shape)
            colors = heat_colors(np.asarray(self.heat_map, dtype=float))
        intervals = check_intervals(self.intervals, names, seconds)

        has_own_figure = ax is None
        paper = PaperAxes(ax, rows, seconds, has_title=bool(title), has_colorbar=heat is not None)
        self.ax_ = ax = paper.ax
        self.figure_ = figure_of(ax)
        self.lines_, self.baselines_, self.rhythm_line_ = {}, {}, None
        self.heat_, self.spans_ = [], []
        for panel, times in panels:
            start, stop = times.start / rate, times.stop / rate
            zero, area = rows.zero_lines[panel.row], rows.areas[panel.row]
            if heat is not None:
                values = heat[panel.lead, times]
                self.heat_.append(paper.draw_heat(values, start, stop, area, colors))
            for first, last, leads in intervals:
                first, last = max(first, start), min(last, stop)
                if first < last and (leads is None or panel.name in leads):
                    self.spans_.append(paper.draw_span(first, last, area))
            line = paper.draw_trace(
                np.arange(times.start, times.stop) / rate,
                clipped[panel.lead, times] + zero,
                is_clipped[panel.lead, times],
                **(line_kwargs or {}),
            )
            if panel is layout.strip:
                self.rhythm_line_ = line
            else:
                self.lines_[panel.name], self.baselines_[panel.name] = line, float(zero)
            paper.draw_name(start, rows.names[panel.row], panel.name)
            if panel.column > 0:
                paper.draw_tick(start, zero)
        self.peaks_ = None
        if peaks is not None:
            heights = [rows.names[row] + 0.18 for row in rows_with_peaks]
            self.peaks_ = paper.draw_peaks(peaks / rate, heights)
        self.colorbar_ = None
        if heat is not None:
            bar_axes = paper.add_colorbar_axes()
            self.colorbar_ = ax.figure.colorbar(self.heat_[0], cax=bar_axes, label=heat_label)
            if not has_own_figure:
                make_room_right(ax, bar_axes)
        if self.cut_:
            leads = ", ".join(self.cut_) if len(self.cut_) <= 4 else f"{len(self.cut_)} leads"
            paper.draw_note(f"cut at {max_amplitude:g} mV: {leads}")
        paper.draw_scales(seconds)
        if title:
            ax.set_title(title)
        return self


def _count_clipped(is_clipped, panels):
    """Count the visible clipped time points of each lead that has any."""
    visible = np.zeros(is_clipped.shape, dtype=bool)
    names = {}
    for panel, times in panels:
        visible[panel.lead, times] = True
        names[panel.lead] = panel.name
    counts = (is_clipped & visible).sum(axis=1)
    return {names[lead]: int(counts[lead]) for lead in sorted(names) if counts[lead]}
