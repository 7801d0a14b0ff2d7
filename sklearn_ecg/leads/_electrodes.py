"""Swapped electrodes as exact changes of the leads, and the identities of the limb leads.

A lead is a difference of the potentials of electrodes. If two electrodes of the limbs are swapped,
each limb lead becomes a limb lead, possibly with the opposite sign. The reference of the chest
leads, the mean of the three limb electrodes, remains the same. Swapped chest electrodes exchange
their leads.
"""

import numpy as np

LIMB_ELECTRODES = ("RA", "LA", "LL")
CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")

# Each limb lead as the weights of the potentials of RA, LA and LL [Einthoven, Goldberger].
ELECTRODE_WEIGHTS = {
    "I": (-1.0, 1.0, 0.0),
    "II": (-1.0, 0.0, 1.0),
    "III": (0.0, -1.0, 1.0),
    "aVR": (1.0, -0.5, -0.5),
    "aVL": (-0.5, 1.0, -0.5),
    "aVF": (-0.5, -0.5, 1.0),
}
LIMB_LEADS = tuple(ELECTRODE_WEIGHTS)

CHEST_REVERSED = "chest reversed"

# The swaps that are detected by default: of limbs, of neighbors on the chest, of V1 and V3, and the
# six chest electrodes in reverse order.
DEFAULT_SWAPS = (
    "RA-LA",
    "RA-LL",
    "LA-LL",
    "V1-V2",
    "V2-V3",
    "V3-V4",
    "V4-V5",
    "V5-V6",
    "V1-V3",
    CHEST_REVERSED,
)


def swapped_leads(swap):
    """Return which lead each lead shows after a swap.

    Parameters
    ----------
    swap : str
        Two electrodes of the limbs, such as "RA-LA", or of the chest, such as "V1-V2"; or "chest
        reversed".

    Returns
    -------
    sources : dict of str to (str, int)
        For each lead that changes, the lead that it shows, and its sign. Every swap is its own
        inverse.

    Raises
    ------
    ValueError
        If the swap is unknown, or not an exact change of the leads.
    """
    if swap == CHEST_REVERSED:
        return {lead: (other, 1) for lead, other in zip(CHEST_LEADS, CHEST_LEADS[::-1])}
    first, _, second = str(swap).partition("-")
    if first != second and {first, second} <= set(CHEST_LEADS):
        return {first: (second, 1), second: (first, 1)}
    if first != second and {first, second} <= set(LIMB_ELECTRODES):
        return _swap_limbs(first, second)
    reason = (
        " RL is only the reference of the amplifier: its potential is not contained in the leads, "
        "so that its swaps cannot be simulated exactly."
        if "RL" in (first, second)
        else ""
    )
    raise ValueError(
        f"the swap {swap!r} is unknown.{reason} Pass two electrodes of the limbs, as in 'RA-LA' "
        "(RA, LA, LL), two of the chest, as in 'V1-V2' (V1 to V6), or 'chest reversed'."
    )


def _swap_limbs(first, second):
    order = list(LIMB_ELECTRODES)
    i, j = order.index(first), order.index(second)
    sources = {}
    for lead, weights in ELECTRODE_WEIGHTS.items():
        weights = np.array(weights)
        weights[[i, j]] = weights[[j, i]]
        for other, other_weights in ELECTRODE_WEIGHTS.items():
            for sign in (1, -1):
                if np.array_equal(weights, sign * np.array(other_weights)):
                    if (other, sign) != (lead, 1):
                        sources[lead] = other, sign
    return sources


def derive_limb_leads(signals, lead_names, wanted):
    """Return limb leads of records: those that are present, and others derived from two of them.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
    lead_names : sequence of str
    wanted : sequence of str
        Limb leads. One that is not present requires two others.

    Returns
    -------
    limb : ndarray of shape (n_records, n_wanted, n_times)
    """
    lead_names = list(lead_names)
    limb = np.empty((len(signals), len(wanted), signals.shape[2]), dtype=signals.dtype)
    for i, lead in enumerate(wanted):
        if lead in lead_names:
            limb[:, i] = signals[:, lead_names.index(lead)]
            continue
        pair = [other for other in LIMB_LEADS if other in lead_names][:2]
        first, second = limb_lead_weights(lead, pair)
        limb[:, i] = first * signals[:, lead_names.index(pair[0])]
        limb[:, i] += second * signals[:, lead_names.index(pair[1])]
    return limb


def limb_lead_weights(lead, pair):
    """Return the weights of two limb leads whose weighted sum is a third one."""
    basis = np.array([ELECTRODE_WEIGHTS[other] for other in pair]).T
    weights = np.linalg.lstsq(basis, np.array(ELECTRODE_WEIGHTS[lead]), rcond=None)[0]
    # Multiples of one twelfth, such as 3/4 of I for aVL from I and aVF.
    return np.round(12 * weights) / 12
