"""Display of the scores with subsets of the leads."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .._lead_subsets import DEFAULT_SUBSETS, score_by_leads
from ._plot_style import (
    BLUE,
    GRAY,
    as_real_array,
    check_option,
    close_if_fails,
    figure_of,
    new_axes,
    readable_score,
)

# The columns that are drawn: a value and the ends of its interval.
_COLUMNS = {
    "score": ("score", "low", "high"),
    "difference": ("difference", "difference_low", "difference_high"),
}


class LeadSubsetDisplay:
    """Display of the scores of an estimator with subsets of the leads.

    Each subset is a dot with a bootstrap interval. Use `from_estimator` to compute the scores with
    `score_by_leads`, or `from_scores` if they are already computed.

    Parameters
    ----------
    scores : DataFrame
        The result of `score_by_leads`, or a frame with its columns ``score``, ``low`` and ``high``
        or ``difference``, ``difference_low`` and ``difference_high``, and a row for each subset.
    score_name : str or None, default=None
        Name of the score, for the label of the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the figure.
    figure_ : matplotlib Figure
        Figure of the axes.
    dots_ : matplotlib Line2D
        The dots, from top to bottom.
    intervals_ : matplotlib LineCollection
        The intervals.
    reference_ : matplotlib Line2D or None
        The line at the score with all leads, or at no difference. None if the score with all leads
        is unknown.

    See Also
    --------
    score_by_leads : Computes the scores.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import LeadSubsetDisplay
    >>> from sklearn_ecg.preprocessing import BeatFeatures
    >>> X, y = make_ecg(160, duration=5, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = make_pipeline(
    ...     BeatFeatures(sampling_rate=100),
    ...     HistGradientBoostingClassifier(max_iter=10, random_state=0),
    ... )
    >>> display = LeadSubsetDisplay.from_estimator(
    ...     clf.fit(X[:80], y[:80]), X[80:], y[80:], random_state=0
    ... )
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['12', 'limb', 'I+II+V2', 'I']
    >>> display.ax_.get_xlabel()
    'AUROC'
    >>> plt.close("all")
    """

    def __init__(self, scores, *, score_name=None):
        self.scores = scores
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        subsets: Any = DEFAULT_SUBSETS,
        scoring: str | Callable = "roc_auc",
        fill="nan",
        groups=None,
        n_resamples=1000,
        confidence_level=0.95,
        random_state=None,
        n_leads=None,
        score_name=None,
        kind="score",
        ax=None,
    ):
        """Compute the scores with `score_by_leads`, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted on such X, with all leads.
        X : array-like, DataFrame or lead frame
            Signals in any container, or a table of features; see `score_by_leads`.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Classes, a multilabel indicator, or the numbers that a regressor predicts.
        subsets : sequence of (str or sequence of str), or mapping, default=("12", "limb", \
                "I+II+V2", "I")
            The subsets of leads that are kept.
        scoring : str or scorer, default="roc_auc"
            Name of a score of scikit-learn, or a scorer.
        fill : {"nan", "zero"}, default="nan"
            What the signals of the other leads are replaced by.
        groups : array-like of shape (n_records,), default=None
            Patient of each record; the bootstrap draws patients. None draws records.
        n_resamples : int, default=1000
            Number of bootstrap resamples, >= 1.
        confidence_level : float, default=0.95
            Confidence level of the intervals, in (0, 1).
        random_state : int, RandomState instance or None, default=None
            Determines the resamples.
        n_leads : int or None, default=None
            Number of leads of 2-D rows and numeric frames, if the estimator does not know it.
        score_name : str or None, default=None
            Name of the score, for the label of the axis. None is the name of ``scoring``.
        kind : {"score", "difference"}, default="score"
            Whether to draw the scores, or their differences to all leads.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LeadSubsetDisplay
            Display with the figure.

        Raises
        ------
        TypeError, ValueError
            As `score_by_leads` and `plot`.
        """
        scores = score_by_leads(
            estimator,
            X,
            y,
            subsets=subsets,
            scoring=scoring,
            fill=fill,
            groups=groups,
            n_resamples=n_resamples,
            confidence_level=confidence_level,
            random_state=random_state,
            n_leads=n_leads,
        )
        if score_name is None and isinstance(scoring, str):
            score_name = scoring
        return cls(scores, score_name=score_name).plot(ax, kind=kind)

    @classmethod
    def from_scores(cls, scores, *, score_name=None, kind="score", ax=None):
        """Draw scores that are already computed.

        Parameters
        ----------
        scores : DataFrame
            The result of `score_by_leads`.
        score_name : str or None, default=None
            Name of the score, for the label of the axis.
        kind : {"score", "difference"}, default="score"
            Whether to draw the scores, or their differences to all leads.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LeadSubsetDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            As `plot`.
        """
        return cls(scores, score_name=score_name).plot(ax, kind=kind)

    @close_if_fails
    def plot(self, ax=None, *, kind="score", title=None):
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        kind : {"score", "difference"}, default="score"
            Whether to draw the scores, or their differences to all leads.
        title : str or None, default=None
            Title of the axes.

        Returns
        -------
        display : LeadSubsetDisplay
            This display.

        Raises
        ------
        ValueError
            If a column is missing, there are no rows, or all values are NaN.
        """
        check_option("kind", kind, _COLUMNS)
        value, low, high = self._read_columns(_COLUMNS[kind])
        ax = new_axes(ax, (4.8, 1.0 + 0.36 * len(value)))
        self.ax_, self.figure_ = ax, figure_of(ax)
        place = np.arange(len(value))
        reference = self._find_reference(kind)
        self.reference_ = None
        if reference is not None:
            self.reference_ = ax.axvline(reference, color=GRAY, linestyle="--", linewidth=1)
        self.intervals_ = ax.hlines(place, low, high, color=BLUE, linewidth=1.8)
        (self.dots_,) = ax.plot(value, place, "o", color=BLUE, markersize=6)
        ax.set_yticks(place, labels=[str(name) for name in self.scores.index])
        ax.set_ylim(len(value) - 0.5, -0.5)
        ax.set_ylabel("Leads")
        name = readable_score(self.score_name) if self.score_name else "Score"
        ax.set_xlabel(name if kind == "score" else f"Difference of {name} to all leads")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        if title:
            ax.set_title(title)
        return self

    def _read_columns(self, names):
        """Return the columns as arrays of real numbers."""
        if not isinstance(self.scores, pd.DataFrame):
            raise ValueError(
                f"scores must be a DataFrame, got {type(self.scores).__name__}. Pass the result of "
                "score_by_leads."
            )
        missing = [name for name in names if name not in self.scores]
        if missing:
            raise ValueError(
                f"scores has no column {missing[0]!r}. Pass the result of score_by_leads."
            )
        columns = [as_real_array(name, self.scores[name]) for name in names]
        if not len(self.scores) or np.isnan(columns[0]).all():
            raise ValueError("scores has no values that can be drawn. Pass at least one row.")
        return columns

    def _find_reference(self, kind):
        """Return the score with all leads, which follows from any score and its difference."""
        if kind == "difference":
            return 0.0
        if "difference" not in self.scores:
            return None
        everything = as_real_array("difference", self.scores["score"] - self.scores["difference"])
        return float(everything[0])
