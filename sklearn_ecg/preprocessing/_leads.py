"""Choice of leads, and leads that follow from others."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..base import SignalTransformer
from ..leads import derive_leads, lead_regions, normalize_lead_names
from ..leads._names import REGION_MAPS


class LeadSelector(SignalTransformer):
    """Keep some leads, by name, by region or by position.

    Parameters
    ----------
    leads : sequence of str or of int, or None, default=None
        The leads to keep, in the order in which they come out: names in any spelling, or
        positions from 0. None keeps all, or those of ``region``.
    region : str, sequence of str or None, default=None
        Region or regions whose leads to keep, in place of ``leads``.
    regions : {"twelve", "eight"} or mapping of str to sequence of str, default="twelve"
        What the regions are, as in `sklearn_ecg.lead_regions`.
    n_leads : int or None, default=None
        Number of leads of X. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads of X, where X is not a lead frame. Twelve unnamed leads are in standard
        order.

    Attributes
    ----------
    positions_ : ndarray of shape (n_leads_out,)
        Where the leads kept are in X.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when a lead or a region is not there, a lead is asked for twice, both ``leads``
        and ``region`` are given, or names are asked for of leads without names.

    Notes
    -----
    NaN is let through: a lead that is missing can be left out.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import LeadSelector
    >>> X = make_ecg(3, random_state=0).data
    >>> selector = LeadSelector(region="inferior").fit(X)
    >>> selector.get_feature_names_out()
    array(['II', 'III', 'aVF'], dtype=object)
    >>> selector.transform(X).shape
    (3, 3, 1000)
    >>> LeadSelector(["II", "V9"]).fit(X)
    Traceback (most recent call last):
        ...
    ValueError: leads: V9 not found; the leads present are I, II, III, aVR, ...
    """

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "leads": ["array-like", None],
        "region": [str, "array-like", None],
        "regions": [StrOptions(set(REGION_MAPS)), Mapping],
    }
    _allow_nan = True

    def __init__(self, leads=None, *, region=None, regions="twelve", n_leads=None, lead_names=None):
        self.leads = leads
        self.region = region
        self.regions = regions
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        if self.leads is not None and self.region is not None:
            raise ValueError("leads and region are both given: pass one of them.")
        if self.region is not None:
            positions = self._positions_of_regions()
        elif self.leads is None:
            positions = range(self.n_leads_in_)
        elif all(isinstance(i, Integral) for i in self.leads):
            positions = self._check_positions()
        else:
            positions = self._positions_of_names()
        if len(positions) == 0:
            raise ValueError("leads is empty: pass at least one lead.")
        self.positions_ = np.asarray(positions, dtype=np.intp)

    def _positions_of_regions(self):
        known = self.regions if isinstance(self.regions, Mapping) else REGION_MAPS[self.regions]
        asked = [self.region] if isinstance(self.region, str) else list(self.region)
        for region in asked:
            if region not in known:
                raise ValueError(
                    f"region={region!r} is unknown: the regions are {', '.join(known)}. Pass one "
                    "of these, or others in regions."
                )
        found = lead_regions(self.lead_names_in_, {region: known[region] for region in asked})
        # A lead of two regions is kept once.
        return list(dict.fromkeys(lead for leads in found.values() for lead in leads))

    def _check_positions(self):
        if any(isinstance(position, bool) for position in self.leads):
            raise TypeError(
                f"leads={self.leads!r} holds booleans. Pass names or positions, such as those that "
                "np.flatnonzero(mask) gives."
            )
        for position in self.leads:
            if not 0 <= position < self.n_leads_in_:
                raise ValueError(
                    f"leads: there is no position {position}; X has {self.n_leads_in_} leads, at "
                    f"0 to {self.n_leads_in_ - 1}."
                )
        if len(set(self.leads)) < len(self.leads):
            raise ValueError(f"leads={list(self.leads)} holds a position twice. Name each once.")
        return self.leads

    def _positions_of_names(self):
        asked = normalize_lead_names(self.leads, strict=False)
        present = self.lead_names_in_
        if present is None:
            raise ValueError(
                "leads holds names, but the leads of X have none. Pass a lead frame (see "
                "to_lead_frame), lead_names, or positions."
            )
        missing = [lead for lead in asked if lead not in present]
        if missing:
            raise ValueError(
                f"leads: {', '.join(missing)} not found; the leads present are "
                f"{', '.join(present)}. Pass leads that are there."
            )
        return [present.index(lead) for lead in asked]

    def _leads_out(self):
        if self.lead_names_in_ is None:
            return tuple(f"lead{position}" for position in self.positions_)
        return tuple(self.lead_names_in_[position] for position in self.positions_)

    def _transform(self, signals):
        return np.take(signals, self.positions_, axis=1)


class LeadDeriver(SignalTransformer):
    """Add the limb leads that follow from leads I and II.

    III = II - I (Einthoven), aVR = -(I + II) / 2, aVL = I - II / 2 and aVF = II - I / 2
    (Goldberger), as `sklearn_ecg.derive_leads` calculates them. Leads come out in standard order.

    Parameters
    ----------
    derive : sequence of str, default=("III", "aVR", "aVL", "aVF")
        The leads to add. One that is there already is kept as it is.
    n_leads : int or None, default=None
        Number of leads of X. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads of X, where X is not a lead frame.

    Attributes
    ----------
    leads_out_ : tuple of str
        The leads that come out.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str

    Raises
    ------
    ValueError
        In `fit`, when the leads have no names, lead I or II is missing, or a lead cannot be
        derived.

    Notes
    -----
    NaN is let through.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import LeadDeriver
    >>> X = np.array([[[5.0, 5.0], [1.0, 2.0], [3.0, 2.0]]])
    >>> deriver = LeadDeriver(["III"], lead_names=["V1", "I", "II"], n_leads=3).fit(X)
    >>> deriver.get_feature_names_out()
    array(['I', 'II', 'III', 'V1'], dtype=object)
    >>> deriver.transform(X)[0, 2]
    array([2., 0.])
    """

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "derive": ["array-like"],
    }
    _allow_nan = True

    def __init__(self, derive=("III", "aVR", "aVL", "aVF"), *, n_leads=None, lead_names=None):
        self.derive = derive
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        if self.lead_names_in_ is None:
            raise ValueError(
                f"LeadDeriver needs the names of the {self.n_leads_in_} leads. Pass a lead frame "
                "(see to_lead_frame), or lead_names."
            )
        # One record without time points is enough to learn the leads.
        _, self.leads_out_ = derive_leads(signals[:1, :, :0], self.lead_names_in_, self.derive)

    def _leads_out(self):
        return self.leads_out_

    def _transform(self, signals):
        return derive_leads(signals, self.lead_names_in_, self.derive)[0]
