"""Smooth bends of paper: what the grid deviates from a plane sheet."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.linalg import solveh_banded
from scipy.ndimage import map_coordinates

# mm: side of the cells in which a bent page is turned upright.
CELL = 10.0
_DEGREE = 3
_REGULARIZATION = 1e-4
# mm: points that were followed and are further away are left out of the next fit.
_FOLLOWED = (4.0, 2.0, 1.0)
# Weights of the second differences of the net, for points that were followed and for exact ones.
_STIFFNESS = 3.0, 1.5
_EXTENT = 1.1


@dataclass
class Bend:
    """Displacements in mm of points of a plane sheet: polynomials, and a net of cells on top.

    Attributes
    ----------
    center : tuple of float
    size : float
        Half the size of the sheet, in mm.
    coefficients : ndarray of shape (n_terms, 2)
        Of the polynomials.
    net : ndarray of shape (2, n_rows, n_columns)
        Displacements at the corners of cells.
    """

    center: tuple
    size: float
    coefficients: np.ndarray
    net: np.ndarray

    def displacement(self, u, v):
        """Return the displacements in both directions."""
        moved = _terms(u, v, self.center, self.size) @ self.coefficients
        row, column = _cells(u, v, self.center, self.size)
        return tuple(
            moved[..., axis]
            + map_coordinates(self.net[axis], [row, column], order=1, mode="nearest")
            for axis in (0, 1)
        )

    def flatten(self, u, v):
        """Return the points of the plane sheet that are displaced to (u, v)."""
        a, b = u, v
        for _ in range(3):
            du, dv = self.displacement(a, b)
            a, b = u - du, v - dv
        return a, b


def fit_bend(u, v, measured, traced=None):
    """Fit a smooth bend to displacements that are known up to a period.

    Parameters
    ----------
    u, v : ndarray
        Points in mm.
    measured : list of (ndarray, ndarray, float, ndarray)
        Displacements of the points in both directions, their period, and where they are legible.
        The longest period comes first.
    traced : list of ndarray or None
        Places of the points whose periods were followed from one to the next.

    Returns
    -------
    bend : Bend
    """
    legible = np.any([legible for *_, legible in measured], axis=0)
    center = float(u[legible].mean()), float(v[legible].mean())
    size = float(max(np.ptp(u[legible]), np.ptp(v[legible])) / 2)
    bend = Bend(center, size, np.zeros((_N_TERMS, 2)), np.zeros((2, *_net_shape(size))))
    if traced is not None:
        rest = np.array([traced[0] - u, traced[1] - v])
        legible = measured[0][3]
        _fit_polynomials(bend, u, v, rest, legible, _FOLLOWED)
        for tolerance in _FOLLOWED[1:]:
            distance = np.hypot(*(rest - bend.displacement(u, v)))
            _fit_net(bend, u, v, rest, legible & (distance < tolerance), _STIFFNESS[0])
        measured = measured[1:]
    for du, dv, period, legible in measured:
        for i, tolerance in enumerate((0.35, 0.25, 0.2)):
            moved = np.array(bend.displacement(u, v))
            rest = np.array([du, dv]) - moved
            rest -= period * np.round(rest / period)
            used = legible & (np.hypot(*rest) < tolerance * period)
            if used.sum() < 3 * _N_TERMS:
                break
            if i == 0 and traced is None:
                _fit_polynomials(bend, u, v, rest + moved, used, ())
            else:
                _fit_net(bend, u, v, rest + moved, used, _STIFFNESS[1])
    return bend


def correct_bend(bend, u, v, displacements, used):
    """Fit the net of a bend to displacements whose periods are known, in place.

    Parameters
    ----------
    bend : Bend
    u, v : ndarray
        Points in mm.
    displacements : ndarray of shape (2, ...)
        Of these points, in both directions.
    used : ndarray of bool
        Points with lines.
    """
    if used.sum() >= 3 * _N_TERMS:
        _fit_net(bend, u, v, displacements, used, _STIFFNESS[1])


def _fit_polynomials(bend, u, v, rest, used, tolerances):
    """Fit the polynomials to displacements, in place, with the net as it is."""
    terms = _terms(u, v, bend.center, bend.size)
    polynomials = Bend(bend.center, bend.size, bend.coefficients, np.zeros_like(bend.net))
    net = np.subtract(bend.displacement(u, v), polynomials.displacement(u, v))
    rest = np.moveaxis(rest - net, 0, -1)
    kept = used
    for tolerance in (*tolerances, None):
        if kept.sum() >= 3 * _N_TERMS:
            matrix = terms[kept]
            ridge = _REGULARIZATION * len(matrix) * np.eye(_N_TERMS)
            bend.coefficients = np.linalg.solve(matrix.T @ matrix + ridge, matrix.T @ rest[kept])
        if tolerance is not None:
            kept = used & (np.linalg.norm(rest - terms @ bend.coefficients, axis=-1) < tolerance)


def _fit_net(bend, u, v, rest, used, stiffness):
    """Fit the net to what the polynomials leave of displacements, in place."""
    shape = bend.net.shape[1:]
    row, column = (place[used] for place in _cells(u, v, bend.center, bend.size))
    row, column = np.clip(row, 0, shape[0] - 1.001), np.clip(column, 0, shape[1] - 1.001)
    i, j = row.astype(int), column.astype(int)
    a, b = row - i, column - j
    point = np.arange(len(row))
    matrix = sparse.coo_array(
        (
            np.concatenate([(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b]),
            (
                np.tile(point, 4),
                np.concatenate(
                    [(i + di) * shape[1] + j + dj for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1))]
                ),
            ),
        ),
        shape=(len(row), shape[0] * shape[1]),
    ).tocsr()
    polynomials = Bend(bend.center, bend.size, bend.coefficients, np.zeros_like(bend.net))
    target = (rest - np.array(polynomials.displacement(u, v)))[:, used]
    bands = stiffness * _stiff_bands(shape)
    # Far from all points, the net is flat.
    bands[0] += 1e-3
    points = sparse.tril(matrix.T @ matrix).tocoo()
    bands[points.row - points.col, points.col] += points.data
    bend.net = solveh_banded(bands, matrix.T @ target.T, lower=True).T.reshape(bend.net.shape)


@lru_cache(maxsize=4)
def _stiff_bands(shape):
    """Return the squares of the second differences of a net, as of a stiff sheet.

    Each corner depends on those up to two rows below: the lower bands of a symmetric matrix.
    """
    down, across = (
        sparse.diags_array(
            [np.ones(n - 2), np.full(n - 2, -2.0), np.ones(n - 2)],
            offsets=[0, 1, 2],
            shape=(n - 2, n),
        )
        for n in shape
    )
    down = sparse.kron(down, sparse.eye_array(shape[1]))
    across = sparse.kron(sparse.eye_array(shape[0]), across)
    system = sparse.tril(down.T @ down + across.T @ across).tocoo()
    bands = np.zeros((2 * shape[1] + 1, system.shape[0]))
    bands[system.row - system.col, system.col] = system.data
    return bands


_N_TERMS = (_DEGREE + 1) * (_DEGREE + 2) // 2


def _terms(u, v, center, size):
    # Outside of the points, polynomials would grow without limit.
    a = np.clip((np.asarray(u) - center[0]) / size, -_EXTENT, _EXTENT)
    b = np.clip((np.asarray(v) - center[1]) / size, -_EXTENT, _EXTENT)
    return np.stack(
        [a**i * b**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)], axis=-1
    )


def _net_shape(size):
    return (int(2 * _EXTENT * size / CELL) + 2,) * 2


def _cells(u, v, center, size):
    """Return rows and columns of the net, with fractions."""
    return (
        (np.asarray(v) - center[1] + _EXTENT * size) / CELL,
        (np.asarray(u) - center[0] + _EXTENT * size) / CELL,
    )
