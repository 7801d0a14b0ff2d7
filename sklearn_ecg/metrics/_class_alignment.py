"""Whether embeddings keep records, and classes, apart: diagnostics of contrastive training."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params

from ._matching import as_label_array, check_same_records, column_names

# Distances that differ by less are ties: identical embeddings differ by rounding.
_TOLERANCE = 1e-12


@validate_params(
    {"first_views": ["array-like"], "second_views": ["array-like"], "y": ["array-like"]},
    prefer_skip_nested_validation=True,
)
def sample_alignment_accuracy(first_views, second_views, y):
    """Compute the share of views whose nearest neighbor is the other view of the same record.

    In an embedding that has collapsed, in which all records of a class are at one point, the views
    of a record are no nearer to each other than to other records, and the accuracy is near 0.
    Averages of distances between the views do not show this: they are small as well.

    Parameters
    ----------
    first_views, second_views : array-like of shape (n_records, n_features)
        Embeddings of two views of the same records, such as ``clf.transform`` of records to which
        an augmentation was applied twice. Only their directions matter: distances are cosine
        distances.
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1.

    Returns
    -------
    accuracy : Series of shape (n_classes,) or (n_labels,)
        For each class, the share of the views of its records, in [0, 1], whose other view is nearer
        than every view of all other records, of any class. A tie is no match. For a multilabel
        target, one value per label, of the records that have it; NaN for a label that none has.

    Raises
    ------
    ValueError
        If shapes or lengths differ, there are fewer than 2 records, or embeddings are NaN,
        infinite or 0.

    See Also
    --------
    class_alignment_consistency : The same for classes, without views.

    References
    ----------
    Mildenberger et al. (2025). A tale of two classes: adapting supervised contrastive learning to
    binary imbalanced datasets. arXiv:2503.17024

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import sample_alignment_accuracy
    >>> rng = np.random.RandomState(0)
    >>> y = np.repeat(["MI", "NORM"], [10, 40])
    >>> embedding = rng.randn(50, 8)
    >>> embedding[y == "NORM"] = embedding[-1]  # this class has collapsed
    >>> views = [embedding + 0.01 * rng.randn(50, 8) for _ in range(2)]
    >>> sample_alignment_accuracy(*views, y).round(2)
    class
    MI      1.00
    NORM    0.04
    dtype: float64
    """
    check_same_records(first_views=first_views, second_views=second_views, y=y)
    first = _check_embedding(first_views, "first_views")
    second = _check_embedding(second_views, "second_views")
    if first.shape != second.shape:
        raise ValueError(
            f"first_views has shape {first.shape}, but second_views has shape {second.shape}. Pass "
            "one row for each record in both, in the same order."
        )
    membership, names = _membership(y, first)
    n_records = len(first)

    def is_aligned(distances, start):
        rows = np.arange(len(distances))
        own = start + rows
        other_view = (own + n_records) % (2 * n_records)
        to_other_view = distances[rows, other_view]
        distances[rows, own] = distances[rows, other_view] = np.inf
        return to_other_view < distances.min(axis=1) - _TOLERANCE

    views = np.concatenate([first, second])
    chunks = pairwise_distances_chunked(views, metric="cosine", reduce_func=is_aligned)
    aligned = np.concatenate(list(chunks)).reshape(2, n_records).mean(axis=0)
    return _mean_by_class(aligned[:, None], membership, names)


@validate_params(
    {
        "embedding": ["array-like"],
        "y": ["array-like"],
        "neighborhood": [Interval(Real, 0, 1, closed="right")],
    },
    prefer_skip_nested_validation=True,
)
def class_alignment_consistency(embedding, y, *, neighborhood=0.05):
    """Compute the share of the nearest neighbors of a record that have its class.

    Parameters
    ----------
    embedding : array-like of shape (n_records, n_features)
        Embeddings of records, such as ``clf.transform`` of held-out records. Only their directions
        matter: distances are cosine distances.
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1.
    neighborhood : float, default=0.05
        Size of the neighborhood as a share of all records, in (0, 1]. It contains
        ``int(neighborhood * n_records)`` other records, at least 1 and at most all others.

    Returns
    -------
    consistency : Series of shape (n_classes,) or (n_labels,)
        For each class, the mean over its records of the share of their neighbors that have the same
        class, in [0, 1]. Where several records are equally far at the edge of the neighborhood,
        each counts in part, so that the order of the records does not matter. For a multilabel
        target, one value per label, of the records that have it; NaN for a label that none has.

    Raises
    ------
    ValueError
        If lengths differ, there are fewer than 2 records, or embeddings are NaN, infinite or 0.

    See Also
    --------
    sample_alignment_accuracy : The same for the views of a record.

    Notes
    -----
    A class with fewer records than the neighborhood cannot reach 1. For embeddings that tell
    nothing, the value is the prevalence of the class. Compare values only between
    embeddings of the same records.

    References
    ----------
    Mildenberger et al. (2025). A tale of two classes: adapting supervised contrastive learning to
    binary imbalanced datasets. arXiv:2503.17024

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import class_alignment_consistency
    >>> rng = np.random.RandomState(0)
    >>> y = np.repeat(["MI", "NORM"], [20, 80])
    >>> embedding = rng.randn(100, 8)
    >>> class_alignment_consistency(embedding, y).round(2)
    class
    MI      0.23
    NORM    0.82
    dtype: float64
    >>> embedding[y == "MI", 0] += 3
    >>> class_alignment_consistency(embedding, y).round(2)
    class
    MI      0.86
    NORM    0.91
    dtype: float64
    """
    check_same_records(embedding=embedding, y=y)
    embedding = _check_embedding(embedding, "embedding")
    membership, names = _membership(y, embedding)
    n_neighbors = min(max(int(neighborhood * len(embedding)), 1), len(embedding) - 1)

    def share_of_neighbors(distances, start):
        rows = np.arange(len(distances))
        distances[rows, start + rows] = np.inf
        edge = np.partition(distances, n_neighbors - 1, axis=1)[:, n_neighbors - 1, None]
        is_inside = distances < edge - _TOLERANCE
        is_at_edge = (distances <= edge + _TOLERANCE) & ~is_inside
        n_left = n_neighbors - is_inside.sum(axis=1, keepdims=True)
        weight = is_inside + is_at_edge * (n_left / is_at_edge.sum(axis=1, keepdims=True))
        return weight @ membership / n_neighbors

    chunks = pairwise_distances_chunked(embedding, metric="cosine", reduce_func=share_of_neighbors)
    return _mean_by_class(np.concatenate(list(chunks)), membership, names)


def _check_embedding(embedding, name):
    embedding = check_array(
        embedding, dtype=np.float64, ensure_min_samples=2, input_name=name, estimator=None
    )
    is_zero = ~embedding.any(axis=1)
    if is_zero.any():
        raise ValueError(
            f"{name} has rows of zeros, first row {np.flatnonzero(is_zero)[0]}, which have no "
            "direction. Remove these records."
        )
    return embedding


def _membership(y, embedding):
    """Return an indicator (n_records, n_classes) as floats, and the names of its columns."""
    columns = column_names(y)
    y = as_label_array(y, "y")
    check_consistent_length(embedding, y)
    if y.ndim == 1:
        classes, values = np.unique(y, return_inverse=True)
        return np.eye(len(classes))[values], pd.Index(classes, name="class")
    if y.ndim != 2 or not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y must contain classes, of shape (n_records,), or be a multilabel indicator of 0 and "
            f"1, of shape (n_records, n_labels), got an array of shape {y.shape}."
        )
    columns = range(y.shape[1]) if columns is None else columns
    return y.astype(np.float64), pd.Index(columns, name="label")


def _mean_by_class(values, membership, names):
    """Average the values (n_records, 1 or n_classes) over the records of each class."""
    n_records = membership.sum(axis=0)
    total = (values * membership).sum(axis=0)
    mean = np.divide(total, n_records, out=np.full(len(names), np.nan), where=n_records > 0)
    return pd.Series(mean, index=names)
