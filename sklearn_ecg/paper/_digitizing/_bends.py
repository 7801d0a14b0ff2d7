"""Smooth bends of paper: what the grid deviates from a plane sheet, as polynomials."""

from dataclasses import dataclass

import numpy as np

# mm: side of the cells in which a bent page is turned upright.
CELL = 10.0
_DEGREE = 3
_REGULARIZATION = 1e-4


@dataclass
class Bend:
    """Displacements in mm of points of a plane sheet.

    Attributes
    ----------
    center : tuple of float
    size : float
        Half the size of the sheet, in mm.
    coefficients : ndarray of shape (n_terms, 2)
    """

    center: tuple
    size: float
    coefficients: np.ndarray

    def displacement(self, u, v):
        """Return the displacements in both directions."""
        moved = _terms(u, v, self.center, self.size) @ self.coefficients
        return moved[..., 0], moved[..., 1]

    def flatten(self, u, v):
        """Return the points of the plane sheet that are displaced to (u, v)."""
        a, b = u, v
        for _ in range(2):
            du, dv = self.displacement(a, b)
            a, b = u - du, v - dv
        return a, b


def fit_bend(u, v, measured, good):
    """Fit polynomials to displacements that are known up to a period.

    Parameters
    ----------
    u, v : ndarray of shape (n_blocks,)
        Points in mm.
    measured : list of (ndarray, ndarray, float)
        Displacements of the points in both directions, and their period, the longest first.
    good : ndarray of shape (n_blocks,), bool
        Points with a grid.

    Returns
    -------
    bend : Bend
    error : ndarray of shape (n_blocks,)
        Distance in mm between the displacements and the polynomials.
    """
    center = float(u[good].mean()), float(v[good].mean())
    size = float(max(np.ptp(u[good]), np.ptp(v[good])) / 2)
    terms = _terms(u, v, center, size)
    coefficients = np.zeros((terms.shape[1], 2))
    error = np.zeros(len(u))
    for du, dv, period in measured:
        for tolerance in (0.35, 0.25, 0.2):
            rest = np.stack([du, dv], axis=1) - terms @ coefficients
            rest -= period * np.round(rest / period)
            error = np.hypot(*rest.T)
            used = good & (error < tolerance * period)
            if used.sum() < 3 * terms.shape[1]:
                break
            matrix = terms[used]
            ridge = _REGULARIZATION * used.sum() * np.eye(terms.shape[1])
            coefficients = coefficients + np.linalg.solve(
                matrix.T @ matrix + ridge, matrix.T @ rest[used]
            )
        rest = np.stack([du, dv], axis=1) - terms @ coefficients
        rest -= period * np.round(rest / period)
        error = np.hypot(*rest.T)
    return Bend(center, size, coefficients), error


def _terms(u, v, center, size):
    # Outside of the points, polynomials would grow without limit.
    a = np.clip((np.asarray(u) - center[0]) / size, -1.1, 1.1)
    b = np.clip((np.asarray(v) - center[1]) / size, -1.1, 1.1)
    return np.stack(
        [a**i * b**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)], axis=-1
    )
