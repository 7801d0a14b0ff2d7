"""Random over- and under-sampling of whole records."""

from collections.abc import Callable

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.under_sampling.base import BaseUnderSampler

from ._base import RecordSampler, check_any_records, take_records
from ._draws import draw_kept_records, draw_new_records


class RecordOverSampler(RecordSampler, BaseOverSampler):
    """Repeat records of rare classes or labels at random.

    The records are drawn by `imblearn.over_sampling.RandomOverSampler`, by their positions, so that
    X may be any container of signals or images. The original records come first, unchanged.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many records there are after resampling.

        - float in (0, 1], for two classes: records of the rarer class, divided by those of the
          other. For a multilabel indicator: records of the rarest label, divided by those of the
          most frequent one.
        - "auto" or "not majority": as many records of each class as of the most frequent one.
          "auto" is also for a multilabel indicator, see the notes.
        - "minority", "not minority" or "all": the same, for these classes only.
        - dict: number of records of each class, by class.
        - callable: takes y and returns such a dict.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of new records of each class that was wanted. For a multilabel indicator, number of
        new records that were drawn for each rare label, by column.
    sample_indices_ : ndarray of shape (n_resampled,)
        Position of each resampled record in X: ``groups[sampler.sample_indices_]`` are their
        patients.
    n_features_in_ : int
        Size of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit_resample`, if `sampling_strategy` is not possible for y, y has missing labels or one
        class only, or `groups` does not match.

    See Also
    --------
    RecordUnderSampler : Remove records instead.
    AugmentationOverSampler : Change the repeated records at random.

    Notes
    -----
    Each class of a binary or multiclass target is drawn on its own, with replacement. With
    ``groups``, patients are drawn instead: all of a patient's records of that class are repeated
    together, in random order, until the number of new records is nearest to the one wanted.

    A multilabel indicator is resampled with ML-ROS [1]_. The imbalance ratio of a label is the
    number of records of the most frequent label, divided by its own. Labels with a ratio above the
    mean ratio ("auto") or above ``1 / sampling_strategy`` are rare. Records of the rare labels are
    repeated in turn, one for each label, until none of them is rare. (The paper stops at a given
    number of records.) At most as many records are added as there are, and a warning is raised if
    that does not suffice: repeating a record also repeats its frequent labels.

    Resampling changes the prevalence, and therefore all predicted probabilities. In studies on
    clinical data it did not improve discrimination [2]_.

    References
    ----------
    .. [1] F. Charte et al., "Addressing imbalance in multilabel classification: measures and random
       resampling algorithms", Neurocomputing 163, 2015. doi:10.1016/j.neucom.2014.08.091
    .. [2] A. Koch Andersen et al., "Tipping the balance: impact of class imbalance correction on
       the performance of clinical risk prediction models", 2026. arXiv:2603.00208

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.imbalance import RecordOverSampler
    >>> ecg = make_ecg(60, prevalence=0.2, random_state=0)
    >>> sampler = RecordOverSampler(random_state=0)
    >>> X, y = sampler.fit_resample(ecg.data, ecg.target)
    >>> np.bincount(ecg.target), np.bincount(y)
    (array([48, 12]), array([48, 48]))
    >>> sampler.sample_indices_[-3:]
    array([18, 37,  8])

    In a pipeline, training records only are resampled:

    >>> network = MSAICNetClassifier(max_epochs=1, class_weight=None, random_state=0)
    >>> clf = make_pipeline(RecordOverSampler(0.5, random_state=0), network)
    >>> clf.fit(ecg.data, ecg.target).predict_proba(ecg.data).shape
    (60, 2)
    """

    _parameter_constraints = {**BaseOverSampler._parameter_constraints}

    def __init__(
        self, sampling_strategy: float | str | dict | Callable = "auto", *, random_state=None
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _check_X(self, X):
        return check_any_records(self, X)

    def _draw(self, target, random_state, groups):
        return draw_new_records(target, self.sampling_strategy, random_state, groups)

    def _resample(self, X, checked, drawn, target, random_state, groups):
        self.sample_indices_ = np.concatenate([np.arange(len(target.values)), drawn])
        return take_records(X, self.sample_indices_, reset_index=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class RecordUnderSampler(RecordSampler, BaseUnderSampler):
    """Remove records of frequent classes or labels at random.

    The records are drawn by `imblearn.under_sampling.RandomUnderSampler`, by their positions, so
    that X may be any container of signals or images.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many records there are after resampling.

        - float in (0, 1], for two classes: records of the rarer class, divided by those of the
          other. For a multilabel indicator: records of the rarest label, divided by those of the
          most frequent one.
        - "auto" or "not minority": as many records of each class as of the rarest one. "auto" is
          also for a multilabel indicator, see the notes.
        - "majority", "not majority" or "all": the same, for these classes only.
        - dict: number of records of each class, by class.
        - callable: takes y and returns such a dict.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of records that was wanted for each class that is resampled. For a multilabel
        indicator, number of records that are left of each label that has fewer than before, by
        column.
    sample_indices_ : ndarray of shape (n_resampled,)
        Position of each resampled record in X: ``groups[sampler.sample_indices_]`` are their
        patients.
    n_features_in_ : int
        Size of the second axis of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit_resample`, if `sampling_strategy` is not possible for y, y has missing labels or one
        class only, or `groups` does not match.

    See Also
    --------
    RecordOverSampler : Repeat records instead.

    Notes
    -----
    Each class of a binary or multiclass target is drawn on its own, without replacement. With
    ``groups``, patients are drawn instead: all of a patient's records of that class are kept or
    removed together, in random order, until the number of records is nearest to the one wanted.

    A multilabel indicator is resampled with ML-RUS [1]_. Which labels are rare is defined as in
    `RecordOverSampler`, and determined again as the most frequent label loses records. Among the
    records without a rare label, in random order, those that have a label that is too frequent are
    removed, until no label is rare. (The paper removes a given number of records.) A record whose
    removal would make one of its labels rarer than the rarest one is kept. A warning is raised if
    labels are still rare.

    References
    ----------
    .. [1] F. Charte et al., "Addressing imbalance in multilabel classification: measures and random
       resampling algorithms", Neurocomputing 163, 2015. doi:10.1016/j.neucom.2014.08.091

    Examples
    --------
    A lead frame keeps its index, and the records of a patient can be kept together:

    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.imbalance import RecordUnderSampler
    >>> ecg = make_ecg(
    ...     60, prevalence=0.2, records_per_patient=2, as_frame=True, random_state=0
    ... )
    >>> sampler = RecordUnderSampler(random_state=0)
    >>> X, y = sampler.fit_resample(ecg.data, ecg.target, groups=ecg.groups)
    >>> y.value_counts().tolist()
    [12, 12]
    >>> X.index[:4].tolist()
    [30, 31, 28, 29]

    More records than there are cannot be kept:

    >>> RecordUnderSampler({0: 100}).fit_resample(ecg.data, ecg.target)
    Traceback (most recent call last):
        ...
    ValueError: With under-sampling methods, the number of samples in a class should be less ...
    """

    _parameter_constraints = {
        **BaseUnderSampler._parameter_constraints,
        "random_state": ["random_state"],
    }

    def __init__(
        self, sampling_strategy: float | str | dict | Callable = "auto", *, random_state=None
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _check_X(self, X):
        return check_any_records(self, X)

    def _draw(self, target, random_state, groups):
        return draw_kept_records(target, self.sampling_strategy, random_state, groups)

    def _resample(self, X, checked, drawn, target, random_state, groups):
        self.sample_indices_ = drawn
        return take_records(X, drawn, reset_index=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
