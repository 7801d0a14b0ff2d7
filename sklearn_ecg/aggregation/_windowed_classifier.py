"""A classifier that is trained on windows, and predicts records of any length."""

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._validation import check_signals_of_any_length
from ..utils._chunks import WINDOWS
from ._base import AggregatingClassifier
from ._fit_arguments import check_inner_splits
from ._rules import NAMED_RULES, aggregate_rows, check_rule
from ._windows import cut_windows, find_windows, to_window_container


class WindowedClassifier(AggregatingClassifier):
    r"""Train a classifier on windows of records, and predict records of any length.

    `fit` cuts each record into windows, which have the label of the record, and trains the
    classifier on them. `predict_proba` aggregates the probabilities of the windows of each record.
    The records may differ in length: a few seconds, or the hours of a Holter recording.

    Parameters
    ----------
    estimator : classifier
        Classifier with ``predict_proba``, or a Pipeline that ends in one. It is given windows in
        the kind of container of X: for lists and object arrays, an array of shape (n_windows,
        n_leads, n_times).
    duration : float or None
        Length of a window in s, > 0. None uses whole records as windows, which then must have the
        same length in `fit` and in `predict`.
    step : float or None, default=None
        Time from the start of a window to the start of the next in s, > 0. None is `duration`:
        windows do not overlap. Time points after the last complete window are left out.
    aggregate : {"mean", "median", "max", "noisy_or"} or callable, default="mean"
        How the probabilities of the windows of a record become one.

        - "mean": the mean of the probabilities of each class or label.
        - "median": the median. For more than two classes, medians are divided by their sum.
        - "max": the largest probability of ``classes_[1]``, or of each label: the record has a
          finding if one of its windows has it. Not for more than two classes, nor for two strings.
          It increases with the number of windows.
        - "noisy_or": :math:`1 - \prod_i (1 - p_i)`, the probability that any of the windows has
          the finding if windows were independent. Not for more than two classes, nor for two
          strings. It is close to 1 for long records.
        - a function of an array of shape (n_windows, n_classes) or (n_windows, n_labels) that
          returns an array of shape (n_classes,) or (n_labels,).
    shorter : {"raise", "pad"}, default="raise"
        What to do with a record that is shorter than a window: raise an error, or append zeros.
    weighting : {"records", "windows"}, default="records"
        With "records", the windows of a record share its weight, so that each record has the same
        influence in `fit`, however long it is: a window has the weight of its record, divided by
        the number of windows of the record, times the mean number of windows. With "windows", each
        window has the weight of its record. There is no difference if all records have the same
        number of windows.
    max_windows : int or None, default=None
        Largest number of windows of a record that `fit` uses, evenly spaced in time. None uses all.
        Predictions always use all windows.
    sampling_rate : float or None, default=None
        Time points per second (Hz), > 0. None uses that in ``X.attrs["sampling_rate"]`` of the
        frame in `fit`.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        Class labels; for a multilabel target, the numbers of its columns.
    estimator_ : classifier
        The classifier, fitted to the windows.
    n_windows_ : ndarray of shape (n_records,), int
        Number of windows of each record that `fit` used.
    window_n_times_ : int
        Length of a window in time points.
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    lead_names_in_ : tuple of str or None
        Names of the leads seen in `fit`.
    sampling_rate_in_ : float
        Sampling rate of the records seen in `fit` (Hz).
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns seen in `fit`. Only defined if X has named columns.

    See Also
    --------
    PatientAggregator : Aggregate the probabilities of several records of a patient.
    sklearn_ecg.preprocessing.windows : Cut records into windows, as new records.

    Notes
    -----
    X may be any container of signals, and in addition a list, or an object array of shape
    (n_records,), of arrays of shape (n_leads, n_times) that differ in length. The cells of a lead
    frame may differ in length, too, but not within a record. Records of an array can be padded with
    NaN at their end. Rows and numeric frames must have the length seen in `fit`.

    Windows that overlap a gap, a time point where all leads are NaN, are left out. NaN in some
    leads only is passed on to the classifier, which may accept it.

    Windows of a record are never on both sides of a split inside of the classifier. If the `fit` of
    the classifier, of the last step of a Pipeline, or of a search accepts ``groups``, it is given
    those of the records or, without ``groups``, the number of the record of each window. A
    classifier that splits its training records, for cross-validation or early stopping, and does
    not use groups raises an error. Searches and calibration are better placed outside:
    ``GridSearchCV(WindowedClassifier(...), {"duration": [2.5, 5]})`` splits records.

    `fit` needs memory for all windows, which is limited by `max_windows`. Predictions are made in
    chunks of windows, and need memory for a chunk only.

    Probabilities of "max" and "noisy_or" depend on the number of windows and are not calibrated.
    See `sklearn.calibration.CalibratedClassifierCV`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg import WindowedClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import BeatFeatures
    >>> X, y = make_ecg(40, duration=10, prevalence=0.5, return_X_y=True, random_state=0)
    >>> records = [record[:, : 500 + 10 * i] for i, record in enumerate(X)]
    >>> records[0].shape, records[39].shape
    ((12, 500), (12, 890))
    >>> pipeline = make_pipeline(
    ...     BeatFeatures(sampling_rate=100), HistGradientBoostingClassifier(max_iter=5)
    ... )
    >>> clf = WindowedClassifier(pipeline, duration=4, sampling_rate=100).fit(records, y)
    >>> clf.n_windows_[[0, 39]]
    array([1, 2])
    >>> clf.predict_proba(records).shape
    (40, 2)
    >>> clf.predict_windows(records[39:]).shape
    (2, 2)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "duration": [Interval(Real, 0, None, closed="neither"), None],
        "step": [Interval(Real, 0, None, closed="neither"), None],
        "aggregate": [StrOptions(set(NAMED_RULES)), callable],
        "shorter": [StrOptions({"raise", "pad"})],
        "weighting": [StrOptions({"records", "windows"})],
        "max_windows": [Interval(Integral, 1, None, closed="left"), None],
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }

    def __init__(
        self,
        estimator,
        duration,
        step=None,
        *,
        aggregate: str | Callable = "mean",
        shorter="raise",
        weighting="records",
        max_windows=None,
        sampling_rate=None,
        n_leads=None,
        lead_names=None,
    ):
        self.estimator = estimator
        self.duration = duration
        self.step = step
        self.aggregate = aggregate
        self.shorter = shorter
        self.weighting = weighting
        self.max_windows = max_windows
        self.sampling_rate = sampling_rate
        self.n_leads = n_leads
        self.lead_names = lead_names

    def fit(self, X, y, sample_weight=None, groups=None, **fit_params):
        """Fit the classifier to the windows of the records.

        Parameters
        ----------
        X : list, array-like, DataFrame or lead frame
            Records, which may differ in length.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records. Passed on if the `fit` of the classifier, or of the last
            step of a Pipeline, accepts weights.
        groups : array-like of shape (n_records,), default=None
            Patients. They keep the windows of a patient on one side of a split inside of the
            classifier.
        **fit_params : dict
            Further arguments of `fit` of the classifier. Those with one value per record are
            repeated for the windows.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the sampling rate is unknown; if a record is shorter than a window, or all its
            windows have gaps; if the aggregation is not defined for more than two classes; if the
            classifier would split the windows of a record; if X is ambiguous.
        """
        self._validate_params()
        # If fit fails, the estimator is not fitted.
        vars(self).pop("estimator_", None)
        records = check_signals_of_any_length(self, X, reset=True)
        data = self._validate_records(len(records), y, sample_weight, groups, fit_params)
        check_rule(self.aggregate, data.target.kind, data.target.classes)
        self.window_n_times_, self._step = self._read_duration(records)
        windows = self._find_windows(records, X)
        if self.max_windows is not None:
            windows = windows.limit(len(records), int(self.max_windows))
        check_inner_splits(self.estimator, len(windows), meta=type(self).__name__, rows="windows")
        counts = windows.counts(len(records))
        factor = None
        if self.weighting == "records" and (counts != counts[0]).any():
            factor = counts.mean() / counts
        groups = np.arange(len(records)) if data.groups is None else data.groups
        arguments = self._fit_arguments(
            data,
            windows.records,
            groups,
            factor,
            "Records have different numbers of windows, and those with more windows have more "
            "influence. Pass weighting='windows' if that is intended.",
        )
        cut = to_window_container(cut_windows(records, windows), windows, records, X)
        labels = data.target.labels[windows.records]
        self.estimator_ = clone(self.estimator).fit(cut, labels, **arguments)
        self._set_classes(data, cut)
        self.n_windows_ = counts
        return self

    def _read_duration(self, records):
        """Return the length of a window and the step in time points."""
        rate = self.sampling_rate_in_
        if self.duration is None:
            if self.step is not None:
                raise ValueError(
                    f"step={self.step!r} requires a duration, but duration=None uses whole "
                    "records. Pass a duration in s, or step=None."
                )
            different = np.flatnonzero(records.lengths != records.lengths[0])
            if len(different):
                raise ValueError(
                    "duration=None uses whole records as windows, but record 0 has "
                    f"{records.lengths[0]} time points and record {different[0]} has "
                    f"{records.lengths[different[0]]}. Pass a duration in s."
                )
            return int(records.lengths[0]), int(records.lengths[0])
        if rate is None:
            raise ValueError(
                f"{type(self).__name__} needs sampling_rate, the number of time points per second "
                "(Hz), for a duration in s. Pass it, as in sampling_rate=100, or pass a lead frame "
                "with attrs['sampling_rate']."
            )
        sizes = []
        for argument in ("duration", "step"):
            seconds = getattr(self, argument)
            seconds = self.duration if seconds is None else seconds
            sizes.append(round(seconds * rate))
            if sizes[-1] < 1:
                raise ValueError(
                    f"{argument}={seconds!r} s is less than one time point at {rate:g} Hz. Pass a "
                    "larger value, in seconds."
                )
        return tuple(sizes)

    def _find_windows(self, records, X):
        n_times = self.window_n_times_
        if self.duration is None:
            different = np.flatnonzero(records.lengths != n_times)
            if len(different):
                raise ValueError(
                    f"duration=None uses whole records as windows. Record {different[0]} has "
                    f"{records.lengths[different[0]]} time points, but "
                    f"{type(self).__name__} was fitted on {n_times}. Pass a duration in s."
                )
        return find_windows(
            records,
            n_times,
            self._step,
            shorter=self.shorter,
            rate=self.sampling_rate_in_ or 1,
            labels=getattr(X, "index", None) if hasattr(X, "columns") else None,
        )

    def _predict_windows(self, X):
        """Return the windows of all records, and their probabilities."""
        check_is_fitted(self, "estimator_")
        records = check_signals_of_any_length(self, X, reset=False)
        windows = self._find_windows(records, X)
        parts = [
            self._predict_rows(to_window_container(cut_windows(records, part), part, records, X))
            for part in windows.chunks(records.n_leads, WINDOWS)
        ]
        return windows, np.concatenate(parts), len(records)

    def predict_proba(self, X):
        """Predict the probabilities of the records.

        Parameters
        ----------
        X : list, array-like, DataFrame or lead frame
            Records of any length with the leads of those given to `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            Columns in the order of ``classes_``. For a multilabel target, the probability of each
            label.
        """
        windows, probability, n_records = self._predict_windows(X)
        return aggregate_rows(
            probability,
            windows.records,
            n_records,
            self.aggregate,
            self._target_kind,
            self.classes_,
        )

    def predict(self, X):
        """Predict the most probable class, or the labels with a probability above 0.5.

        Parameters
        ----------
        X : list, array-like, DataFrame or lead frame
            Records of any length with the leads of those given to `fit`.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_labels)
            Class labels, or a multilabel indicator.
        """
        return self._label(self.predict_proba(X))

    def predict_windows(self, X):
        """Predict the probabilities of each window, to see where in a record a finding is.

        Parameters
        ----------
        X : list, array-like, DataFrame or lead frame
            Records of any length with the leads of those given to `fit`.

        Returns
        -------
        table : DataFrame of shape (n_windows, n_classes) or (n_windows, n_labels)
            Probabilities. The index has two levels: "record", the label of the record in the index
            of a frame, otherwise its position; and "start", the time in s at which the window
            starts. The columns are the classes or, for a multilabel target, the names of the
            columns of y if it was a DataFrame, otherwise their numbers.
        """
        windows, probability, _ = self._predict_windows(X)
        labels = windows.records
        if hasattr(X, "columns"):
            labels = X.index[windows.records]
            if isinstance(X.index, pd.MultiIndex):
                labels = labels.to_flat_index()
        starts = windows.starts / (self.sampling_rate_in_ or 1)
        index = pd.MultiIndex.from_arrays([labels, starts], names=["record", "start"])
        return pd.DataFrame(probability, index=index, columns=self._names)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = False
        return tags
