"""Limb leads that follow from two of them."""

import numpy as np

from ._frames import check_leads, check_signal_array, float_dtype
from ._names import KNOWN_LEADS, normalize_lead_names

# Each derived lead as (weight of I, weight of II).
LIMB_LEAD_WEIGHTS = {
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}

# They add nothing where leads I and II are.
DERIVED_LEADS = tuple(LIMB_LEAD_WEIGHTS)


def derive_leads(X, leads, derive=("III", "aVR", "aVL", "aVF")):
    """Add the limb leads that follow from leads I and II.

    III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2 and aVF = II - I / 2.

    Parameters
    ----------
    X : array of shape (n_records, n_leads, n_times)
        Signals.
    leads : iterable of str
        The leads' names, in the order of ``X``.
    derive : iterable of str, default=("III", "aVR", "aVL", "aVF")
        The leads to add. One that is present already is kept as it is.

    Returns
    -------
    X_new : ndarray of shape (n_records, n_leads_new, n_times)
        The leads given and the leads derived. float64 stays float64, other numbers become float32.
    leads_new : tuple of str
        The leads of `X_new`: the standard ones in standard order, then posterior, right-sided and
        Frank leads, then any others in the order given.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers, or a name is not a string.
    ValueError
        If a lead has to be derived and lead I or II is missing, a lead cannot be derived from I
        and II, or `X` and `leads` do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import derive_leads
    >>> X = np.array([[[5.0, 5.0], [1.0, 2.0], [3.0, 2.0]]])
    >>> X_new, leads = derive_leads(X, ["V1", "I", "II"], derive=["III"])
    >>> leads
    ('I', 'II', 'III', 'V1')
    >>> X_new[0, 2]
    array([2., 0.])
    """
    X = check_signal_array(X)
    leads = check_leads(X, leads)
    derive = normalize_lead_names(derive, strict=False)
    impossible = [lead for lead in derive if lead not in LIMB_LEAD_WEIGHTS and lead not in leads]
    if impossible:
        raise ValueError(
            f"derive={impossible} cannot be derived from leads I and II; only "
            f"{', '.join(LIMB_LEAD_WEIGHTS)} can."
        )
    new = [lead for lead in derive if lead not in leads]
    missing = [lead for lead in ("I", "II") if lead not in leads]
    if new and missing:
        raise ValueError(
            f"To derive {', '.join(new)}, leads I and II are needed, but {' and '.join(missing)} "
            f"missing: the leads present are {', '.join(leads)}."
        )

    rank = {lead: position for position, lead in enumerate(KNOWN_LEADS)}
    # sorted is stable: leads without a rank keep their order.
    leads_new = tuple(sorted(leads + tuple(new), key=lambda lead: rank.get(lead, len(rank))))
    X_new = np.empty((X.shape[0], len(leads_new), X.shape[2]), dtype=float_dtype(X.dtype))
    for position, lead in enumerate(leads_new):
        if lead in leads:
            X_new[:, position] = X[:, leads.index(lead)]
    for lead in new:
        of_first, of_second = LIMB_LEAD_WEIGHTS[lead]
        X_new[:, leads_new.index(lead)] = (
            of_first * X_new[:, leads_new.index("I")] + of_second * X_new[:, leads_new.index("II")]
        )
    return X_new, leads_new
