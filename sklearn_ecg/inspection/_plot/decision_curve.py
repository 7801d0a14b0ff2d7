"""Display of the net benefit as a function of the threshold."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...calibration._label_scores import label_scores
from ...metrics import net_benefit
from ...metrics._label_columns import check_probabilities, read_label_columns
from ...metrics._matching import check_same_records
from ._plot_style import BLACK, CATEGORIES, GRAY, as_real_array, close_if_fails, figure_of, new_axes

_DEFAULT_THRESHOLDS = np.arange(100) / 100
# Curves of models on the same axes have different colors and line styles.
_LINE_STYLES = ("-", "--", "-.", (0, (3, 1, 1, 1, 1, 1)))
_GID = "net benefit of a model"


class DecisionCurveDisplay:
    """Display of a decision curve: the net benefit of a classifier by threshold.

    Use `from_estimator` or `from_predictions`. The curve is compared with treating all records and
    with treating none: in the range of thresholds that are reasonable for the decision, a useful
    classifier is above both.

    Parameters
    ----------
    thresholds : array-like of shape (n_thresholds,)
        Probabilities, in [0, 1), from which a record is treated.
    net_benefit : array-like of shape (n_thresholds,)
        Net benefit of the classifier at each threshold.
    prevalence : float
        Share of the records with the label, which gives the curve of treating all.
    name : str or None, default=None
        Name of the classifier, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the curves.
    figure_ : matplotlib Figure
        Figure of the axes.
    line_ : matplotlib Line2D
        The curve of the classifier.
    treat_all_, treat_none_ : matplotlib Line2D or None
        The curves of treating all records, and none.

    See Also
    --------
    sklearn_ecg.metrics.net_benefit : The net benefit at a threshold.

    References
    ----------
    Vickers, Elkin (2006). Decision curve analysis: a novel method for evaluating prediction models.
    Medical Decision Making 26. doi:10.1177/0272989X06295361

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from sklearn_ecg.inspection import DecisionCurveDisplay
    >>> rng = np.random.RandomState(0)
    >>> probability = rng.rand(200)
    >>> y = (rng.rand(200) < probability).astype(int)
    >>> display = DecisionCurveDisplay.from_predictions(y, probability, name="calibrated")
    >>> display.net_benefit[[0, 50]].round(2)
    array([0.53, 0.32])
    >>> plt.close("all")
    """

    def __init__(self, thresholds, net_benefit, *, prevalence, name=None):
        self.thresholds = thresholds
        self.net_benefit = net_benefit
        self.prevalence = prevalence
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        label=None,
        thresholds=None,
        sample_weight=None,
        name=None,
        ref_lines=True,
        ax=None,
    ):
        """Predict probabilities, and draw their decision curve.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier with ``predict_proba``. A label that was never positive in training
            has the probability 0.
        X : array-like, DataFrame or lead frame
            Records that the classifier was not fitted on.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Classes, or a multilabel indicator of 0 and 1.
        label : object, default=None
            The label or class to draw: the name of a column of ``y``, its number if the columns
            have no names, or a class. Required unless the target is binary.
        thresholds : array-like of shape (n_thresholds,), default=None
            Probabilities, in [0, 1). None is 0, 0.01, ..., 0.99.
        sample_weight : array-like of shape (n_records,), default=None
            Weights of the records, >= 0.
        name : str or None, default=None
            Name of the classifier. None is the name of its class.
        ref_lines : bool, default=True
            Whether to draw the curves of treating all records, and none.
        ax : matplotlib Axes or None, default=None
            Axes to draw on, such as ``ax_`` of the display of another classifier. None makes a
            figure.

        Returns
        -------
        display : DecisionCurveDisplay
            Display with the figure.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            As in `from_predictions`.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{type(estimator).__name__} has no predict_proba. A decision curve needs "
                "probabilities: calibrate the classifier, for example with CalibratedClassifierCV."
            )
        check_same_records(X=X, y=y)
        labels, is_multilabel = None, np.ndim(y) == 2
        y_prob = label_scores(
            estimator, X, "predict_proba", "multilabel" if is_multilabel else "multiclass"
        )
        if not is_multilabel:
            labels = estimator.classes_
            if y_prob.shape[1] == 2:
                y_prob = y_prob[:, 1]
        return cls._draw(
            y,
            y_prob,
            labels=labels,
            label=label,
            thresholds=thresholds,
            sample_weight=sample_weight,
            name=type(estimator).__name__ if name is None else name,
            ref_lines=ref_lines,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_prob,
        *,
        label=None,
        thresholds=None,
        sample_weight=None,
        name=None,
        ref_lines=True,
        ax=None,
    ):
        """Draw the decision curve of predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_records,) or (n_records, n_labels)
            Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
            positive.
        y_prob : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
            Probabilities of the positive class, of each label, or of each class.
        label : object, default=None
            The label or class to draw: the name of a column of ``y_true``, its number if the
            columns have no names, or a class. Required unless the target is binary.
        thresholds : array-like of shape (n_thresholds,), default=None
            Probabilities, in [0, 1). None is 0, 0.01, ..., 0.99.
        sample_weight : array-like of shape (n_records,), default=None
            Weights of the records, >= 0.
        name : str or None, default=None
            Name of the classifier. None is "classifier".
        ref_lines : bool, default=True
            Whether to draw the curves of treating all records, and none.
        ax : matplotlib Axes or None, default=None
            Axes to draw on, such as ``ax_`` of the display of another classifier. None makes a
            figure.

        Returns
        -------
        display : DecisionCurveDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the label is missing or unknown, and as in `sklearn_ecg.metrics.net_benefit`.
        """
        return cls._draw(
            y_true,
            y_prob,
            labels=None,
            label=label,
            thresholds=thresholds,
            sample_weight=sample_weight,
            name=name,
            ref_lines=ref_lines,
            ax=ax,
        )

    @classmethod
    def _draw(
        cls, y_true, y_prob, *, labels, label, thresholds, sample_weight, name, ref_lines, ax
    ):
        columns = read_label_columns(
            y_true, y_prob, labels=labels, sample_weight=sample_weight, argument="y_prob"
        )
        check_probabilities(columns, "y_prob")
        names = list(columns.names)
        if label is None and columns.is_binary:
            label = names[0]
        if label not in names:
            raise ValueError(
                f"label={label!r} is not one of the labels {', '.join(map(repr, names[:12]))}. A "
                "decision curve shows one label: pass its name."
            )
        positive, probability = (part[:, names.index(label)] for part in columns[:2])
        thresholds = _DEFAULT_THRESHOLDS if thresholds is None else np.ravel(thresholds)
        benefit = net_benefit(
            positive.astype(int), probability, threshold=thresholds, sample_weight=columns.weight
        )
        prevalence = float(np.average(positive, weights=columns.weight))
        display = cls(thresholds, benefit, prevalence=prevalence, name=name)
        return display.plot(ax, ref_lines=ref_lines)

    @close_if_fails
    def plot(self, ax=None, *, name=None, ref_lines=True):
        """Draw the decision curve.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        name : str or None, default=None
            Name of the classifier. None is the ``name`` of the display.
        ref_lines : bool, default=True
            Whether to draw the curves of treating all records, and none. They are drawn once on the
            same axes.

        Returns
        -------
        display : DecisionCurveDisplay
            This display.

        Raises
        ------
        ValueError
            If thresholds and net benefits are not lists of numbers of the same length.
        """
        thresholds = as_real_array("thresholds", self.thresholds)
        benefit = as_real_array("net_benefit", self.net_benefit)
        if thresholds.ndim != 1 or thresholds.shape != benefit.shape or not thresholds.size:
            raise ValueError(
                "thresholds and net_benefit must have the same length, got shapes "
                f"{thresholds.shape} and {benefit.shape}."
            )
        name = self.name if name is None else name
        self.ax_ = ax = new_axes(ax, (5.0, 3.6))
        self.figure_ = figure_of(ax)
        self.treat_all_ = self.treat_none_ = None
        n_models = sum(line.get_gid() == _GID for line in ax.lines)
        drawn = {line.get_label() for line in ax.lines}
        if ref_lines and "treat all" not in drawn:
            odds = thresholds / (1 - thresholds)
            (self.treat_all_,) = ax.plot(
                thresholds,
                self.prevalence - (1 - self.prevalence) * odds,
                color=GRAY,
                linewidth=1.2,
                label="treat all",
            )
            self.treat_none_ = ax.axhline(0, color=BLACK, linewidth=0.8, label="treat none")
        (self.line_,) = ax.plot(
            thresholds,
            benefit,
            color=CATEGORIES[n_models % len(CATEGORIES)],
            linestyle=_LINE_STYLES[n_models % len(_LINE_STYLES)],
            linewidth=1.8,
            label="classifier" if name is None else str(name),
            gid=_GID,
        )
        # The curve of treating all goes down without limit.
        curves = [line.get_ydata() for line in ax.lines if line.get_gid() == _GID]
        top = max(self.prevalence, max(np.max(curve) for curve in curves), 1e-3)
        ax.set_ylim(-0.2 * top, 1.1 * top)
        ax.set(xlabel="Threshold probability", ylabel="Net benefit")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.legend(frameon=False, loc="upper right")
        return self
