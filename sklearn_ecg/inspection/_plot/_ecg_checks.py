"""Checks of a record and of what is drawn over it."""

from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from ..._validation import (
    check_millivolts,
    check_noted_millivolts,
    check_noted_rate,
    read_container,
)
from ...leads import STANDARD_LEADS, normalize_lead_names, stack_signals, to_lead_array
from ...leads._lead_order import check_standard_order
from ._plot_style import as_real_array, check_option

# Largest amplitude in mV for which a page has room.
_MAX_DRAWN = 30.0


def select_record(name, X, record, n_leads, sampling_rate):
    """Return one record of X as an array, the same record as X of one record, and lead names.

    Parameters
    ----------
    name : str
        Name of the caller, for error messages.
    X : array-like, DataFrame or lead frame
    record : int
    n_leads : int or None
    sampling_rate : float or None

    Returns
    -------
    signals : ndarray of shape (n_leads, n_times)
    row : same type as X, of one record
    lead_names : tuple of str or None
    """
    check_noted_rate(X, sampling_rate, name=name)
    check_noted_millivolts(X, name=name)
    X, kind, n_leads, names = read_container(X, name=name, n_leads=n_leads)
    row = signals = select_row(X, record)
    if kind == "lead frame":
        signals = to_lead_array(row)
    elif kind == "cells":
        signals = stack_signals(row)
    return np.asarray(signals).reshape(n_leads, -1), row, names


def select_row(X, record):
    """Return X of one record, in the same container."""
    n_records = _num_samples(X)
    if not isinstance(record, Integral) or not -n_records <= record < n_records:
        raise ValueError(
            f"record={record!r} is not in X, which holds {n_records} records. Pass a position from "
            f"0 to {n_records - 1}."
        )
    return _safe_indexing(X, [int(record) % n_records])


def check_record(signals, lead_names, sampling_rate):
    """Return the record as an array of float64, the names of its leads and the sampling rate."""
    signals = np.asarray(signals)
    if signals.ndim != 2 or signals.dtype.kind not in "iuf" or signals.size == 0:
        raise ValueError(
            f"signals must be one record, real numbers of shape (n_leads, n_times), got shape "
            f"{signals.shape} and dtype {signals.dtype}. For several records use "
            "ECGDisplay.from_record."
        )
    signals = signals.astype(np.float64)
    n_leads = len(signals)
    if lead_names is None:
        is_standard = n_leads == len(STANDARD_LEADS)
        if is_standard:
            check_standard_order(signals[np.newaxis], name="ECGDisplay")
        lead_names = STANDARD_LEADS if is_standard else [f"lead {i}" for i in range(n_leads)]
    if isinstance(lead_names, str) or not isinstance(lead_names, Iterable):
        raise TypeError(
            f"lead_names must be a list of names, one for each lead, got {lead_names!r}."
        )
    lead_names = normalize_lead_names([str(name) for name in lead_names], strict=False)
    if len(lead_names) != n_leads:
        raise ValueError(
            f"lead_names has {len(lead_names)} names, but the record has {n_leads} leads. Pass one "
            "name for each."
        )
    if np.isinf(signals).any():
        raise ValueError("signals contains infinity. Replace such values by NaN, which is a gap.")
    check_millivolts(
        signals[np.newaxis], name="ECGDisplay", error_for=("unit", "unclear", "offset")
    )
    if not (isinstance(sampling_rate, Real) and 0 < sampling_rate < np.inf):
        raise ValueError(f"sampling_rate must be a positive number in Hz, got {sampling_rate!r}.")
    return signals, lead_names, float(sampling_rate)


def clip_amplitude(signals, max_amplitude):
    """Clip the signals of a record at a distance from 0 mV, or not if this is None."""
    if max_amplitude is None:
        largest = np.fmax.reduce(np.abs(signals), axis=None)
        if largest > _MAX_DRAWN:
            raise ValueError(
                f"max_amplitude=None draws everything, but the largest absolute value of signals "
                f"is {largest:g} mV, for which no page has room. Pass max_amplitude, such as 5.0."
            )
        return signals
    if not (isinstance(max_amplitude, Real) and 0 < max_amplitude < np.inf):
        raise ValueError(
            f"max_amplitude must be a positive number in mV or None, got {max_amplitude!r}."
        )
    return np.clip(signals, -max_amplitude, max_amplitude)


