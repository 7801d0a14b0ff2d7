"""Signals that are plainly not in mV, or have a large offset.

A record is judged by the median over its leads (those that are missing or flat are left out unless
all of them are) of two measures: the amplitude, the 99th percentile of the absolute deviation from
the median, and the offset, the absolute median. Resting ECGs have amplitudes of 0.2 to 3 mV and
offsets below 1 mV. Records of disconnected electrodes reach amplitudes of 120 mV and offsets of
80 mV. Therefore a record alone says little, and X is judged by most of its records:

- The unit is not mV if the amplitude of more than half of the records is above 50. In microvolts,
  it is above 250. For a single record, the unit is unclear unless its amplitude is above 150.
- There is an offset if that of more than half of the records is above 10 mV.
- Amplitudes are too small if, in more than half of the records, no lead reaches 0.005: the unit is
  probably V.

Signals of fewer than 100 time points are not judged: they may not contain a whole beat.

If X as a whole is in mV, but the amplitude of single records is above 150, these are mentioned in
a warning.
"""

import numpy as np

from ..utils._chunks import TRANSFORM, array_chunks
from ..utils._warnings import warn

_LARGE_AMPLITUDE, _EXTREME_AMPLITUDE, _SMALL_AMPLITUDE = 50.0, 150.0, 0.005
_LARGE_OFFSET = 10.0
_AMPLITUDE_PERCENTILE = 99
# Time points of a lead that the measures need, and those that are enough.
_SHORTEST, _MIN_TIMES = 100, 1000


def check_millivolts(signals, *, name, error_for=()):
    """Warn, or raise an error, if signals are plainly not in mV or have a large offset.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times) or LazyRecords
        May contain NaN.
    name : str
        Name of the caller, for the message.
    error_for : collection of {"unit", "offset", "unclear"}, default=()
        What is an error. Everything else is a warning.
    """
    found = find_scale_fault(signals)
    if found is None:
        return
    fault, cause, remedy = found
    needed = "signals around 0 mV" if fault == "offset" else "mV"
    message = f"{cause}, but {name} needs {needed}. {remedy}"
    if fault in error_for:
        raise ValueError(message)
    warn(message)


def check_same_scale(estimator, signals, *, reset):
    """Warn if signals are plainly in another unit than those that an estimator was fitted on.

    For estimators that accept any unit, but only one. This is a guess from the amplitudes; units
    that frames note are compared by `check_notes`.

    Parameters
    ----------
    estimator : estimator
        With ``reset=True``, its attribute ``_fitted_scale`` is set.
    signals : ndarray of shape (n_records, n_leads, n_times)
    reset : bool
        True in ``fit``, False in every other method.
    """
    if reset:
        found = find_scale_fault(signals)
        estimator._fitted_scale = None if found is None else found[0]
        return
    fitted = getattr(estimator, "_fitted_scale", None)
    name = type(estimator).__name__
    if fitted == "unit":
        # In microvolts or in units of a converter, amplitudes are never that small.
        found = find_scale_fault(signals, small=_SMALL_AMPLITUDE * 1000)
        if found is not None and found[0] == "small":
            warn(
                f"X is probably in mV, but the records that {name} was fitted on are in a smaller "
                "unit, such as uV. The results are probably wrong. Convert X to that unit."
            )
    elif fitted is None:
        found = find_scale_fault(signals)
        if found is not None and found[0] in ("unit", "offset", "small"):
            _, cause, remedy = found
            warn(
                f"{cause}, but the records that {name} was fitted on could be in mV, without an "
                f"offset. The results are probably wrong. {remedy}"
            )


