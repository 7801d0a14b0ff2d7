"""Twelve leads without names that are plainly not in standard order.

By Einthoven's identity, III is the difference of II and I. If this is not so for the first three
leads, but for three others, the limb leads are elsewhere, as in the order I, II, V1 to V6, III,
aVR, aVL, aVF. In the same way, Goldberger's identities show where aVR, aVL and aVF are. Signals for
which the identities hold nowhere, such as leads that were standardized one by one, are not judged.
Since one identity may hold by chance for such leads, three others are taken for the limb leads only
if augmented leads go with them.
"""

import numpy as np

from ..utils._warnings import warn
from ._electrodes import limb_lead_weights
from ._names import STANDARD_LEADS

_N_RECORDS, _N_TIMES = 5, 10_000  # are enough to tell
_TOLERANCE = 0.05  # root mean square of the difference, relative to that of the leads
_FLAT = 0.05  # root mean square, relative to the median over the leads
_ALIKE = 0.99  # correlation of two leads, of which multiples satisfy many identities
_N_AUGMENTED = 2  # of aVR, aVL and aVF, since one may be flat

_AUGMENTED = STANDARD_LEADS[3:6]


def check_standard_order(signals, *, name):
    """Warn if twelve leads are plainly not in standard order.

    That is, if an identity of the limb leads holds in most of a few records, but not for the leads
    that would be in their places.

    Parameters
    ----------
    signals : ndarray of shape (n_records, 12, n_times) or LazyRecords
        May contain NaN.
    name : str
        Name of the caller, for the message.
    """
    positions = np.unique(np.linspace(0, len(signals) - 1, _N_RECORDS).astype(int))
    records = [np.asarray(signals[int(i)][:, :_N_TIMES], dtype=float) for i in positions]
    # Of extreme values, products are infinite, and comparisons with them false.
    with np.errstate(over="ignore", invalid="ignore"):
        products = [_multiply_leads(record) for record in records if np.isfinite(record).all()]
        found = _find_other_places(products)
    if found is not None and 2 * found[0] > len(positions):
        n_records, what = found
        warn(
            f"{name} assumes that twelve leads without names are in standard order, but in "
            f"{n_records} of {len(positions)} records {what} (leads are counted from 0). Pass "
            "the names of the leads in the order of X: lead_names, or the leads of to_lead_frame.",
            UserWarning,
        )


def _find_other_places(products):
    """Return in how many records a limb lead is in another place, and which; None if in none."""
    if not products:
        return None
    votes = np.sum([_find_limb_leads(product) for product in products], axis=0)
    a, b, c = np.unravel_index(votes.argmax(), votes.shape)
    if votes[a, b, c] > votes[0, 1, 2]:
        return votes[a, b, c], f"lead {c} is lead {b} minus lead {a}, as III is II - I"
    votes = np.sum([_find_augmented_leads(product) for product in products], axis=0)
    for number, lead in enumerate(_AUGMENTED):
        place = votes[number].argmax()
        if votes[number, place] > votes[number, 3 + number]:
            return votes[number, place], f"{lead} is lead {place}, and not lead {3 + number}"
    return None


def _multiply_leads(record):
    """Return the products of all pairs of leads, without their offsets."""
    centered = record - record.mean(axis=1, keepdims=True)
    return centered @ centered.T


def _is_einthoven(product):
    """Return for which leads (a, b, c) c is b - a, and none of them is flat or like another."""
    square = np.diagonal(product)
    usable = square > _FLAT**2 * np.median(square)
    apart = np.abs(product) < _ALIKE * np.sqrt(np.outer(square, square))
    apart &= usable[:, None] & usable
    a, b, c = np.ix_(*[range(len(product))] * 3)
    total = square[a] + square[b] + square[c]
    rest = total + 2 * product[a, c] - 2 * product[b, c] - 2 * product[a, b]
    return (rest <= _TOLERANCE**2 * total / 3) & apart[a, b] & apart[b, c] & apart[a, c]


def _find_limb_leads(product):
    """Return for which leads (a, b, c) c is b - a, with augmented leads unless they are the first.

    I and III can be exchanged in Einthoven's identity, but not in those of the augmented leads.
    """
    is_limb = _is_einthoven(product)
    for a, b, c in np.argwhere(is_limb):
        if (a, b, c) != (0, 1, 2):
            places = max(_is_goldberger(product, first, b).any(axis=1).sum() for first in (a, c))
            is_limb[a, b, c] = places >= _N_AUGMENTED
    return is_limb


def _find_augmented_leads(product):
    """Return which leads are aVR, aVL and aVF (3, 12), if the first three are I, II and III."""
    if not _is_einthoven(product)[0, 1, 2]:
        return np.zeros((len(_AUGMENTED), len(product)), dtype=bool)
    return _is_goldberger(product, 0, 1)


def _is_goldberger(product, first, second):
    """Return which leads are aVR, aVL and aVF (3, 12), if `first` and `second` are I and II."""
    weights = np.array([limb_lead_weights(lead, ("I", "II")) for lead in _AUGMENTED])
    leads = [first, second]
    square, limbs = np.diagonal(product), product[np.ix_(leads, leads)]
    expected = np.einsum("ki,ij,kj->k", weights, limbs, weights)[:, None]
    rest = expected + square - 2 * weights @ product[leads]
    is_flat = expected <= _FLAT**2 * np.median(square)
    # The mean square of I, II and III, of which the last is II - I.
    mean = (2 * np.trace(limbs) - 2 * limbs[0, 1]) / 3
    return (rest <= _TOLERANCE**2 * mean) & ~is_flat