def check_r_peaks(r_peaks, n_times):
    """Return the R-peaks of one record as an array of time points, or None."""
    if r_peaks is None:
        return None
    given = r_peaks
    try:
        r_peaks = np.asarray(r_peaks)
    except ValueError:  # lists of different lengths
        r_peaks = np.asarray(None)
    if r_peaks.ndim != 1:
        raise ValueError(
            f"r_peaks must be the time points of one record, a list of integers, got {given!r}. "
            "ECGDisplay.from_record accepts 'detect', and the R-peaks of all records."
        )
    if not len(r_peaks):
        return r_peaks
    if r_peaks.dtype.kind not in "iu" or min(r_peaks) < 0 or max(r_peaks) >= n_times:
        raise ValueError(
            f"r_peaks must be time points, integers from 0 to {n_times - 1}, got {r_peaks!r}. "
            "Multiply seconds by the sampling rate and round."
        )
    return r_peaks


def check_intervals(intervals, lead_names, duration):
    """Return intervals as a list of (start, stop, leads), where None stands for all leads."""
    if intervals is None:
        return []
    form = "(start, stop) or (start, stop, leads), in seconds and with start < stop"
    if isinstance(intervals, str) or not isinstance(intervals, Iterable):
        raise ValueError(f"intervals must be a list of {form}, got {intervals!r}.")
    checked = []
    for interval in intervals:
        if not _is_interval(interval):
            raise ValueError(
                f"intervals must be a list of {form}, got {interval!r} in it. Pass a list for a "
                "single interval, too: [(start, stop)]."
            )
        if interval[1] <= 0 or interval[0] >= duration:
            raise ValueError(
                f"The interval {interval!r} is outside the record, which has {duration:g} s. Pass "
                "one that overlaps it, in seconds."
            )
        leads = None
        if len(interval) == 3:
            leads = [interval[2]] if isinstance(interval[2], str) else interval[2]
            if not isinstance(leads, Iterable):
                raise ValueError(
                    f"intervals: the leads of an interval must be a list of names, got {leads!r}."
                )
            leads = normalize_lead_names(leads, strict=False)
            for lead in leads:
                check_option("lead of an interval", lead, lead_names)
        checked.append((float(interval[0]), float(interval[1]), leads))
    return checked


def spread_heat_map(heat_map, shape):
    """Interpolate a heat map to the leads and time points of a record.

    Parameters
    ----------
    heat_map : array-like of shape (n_points,) or (n_leads, n_points)
    shape : (n_leads, n_times)

    Returns
    -------
    heat : ndarray of shape (n_leads, n_times)
    """
    given, heat = heat_map, as_real_array("heat_map", heat_map)
    n_leads, n_times = shape
    if heat.ndim == 1:
        heat = heat[np.newaxis]
    if heat.ndim != 2 or len(heat) not in (1, n_leads) or heat.size == 0:
        raise ValueError(
            f"heat_map must have the shape (n_points,) or ({n_leads}, n_points), got "
            f"{np.shape(given)}."
        )
    if not np.isfinite(heat).all():
        raise ValueError("heat_map contains NaN or infinity. Replace these values first.")
    centers = (np.arange(heat.shape[1]) + 0.5) * n_times / heat.shape[1]
    points = np.arange(n_times) + 0.5
    heat = np.array([np.interp(points, centers, values) for values in heat])
    return np.broadcast_to(heat, shape)


def _is_interval(interval):
    if not isinstance(interval, (Sequence, np.ndarray)) or len(interval) not in (2, 3):
        return False
    is_real = all(isinstance(end, Real) for end in interval[:2])
    return is_real and interval[0] < interval[1]
