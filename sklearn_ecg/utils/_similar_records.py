"""Find records or images that are nearly the same, without comparing all pairs.

Each record is summarized by a few numbers, which differ by no more than the records do. Only
neighbors among the summaries, found with a k-d tree, are compared.
"""

import numpy as np
from scipy.spatial import KDTree
from scipy.stats import chi2

from ._chunks import TRANSFORM, record_chunks

# Blocks of a record that are summarized by their mean, maximum and minimum.
_N_BLOCKS = 6
# Single values of each record that are compared before whole records, and how many of them are in
# the summary.
_N_PROBES, _N_SUMMARIZED_PROBES = 256, 32
# Summaries in a leaf of the k-d tree. In many dimensions, small leaves are slower.
_LEAF_SIZE = 64

# Height and width of a thumbnail.
_THUMBNAIL_SIZE = 64
# Coordinates of thumbnails in their summaries: along the main directions of some thumbnails, and
# along random directions.
_N_REFERENCES, _N_MAIN, _N_RANDOM = 256, 32, 32
# Probability that the random coordinates of two thumbnails differ by more than the thumbnails.
_RISK = 1e-12
# Thumbnails are stored in float32.
_CORRELATION_ERROR = 1e-6


def pairs_within_tolerance(X, chosen, tolerance):
    """Return pairs that connect all records whose values differ by no more than a tolerance.

    Parameters
    ----------
    X : ndarray of shape (n_records, ...)
    chosen : ndarray of int
        Positions of the records to compare, which differ from each other.
    tolerance : float
        NaN equals NaN, and infinity equals infinity.

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2)
        Positions in `chosen`. Pairs that are connected by others are left out, so that their number
        stays below that of the records.
    """
    chunks = record_chunks(len(chosen), X[0].size, TRANSFORM)
    positions, spread = _choose_probes(X, chosen, chunks)
    blocks, probes = [], []
    for chunk in chunks:
        values = _finite_values(X[chosen[chunk]])
        blocks.append(_summarize_blocks(values))
        probes.append(values[:, positions])
    blocks, probes = np.concatenate(blocks), np.concatenate(probes)
    widest = np.argsort(-spread, kind="stable")[:_N_SUMMARIZED_PROBES]
    summaries = np.hstack([blocks, probes[:, widest]])
    # Means are rounded, so the radius is a little larger than the tolerance.
    radius = tolerance + 1e-9 * (tolerance + np.abs(summaries).max())

    def preselect(i, candidates):
        differences = probes[candidates]
        differences -= probes[i]
        return candidates[(np.abs(differences, out=differences) <= tolerance).all(axis=1)]

    def is_match(i, j):
        return _is_similar(X[chosen[i]], X[chosen[j]], tolerance)

    return _connect_neighbors(summaries, radius, np.inf, preselect, is_match)


def pairs_of_correlated_images(X, chosen, correlation):
    """Return pairs that connect all images whose thumbnails have at least a correlation.

    Parameters
    ----------
    X : ndarray of shape (n_images, height, width) or (n_images, height, width, n_channels)
        Finite.
    chosen : ndarray of int
        Positions of the images to compare.
    correlation : float

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2)
        As those of `pairs_within_tolerance`.
    """
    chunks = record_chunks(len(chosen), X[0].size, TRANSFORM)
    thumbnails = np.concatenate([_thumbnails(X[chosen[chunk]]) for chunk in chunks])
    correlation = correlation - _CORRELATION_ERROR
    # The correlation of vectors of length 1 determines their distance, and both halves of the
    # summaries differ by no more than that.
    radius = np.sqrt(2) * np.sqrt(2 * (1 - correlation))
    summaries = np.hstack([_main_coordinates(thumbnails), _random_coordinates(thumbnails)])

    def preselect(i, candidates):
        return candidates[thumbnails[candidates] @ thumbnails[i] >= correlation]

    def is_match(i, j):
        return True

    return _connect_neighbors(summaries, radius, 2, preselect, is_match)


