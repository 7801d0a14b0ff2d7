"""Consistency of the limb leads with the identities of Einthoven and Goldberger.

The limb leads are weighted sums of the potentials of three electrodes, of which only differences
matter: any two leads determine the others. A fault of the wiring or of a file, such as an inverted
lead, violates these identities. Each possible fault is undone, and those after which the identities
hold are reported.
"""

from itertools import combinations

import numpy as np

from ..leads._electrodes import ELECTRODE_WEIGHTS, LIMB_LEADS
from ..utils._chunks import apply_in_chunks

_RELATIVE_TOLERANCE = 0.02  # of the root mean square of the limb leads
_FLAT = 0.02  # of the expected amplitude: a lead with a smaller factor is flat
_ROUNDED = 0.02  # a factor this close to 1 or -1, relative to it, is 1 or -1
_MIN_POINTS = 3  # known at the same time

CONSISTENT, INCONSISTENT, UNKNOWN = "consistent", "inconsistent", "not checked"


def check_limb_leads(signals, lead_names, tolerance):
    """Check the identities of the limb leads, and find the fault if they are violated.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
        In mV; NaN is missing.
    lead_names : sequence of str or None
    tolerance : float
        In mV.

    Returns
    -------
    status : ndarray of shape (n_records,), object
        "consistent", the faults that explain the violation, "inconsistent" without such a fault, or
        "not checked".
    error : ndarray of shape (n_records,), float64
        Root mean square of the differences from the closest signals for which the identities hold,
        in mV; NaN if they are not checked.
    """
    present = [lead for lead in LIMB_LEADS if lead in (lead_names or ())]
    status = np.full(len(signals), UNKNOWN, dtype=object)
    error = np.full(len(signals), np.nan)
    if len(present) < 3:
        return status, error
    places = [list(lead_names).index(lead) for lead in present]
    moments = apply_in_chunks(_moments, signals[:, places], dtype=np.float64)
    # Records that have the same leads are checked with the same identities.
    is_known = np.isfinite(np.diagonal(moments, axis1=1, axis2=2))
    for pattern in np.unique(is_known, axis=0):
        leads = np.flatnonzero(pattern)
        if len(leads) < 3:
            continue
        records = np.flatnonzero((is_known == pattern).all(axis=1))
        names = [present[lead] for lead in leads]
        part = moments[np.ix_(records, leads, leads)]
        status[records], error[records] = _find_faults(part, names, tolerance)
    return status, error


def _moments(signals):
    """Return the covariance of the leads at their common time points.

    Leads that are missing throughout have NaN; the offset of a lead does not matter.
    """
    signals = signals.astype(np.float64)
    missing = np.isnan(signals)
    absent = missing.all(axis=2)
    known = ~(missing & ~absent[:, :, None]).any(axis=1)
    count = known.sum(axis=1)
    weight = known / np.maximum(count, 1)[:, None]
    signals = np.where(missing, 0, signals)
    signals -= np.einsum("rlt,rt->rl", signals, weight)[:, :, None]
    covariance = np.einsum("rlt,rmt,rt->rlm", signals, signals, weight, optimize=True)
    absent |= (count < _MIN_POINTS)[:, None]
    covariance[absent[:, :, None] | absent[:, None, :]] = np.nan
    return covariance


def _find_faults(covariance, names, tolerance):
    """Return the status and the error of records with the same limb leads."""
    n_leads = len(names)
    weights = np.array([ELECTRODE_WEIGHTS[name] for name in names])
    violation = np.eye(n_leads) - weights @ np.linalg.pinv(weights)
    size = np.sqrt(np.trace(covariance, axis1=1, axis2=2) / n_leads)
    limit = np.maximum(tolerance, _RELATIVE_TOLERANCE * size)

    def error_after(repair):
        repaired = repair @ covariance @ np.swapaxes(repair, -1, -2)
        square = np.einsum("ij,rji->r", violation, repaired) / n_leads
        return np.sqrt(np.maximum(square, 0))

    error = error_after(np.eye(n_leads))
    wrong = error > limit
    status = np.where(wrong, "", CONSISTENT).astype(object)

    def note(texts, fits):
        for record in np.flatnonzero(wrong & fits):
            text = texts if isinstance(texts, str) else texts[record]
            status[record] += f", or {text}" if status[record] else text

    for first, second in combinations(range(n_leads), 2):
        order = np.arange(n_leads)
        order[[first, second]] = second, first
        fits = error_after(np.eye(n_leads)[order]) <= limit
        note(f"{names[first]} and {names[second]} exchanged", fits)
    for lead, name in enumerate(names):
        texts, repaired = _fit_factor(covariance, weights, lead, name)
        note(texts, repaired <= limit)
    status[status == ""] = INCONSISTENT
    return status, error


def _fit_factor(covariance, weights, lead, name):
    """Predict a lead from the others, and describe its factor.

    Returns
    -------
    texts : list of str
    error : ndarray of shape (n_records,)
        After the lead has been divided by this factor.
    """
    others = np.delete(np.arange(len(weights)), lead)
    # The electrodes, and so the lead, from the other leads.
    predict = weights[lead] @ np.linalg.pinv(weights[others])
    expected = np.einsum("i,rij,j->r", predict, covariance[:, others][:, :, others], predict)
    product = covariance[:, lead][:, others] @ predict
    square = covariance[:, lead, lead]
    factor = np.divide(product, expected, out=np.zeros_like(product), where=expected > 0)
    rest = np.maximum(square - factor * product, 0)
    # The other leads have to agree among themselves as well.
    own = weights[others]
    violation = np.eye(len(others)) - own @ np.linalg.pinv(own)
    rest = rest + np.einsum("ij,rji->r", violation, covariance[:, others][:, :, others])
    error = np.sqrt(np.maximum(rest, 0) / len(weights))
    return [_describe_factor(name, value) for value in factor], error


def _describe_factor(name, factor):
    if abs(factor) < _FLAT:
        return f"{name} flat"
    size = abs(factor)
    text = "" if abs(size - 1) <= _ROUNDED else f"scaled by {size:.3g}"
    if factor < 0:
        text = f"inverted and {text}" if text else "inverted"
    return f"{name} {text}"
