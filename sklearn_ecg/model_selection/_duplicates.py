"""Detection of records that are the same signal or image."""

from hashlib import blake2b
from numbers import Real

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import Interval, validate_params

from .._validation._samples import check_groups, check_records, number_groups
from ..utils._similar_records import pairs_of_correlated_images, pairs_within_tolerance

# Height and width of the smallest images whose thumbnails are compared. Signals have fewer leads.
_MIN_IMAGE_SIZE = 16
CORRELATION_CONSTRAINT = [Interval(Real, 0, 1, closed="right"), None]


@validate_params(
    {
        "X": ["array-like"],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "thumbnail_correlation": CORRELATION_CONSTRAINT,
        "groups": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def duplicate_groups(X, *, tolerance=0.0, thumbnail_correlation=None, groups=None):
    """Assign the same group to records that are the same signal or image.

    If an ECG is in a data set twice, once in the training set and once in the test set, scores are
    too optimistic. Pass the result as ``groups`` to a splitter that uses groups, such as
    `sklearn.model_selection.StratifiedGroupKFold`.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals in any container, including 2-D rows, for which ``n_leads`` is not needed; or images
        of shape (n_records, height, width) or (n_records, height, width, channels). The values may
        have any numeric dtype.
    tolerance : float, default=0.0
        Largest absolute difference, in the unit of X, between corresponding values of two records
        that are considered the same, >= 0. With 0, records must be equal. NaN equals NaN.
    thumbnail_correlation : float or None, default=None
        For images, smallest correlation between the thumbnails of two images that are considered
        the same, in addition to those within the tolerance, > 0 and <= 1. A thumbnail has 64 x 64
        gray values, which are means of areas. This finds copies that were compressed again or
        resized. In printed ECGs of one device, 0.98 separates JPEG copies from different pages: see
        the user guide. None does not compare thumbnails.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. If given, the records of a patient share a group as well, and two
        patients who share a record become one group.

    Returns
    -------
    numbers : ndarray of shape (n_records,), int
        Group of each record, numbered from 0 in order of appearance. Sameness is transitive: with
        a tolerance, the first and last records of a chain of similar records share a group even if
        they differ by more than the tolerance.

    Raises
    ------
    ValueError
        If X does not hold one record of numbers per row, if it does not hold finite images of at
        least 16 x 16 pixels and thumbnails are compared, if the lengths differ, or if a patient is
        missing.

    See Also
    --------
    check_disjoint_groups : Check that no split separates the records of a group.

    Notes
    -----
    Equal records are found by a 128-bit hash of their values. For the other comparisons, one record
    of each set of equal records is summarized by a few numbers, which never differ by more than the
    records do: means, maxima and minima of six blocks and 32 single values, or coordinates of the
    thumbnail. Only neighbors among the summaries, found with a k-d tree, are candidates. Those
    within the tolerance in 256 single values are compared value by value in float64. Memory is
    linear in the number of records. Few pairs are compared as long as most records differ by more
    than the tolerance in many values; with a tolerance as large as the values themselves, all pairs
    are candidates.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import duplicate_groups
    >>> X = np.random.RandomState(0).randn(6, 12, 100)
    >>> X[4] = X[1]
    >>> X[5] = X[0] + 0.001
    >>> duplicate_groups(X)
    array([0, 1, 2, 3, 1, 4])
    >>> duplicate_groups(X, tolerance=0.002)
    array([0, 1, 2, 3, 1, 0])
    >>> duplicate_groups(X, groups=["a", "a", "b", "c", "d", "d"])
    array([0, 0, 1, 2, 0, 0])

    Images that were saved again differ in many pixels, but not in their thumbnails:

    >>> images = np.random.RandomState(0).randint(0, 200, size=(4, 100, 100))
    >>> images[3] = images[1] + np.random.RandomState(1).randint(0, 50, size=(100, 100))
    >>> duplicate_groups(images)
    array([0, 1, 2, 3])
    >>> duplicate_groups(images, thumbnail_correlation=0.95)
    array([0, 1, 2, 1])
    """
    X = check_records(X)
    if len(X) == 0:
        return np.empty(0, dtype=np.intp)
    if thumbnail_correlation is not None:
        _check_images(X)
    numbers = _number_equal_records(X)
    first = np.unique(numbers, return_index=True)[1]
    pairs = []
    if tolerance > 0:
        pairs.append(pairs_within_tolerance(X, first, tolerance))
    if thumbnail_correlation is not None:
        pairs.append(pairs_of_correlated_images(X, first, thumbnail_correlation))
    if pairs:
        numbers = _connected_components(len(first), np.concatenate(pairs))[numbers]
    if groups is not None:
        groups = check_groups(groups, len(X))
        patients, _ = number_groups(groups)
        # In this graph, each record is an edge between its signal and its patient.
        pairs = np.stack([numbers, patients + len(X)], axis=1)
        numbers = _connected_components(2 * len(X), pairs)[numbers]
    # Renumber the groups in order of appearance.
    _, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]


def _number_equal_records(X):
    """Return a number for each record, from 0, that equal records share."""
    known = {}
    numbers = (known.setdefault(digest, len(known)) for digest in record_digests(X))
    return np.fromiter(numbers, dtype=np.intp, count=len(X))


def record_digests(X, dtype=None):
    """Yield a 128-bit hash of the values of each record.

    Parameters
    ----------
    X : ndarray of shape (n_records, ...)
    dtype : dtype or None, default=None
        Data type to which values are converted, such that records of different types can be
        compared.

    Yields
    ------
    digest : bytes
    """
    for record in X:
        record = record if dtype is None else record.astype(dtype)
        if record.dtype.kind == "f":
            # Equal values must have equal bytes: -0.0 + 0.0 is 0.0, and all NaN become the same.
            record = record + record.dtype.type(0)
            record[np.isnan(record)] = np.nan
        yield blake2b(np.ascontiguousarray(record), digest_size=16).digest()


def _check_images(X):
    """Raise unless records are images whose thumbnails can be compared."""
    is_image = X.ndim == 3 or (X.ndim == 4 and X.shape[3] in (1, 2, 3, 4))
    if not is_image or min(X.shape[1:3]) < _MIN_IMAGE_SIZE:
        raise ValueError(
            "thumbnail_correlation compares images of shape (n_records, height, width) or "
            f"(n_records, height, width, channels) with at least {_MIN_IMAGE_SIZE} x "
            f"{_MIN_IMAGE_SIZE} pixels, got shape {X.shape}. For signals, pass tolerance."
        )
    for image in X:
        assert_all_finite(image, input_name="X")


def _connected_components(n_nodes, pairs):
    """Return the number of the connected component of each node."""
    # Indices of 64 bits give wrong components with SciPy 1.11.
    indices = pairs.T.astype(np.int32)
    graph = coo_array((np.ones(len(pairs), dtype=bool), indices), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1]
