"""Display of embeddings in two dimensions."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from ..._validation._samples import find_missing
from .._unwrap import transforming_part
from ._plot_style import (
    CATEGORIES,
    GRAY,
    SEQUENTIAL,
    as_real_array,
    close_if_fails,
    figure_of,
    make_room_right,
    new_axes,
)

_LABEL_MARKERS = "os^DvPX*"
# More different numbers than this are drawn on a color scale.
_MAX_CATEGORIES = len(CATEGORIES)


class EmbeddingDisplay:
    """Display of the embeddings of records in two dimensions, with their labels.

    Use `from_estimator` for records, and `from_embedding` for embeddings that are already computed.
    Embeddings are not predictions, so that there is no ``from_predictions``.

    Distances in a projection differ from those in the embedding: groups that overlap in the
    projection may be separate in the embedding, and t-SNE and UMAP may show groups that do not
    exist. Use a score to evaluate an embedding.

    Parameters
    ----------
    points : array-like of shape (n_records, 2)
        Positions of the records in the figure.
    labels : array-like of shape (n_records,) or None, default=None
        Up to eight different labels, each with its own color and marker, or numbers. Records with
        a missing label (NaN, None, ``pd.NA``, or masked) are drawn as a group of their own,
        "unknown", in gray.
    axis_names : pair of str, default=("Dimension 1", "Dimension 2")
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the points.
    figure_ : matplotlib Figure
        Figure of the axes.
    scatters_ : dict of label to matplotlib PathCollection
        The points of each label. Without labels and for numbers, all points have the key None.
    unknown_ : matplotlib PathCollection or None
        The points with a missing label, if other points have one.
    colorbar_ : matplotlib Colorbar or None
        Color bar of numbers.

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

    def __init__(
        self, points, labels=None, *, axis_names: Sequence[str] = ("Dimension 1", "Dimension 2")
    ):
        self.points = points
        self.labels = labels
        self.axis_names = axis_names

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, projection=None, title=None, ax=None):
        """Compute embeddings with ``estimator.transform``, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted, with a ``transform`` method: a network of this package, a search over one, or a
            `Pipeline`. The last step of a pipeline is left out if it has no ``transform``.
        X : array-like, DataFrame or lead frame
            Records, as the estimator takes them.
        y : array-like of shape (n_records,) or None, default=None
            Labels or numbers.
        projection : transformer or None, default=None
            Transformer with two components, such as ``TSNE(n_components=2)``. A clone of it is
            fitted. None is a principal component analysis.
        title : str or None, default=None
            Title of the axes.
        ax : matplotlib Axes or None, default=None
            Axes to draw on.

        Returns
        -------
        display : EmbeddingDisplay
            Display with the figure.

        Raises
        ------
        TypeError
            If the estimator has no ``transform``.
        ValueError
            As in `from_embedding`.
        """
        check_is_fitted(estimator)
        transformer = transforming_part(estimator)
        if not hasattr(transformer, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform. Pass an estimator that "
                "computes embeddings, or pass embeddings to EmbeddingDisplay.from_embedding."
            )
        embedding = transformer.transform(X)
        return cls.from_embedding(embedding, y, projection=projection, title=title, ax=ax)

    @classmethod
    def from_embedding(cls, embedding, y=None, *, projection=None, title=None, ax=None):
        """Project embeddings, and draw them.

        Parameters
        ----------
        embedding : array-like of shape (n_records, n_features)
            Embeddings. Two features are drawn without a projection, unless one is given.
        y : array-like of shape (n_records,) or None, default=None
            Labels or numbers.
        projection : transformer or None, default=None
            Transformer with two components, such as ``TSNE(n_components=2)``. A clone of it is
            fitted. None is a principal component analysis.
        title : str or None, default=None
            Title of the axes.
        ax : matplotlib Axes or None, default=None
            Axes to draw on.

        Returns
        -------
        display : EmbeddingDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the projection does not have two components, or shapes or labels are invalid.
        """
        embedding = np.asarray(embedding)
        if embedding.dtype.kind not in "fiu":
            embedding = as_real_array("embedding", embedding)
        if embedding.ndim != 2 or min(embedding.shape) < 2:
            raise ValueError(
                "embedding must have the shape (n_records, n_features), with at least two of each, "
                f"got {embedding.shape}."
            )
        _check_finite("embedding", embedding)
        names = ("Dimension 1", "Dimension 2")
        if projection is None and embedding.shape[1] > 2:
            projection = PCA(n_components=2, svd_solver="full")
        points = embedding
        if projection is not None:
            if isinstance(projection, type) or not hasattr(projection, "fit_transform"):
                raise TypeError(
                    f"projection must be a transformer with two components, such as "
                    f"TSNE(n_components=2), got {projection!r}."
                )
            projection = clone(projection)
            # Embeddings that are all the same have no variance.
            with np.errstate(invalid="ignore"):
                points = np.asarray(projection.fit_transform(embedding))
            if points.ndim != 2 or points.shape[1] != 2:
                raise ValueError(
                    f"projection must have two components, but {type(projection).__name__} "
                    f"returned an array of shape {points.shape}. Set n_components=2."
                )
            names = [f"{type(projection).__name__} {i}" for i in (1, 2)]
            if isinstance(projection, PCA):
                shares = projection.explained_variance_ratio_
                if np.isfinite(shares).all():
                    names = [
                        f"PC {i} ({share:.0%} of variance)" for i, share in enumerate(shares, 1)
                    ]
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
            This display.

        Raises
        ------
        ValueError
            If points are not finite, the number of labels differs, or there are more than eight
            different labels that are not numbers.
        """
        points = as_real_array("points", self.points)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"points must have the shape (n_records, 2), got {points.shape}.")
        _check_finite("points", points)
        if isinstance(self.axis_names, str) or np.shape(self.axis_names) != (2,):
            raise ValueError(
                f"axis_names must be the labels of both axes, got {self.axis_names!r}."
            )
        groups, numbers = {None: slice(None)}, None
        unknown = np.zeros(len(points), dtype=bool)
        if self.labels is not None:
            labels, unknown = _known_labels(self.labels)
            check_consistent_length(points, unknown)
            values = np.unique(labels)
            if len(values) <= _MAX_CATEGORIES:
                known = np.flatnonzero(~unknown)
                groups = {value: known[labels == value] for value in values.tolist()}
            elif labels.dtype.kind in "iuf":
                groups, numbers = {None: ~unknown}, labels
            else:
                raise ValueError(
                    f"labels has {len(values)} different labels, which is more than can be "
                    f"distinguished. Merge some of them, to at most {_MAX_CATEGORIES}."
                )
        from matplotlib.ticker import MaxNLocator

        self.ax_ = ax = new_axes(ax, (4.8, 4.0))
        self.figure_ = figure_of(ax)
        self.scatters_, self.unknown_, self.colorbar_ = {}, None, None
        size = float(np.clip(6000 / max(len(points), 1), 12, 32))
        if unknown.any():
            self.unknown_ = ax.scatter(
                *points[unknown].T, s=size, marker="x", color=GRAY, linewidth=1.0, label="unknown"
            )
        for i, (value, part) in enumerate(groups.items()):
            self.scatters_[value] = ax.scatter(
                *points[part].T,
                s=size,
                marker=_LABEL_MARKERS[i % len(_LABEL_MARKERS)],
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
        right_artist = None
        if numbers is not None:
            right_artist = ax.inset_axes([1.03, 0.0, 0.04, 1.0])
            self.colorbar_ = ax.figure.colorbar(self.scatters_[None], cax=right_artist)
            if unknown.any():
                ax.legend(handles=[self.unknown_])
        elif self.labels is not None:
            handles = [*self.scatters_.values(), *([self.unknown_] if unknown.any() else [])]
            right_artist = ax.legend(
                handles=handles,
                frameon=False,
                loc="upper left",
                bbox_to_anchor=(1.0, 1.0),
                markerscale=1.3,
                handletextpad=0.2,
            )
        if right_artist is not None:
            make_room_right(ax, right_artist)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        if isinstance(ax.xaxis.get_major_locator(), MaxNLocator):
            # Numbers with many digits would overlap.
            ax.locator_params(axis="x", nbins=6)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        if title:
            ax.set_title(title)
        return self


def _check_finite(name, points):
    missing = ~np.isfinite(points).all(axis=1)
    if missing.any():
        raise ValueError(
            f"{name}: {missing.sum()} of {len(points)} contain NaN or infinity and cannot be "
            "drawn. Leave these records out."
        )


def _known_labels(labels):
    """Return the labels that are not missing, and a mask of the missing ones."""
    is_masked = np.ma.getmaskarray(labels) if isinstance(labels, np.ma.MaskedArray) else False
    missing = find_missing(labels)
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(
            f"labels must have the shape (n_records,), got {labels.shape}. For a multilabel "
            "target, pass one column."
        )
    unknown = missing | is_masked
    known = labels[~unknown]
    # A missing value made this an array of objects.
    return (np.array(known.tolist()) if known.dtype == object else known), unknown
