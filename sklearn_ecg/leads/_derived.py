"""Limb leads that are derived from leads I and II."""

from collections.abc import Iterable

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


def derive_leads(X, leads, *, derive: Iterable[str] = ("III", "aVR", "aVL", "aVF")):
    """Add limb leads derived from leads I and II.

    III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2 and aVF = II - I / 2.

    Parameters
    ----------
    X : array of shape (n_records, n_leads, n_times)
        Signals.
    leads : iterable of str
        Names of the leads, in the order of `X`.
    derive : iterable of str, default=("III", "aVR", "aVL", "aVF")
        The leads to add. Leads that are already present are kept as they are.

    Returns
    -------
    X_new : ndarray of shape (n_records, n_leads_new, n_times)
        Signals of the given and the derived leads. float64 stays float64; other numbers become
        float32.
    leads_new : tuple of str
        The leads of `X_new`: standard leads in standard order, then posterior, right-sided and
        Frank leads, then any others in the given order.

    Raises
    ------
    TypeError
        If `X` does not contain real numbers, or a name is not a string.
    ValueError
        If leads are to be derived and lead I or II is missing, a lead cannot be derived from I and
        II, or the number of names differs from the number of leads of `X`.

    See Also
    --------
    sklearn_ecg.preprocessing.LeadDeriver : The same as a transformer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import derive_leads
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
            f"Deriving {', '.join(new)} requires leads I and II, but {' and '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing. The leads present are "
            f"{', '.join(leads)}."
        )

    rank = {lead: position for position, lead in enumerate(KNOWN_LEADS)}
    # sorted is stable, so that leads without a rank keep their order.
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


def independent_leads(lead_names, n_leads):
    """Return the positions of the leads that are not derived from leads I and II.

    Parameters
    ----------
    lead_names : sequence of str or None
        Without names, or without lead I or II, all leads are independent.
    n_leads : int

    Returns
    -------
    positions : ndarray of int
    """
    if lead_names is not None and {"I", "II"} <= set(lead_names):
        return np.flatnonzero(~np.isin(lead_names, list(LIMB_LEAD_WEIGHTS)))
    return np.arange(n_leads)
