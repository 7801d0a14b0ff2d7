"""Selection of leads, and derived limb leads."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..base import SignalToSignalTransformer
from ..leads import derive_leads, lead_regions, normalize_lead_names
from ..leads._names import REGION_MAPS


class LeadSubsetTransformer(SignalToSignalTransformer):
    """Base class of the transformers that keep some of the leads.

    A subclass sets ``positions_``, the positions of these leads in X, in `fit`.
    """

    _allow_nan = True
    _fits_lazy_records = True

    def _output_lead_names(self):
        if self.lead_names_in_ is None:
            return tuple(f"lead{position}" for position in self.positions_)
        return tuple(self.lead_names_in_[position] for position in self.positions_)

    def _transform(self, signals):
        return np.take(signals, self.positions_, axis=1)


class LeadSelector(LeadSubsetTransformer):
    """Select leads by name, by region or by position.

    Parameters
    ----------
    leads : sequence of str or of int, or None, default=None
        The leads to keep, in the order of the output: names in any spelling, or positions,
        starting at 0. None keeps all leads, or those of `region`.
    region : str, sequence of str or None, default=None
        Region or regions whose leads to keep, instead of `leads`.
    regions : {"twelve", "eight"} or mapping of str to sequence of str, default="twelve"
        Definition of the regions, as in `sklearn_ecg.lead_regions`.
    n_leads : int or None, default=None
        Number of leads of X. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads of X, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    positions_ : ndarray of shape (n_leads_out,)
        Positions of the selected leads in X.
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    n_times_in_ : int
        Number of time points seen in `fit`.
    lead_names_in_ : tuple of str or None
        Names of the leads seen in `fit`.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns seen in `fit`. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit`, if a lead or a region is unknown, a lead is selected twice, both `leads` and
        `region` are given, or leads without names are selected by name.

    See Also
    --------
    sklearn_ecg.SequentialLeadSelector : Choose the leads by a score.

    Notes
    -----
    X may contain NaN, so that missing leads can be left out.

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
    ValueError: leads: V9 not found. The leads present are I, II, III, aVR, ...
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "leads": ["array-like", None],
        "region": [str, "array-like", None],
        "regions": [StrOptions(set(REGION_MAPS)), Mapping],
    }

    def __init__(
        self,
        leads=None,
        *,
        region=None,
        regions: str | Mapping[str, Sequence[str]] = "twelve",
        n_leads=None,
        lead_names=None,
    ):
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
        selected = [self.region] if isinstance(self.region, str) else list(self.region)
        for region in selected:
            if region not in known:
                raise ValueError(
                    f"region={region!r} is unknown: the regions are {', '.join(known)}. Pass one "
                    "of these, or define other regions in regions."
                )
        found = lead_regions(self.lead_names_in_, {region: known[region] for region in selected})
        # A lead of two regions is selected once.
        return list(dict.fromkeys(lead for leads in found.values() for lead in leads))

    def _check_positions(self):
        if any(isinstance(position, bool) for position in self.leads):
            raise TypeError(
                f"leads={self.leads!r} contains booleans. Pass names or positions, such as "
                "np.flatnonzero(mask)."
            )
        for position in self.leads:
            if not 0 <= position < self.n_leads_in_:
                raise ValueError(
                    f"leads: position {position} is out of bounds; X has {self.n_leads_in_} leads, "
                    f"at positions 0 to {self.n_leads_in_ - 1}."
                )
        if len(set(self.leads)) < len(self.leads):
            raise ValueError(
                f"leads={list(self.leads)} contains a position twice. Pass each position once."
            )
        return self.leads

    def _positions_of_names(self):
        selected = normalize_lead_names(self.leads, strict=False)
        present = self.lead_names_in_
        if present is None:
            raise ValueError(
                "leads contains names, but the leads of X have no names. Pass a lead frame (see "
                "to_lead_frame), lead_names, or positions."
            )
        missing = [lead for lead in selected if lead not in present]
        if missing:
            raise ValueError(
                f"leads: {', '.join(missing)} not found. The leads present are "
                f"{', '.join(present)}. Pass some of these."
            )
        return [present.index(lead) for lead in selected]


class LeadDeriver(SignalToSignalTransformer):
    """Add limb leads derived from leads I and II.

    III = II - I (Einthoven), aVR = -(I + II) / 2, aVL = I - II / 2 and aVF = II - I / 2
    (Goldberger), as in `sklearn_ecg.derive_leads`. The output leads are in standard order.

    Parameters
    ----------
    derive : sequence of str, default=("III", "aVR", "aVL", "aVF")
        The leads to add. Leads that are already present are kept as they are.
    n_leads : int or None, default=None
        Number of leads of X. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads of X, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    leads_out_ : tuple of str
        Names of the output leads.
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    n_times_in_ : int
        Number of time points seen in `fit`.
    lead_names_in_ : tuple of str
        Names of the leads seen in `fit`.
    feature_names_in_ : ndarray of str
        Names of the columns seen in `fit`. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit`, if the leads have no names, lead I or II is missing, or a lead cannot be derived.

    See Also
    --------
    sklearn_ecg.derive_leads : The same as a function.

    Notes
    -----
    X may contain NaN.

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
        **SignalToSignalTransformer._parameter_constraints,
        "derive": ["array-like"],
    }
    _allow_nan = True
    _fits_lazy_records = True

    def __init__(
        self, derive: Iterable[str] = ("III", "aVR", "aVL", "aVF"), *, n_leads=None, lead_names=None
    ):
        self.derive = derive
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        if self.lead_names_in_ is None:
            raise ValueError(
                f"LeadDeriver needs the names of the {self.n_leads_in_} leads. Pass a lead frame "
                "(see to_lead_frame), or lead_names."
            )
        # A record without time points is sufficient to determine the leads.
        no_signals = np.asarray(signals[:1])[:, :, :0]
        _, self.leads_out_ = derive_leads(no_signals, self.lead_names_in_, derive=self.derive)

    def _output_lead_names(self):
        return self.leads_out_

    def _transform(self, signals):
        return derive_leads(signals, self.lead_names_in_, derive=self.derive)[0]