def _connect_neighbors(summaries, radius, norm, preselect, is_match):
    """Return pairs that connect all records that match.

    Parameters
    ----------
    summaries : ndarray of shape (n_records, n_values)
    radius : float
        Largest distance between the summaries of records that match.
    norm : float
        Norm of the distance, 2 or infinity.
    preselect : callable
        Called with a position and an array of candidates, returns those that may match it.
    is_match : callable
        Called with two positions.
    """
    tree = KDTree(summaries, leafsize=_LEAF_SIZE)
    # Sets of connected records: the set of each record, and the members of each set.
    set_of = np.arange(len(summaries))
    members = [[i] for i in range(len(summaries))]
    pairs = []
    for i in range(len(summaries)):
        if len(members[set_of[i]]) == len(summaries):
            break
        candidates = np.asarray(tree.query_ball_point(summaries[i], radius, p=norm))
        candidates = np.sort(candidates[(candidates > i) & (set_of[candidates] != set_of[i])])
        for j in preselect(i, candidates):
            # An earlier candidate may have connected the two.
            if set_of[i] == set_of[j] or not is_match(i, j):
                continue
            pairs.append((i, j))
            small, large = sorted((set_of[i], set_of[j]), key=lambda k: len(members[k]))
            set_of[members[small]] = large
            members[large] += members[small]
            members[small] = []
    return np.asarray(pairs, dtype=np.intp).reshape(-1, 2)


def _finite_values(X):
    """Return the values of records in float64, with 0 in the place of NaN and infinity.

    Records that are the same have NaN and infinity at the same places.
    """
    X = X.reshape(len(X), -1).astype(np.float64)
    X[~np.isfinite(X)] = 0
    return X


def _summarize_blocks(X):
    """Return means, maxima and minima of blocks, which differ by no more than the values do."""
    blocks = np.array_split(X, min(_N_BLOCKS, X.shape[1]), axis=1)
    statistics = (np.mean, np.max, np.min)
    return np.stack([statistic(b, axis=1) for b in blocks for statistic in statistics], axis=1)


def _choose_probes(X, chosen, chunks):
    """Choose positions of values that differ much between records, spread over the record.

    Returns
    -------
    positions : ndarray of shape (n_probes,)
        Positions in the flattened record.
    spread : ndarray of shape (n_probes,)
        Variance of the values at these positions.
    """
    total = squares = 0.0
    # Variances of differences from a record are exact enough for a large offset, too.
    origin = _finite_values(X[chosen[:1]])
    # Of huge values the squares are infinite: their variances need not be compared.
    with np.errstate(over="ignore", invalid="ignore"):
        for chunk in chunks:
            differences = _finite_values(X[chosen[chunk]]) - origin
            total = total + differences.sum(axis=0)
            squares = squares + np.einsum("ij,ij->j", differences, differences)
        variance = squares / len(chosen) - (total / len(chosen)) ** 2
    variance = np.where(np.isnan(variance), np.inf, variance)
    edges = np.linspace(0, len(variance), min(_N_PROBES, len(variance)) + 1).astype(int)
    positions = np.array(
        [start + variance[start:stop].argmax() for start, stop in zip(edges, edges[1:])]
    )
    return positions, variance[positions]


def _is_similar(record, other, tolerance):
    """Return whether two records differ by no more than the tolerance; NaN equals NaN."""
    record, other = record.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        similar = np.abs(record - other) <= tolerance
    similar |= (record == other) | (np.isnan(record) & np.isnan(other))
    return bool(similar.all())


def _thumbnails(images):
    """Return small gray images with a mean of 0 and a length of 1, as float32 rows.

    Pixels are means of areas. The thumbnail of a blank image is 0, and has no correlation.
    """
    images = images.astype(np.float64)
    if images.ndim == 4:
        # The last of two or four channels is the opacity.
        n_colors = images.shape[3] - (images.shape[3] in (2, 4))
        images = images[..., :n_colors].mean(axis=3)
    for axis in (1, 2):
        length = images.shape[axis]
        edges = np.linspace(0, length, min(_THUMBNAIL_SIZE, length) + 1).astype(int)
        shape = [1, 1, 1]
        shape[axis] = -1
        images = np.add.reduceat(images, edges[:-1], axis=axis) / np.diff(edges).reshape(shape)
    rows = images.reshape(len(images), -1)
    magnitude = np.abs(rows).max(axis=1, keepdims=True)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    is_blank = length <= 1e-6 * magnitude
    return np.divide(rows, length, out=np.zeros_like(rows), where=~is_blank).astype(np.float32)


def _main_coordinates(thumbnails):
    """Return the coordinates along the directions in which some of the thumbnails differ most.

    Few of them contain most of a difference between two pages.
    """
    step = -(-len(thumbnails) // _N_REFERENCES)
    references = thumbnails[::step].astype(np.float64)
    _, _, directions = np.linalg.svd(references - references.mean(axis=0), full_matrices=False)
    return thumbnails @ directions[:_N_MAIN].T.astype(np.float32)


def _random_coordinates(thumbnails):
    """Return coordinates along random directions, which represent images without structure."""
    shape = thumbnails.shape[1], _N_RANDOM
    directions = np.random.RandomState(0).standard_normal(shape)
    directions /= np.sqrt(chi2.isf(_RISK, _N_RANDOM))
    return thumbnails @ directions.astype(np.float32)
