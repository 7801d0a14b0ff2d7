"""The map from pixels to mm of paper, from the phase of the grid in every part of a page."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import convolve1d

from ._bends import Bend, fit_bend
from ._lattice import HARMONICS, enhance_grid, find_lattice
from ._refusal import PageRefusedError
from ._sheets import Sheet, fill_sheet
from ._turning import turn_pixels
from ._unwrapping import follow_phases
from ._waves import BLOCK, demodulate, demodulate_upright, measure_coherence

# mm: a block further from the fitted grid does not belong to it.
_TOLERANCE = 0.35
# mm: the same for lines of 5 mm, whose places are less exact.
_COARSE_TOLERANCE = 0.5
# Share of the blocks with a grid that has to agree with one plane sheet of paper.
_MIN_SHARE = 0.7
_GOOD_SHARE = 0.9
# Pixels per mm of the page that the second fit uses.
_FIT_SCALE = 4.0
# Share of this scale that the pixels before it must have.
_FINER = 1.1
_LEASTBLOCKS, _BENTBLOCKS = 12, 40
# Shares of the blocks that remain, one fit after the other.
_NEAREST = (0.9, 0.8, 0.7, 0.7, 0.7)
# Fits of a tilted page at most, before the last one. After a fit that moves no corner by these mm,
# the next one moves them by less than 0.1 mm.
_MAX_FITS, _SETTLED = 2, 1.0
# Variation of the denominator of a homography over a page in perspective, and over one that needs
# no fit without it.
_TILTED, _MUCH = 0.003, 0.01
# Agreement of phases next to each other.
_COHERENT = 0.6
# mm: smaller displacements are no bends, and larger ones are those of paper that does not lie flat.
_FLAT, _BENT = 0.15, 1.5
# What a bend leaves of the distances of lines from their places, as a share of that of the plane.
_LEFT = 0.5


@dataclass
class Grid:
    """A plane sheet of paper in an image.

    Attributes
    ----------
    to_paper : ndarray of shape (3, 3)
        Homography from pixels (x, y, 1) of the page to mm.
    pitch : tuple of float
        Pixels per mm in the middle of the page, horizontally and vertically.
    rotation : float
        Degrees, of the horizontal lines in the middle of the page; positive is clockwise.
    perspective : float
        Largest change of the pitch over the page, as a ratio minus one.
    share : float
        Share of the blocks with a grid that agree with the homography.
    sheet : Sheet
        The part of the paper with a grid.
    bend : Bend or None
        Smooth displacements of the paper after the homography.
    """

    to_paper: np.ndarray
    pitch: tuple
    rotation: float
    perspective: float
    share: float
    sheet: Sheet
    bend: Bend | None


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
        plane = _improve(page, grown)
    found = plane
    if plane is None or _is_tilted(plane[0], page) or plane[1] < _GOOD_SHARE:
        # In the first fit, the pitch is not right everywhere.
        found = _improve_tilted(page, _follow(lattice) @ to_page)
        if found[1] < _GOOD_SHARE:
            plane = plane or _improve(page, grown)
            if not _is_tilted(plane[0], page) and found[1] < plane[1]:
                found = plane
    to_paper, share, sheet, bend = found
    if share < _MIN_SHARE:
        raise PageRefusedError(
            "grid",
            f"only {share:.0%} of the grid agrees with one plane sheet of paper: the page is "
            "folded, curved, or has several sheets",
        )
    return _describe(page, to_paper, share, sheet, bend)


def _improve_tilted(page, to_paper):
    """Fit the homography of a page in perspective until it settles, and then its bends."""
    for _ in range(_MAX_FITS):
        before, fit = to_paper, _improve(page, to_paper, followed=True, bent=True)
        to_paper = fit[0]
        if _largest_move(before, to_paper, page) < _SETTLED:
            if fit[3] is None:
                return fit
            break
    # Bends depend on where the lines of the plane are, and are measured best on paper that is
    # nearly flat.
    fit = _improve(page, to_paper, followed=True, bent=True)
    if fit[3] is None:
        return fit
    bent = _improve(page, fit[0], followed=True, bent=True, bend=fit[3])
    return bent if bent[3] is not None else _improve(page, fit[0], followed=True)


def _is_tilted(to_paper, page, limit=_TILTED):
    """Whether the denominator of a homography varies over the page."""
    width, height = page.darkest.size
    return abs(to_paper[2, 0]) * width + abs(to_paper[2, 1]) * height > limit


def _largest_move(before, after, page):
    """Return by how many mm two maps that agree in the middle of a page differ in its corners."""
    width, height = page.darkest.size
    x = width * np.array([0.5, 0, 1, 0, 1])
    y = height * np.array([0.5, 0, 0, 1, 1])
    moves = np.subtract(_apply(after, x, y), _apply(before, x, y))
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
        u, v = _apply(model, x[near], y[near])
        targets, errors = [], []
        for predicted, (value, period) in zip((u, v), measured):
            off = value[near] - predicted
            off -= period * np.round(off / period)
            targets.append(predicted + off)
            errors.append(off / period)
        good = np.hypot(*errors) < 0.3
        if good.sum() >= 6:
            few = radius < 8 * BLOCK
            model = _fit(
                x[near][good],
                y[near][good],
                targets[0][good],
                targets[1][good],
                weight[near][good],
                affine=few,
                around=model,
            )
        if radius >= largest:
            return model
        radius *= 1.15


def _follow(lattice):
    """Fit a homography to the lines of 5 mm, which are followed over the whole page."""
    x, y, phasors = demodulate(lattice.pixels, (lattice.across, lattice.along))
    quality = np.minimum(*map(measure_coherence, phasors))
    good = quality > _COHERENT
    if good.sum() < _LEASTBLOCKS:
        raise PageRefusedError("grid", "too little of the grid is legible")
    offs = follow_phases(-5 * np.angle(phasors) / (2 * np.pi), 5.0, quality)
    places = [
        (5 * (vector[0] * x + vector[1] * y) + off)[good]
        for off, vector in zip(offs, (lattice.across, lattice.along))
    ]
    return _fit_most(x[good], y[good], *places)


def _fit_most(x, y, u, v):
    """Return a homography to points of which some are several mm away from their place."""
    model = _fit(x, y, u, v, np.ones(len(x)))
    for share in _NEAREST:
        distance = np.hypot(*np.subtract(_apply(model, x, y), (u, v)))
        used = distance <= np.quantile(distance, share)
        model = _fit(x[used], y[used], u[used], v[used], np.ones(used.sum()))
    return model


def _apply(model, x, y):
    denominator = model[2, 0] * x + model[2, 1] * y + model[2, 2]
    return (
        (model[0, 0] * x + model[0, 1] * y + model[0, 2]) / denominator,
        (model[1, 0] * x + model[1, 1] * y + model[1, 2]) / denominator,
    )


def _fit(x, y, u, v, weight, *, affine=False, around=None):
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


def _improve(page, to_paper, *, followed=False, bent=False, bend=None):
    """Fit the homography to the phases of a page that it has made nearly upright.

    With a bend, the homography stays, and only the bend is fitted again.
    """
    width, height = page.darkest.size
    left, top, right, bottom = paper_bounds(to_paper, width, height)
    scale = _FIT_SCALE
    size = (int((right - left) * scale), int((bottom - top) * scale))
    plane = Grid(to_paper, (scale, scale), 0.0, 0.0, 0.0, None, bend)
    # Averages of pixels are less noisy than single ones.
    across, down = _pitch(to_paper, width / 2, height / 2)[0]
    reduction = max(1, int(_FINER * min(across, down) / scale))
    darkness = page.reduced_darkness(reduction)
    upright = turn_page(darkness, plane, (left, top), scale, size, reduction=reduction)
    pixels = enhance_grid(upright)
    pixels[find_outside((width, height), plane, (left, top), scale, size)] = 0
    fields, harmonics = {}, (1, HARMONICS)
    x, y, waves = demodulate_upright(pixels, [n / (5 * scale) for n in harmonics])
    for harmonic, (across, along) in zip(harmonics, waves):
        weight = np.sqrt(np.abs(across) * np.abs(along))
        coherence = np.minimum(measure_coherence(across), measure_coherence(along))
        fields[harmonic] = across, along, weight, coherence
    powers = [np.percentile(field[2], 75) for field in fields.values()]
    harmonic = HARMONICS if powers[1] > 0.5 * powers[0] else 1
    u, v = x / scale + left, y / scale + top
    offsets = {key: _offsets(field, 5 / key, left, top) for key, field in fields.items()}
    _, _, weight, coherence = fields[harmonic]
    period = 5 / harmonic
    off_u, off_v, strong = offsets[harmonic]
    used, traced = strong, None
    new_u, new_v = u, v
    if followed:
        good = offsets[1][2] & (fields[1][3] > _COHERENT)
        if good.sum() >= _LEASTBLOCKS:
            quality = np.where(offsets[1][2], fields[1][3], 0.0)
            traced = np.array([u, v]) + follow_phases(offsets[1][:2], 5.0, quality)
            if bend is None:
                first = _fit_most(u[good], v[good], traced[0][good], traced[1][good])
                new_u, new_v = _apply(first, u, v)
    correction = np.eye(3)
    if bend is not None:
        new_u, new_v = bend.flatten(u, v)
    for _ in range(0 if bend is not None else 3):
        if used.sum() < _LEASTBLOCKS:
            raise PageRefusedError("grid", "too little of the grid is legible")
        du, dv = u + off_u - new_u, v + off_v - new_v
        du -= period * np.round(du / period)
        dv -= period * np.round(dv / period)
        correction = _fit(u[used], v[used], (new_u + du)[used], (new_v + dv)[used], weight[used])
        new_u, new_v = _apply(correction, u, v)
        du, dv = u + off_u - new_u, v + off_v - new_v
        du -= period * np.round(du / period)
        dv -= period * np.round(dv / period)
        used = strong & (np.hypot(du, dv) < min(_TOLERANCE, 0.35 * period))
    # Lines of 5 mm are legible where those of 1 mm are blurred. Phases of text and of the table
    # have nothing in common with those next to them.
    measured = []
    for key in sorted({1, harmonic}):
        off_u, off_v, legible = offsets[key]
        legible = legible & (fields[key][3] > _COHERENT)
        measured.append((off_u - (new_u - u), off_v - (new_v - v), 5 / key, legible))
    coarse = _distances(measured[0], 0.0, 0.0)
    good = strong | measured[0][3]
    used = used | (measured[0][3] & (coarse < _COARSE_TOLERANCE))
    share = used.sum() / max(1, good.sum())
    good, on_sheet = measured[0][3] | measured[-1][3], None
    if (bend is not None or bent and share < _GOOD_SHARE) and good.sum() >= _BENTBLOCKS:
        bend = fit_bend(new_u, new_v, measured, traced)
        moved = bend.displacement(new_u, new_v)
        fine, coarse = (_distances(measured[i], *moved) for i in (-1, 0))
        # Noise of faint lines bends paper that is flat: the lines remain far from their places.
        legible = measured[-1][3]
        flat = _distances(measured[-1], 0.0, 0.0)
        is_bent = legible.any() and (
            np.percentile(fine[legible], 75) < _LEFT * np.percentile(flat[legible], 75)
        )
        if is_bent:
            used = legible & (fine < min(_TOLERANCE, 0.35 * period))
            used |= measured[0][3] & (coarse < _COARSE_TOLERANCE)
            share = used.sum() / good.sum()
        moved = np.percentile(np.hypot(*moved)[used], 95) if used.any() else 0.0
        if is_bent and moved > _BENT:
            # Paper that bends too much for the fit has a grid, too.
            on_sheet = used | measured[0][3]
        # Paper that is flat to a fraction of a mm is not resampled.
        if not is_bent or moved < _FLAT:
            bend = None
    if used.sum() < _LEASTBLOCKS:
        raise PageRefusedError("grid", "too little of the grid is legible")
    blocks = fill_sheet(used if on_sheet is None else on_sheet)
    sheet = Sheet(blocks, (float(u[0, 0]), float(v[0, 0])), BLOCK / scale)
    model = correction @ to_paper
    return model / model[2, 2], share, sheet, bend


def _distances(measured, moved_u, moved_v):
    """Return the distances in mm between measured displacements and others."""
    off_u, off_v, period, _ = measured
    off_u, off_v = off_u - moved_u, off_v - moved_v
    return np.hypot(
        off_u - period * np.round(off_u / period), off_v - period * np.round(off_v / period)
    )


def _offsets(field, period, left, top):
    """Return the distances in mm to the grid, with an arbitrary origin, and strong blocks."""
    across, along, weight, _ = field
    strong = weight > 0.35 * np.percentile(weight, 85)
    found = []
    for phasor, origin in ((across, left), (along, top)):
        off = -np.angle(phasor) / (2 * np.pi) * period - np.mod(origin, period)
        turn = np.angle(np.sum((weight * np.exp(2j * np.pi * off / period))[strong]))
        off -= turn / (2 * np.pi) * period
        found.append(off - period * np.round(off / period))
    return (*found, strong)


def paper_bounds(to_paper, width, height):
    """Return the left, top, right and bottom in mm of an image."""
    x = np.array([0, width, 0, width], dtype=float)
    y = np.array([0, 0, height, height], dtype=float)
    denominator = to_paper[2, 0] * x + to_paper[2, 1] * y + to_paper[2, 2]
    if denominator.min() <= 0.3 * denominator.max():
        raise PageRefusedError("perspective", "the page is photographed at too flat an angle")
    u, v = _apply(to_paper, x, y)
    bounds = u.min(), v.min(), u.max(), v.max()
    if max(bounds[2] - bounds[0], bounds[3] - bounds[1]) > 700:
        raise PageRefusedError("grid", "the lines of the grid are too close to each other")
    return bounds


def to_pixels(grid, u, v):
    """Return the pixels (x, y) of a page at which points of the paper in mm are."""
    if grid.bend is not None:
        u, v = grid.bend.flatten(u, v)
    return _apply(np.linalg.inv(grid.to_paper), u, v)


def turn_page(pixels, grid, origin, scale, size, *, reduction=1):
    """Return an upright page, without what is not in the image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint8
        Darkness of a page, of which some pixels may have been averaged in each direction.
    grid : Grid
    origin : tuple of float
        Left and top in mm.
    scale : float
        Pixels per mm of the result.
    size : tuple of int
        Width and height of the result.
    reduction : int, default=1
        Pixels of the page for one of `pixels`, in each direction.

    Returns
    -------
    upright : ndarray of shape (height, width), uint8
    """

    def to_given(x, y):
        x, y = to_pixels(grid, x / scale + origin[0], y / scale + origin[1])
        return x / reduction, y / reduction

    return turn_pixels(pixels, to_given, size)


def find_outside(image_size, grid, origin, scale, size):
    """Return the pixels of an upright page that are not in the image.

    Parameters
    ----------
    image_size : tuple of int
        Width and height of the image.
    grid, origin, scale, size
        See `turn_page`.

    Returns
    -------
    outside : ndarray of shape (height, width), bool
    """
    width, height = image_size
    along = np.linspace(0, 1, 50)
    x = width * np.concatenate([along, np.ones(50), along[::-1], np.zeros(50)])
    y = height * np.concatenate([np.zeros(50), along, np.ones(50), along[::-1]])
    u, v = _apply(grid.to_paper, x, y)
    if grid.bend is not None:
        u, v = np.array([u, v]) + grid.bend.displacement(u, v)
    border = np.stack([(u - origin[0]) * scale - 0.5, (v - origin[1]) * scale - 0.5], axis=1)
    outside = Image.new("L", size, 1)
    ImageDraw.Draw(outside).polygon(border.ravel().tolist(), fill=0)
    return np.asarray(outside).view(bool)


def _describe(page, to_paper, share, sheet, bend):
    width, height = page.darkest.size
    (across, down), matrix = _pitch(to_paper, width / 2, height / 2)
    corners = np.array(
        [_pitch(to_paper, a * width, b * height)[0] for a in (0.05, 0.95) for b in (0.05, 0.95)]
    )
    rotation = -float(np.degrees(np.arctan2(matrix[1, 0], matrix[1, 1])))
    return Grid(
        to_paper=to_paper,
        pitch=(float(across) * page.reduction, float(down) * page.reduction),
        rotation=rotation,
        perspective=float((corners.max(axis=0) / corners.min(axis=0)).max() - 1),
        share=float(share),
        sheet=sheet,
        bend=bend,
    )


def _pitch(to_paper, x, y):
    """Return pixels per mm in both directions at a pixel, and the derivatives of the map there."""
    u, v = _apply(to_paper, np.array([x, x + 1, x]), np.array([y, y, y + 1]))
    matrix = np.array([[u[1] - u[0], u[2] - u[0]], [v[1] - v[0], v[2] - v[0]]])
    return np.linalg.norm(np.linalg.inv(matrix), axis=0), matrix
