"""NaN, infinity and values whose squares would be infinite."""

import numpy as np
from sklearn.utils.validation import assert_all_finite

from ..leads import LazyRecords
from ..utils._chunks import LAZY, array_chunks
from ._missing_leads import missing_leads

# Squares of larger amplitudes, and their sums, may be infinite in float32.
_LARGEST = 1e15


def is_in_range(signals):
    """Return whether the values that are not NaN are so small that squares are finite."""
    lowest, highest = (reduce(signals, axis=None) for reduce in (np.fmin.reduce, np.fmax.reduce))
    # Without the conversion, numpy would convert the limit to the dtype of the signals.
    return not (float(lowest) < -_LARGEST or float(highest) > _LARGEST)


def check_finite(signals, lead_names, allow_nan=False):
    """Raise for NaN, infinity and absolute values above 1e15, and report where the first one is.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times) or LazyRecords
    lead_names : sequence of str or None
    allow_nan : bool or "leads", default=False
        "leads": a lead may be NaN at all time points of a record, but not at some.
    """
    if isinstance(signals, LazyRecords):
        for part in array_chunks(signals, LAZY):
            _check_finite_part(np.asarray(signals[part]), lead_names, allow_nan, part.start)
    else:
        _check_finite_part(signals, lead_names, allow_nan)


def _check_finite_part(signals, lead_names, allow_nan, start=None):
    """Check an array. With ``start``, it is a part of the records, the first of which is that."""
    with np.errstate(invalid="ignore"):
        lowest, highest = float(signals.min()), float(signals.max())
    # NaN anywhere makes both NaN, which is not in the range.
    if -_LARGEST <= lowest and highest <= _LARGEST:
        return
    try:
        # The sum of infinities of both signs is NaN, which numpy would warn of.
        with np.errstate(invalid="ignore", over="ignore"):
            assert_all_finite(signals, allow_nan=allow_nan is True, input_name="X")
        if not is_in_range(signals):
            raise ValueError
    except ValueError:
        # Not a float of Python, which numpy would convert to float16 for such signals.
        wrong = ~(np.abs(signals) <= np.float64(_LARGEST))
        wrong &= ~np.isnan(signals) if allow_nan else True
        if allow_nan == "leads":
            wrong |= np.isnan(signals) & ~missing_leads(signals)[:, :, np.newaxis]
            if not wrong.any():
                return
        raise ValueError(_describe_wrong(signals, wrong, lead_names, allow_nan, start)) from None


def _describe_wrong(signals, wrong, lead_names, allow_nan, start):
    """Describe values that are not finite, and say what to do."""
    record, lead, time = np.argwhere(wrong)[0]
    n_records = np.count_nonzero(wrong.any(axis=(1, 2)))
    of_records = f"{len(signals)} records"
    if start is not None:
        of_records = f"the records {start} to {start + len(signals) - 1}, before later ones"
    is_nan = np.isnan(signals[wrong]).any()
    what = "NaN"
    if not is_nan:
        what = f"infinity or a value too large for float32 (above {_LARGEST:g})"
    lead_name = f"lead {lead}" if lead_names is None else f"lead {lead_names[lead]}"
    remedy = "Leave these records out, or fill the gaps first."
    if is_nan and not allow_nan and not np.isnan(signals[record, lead]).all():
        remedy += (
            " detect_r_peaks, MedianBeat, BeatFeatures and LeadScaler accept gaps. For a network, "
            "pass the beats of MedianBeat, or scale the signals with LeadScaler(fill='zero') and "
            "pass normalize=None."
        )
    elif is_nan and allow_nan == "leads":
        remedy += " Only whole leads may be missing (NaN at all time points of a record)."
    elif np.isnan(signals[record, lead]).all():
        remedy += (
            " The whole lead is missing. BeatFeatures, MedianBeat and RandomConvolutionFeatures "
            "accept missing leads. For a network, scale the signals with "
            "LeadScaler(fill='zero'), and pass normalize=None and augmentation=LeadDropout()."
        )
    return (
        f"Input X contains {what}, in {n_records} of {of_records}; first in record "
        f"{record + (start or 0)}, {lead_name}, time point {time}. {remedy}"
    )
