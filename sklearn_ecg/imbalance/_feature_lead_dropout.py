"""Copies of records, in tables of features, in which leads are missing."""

from numbers import Integral, Real

import numpy as np
from imblearn.base import BaseSampler
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from .._validation import check_container
from .._validation._samples import check_groups
from ..beats._feature_tables import FeatureLeads, drop_leads_of_features
from ..leads import is_lead_frame
from ..leads._lead_subsets import resolve_lead_subset
from ._base import take_labels, take_records


class FeatureLeadDropout(BaseSampler):
    """Add copies of records in which the features of some leads are missing.

    A classifier that was trained with all leads is poor if some of them are missing. Trained with
    such copies as well, one classifier serves for records with all leads and with few. It must
    accept NaN, as `~sklearn.ensemble.HistGradientBoostingClassifier` does, or follow an imputer.

    X is a table of features with lead names in its column names, such as ``V2__st_level``
    (`sklearn_ecg.inspection.feature_groups`): of `BeatFeatures`, `SignalQuality` or
    `RandomConvolutionFeatures` after ``set_output(transform="pandas")``. The original records come
    first, unchanged. The interface is that of imbalanced-learn, so that the ``Pipeline`` of
    imbalanced-learn adds copies of training records only.

    Parameters
    ----------
    subsets : sequence of (str or sequence of str) or None, default=None
        The subsets of leads that copies keep: "limb", "chest", "12", "all", leads separated by plus
        signs such as "I+II+V2", or lists of leads. The subsets are used equally often: those of the
        copies of one record are drawn without repetition, until all have been drawn. None drops
        each lead of a copy with a probability of `probability`.
    probability : float, default=0.5
        Probability that a lead of a copy is dropped if ``subsets=None``, in [0, 1]. At least one
        lead is kept.
    n_copies : int, default=1
        Number of copies of each record, >= 1.
    random_state : int, RandomState instance or None, default=None
        Determines which leads are dropped. Pass an int for reproducible results.

    Attributes
    ----------
    leads_ : tuple of str
        The leads in the column names, in order of appearance.
    kept_leads_ : ndarray of shape (n_resampled, n_leads), bool
        Which of ``leads_`` each resampled record has.
    sample_indices_ : ndarray of shape (n_resampled,)
        Position in X of each resampled record: ``groups[sampler.sample_indices_]`` are their
        patients.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X.

    Raises
    ------
    ValueError
        In `fit_resample`, if X is not a DataFrame with leads in its column names, a subset has a
        lead that X does not have, or `groups` does not match.

    See Also
    --------
    sklearn_ecg.augmentation.LeadDropout : The same for the training of networks.
    sklearn_ecg.inspection.score_by_leads : Scores with subsets of the leads.

    Notes
    -----
    A feature of several leads, such as ``V1+V5__k17_d4_b3``, is NaN if one of them is dropped.
    Features of the record have no lead in their names. Of those of `BeatFeatures`, the axes,
    ``r_transition``, ``sokolow_lyon`` and ``cornell`` are NaN if their leads are dropped, as they
    are if `BeatFeatures` measures a record without these leads. **All others are kept as they
    are**: the rhythm, the bounds of waves and intervals such as ``global__qt_interval``, which
    `BeatFeatures` measures in all leads together, and ``record__highest_noise`` of `SignalQuality`.
    In a record with few leads, they are measured in these, and differ somewhat: the copies are an
    approximation. For exact copies, set the leads of the signals to NaN and measure them again.

    Any target is accepted, for regression too. ``groups`` are checked and not used otherwise: each
    record has the same number of copies. All copies of a record belong on one side of a split:
    split before, or by the patients of ``sample_indices_``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.imbalance import FeatureLeadDropout
    >>> X = pd.DataFrame({"I__r": [1.0, 2.0], "V1__r": [3.0, 4.0], "global__heart_rate": [60, 70]})
    >>> X_new, y_new = FeatureLeadDropout(["I"]).fit_resample(X, [0, 1])
    >>> X_new
       I__r  V1__r  global__heart_rate
    0   1.0    3.0                  60
    1   2.0    4.0                  70
    2   1.0    NaN                  60
    3   2.0    NaN                  70
    >>> y_new
    [0, 1, 0, 1]

    In a pipeline, training records only are copied:

    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn_ecg.preprocessing import BeatFeatures
    >>> clf = make_pipeline(
    ...     BeatFeatures(sampling_rate=100).set_output(transform="pandas"),
    ...     FeatureLeadDropout(["limb", "I+II+V2", "I"], n_copies=3, random_state=0),
    ...     HistGradientBoostingClassifier(random_state=0),
    ... )
    """

    _sampling_type = "bypass"
    _parameter_constraints = {
        "subsets": ["array-like", None],
        "probability": [Interval(Real, 0, 1, closed="both")],
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, subsets=None, *, probability=0.5, n_copies=1, random_state=None):
        super().__init__()
        self.subsets = subsets
        self.probability = probability
        self.n_copies = n_copies
        self.random_state = random_state

    def fit(self, X, y):
        """Check the table. Use `fit_resample` to add copies.

        Parameters
        ----------
        X : DataFrame of shape (n_records, n_features)
            Table of features.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels or values.

        Returns
        -------
        self : object
            The sampler.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid.
        """
        self._check(X, y)
        return self

    def fit_resample(self, X, y, *, groups=None):
        """Add copies of the records with missing leads.

        Parameters
        ----------
        X : DataFrame of shape (n_records, n_features)
            Table of features with leads in its column names.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels or values.
        groups : array-like of shape (n_records,) or None, default=None
            The patient of each record. They are checked, and not used otherwise.

        Returns
        -------
        X_resampled : DataFrame of shape (n_records * (1 + n_copies), n_features)
            The records of X, followed by their copies: first one copy of each record, then the next
            one. Its index is a range.
        y_resampled : array, Series or DataFrame
            Their labels in the container of y.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid.
        """
        subsets = self._check(X, y, groups)
        kept = self._draw_kept(subsets, len(X), check_random_state(self.random_state))
        n_leads = len(self.leads_)
        originals = np.ones((len(X), n_leads), dtype=bool)
        self.kept_leads_ = np.concatenate([originals, kept.reshape(-1, n_leads)])
        self.sample_indices_ = np.tile(np.arange(len(X)), 1 + len(kept))
        copies = take_records(X, self.sample_indices_, reset_index=True)
        X_new = drop_leads_of_features(copies, self.kept_leads_)
        return X_new, take_labels(y, self.sample_indices_, X_new)

    def _fit_resample(self, X, y, **params):
        # Abstract in imbalanced-learn, whose fit_resample is replaced.
        return self.fit_resample(X, y, **params)

    def _check(self, X, y, groups=None):
        """Check the arguments, and return which leads each subset keeps; None for random leads."""
        self._validate_params()
        subsets = self._check_X(X)
        if y is None:
            raise ValueError(
                "FeatureLeadDropout requires y to be passed, but the target y is None."
            )
        check_consistent_length(X, y)
        if groups is not None:
            check_groups(groups, len(X))
        return subsets

    def _check_X(self, X):
        """Check the table, and return which leads each subset keeps; None for random leads."""
        if not hasattr(X, "columns"):
            check_container(X)
        if is_lead_frame(X) or np.ndim(X) > 2:
            raise ValueError(
                "X contains signals, but FeatureLeadDropout needs a table of features. Place it "
                "after a transformer such as BeatFeatures. Networks drop leads of signals with "
                "augmentation=LeadDropout()."
            )
        features = FeatureLeads(getattr(X, "columns", ()))
        if not features.leads:
            raise ValueError(
                "FeatureLeadDropout needs a DataFrame with lead names in its column names, as in "
                f"V2__st_level, got {type(X).__name__}. Call set_output(transform='pandas') on the "
                "transformer before it, such as BeatFeatures."
            )
        validate_data(self, X=X, reset=True, skip_check_array=True)
        if not len(X):
            raise ValueError(
                f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required "
                "by FeatureLeadDropout."
            )
        self.leads_ = features.leads
        if self.subsets is None:
            return None
        if isinstance(self.subsets, str):
            raise TypeError(
                f"subsets must be a list of subsets, got {self.subsets!r}. Pass [{self.subsets!r}]."
            )
        kept = [resolve_lead_subset(subset, self.leads_)[1] for subset in self.subsets]
        if not kept:
            raise ValueError("subsets is empty. Pass at least one subset, or None.")
        return np.array([[lead in leads for lead in self.leads_] for leads in kept])

    def _draw_kept(self, subsets, n_records, random_state):
        """Return which leads each copy keeps, (n_copies, n_records, n_leads)."""
        n_copies = int(self.n_copies)
        if subsets is None:
            draw = random_state.uniform(size=(n_copies, n_records, len(self.leads_)))
            # The lead with the largest draw is kept whatever the probability.
            return (draw >= self.probability) | (draw == draw.max(axis=2, keepdims=True))
        n_rounds = -(-n_copies // len(subsets))
        draw = random_state.uniform(size=(n_records, n_rounds, len(subsets)))
        order = draw.argsort(axis=2).reshape(n_records, -1)[:, :n_copies]
        return subsets[order.T]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.sampler_tags.sample_indices = True
        return tags
