"""The map from pixels to mm of paper, from the phase of the grid in every part of a page."""

import numpy as np
from scipy.ndimage import convolve1d

from ._grids import Grid
from ._homographies import apply_homography, fit_homography, fit_most, measure_pitch
from ._lattice import find_lattice
from ._plane_fit import LEAST_BLOCKS, improve
from ._refusal import PageRefusedError
from ._unwrapping import follow_phases
from ._waves import BLOCK, COHERENT, demodulate, measure_coherence

# Share of the blocks with a grid that has to agree with one plane sheet of paper.
_MIN_SHARE = 0.7
# Fits of a tilted page at most, before the last one. After a fit that moves no corner by these mm,
# the next one moves them by less than 0.1 mm.
_MAX_FITS, _SETTLED = 2, 1.0
# Variation of the denominator of a homography over a page in perspective, and over one that needs
# no fit without it.
_TILTED, _MUCH = 0.003, 0.01


def fit_grid(page, paper_speed=25):
    """Fit a homography to the grid of a page.

    Parameters
    ----------
    page : Page
    paper_speed : {25, 50}, default=25

    Returns
    -------
    grid : Grid or None
        None if there is no grid.

    Raises
    ------
    PageRefusedError
        If there is one that is not that of a plane sheet.
    """
    lattice = find_lattice(page, paper_speed)
    if lattice is None:
        return None
    phases = _measure_phases(lattice)
    to_page = np.diag([1 / lattice.reduction, 1 / lattice.reduction, 1.0])
    grown, plane = _grow(phases, lattice) @ to_page, None
    if not _is_tilted(grown, page, _MUCH):
        plane = improve(page, grown)
    found = plane
    if plane is None or _is_tilted(plane.to_paper, page) or not plane.is_good:
        # In the first fit, the pitch is not right everywhere.
        found = _improve_tilted(page, _follow(lattice) @ to_page)
        if not found.is_good:
            found = _choose(page, found, plane or _try_to_improve(page, grown))
    if found.share < _MIN_SHARE:
        raise PageRefusedError(
            "grid",
            f"only {found.share:.0%} of the grid agrees with one plane sheet of paper: the page is "
            "folded, curved, or has several sheets",
        )
    if found.is_displaced:
        raise PageRefusedError(
            "grid",
            "a part of the grid is displaced by about one mm or more: the page is folded or curved",
        )
    return _describe(page, found)


def _choose(page, found, plane):
    """Return the better one of the fits of a page in perspective and of an upright page."""
    if plane is None or _is_tilted(plane.to_paper, page):
        return found
    return max(found, plane, key=lambda fit: (not fit.is_displaced, fit.share))


def _try_to_improve(page, to_paper):
    try:
        return improve(page, to_paper)
    except PageRefusedError:
        return None


def _improve_tilted(page, to_paper):
    """Fit the homography of a page in perspective until it settles, and then its bends."""
    for _ in range(_MAX_FITS):
        before, fit = to_paper, improve(page, to_paper, followed=True, bent=True)
        to_paper = fit.to_paper
        if _largest_move(before, to_paper, page) < _SETTLED:
            if fit.bend is None:
                return fit
            break
    # Bends depend on where the lines of the plane are, and are measured best on paper that is
    # nearly flat.
    fit = improve(page, to_paper, followed=True, bent=True)
    if fit.bend is None:
        return fit
    bent = improve(page, fit.to_paper, followed=True, bent=True, bend=fit.bend)
    return bent if bent.bend is not None else improve(page, fit.to_paper, followed=True)


def _is_tilted(to_paper, page, limit=_TILTED):
    """Whether the denominator of a homography varies over the page."""
    width, height = page.darkest.size
    return abs(to_paper[2, 0]) * width + abs(to_paper[2, 1]) * height > limit


def _largest_move(before, after, page):
    """Return by how many mm two maps that agree in the middle of a page differ in its corners."""
    width, height = page.darkest.size
    x = width * np.array([0.5, 0, 1, 0, 1])
    y = height * np.array([0.5, 0, 0, 1, 1])
    moves = np.subtract(apply_homography(after, x, y), apply_homography(before, x, y))
    return np.hypot(*(moves - moves[:, :1])).max()


