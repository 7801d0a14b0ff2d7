"""Display of reliability diagrams with confidence intervals."""

from numbers import Integral, Real

import numpy as np
from scipy.stats import norm
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import check_is_fitted

from ..._validation import Target
from ..._validation._samples import check_groups, number_groups
from ...calibration._label_scores import label_scores
from ...metrics._matching import check_same_records, match_columns
from ._plot_style import BLACK, CATEGORIES, close_if_fails, figure_of, new_axes

_MARKERS = "os^Dv<>P"

_CONSTRAINTS = {
    "cls": "no_validation",
    "y_true": ["array-like"],
    "y_prob": ["array-like"],
    "n_bins": [Interval(Integral, 1, None, closed="left")],
    "strategy": [StrOptions({"quantile", "uniform"})],
    "confidence_level": [Interval(Real, 0, 1, closed="neither")],
    "groups": ["array-like", None],
    "label_names": ["array-like", None],
}


class ReliabilityDisplay:
    """Display of observed frequencies against predicted probabilities, for each label.

    Records are binned by predicted probability. For each bin, the share of positive records is
    drawn over the mean probability, with a confidence interval. Calibrated probabilities are on the
    diagonal. Use `from_estimator` or `from_predictions`.

    Parameters
    ----------
    curves : dict of str to dict
        For each label, arrays of shape (n_bins,): "prob_pred", the mean probability; "prob_true",
        the share of positive records; "low" and "high", the ends of its confidence interval; and
        "n_records".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the curves.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib container
        The curve of each label, with its intervals.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : Reliability diagram of one label, without intervals.
    sklearn_ecg.MultilabelCalibratedClassifierCV : Calibrate probabilities.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from sklearn_ecg.inspection import ReliabilityDisplay
    >>> rng = np.random.RandomState(0)
    >>> y_prob = rng.rand(500)
    >>> y_true = (rng.rand(500) < y_prob).astype(int)
    >>> display = ReliabilityDisplay.from_predictions(y_true, y_prob, n_bins=5)
    >>> display.curves["1"]["prob_true"].round(2)
    array([0.08, 0.42, 0.46, 0.67, 0.94])
    >>> plt.close("all")
    """

    def __init__(self, curves):
        self.curves = curves

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_bins=10,
        strategy="quantile",
        confidence_level=0.95,
        groups=None,
        label_names=None,
        ax=None,
    ):
        """Predict records and draw the reliability diagram.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba``.
        X : array-like, DataFrame or lead frame
            Records that the classifier was not trained on, in any container that it accepts.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels of the records.
        n_bins : int, default=10
            Number of bins, >= 1.
        strategy : {"quantile", "uniform"}, default="quantile"
            "quantile" puts about the same number of records into each bin, "uniform" makes bins of
            the same width.
        confidence_level : float, default=0.95
            Confidence level of the intervals, in (0, 1).
        groups : array-like of shape (n_records,), default=None
            Patients. The intervals are then wider where records of a patient resemble each other.
        label_names : array-like of str or None, default=None
            Names of the labels or classes. None takes the columns of a DataFrame y or the classes.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ReliabilityDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the labels or probabilities are invalid, as in `from_predictions`.
        """
        check_is_fitted(estimator)
        check_same_records(X=X, y=y)
        kind = Target.from_labels(y, cls.__name__).kind
        y_prob = label_scores(estimator, X, "predict_proba", kind)
        if kind != "multilabel":
            unknown = np.setdiff1d(np.asarray(y).ravel(), estimator.classes_)
            n_classes = len(np.unique(np.asarray(y).ravel()))
            if len(unknown) or n_classes != len(estimator.classes_):
                raise ValueError(
                    f"y must contain all classes of the classifier and no others: it has "
                    f"{np.unique(np.asarray(y)).tolist()}, the classifier "
                    f"{estimator.classes_.tolist()}."
                )
        return cls.from_predictions(
            y,
            y_prob,
            n_bins=n_bins,
            strategy=strategy,
            confidence_level=confidence_level,
            groups=groups,
            label_names=label_names,
            ax=ax,
        )

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
    def from_predictions(
        cls,
        y_true,
        y_prob,
        *,
        n_bins=10,
        strategy="quantile",
        confidence_level=0.95,
        groups=None,
        label_names=None,
        ax=None,
    ):
        """Draw the reliability diagram of given probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_records,) or (n_records, n_labels)
            Labels of any type, or a multilabel indicator. For two classes, the larger label is the
            positive one; with more classes, each is drawn against the others.
        y_prob : array-like of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
            Probabilities in [0, 1], as returned by ``predict_proba``, or those of the positive
            class. Columns of a DataFrame are matched with those of ``y_true`` by name.
        n_bins : int, default=10
            Number of bins, >= 1. Empty bins are left out.
        strategy : {"quantile", "uniform"}, default="quantile"
            "quantile" puts about the same number of records into each bin, "uniform" makes bins of
            the same width.
        confidence_level : float, default=0.95
            Confidence level of the intervals, in (0, 1).
        groups : array-like of shape (n_records,), default=None
            Patients. The intervals are then wider where records of a patient resemble each other.
        label_names : array-like of str or None, default=None
            Names of the labels or classes. None takes the columns of a DataFrame or the classes.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ReliabilityDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the lengths or the number of columns differ, or probabilities are outside [0, 1]; if
            names of columns are not those of ``y_true``, or indexes are in different orders.

        Notes
        -----
        The bins are those of `sklearn.calibration.calibration_curve`. The intervals are Wilson's
        for the share of positive records. With ``groups``, the number of records in the formula is
        divided by the design effect of the patients (Korn and Graubard 1998), which is estimated
        from the variation between them.
        """
        check_same_records(y_true=y_true, y_prob=y_prob, groups=groups)
        target = Target.from_labels(y_true, cls.__name__)
        if target.kind == "multilabel":
            y_prob = match_columns(y_true, y_prob, "y_prob", label_names=label_names)
        else:
            y_prob = match_columns(target.labels, y_prob, "y_prob")
        y_prob = check_array(y_prob, ensure_2d=False, dtype=np.float64, input_name="y_prob")
        check_consistent_length(target.values, y_prob)
        if groups is not None:
            groups = number_groups(check_groups(groups, len(y_prob)))[0]
        positive, probability = target.membership, y_prob
        names = list(getattr(y_true, "columns", target.classes))
        if target.kind == "binary":
            positive, names = positive[:, 1:], names if len(names) == 1 else names[1:]
            probability = y_prob[:, None] if y_prob.ndim == 1 else y_prob
            probability = probability[:, 1:] if probability.shape[1] == 2 else probability
        if probability.shape != positive.shape:
            raise ValueError(
                f"y_prob must have shape {positive.shape} for this y_true, got {y_prob.shape}. "
                "Pass the result of predict_proba."
            )
        if probability.min() < 0 or probability.max() > 1 + 1e-9:
            raise ValueError(
                f"y_prob must be in [0, 1], got values from {y_prob.min():g} to {y_prob.max():g}."
            )
        if label_names is not None:
            if len(label_names) != len(names):
                raise ValueError(
                    f"label_names must have {len(names)} name(s), got {list(label_names)}."
                )
            names = label_names
        curves = {
            str(name): _reliability_curve(*columns, n_bins, strategy, confidence_level, groups)
            for name, *columns in zip(names, positive.T, probability.T)
        }
        return cls(curves).plot(ax)

    @close_if_fails
    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ReliabilityDisplay
            This display.
        """
        self.ax_ = ax = new_axes(ax, (4.2, 4.0))
        self.figure_ = figure_of(ax)
        self.lines_ = {}
        ax.plot([0, 1], [0, 1], ":", color=BLACK, linewidth=1, label="calibrated")
        for i, (name, curve) in enumerate(self.curves.items()):
            share = curve["prob_true"]
            self.lines_[name] = ax.errorbar(
                curve["prob_pred"],
                share,
                yerr=np.array([share - curve["low"], curve["high"] - share]),
                color=CATEGORIES[i % len(CATEGORIES)],
                marker=_MARKERS[i % len(_MARKERS)],
                markersize=4,
                linewidth=1.4,
                elinewidth=0.9,
                capsize=2,
                label=name,
            )
        ends = [
            np.max(curve[end]) for curve in self.curves.values() for end in ("prob_pred", "high")
        ]
        # Probabilities of rare labels are all small.
        limit = min(1.0, max(ends)) * 1.03
        ax.set(
            xlim=(-0.03 * limit, limit),
            ylim=(-0.03 * limit, limit),
            xlabel="Mean predicted probability",
            ylabel="Share of positive records",
        )
        ax.set_aspect("equal")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.legend(frameon=False, loc="upper left")
        return self


def _reliability_curve(positive, probability, n_bins, strategy, confidence_level, groups):
    """Return the points of a reliability diagram and their intervals."""
    if strategy == "quantile":
        edges = np.percentile(probability, np.linspace(0, 1, n_bins + 1) * 100)
    else:
        edges = np.linspace(0, 1, n_bins + 1)
    number = np.searchsorted(edges[1:-1], probability)
    n_records = np.bincount(number, minlength=n_bins)
    used = n_records > 0
    n_used = n_records[used]
    prob_true = np.bincount(number, positive, minlength=n_bins)[used] / n_used
    n_effective = n_used
    if groups is not None:
        n_effective = np.array(
            [
                _effective_number(positive[number == i], groups[number == i])
                for i in np.flatnonzero(used)
            ]
        )
    low, high = _wilson_interval(prob_true, n_effective, confidence_level)
    return {
        "prob_pred": np.bincount(number, probability, minlength=n_bins)[used] / n_used,
        "prob_true": prob_true,
        "low": low,
        "high": high,
        "n_records": n_used,
    }


def _effective_number(positive, groups):
    """Return how many independent records have the same uncertainty of their share."""
    _, patient = np.unique(groups, return_inverse=True)
    sizes, sums = np.bincount(patient), np.bincount(patient, positive)
    n_patients, n_records = len(sizes), len(positive)
    share = sums.sum() / n_records
    if n_patients == 1 or share in (0, 1):
        return n_patients
    deviations = sums - share * sizes
    variance = n_patients / (n_patients - 1) * (deviations**2).sum() / n_records**2
    independent = share * (1 - share) / variance if variance > 0 else n_records
    return min(independent, n_records)


def _wilson_interval(share, n, confidence_level):
    z = norm.isf((1 - confidence_level) / 2)
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding must not put the share itself outside.
    return np.minimum(np.maximum(center - half, 0), share), np.maximum(
        np.minimum(center + half, 1), share
    )
