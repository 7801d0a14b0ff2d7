"""Homographies: the algebra of maps from one plane to another."""

import numpy as np

# Shares of the points that remain, one fit after the other.
_NEAREST = (0.9, 0.8, 0.7, 0.7, 0.7)


def apply_homography(model, x, y):
    """Return the points that a homography maps (x, y) to."""
    denominator = model[2, 0] * x + model[2, 1] * y + model[2, 2]
    return (
        (model[0, 0] * x + model[0, 1] * y + model[0, 2]) / denominator,
        (model[1, 0] * x + model[1, 1] * y + model[1, 2]) / denominator,
    )


def fit_homography(x, y, u, v, weight, *, affine=False):
    """Return the homography of least squares from (x, y) to (u, v)."""
    # Coordinates of about one, for a well-conditioned system.
    x0, y0, size = x.mean(), y.mean(), max(np.ptp(x), np.ptp(y), 1.0)
    u0, v0, length = u.mean(), v.mean(), max(np.ptp(u), np.ptp(v), 1.0)
    a, b = (x - x0) / size, (y - y0) / size
    c, d = (u - u0) / length, (v - v0) / length
    one, zero = np.ones_like(a), np.zeros_like(a)
    n = 6 if affine else 8
    upper = np.stack([a, b, one, zero, zero, zero, -a * c, -b * c], axis=1)[:, :n]
    lower = np.stack([zero, zero, zero, a, b, one, -a * d, -b * d], axis=1)[:, :n]
    w = np.sqrt(np.concatenate([weight, weight]))
    matrix = np.concatenate([upper, lower]) * w[:, None]
    target = np.concatenate([c, d]) * w
    # Little noise must not become perspective.
    ridge = np.zeros((n, n))
    if not affine:
        ridge[6:, 6:] = np.eye(2) * 1e-4 * (w**2).sum()
    solution = np.linalg.solve(
        matrix.T @ matrix + ridge + 1e-9 * np.eye(n) * (w**2).sum(), matrix.T @ target
    )
    core = np.eye(3)
    core.flat[:n] = solution
    before = np.array([[1 / size, 0, -x0 / size], [0, 1 / size, -y0 / size], [0, 0, 1]])
    after = np.array([[length, 0, u0], [0, length, v0], [0, 0, 1]])
    model = after @ core @ before
    return model / model[2, 2]


def fit_most(x, y, u, v):
    """Return a homography to points of which some are several mm away from their place."""
    model = fit_homography(x, y, u, v, np.ones(len(x)))
    for share in _NEAREST:
        distance = np.hypot(*np.subtract(apply_homography(model, x, y), (u, v)))
        used = distance <= np.quantile(distance, share)
        model = fit_homography(x[used], y[used], u[used], v[used], np.ones(used.sum()))
    return model


def measure_pitch(to_paper, x, y):
    """Return pixels per mm in both directions at a pixel, and the derivatives of the map there."""
    u, v = apply_homography(to_paper, np.array([x, x + 1, x]), np.array([y, y, y + 1]))
    matrix = np.array([[u[1] - u[0], u[2] - u[0]], [v[1] - v[0], v[2] - v[0]]])
    return np.linalg.norm(np.linalg.inv(matrix), axis=0), matrix
