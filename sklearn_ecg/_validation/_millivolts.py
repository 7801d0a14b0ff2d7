"""Signals that are plainly not in mV, or have a large offset.

A record is judged by the median over its leads, without those that are missing or flat unless all
are, of two measures: the amplitude, the 99th percentile of the absolute deviation from the median,
and the offset, the absolute median. Resting ECGs have amplitudes of 0.2 to 3 mV and offsets below 1 mV.
Records of disconnected electrodes reach amplitudes of 120 mV and offsets of 80 mV. Therefore a
record alone says little, and X is judged by most of its records:

- The unit is not mV if the amplitude of more than half of the records is above 50, and that of two
  records, or if that of more than half is above 150. In microvolts, it is above 250. For a single
  record between 50 and 150, the unit is unclear.
- There is an offset if that of more than half of the records is above 10 mV.
- Amplitudes are too small if, in more than half of the records, no lead reaches 0.005: the unit is
  probably V.

If X as a whole is in mV, but the amplitude of single records is above 150, these are mentioned in
a warning.
"""

import numpy as np

from ..utils._chunks import TRANSFORM, array_chunks
from ..utils._warnings import warn

_LARGE_AMPLITUDE, _EXTREME_AMPLITUDE, _SMALL_AMPLITUDE = 50.0, 150.0, 0.005
_LARGE_OFFSET = 10.0
_AMPLITUDE_PERCENTILE = 99


def check_millivolts(signals, *, name, error_for=()):
    """Warn, or raise an error, if signals are plainly not in mV or have a large offset.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
        May contain NaN.
    name : str
        Name of the caller, for the message.
    error_for : collection of {"unit", "offset", "unclear"}, default=()
        What is an error. Everything else is a warning.
    """
    found = find_scale_fault(signals)
    if found is None:
        return
    fault, message = found
    message = message.format(name=name)
    if fault in error_for:
        raise ValueError(message)
    warn(message)


def find_scale_fault(signals):
    """Judge the scale of signals; see the top of this module.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)

    Returns
    -------
    found : (str, str) or None
        "unit", "unclear", "offset", "small" or "records", and the message, with ``{name}`` for the
        caller. None for signals of a plausible scale.
    """
    amplitude, offset, highest = _measure_records(signals)
    n_judged = np.count_nonzero(highest + offset > 0)
    if n_judged == 0:
        return None
    n_large = np.count_nonzero(amplitude > _LARGE_AMPLITUDE)
    extreme = np.flatnonzero(amplitude > _EXTREME_AMPLITUDE)
    if n_large > n_judged / 2:
        typical = np.median(amplitude[amplitude > _LARGE_AMPLITUDE])
        if n_large == 1 and not len(extreme):
            return "unclear", (
                f"A record has an amplitude of {typical:.4g}, which no ECG reaches in mV, but "
                "{name} needs mV. Either the unit is not mV, or electrodes are disconnected: "
                "convert the record, or leave it out."
            )
        return "unit", (
            f"X is not in mV: a typical amplitude is {typical:.4g}, which no ECG reaches in mV, "
            "but {name} needs mV. Divide microvolts by 1000, and values of a converter by its "
            "gain."
        )
    if np.count_nonzero(offset > _LARGE_OFFSET) > n_judged / 2:
        typical = np.median(offset[offset > _LARGE_OFFSET])
        return "offset", (
            f"The signals have an offset of {typical:.4g} mV, but {{name}} needs signals around "
            "0 mV. Remove the offset first, for example with BaselineRemover, or subtract the "
            "median of each lead."
        )
    if np.count_nonzero((highest > 0) & (highest < _SMALL_AMPLITUDE)) > n_judged / 2:
        typical = np.median(highest[highest > 0])
        return "small", (
            f"X is probably not in mV: the largest amplitude of a typical record is {typical:.4g}, "
            "but {name} needs mV. Multiply volts by 1000."
        )
    if len(extreme):
        return "records", (
            f"{len(extreme)} of {len(signals)} records are not in mV, unlike the others: record "
            f"{extreme[0]} has an amplitude of {amplitude[extreme[0]]:.4g}, but {{name}} needs mV. "
            "Convert these records, or leave them out."
        )
    return None


def _measure_records(signals):
    """Return amplitude, offset and highest amplitude of each record; 0 if it cannot be judged."""
    amplitude, offset, highest = np.zeros((3, len(signals)))
    for part in array_chunks(signals, TRANSFORM):
        # Most records are plausible at a glance, and need no percentiles.
        low, high = np.fmin.reduce(signals[part], axis=2), np.fmax.reduce(signals[part], axis=2)
        low, high = low.astype(np.float64), high.astype(np.float64)
        size, half_range = np.fmax(np.abs(low), np.abs(high)), (high - low) / 2
        highest[part] = np.fmax.reduce(half_range, axis=1, initial=0)
        doubtful = np.fmax.reduce(size, axis=1, initial=0) > _LARGE_OFFSET
        doubtful |= (highest[part] > 0) & (highest[part] < _SMALL_AMPLITUDE)
        for record in part.start + np.flatnonzero(doubtful):
            measures = _measure_record(signals[record].astype(np.float64))
            amplitude[record], offset[record], highest[record] = measures
    return amplitude, offset, highest


def _measure_record(signal):
    """Return amplitude, offset and highest amplitude of a record (n_leads, n_times)."""
    leads = [lead[np.isfinite(lead)] for lead in signal]
    leads = [lead for lead in leads if lead.size]
    if not leads:
        return 0.0, 0.0, 0.0
    offsets = np.array([np.median(lead) for lead in leads])
    amplitudes = np.array(
        [
            np.percentile(np.abs(lead - level), _AMPLITUDE_PERCENTILE)
            for lead, level in zip(leads, offsets)
        ]
    )
    # A lead that hardly ever changes is as good as flat.
    is_live = amplitudes > 0
    if is_live.any():
        amplitudes, offsets = amplitudes[is_live], offsets[is_live]
    return np.median(amplitudes), np.median(np.abs(offsets)), amplitudes.max()
