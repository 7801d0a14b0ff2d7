"""Embeddings in two dimensions."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from ._style import CATEGORIES, GREY, SEQUENTIAL, close_if_fails, keep_inside, new_axes

_MARKERS = "os^DvPX*"
# More values than this are a scale, not categories.
_MOST_CATEGORIES = len(CATEGORIES)


class EmbeddingDisplay:
    """Embeddings of records in two dimensions, with their labels.

    Make it with `from_estimator`, from records, or with `from_embedding`, which has this name as
    what it takes are no predictions.

    Distances in a projection are not those of the embedding: groups that overlap here may be apart
    there, and t-SNE or UMAP show groups that are none. Judge by a score.

    Parameters
    ----------
    points : array-like of shape (n_records, 2)
        Where the records are drawn.
    labels : array-like of shape (n_records,) or None, default=None
        Colours and marks: up to eight different labels, or numbers. Records whose label is missing
        (NaN, None, ``pd.NA``) are drawn as a group of their own, "unknown", in grey.
    axis_names : pair of str, default=("Dimension 1", "Dimension 2")
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    scatters_ : dict of label to matplotlib PathCollection
        The points of each label; under None all of them, where there are no labels, or numbers.
    unknown_ : matplotlib PathCollection or None
        The points whose label is missing, where others have one.
    colorbar_ : matplotlib Colorbar or None
        Of numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import EmbeddingDisplay
    >>> X, y = make_ecg(60, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = MSAICNetClassifier(dilations=(1,), filters=(8,), max_epochs=5, random_state=0)
    >>> display = EmbeddingDisplay.from_estimator(clf.fit(X, y), X, y)
    >>> display.points.shape
    (60, 2)
    >>> plt.close("all")
    """

    def __init__(self, points, labels=None, *, axis_names=("Dimension 1", "Dimension 2")):
        self.points = points
        self.labels = labels
        self.axis_names = axis_names

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, projection=None, title=None, ax=None):
        """Embed records with ``estimator.transform``, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted, and with ``transform``: a network of this package, a search over one, or a
            `Pipeline`, of which a last step without ``transform`` is left out.
        X : array-like, DataFrame or lead frame
            Records, as the estimator takes them.
        y, projection, title, ax
            See `from_embedding`.

        Returns
        -------
        display : EmbeddingDisplay
            The figure that was drawn.

        Raises
        ------
        TypeError
            If the estimator has no ``transform``.
        ValueError
            As in `from_embedding`.
        """
        check_is_fitted(estimator)
        inner = estimator
        while isinstance(inner, BaseSearchCV) and not hasattr(inner, "transform"):
            inner = inner.best_estimator_
        if isinstance(inner, Pipeline) and not hasattr(inner, "transform") and len(inner) > 1:
            inner = inner[:-1]
        if not hasattr(inner, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform. Pass an estimator that embeds "
                "records, or embeddings to EmbeddingDisplay.from_embedding."
            )
        return cls.from_embedding(inner.transform(X), y, projection=projection, title=title, ax=ax)

    @classmethod
    def from_embedding(cls, embedding, y=None, *, projection=None, title=None, ax=None):
        """Project embeddings, and draw them.

        Parameters
        ----------
        embedding : array-like of shape (n_records, n_features)
            Embeddings. Those of two features are drawn as they are unless a projection is given.
        y : array-like of shape (n_records,) or None, default=None
            Labels or numbers.
        projection : transformer or None, default=None
            With two components, such as ``TSNE(n_components=2)``; a clone of it is fitted. None is
            a principal component analysis.
        title : str or None, default=None
            Title of the axes.
        ax : matplotlib Axes or None, default=None
            Axes to draw on.

        Returns
        -------
        display : EmbeddingDisplay
            The figure that was drawn.

        Raises
        ------
        ValueError
            If the projection does not have two components, or shapes or labels do not fit.
        """
        embedding = np.asarray(embedding)
        if embedding.ndim != 2 or min(embedding.shape) < 2:
            raise ValueError(
                "embedding must have the shape (n_records, n_features), with two of each or more, "
                f"got {embedding.shape}."
            )
        names = ("Dimension 1", "Dimension 2")
        if projection is None and embedding.shape[1] > 2:
            projection = PCA(n_components=2, svd_solver="full")
        points = embedding
        if projection is not None:
            projection = clone(projection)
            points = np.asarray(projection.fit_transform(embedding))
            if points.ndim != 2 or points.shape[1] != 2:
                raise ValueError(
                    f"projection must give two components, {type(projection).__name__} gave an "
                    f"array of shape {points.shape}. Set its n_components=2."
                )
            names = [f"{type(projection).__name__} {i}" for i in (1, 2)]
            if isinstance(projection, PCA):
                shares = projection.explained_variance_ratio_
                names = [f"PC {i} ({share:.0%} of variance)" for i, share in enumerate(shares, 1)]
        return cls(points, y, axis_names=tuple(names)).plot(ax, title=title)

    @close_if_fails
    def plot(self, ax=None, *, title=None):
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        title : str or None, default=None
            Title of the axes.

        Returns
        -------
        display : EmbeddingDisplay
            This object.

        Raises
        ------
        ValueError
            If points are not finite, there is not one label for each, or there are more than eight
            labels that are not numbers.
        """
        points = np.asarray(self.points)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"points must have the shape (n_records, 2), got {points.shape}.")
        missing = ~np.isfinite(points).all(axis=1)
        if missing.any():
            raise ValueError(
                f"points: {missing.sum()} of {len(points)} hold NaN or infinity, and have no place "
                "in the figure. Leave these records out."
            )
        groups, numbers = {None: slice(None)}, None
        unknown = np.zeros(len(points), dtype=bool)
        if self.labels is not None:
            labels, unknown = _known_labels(self.labels)
            check_consistent_length(points, unknown)
            values = np.unique(labels)
            if len(values) <= _MOST_CATEGORIES:
                known = np.flatnonzero(~unknown)
                groups = {value: known[labels == value] for value in values.tolist()}
            elif labels.dtype.kind in "iuf":
                groups, numbers = {None: ~unknown}, labels
            else:
                raise ValueError(
                    f"labels holds {len(values)} different labels, more than can be told apart: "
                    f"join some, to at most {_MOST_CATEGORIES}."
                )
        self.ax_ = ax = new_axes(ax, (4.8, 4.0))
        self.figure_ = ax.figure
        self.scatters_, self.unknown_, self.colorbar_ = {}, None, None
        size = float(np.clip(6000 / max(len(points), 1), 12, 32))
        if unknown.any():
            self.unknown_ = ax.scatter(
                *points[unknown].T, s=size, marker="x", color=GREY, linewidth=1.0, label="unknown"
            )
        for i, (value, part) in enumerate(groups.items()):
            self.scatters_[value] = ax.scatter(
                *points[part].T,
                s=size,
                marker=_MARKERS[i % len(_MARKERS)],
                alpha=0.75,
                linewidth=0.3,
                edgecolor="#333333",
                label=str(value),
                **(
                    {"color": CATEGORIES[i]}
                    if numbers is None
                    else {"c": numbers, "cmap": SEQUENTIAL}
                ),
            )
        beside = None
        if numbers is not None:
            beside = ax.inset_axes([1.03, 0.0, 0.04, 1.0])
            self.colorbar_ = ax.figure.colorbar(self.scatters_[None], cax=beside)
            if unknown.any():
                ax.legend(handles=[self.unknown_])
        elif self.labels is not None:
            handles = [*self.scatters_.values(), *([self.unknown_] if unknown.any() else [])]
            beside = ax.legend(
                handles=handles,
                frameon=False,
                loc="upper left",
                bbox_to_anchor=(1.0, 1.0),
                markerscale=1.3,
                handletextpad=0.2,
            )
        if beside is not None:
            keep_inside(ax, beside)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        if title:
            ax.set_title(title)
        return self


def _known_labels(labels):
    """The labels that are there, as an array of their own kind, and where one is missing."""
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(
            f"labels must have the shape (n_records,), got {labels.shape}. Of a multilabel target "
            "pass one column."
        )
    unknown = np.asarray(pd.isna(labels))
    known = labels[~unknown]
    # What None or pd.NA made objects of.
    return (np.array(known.tolist()) if known.dtype == object else known), unknown