def find_scale_fault(signals, *, small=_SMALL_AMPLITUDE):
    """Judge the scale of signals; see the top of this module.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
    small : float, default=0.005
        Amplitudes below it are too small.

    Returns
    -------
    found : (str, str, str) or None
        "unit", "unclear", "offset", "small" or "records"; what was found; and what to do. None for
        signals of a plausible scale.
    """
    if signals.shape[2] < _SHORTEST:
        return None
    measures = _measure_records(signals, small)
    if measures is None:
        return None
    amplitude, offset, highest = measures
    n_judged = np.count_nonzero(highest + offset > 0)
    if n_judged == 0:
        return None
    n_large = np.count_nonzero(amplitude > _LARGE_AMPLITUDE)
    extreme = np.flatnonzero(amplitude > _EXTREME_AMPLITUDE)
    if n_large > n_judged / 2:
        typical = np.median(amplitude[amplitude > _LARGE_AMPLITUDE])
        if n_large == 1 and not len(extreme):
            return (
                "unclear",
                f"A record has an amplitude of {typical:.4g}, which no ECG reaches in mV",
                "Either its unit is not mV, or electrodes are disconnected: convert the record, or "
                "leave it out.",
            )
        return (
            "unit",
            f"X is not in mV: a typical amplitude is {typical:.4g}, which no ECG reaches in mV",
            "Divide microvolts by 1000, and values of a converter by its gain.",
        )
    if np.count_nonzero(offset > _LARGE_OFFSET) > n_judged / 2:
        typical = np.median(offset[offset > _LARGE_OFFSET])
        return (
            "offset",
            f"The signals have an offset of {typical:.4g} mV",
            "Remove it first, for example with BaselineRemover, or subtract the median of each "
            "lead. If the unit is not mV, convert the signals.",
        )
    if np.count_nonzero((highest > 0) & (highest < small)) > n_judged / 2:
        typical = np.median(highest[highest > 0])
        return (
            "small",
            f"X is probably not in mV: the largest amplitude of a typical record is {typical:.4g}",
            "Multiply volts by 1000.",
        )
    if len(extreme):
        first = extreme[0]
        return (
            "records",
            f"{len(extreme)} of {len(signals)} records are not in mV, unlike the others: record "
            f"{first} has an amplitude of {amplitude[first]:.4g}",
            "Convert these records, or leave them out.",
        )
    return None


def _measure_records(signals, small):
    """Return amplitude, offset and highest amplitude of each record; 0 if it cannot be judged.

    None if all records are plausible at a glance.
    """
    amplitude, offset, highest = np.zeros((3, len(signals)))
    is_plausible = True
    for part in array_chunks(signals, TRANSFORM):
        of_part = np.asarray(signals[part])
        # Most records need no percentiles.
        with np.errstate(invalid="ignore"):
            low, high = of_part.min(axis=2), of_part.max(axis=2)
        if low.min() >= -_LARGE_OFFSET and high.max() <= _LARGE_OFFSET:
            highest[part] = (high - low).max(axis=1) / 2
            if highest[part].min() >= small:
                continue
        if np.isnan(low).any():  # takes several times as long
            low, high = np.fmin.reduce(of_part, axis=2), np.fmax.reduce(of_part, axis=2)
        low, high = low.astype(np.float64), high.astype(np.float64)
        size, half_range = np.fmax(np.abs(low), np.abs(high)), (high - low) / 2
        highest[part] = np.fmax.reduce(half_range, axis=1, initial=0)
        doubtful = np.fmax.reduce(size, axis=1, initial=0) > _LARGE_OFFSET
        doubtful |= (highest[part] > 0) & (highest[part] < small)
        records = part.start + np.flatnonzero(doubtful)
        if len(records):
            is_plausible = False
            measures = _measure_doubtful(of_part[doubtful][:, :, :: _time_step(signals)])
            amplitude[records], offset[records], highest[records] = measures
    return None if is_plausible else (amplitude, offset, highest)


def _time_step(signals):
    """Return a step that leaves enough time points for the measures."""
    return max(1, signals.shape[2] // _MIN_TIMES)


def _measure_doubtful(signals):
    """Return amplitude, offset and highest amplitude of each record; 0 if it cannot be judged."""
    signals = signals.astype(np.float64)
    is_missing = np.isnan(signals).all(axis=2)
    signals[is_missing] = 0
    median, percentile = np.median, np.percentile
    if np.isnan(signals).any():
        median, percentile = np.nanmedian, np.nanpercentile
    level = median(signals, axis=2)
    deviation = np.abs(signals - level[:, :, np.newaxis])
    deviation = percentile(deviation, _AMPLITUDE_PERCENTILE, axis=2)
    # A lead that hardly ever changes is as good as flat.
    is_live = deviation > 0
    is_left_out = np.where(is_live.any(axis=1, keepdims=True), ~is_live, is_missing)
    deviation[is_left_out] = level[is_left_out] = np.nan
    return (
        np.nanmedian(deviation, axis=1),
        np.nanmedian(np.abs(level), axis=1),
        np.nanmax(deviation, axis=1),
    )