def _measure_phases(lattice):
    """Return, for both directions, position, phase in cycles, weight, and harmonic of blocks."""
    # The strongest harmonic; the first one is preferred, as it cannot be confused as easily.
    harmonics = [
        1 if strengths[0] > 0.6 * strengths.max() else int(np.argmax(strengths)) + 1
        for strengths in lattice.strengths
    ]
    vectors = [n * vector for n, vector in zip(harmonics, (lattice.across, lattice.along))]
    x, y, phasors = demodulate(lattice.pixels, vectors)
    return [
        (x, y, np.angle(phasor) / (2 * np.pi), measure_coherence(phasor), harmonic)
        for phasor, harmonic in zip(phasors, harmonics)
    ]


def _grow(phases, lattice):
    """Fit a homography to a growing part of the page, so that no cycle is missed."""
    weight = np.sqrt(phases[0][3] * phases[1][3])
    smooth = weight
    for axis in (0, 1):
        smooth = convolve1d(smooth, np.ones(7), axis=axis, mode="constant")
    x, y = phases[0][0], phases[0][1]
    center = np.unravel_index(np.argmax(smooth), smooth.shape)
    distance = np.hypot(x - x[center], y - y[center])
    # The phase of exp(2 pi i f x) times a wave cos(2 pi (f x + d)) is -d: lines are where
    # f x + d is a whole number.
    measured = []
    for (_, _, phase, _, harmonic), vector in zip(phases, (lattice.across, lattice.along)):
        cycles = harmonic * (vector[0] * x + vector[1] * y) - phase
        # In mm.
        measured.append((cycles * 5 / harmonic, 5 / harmonic))
    scale = 5 * np.array([lattice.across, lattice.along])
    model = np.eye(3)
    model[:2, :2] = scale
    for axis in (0, 1):
        model[axis, 2] = measured[axis][0][center] - (
            scale[axis, 0] * x[center] + scale[axis, 1] * y[center]
        )
    limit = 0.6
    radius, largest = 3 * BLOCK, distance.max()
    while True:
        near = (distance <= radius) & (weight > limit)
        u, v = apply_homography(model, x[near], y[near])
        targets, errors = [], []
        for predicted, (value, period) in zip((u, v), measured):
            off = value[near] - predicted
            off -= period * np.round(off / period)
            targets.append(predicted + off)
            errors.append(off / period)
        good = np.hypot(*errors) < 0.3
        if good.sum() >= 6:
            few = radius < 8 * BLOCK
            model = fit_homography(
                x[near][good],
                y[near][good],
                targets[0][good],
                targets[1][good],
                weight[near][good],
                affine=few,
            )
        if radius >= largest:
            return model
        radius *= 1.15


def _follow(lattice):
    """Fit a homography to the lines of 5 mm, which are followed over the whole page."""
    x, y, phasors = demodulate(lattice.pixels, (lattice.across, lattice.along))
    quality = np.minimum(*map(measure_coherence, phasors))
    good = quality > COHERENT
    if good.sum() < LEAST_BLOCKS:
        raise PageRefusedError("grid", "too little of the grid is legible")
    offs = follow_phases(-5 * np.angle(phasors) / (2 * np.pi), 5.0, quality)
    places = [
        (5 * (vector[0] * x + vector[1] * y) + off)[good]
        for off, vector in zip(offs, (lattice.across, lattice.along))
    ]
    return fit_most(x[good], y[good], *places)


def _describe(page, fit):
    """Return the grid of a fit."""
    width, height = page.darkest.size
    (across, down), matrix = measure_pitch(fit.to_paper, width / 2, height / 2)
    corners = np.array(
        [
            measure_pitch(fit.to_paper, a * width, b * height)[0]
            for a in (0.05, 0.95)
            for b in (0.05, 0.95)
        ]
    )
    rotation = -float(np.degrees(np.arctan2(matrix[1, 0], matrix[1, 1])))
    return Grid(
        to_paper=fit.to_paper,
        pitch=(float(across) * page.reduction, float(down) * page.reduction),
        rotation=rotation,
        perspective=float((corners.max(axis=0) / corners.min(axis=0)).max() - 1),
        share=float(fit.share),
        sheet=fit.sheet,
        bend=fit.bend,
    )
