"""The fit of a plane sheet of paper, and of its bends, to the lines of a nearly upright page."""

from dataclasses import dataclass

import numpy as np

from ._bends import Bend, correct_bend, fit_bend
from ._grids import Grid, find_outside, paper_bounds, turn_page
from ._homographies import apply_homography, fit_homography, fit_most, measure_pitch
from ._lattice import HARMONICS, enhance_grid
from ._patterns import NEAR, PATTERN, find_displaced, has_bulge, turn_waves
from ._refusal import PageRefusedError
from ._sheets import Sheet, fill_sheet
from ._slips import find_slips
from ._unwrapping import follow_phases
from ._waves import BLOCK, COHERENT, demodulate_upright, measure_coherence

# mm: blocks that are further from the lines of 5 mm of the fitted grid do not belong to it.
_COARSE_TOLERANCE = 0.5
# Share of the blocks with a grid that agree with a plane that needs no bend.
_GOOD_SHARE = 0.9
# Pixels per mm of the page that is turned upright.
_FIT_SCALE = 4.0
# Share of this scale that the pixels before it must have.
_FINER = 1.1
# Blocks that are needed for a plane, for a bend, and of the part that a bend moves.
LEAST_BLOCKS, _BENT_BLOCKS, _LEAST_MOVED = 12, 40, 20
# mm: smaller displacements are no bends, and larger ones are those of paper that does not lie flat.
_FLAT, _BENT = 0.15, 1.5
# What a bend leaves of the distances of the lines that it moves, as a share of that of the plane.
_LEFT = 0.5
_N_FITS = 3


@dataclass
class Fit:
    """A map from pixels to mm of paper.

    Attributes
    ----------
    to_paper : ndarray of shape (3, 3)
        Homography from pixels (x, y, 1) of the page to mm.
    share : float
        Share of the blocks with a grid that agree with the map.
    sheet : Sheet
        The part of the paper with a grid.
    bend : Bend or None
        Smooth displacements of the paper after the homography.
    is_displaced : bool
        Whether a part of the paper is not where its lines of 1 mm seem to be.
    """

    to_paper: np.ndarray
    share: float
    sheet: Sheet | None
    bend: Bend | None
    is_displaced: bool = False

    @property
    def is_good(self):
        """Whether no bend needs to be looked for."""
        return self.share >= _GOOD_SHARE and not self.is_displaced


@dataclass
class Lines:
    """Displacements in mm of the blocks of a page from the lines of a grid.

    Attributes
    ----------
    period : float
        mm between lines: the displacements are known up to it.
    u, v : ndarray of shape (n_rows, n_columns)
        Displacements in both directions.
    weight : ndarray of shape (n_rows, n_columns)
        Strength of the lines.
    strong : ndarray of shape (n_rows, n_columns), bool
        Whether there are lines.
    legible : ndarray of shape (n_rows, n_columns), bool
        The same, if those of neighboring blocks agree.
    coherence : ndarray of shape (n_rows, n_columns)
    """

    period: float
    u: np.ndarray
    v: np.ndarray
    weight: np.ndarray
    strong: np.ndarray
    legible: np.ndarray
    coherence: np.ndarray

    def rest(self, moved_u, moved_v):
        """Return what other displacements leave of these, in both directions."""
        u, v = self.u - moved_u, self.v - moved_v
        return (
            u - self.period * np.round(u / self.period),
            v - self.period * np.round(v / self.period),
        )

    def distances(self, moved_u, moved_v):
        """Return the distances in mm between other displacements and these."""
        return np.hypot(*self.rest(moved_u, moved_v))


def improve(page, to_paper, *, followed=False, bent=False, bend=None):
    """Fit the homography to the lines of a page that it has made nearly upright.

    Parameters
    ----------
    page : Page
    to_paper : ndarray of shape (3, 3)
    followed : bool, default=False
        Whether lines of 5 mm are followed over the page first, as those of 1 mm may be confused
        with the next ones.
    bent : bool, default=False
        Whether a bend is looked for where paper does not agree with a plane.
    bend : Bend, optional
        The page is flattened with it. Then the homography stays, and only the bend is fitted again.

    Returns
    -------
    fit : Fit
    """
    u, v, coarse, lines, waves = _measure_lines(page, to_paper, bend)
    traced = _follow_lines(u, v, coarse) if followed else None
    correction = np.eye(3)
    if bend is None:
        correction = _fit_plane(u, v, lines, coarse, traced)
        plane_u, plane_v = apply_homography(correction, u, v)
    else:
        plane_u, plane_v = bend.flatten(u, v)
    for measured in (coarse, lines) if lines is not coarse else (lines,):
        measured.u, measured.v = measured.u - (plane_u - u), measured.v - (plane_v - v)
    waves = waves * turn_waves(np.array([plane_u - u, plane_v - v]))
    slips, is_displaced = _find_slips(waves, coarse, lines)
    used = _find_agreeing(coarse, lines, lines.strong, (0.0, 0.0))
    good, on_sheet = lines.strong | coarse.legible, None
    fit = Fit(correction @ to_paper, _share(used, good, slips), None, None, is_displaced)
    good = coarse.legible | lines.legible
    if (bend is not None or bent and not fit.is_good) and good.sum() >= _BENT_BLOCKS:
        bend, moved = _fit_bend(plane_u, plane_v, coarse, lines, traced, slips)
        if bend is not None:
            slips, is_displaced = _find_slips(waves, coarse, lines, moved)
            if slips.any():
                # Blocks that slipped belong to a neighboring line.
                near = lines.legible & (lines.distances(*moved) < _tolerance(lines))
                correct_bend(
                    bend, plane_u, plane_v, np.add(moved, lines.rest(*moved)) + slips, near
                )
                moved = bend.displacement(plane_u, plane_v)
                slips, is_displaced = _find_slips(waves, coarse, lines, moved)
            used = _find_agreeing(coarse, lines, lines.legible, moved)
            fit.share, fit.bend = _share(used, good, slips), bend
            fit.is_displaced = is_displaced
            if used.any() and np.percentile(np.hypot(*moved)[used], 95) > _BENT:
                # Paper that bends too much for the fit has a grid, too.
                on_sheet = used | coarse.legible
    if used.sum() < LEAST_BLOCKS:
        raise PageRefusedError("grid", "too little of the grid is legible")
    blocks = fill_sheet(used if on_sheet is None else on_sheet)
    fit.sheet = Sheet(blocks, (float(u[0, 0]), float(v[0, 0])), BLOCK / _FIT_SCALE)
    fit.to_paper /= fit.to_paper[2, 2]
    return fit


def _measure_lines(page, to_paper, bend):
    """Return the points of blocks in mm, the lines of 5 mm there, and those that are stronger.

    Also return the phases of the harmonics of lines of 5 mm.
    """
    width, height = page.darkest.size
    left, top, right, bottom = paper_bounds(to_paper, width, height)
    scale = _FIT_SCALE
    size = (int((right - left) * scale), int((bottom - top) * scale))
    plane = Grid(to_paper, (scale, scale), 0.0, 0.0, 0.0, None, bend)
    # Averages of pixels are less noisy than single ones.
    across, down = measure_pitch(to_paper, width / 2, height / 2)[0]
    reduction = max(1, int(_FINER * min(across, down) / scale))
    darkness = page.reduced_darkness(reduction)
    upright = turn_page(darkness, plane, (left, top), scale, size, reduction=reduction)
    pixels = enhance_grid(upright)
    pixels[find_outside((width, height), plane, (left, top), scale, size)] = 0
    harmonics = (*PATTERN, HARMONICS)
    x, y, waves = demodulate_upright(pixels, [n / (5 * scale) for n in harmonics])
    coarse = _find_lines(*waves[0], 5.0, left, top)
    fine = _find_lines(*waves[-1], 5 / HARMONICS, left, top)
    phases = np.conj(waves[:-1])
    phases /= np.maximum(np.abs(phases), 1e-9)
    powers = [np.percentile(lines.weight, 75) for lines in (coarse, fine)]
    # Lines of 5 mm are legible where those of 1 mm are blurred.
    lines = fine if powers[1] > 0.5 * powers[0] else coarse
    return x / scale + left, y / scale + top, coarse, lines, phases


def _find_lines(across, along, period, left, top):
    """Return displacements from lines with an arbitrary origin, from complex amplitudes."""
    weight = np.sqrt(np.abs(across) * np.abs(along))
    # Phases of text and of the table have nothing in common with those next to them.
    coherence = np.minimum(measure_coherence(across), measure_coherence(along))
    strong = weight > 0.35 * np.percentile(weight, 85)
    found = []
    for phasor, origin in ((across, left), (along, top)):
        off = -np.angle(phasor) / (2 * np.pi) * period - np.mod(origin, period)
        turn = np.angle(np.sum((weight * np.exp(2j * np.pi * off / period))[strong]))
        off -= turn / (2 * np.pi) * period
        found.append(off - period * np.round(off / period))
    return Lines(period, *found, weight, strong, strong & (coherence > COHERENT), coherence)


def _follow_lines(u, v, coarse):
    """Return the places of blocks by lines of 5 mm that are followed, None if few are legible."""
    if coarse.legible.sum() < LEAST_BLOCKS:
        return None
    quality = np.where(coarse.strong, coarse.coherence, 0.0)
    return np.array([u, v]) + follow_phases((coarse.u, coarse.v), coarse.period, quality)


def _fit_plane(u, v, lines, coarse, traced):
    """Return the homography from the points of blocks to those on a plane sheet."""
    plane_u, plane_v, used = u, v, lines.strong
    if traced is not None:
        first = fit_most(*(values[coarse.legible] for values in (u, v, *traced)))
        plane_u, plane_v = apply_homography(first, u, v)
    for _ in range(_N_FITS):
        if used.sum() < LEAST_BLOCKS:
            raise PageRefusedError("grid", "too little of the grid is legible")
        du, dv = lines.rest(plane_u - u, plane_v - v)
        model = fit_homography(
            *(values[used] for values in (u, v, plane_u + du, plane_v + dv, lines.weight))
        )
        plane_u, plane_v = apply_homography(model, u, v)
        used = lines.strong & (lines.distances(plane_u - u, plane_v - v) < _tolerance(lines))
    return model


def _tolerance(lines):
    return min(NEAR, 0.35 * lines.period)


def _find_agreeing(coarse, lines, has_lines, moved):
    """Return the blocks that are near lines on paper with some displacements."""
    near = has_lines & (lines.distances(*moved) < _tolerance(lines))
    # Lines of 5 mm are legible where those of 1 mm are blurred.
    return near | coarse.legible & (coarse.distances(*moved) < _COARSE_TOLERANCE)


def _share(used, good, slips):
    """Return the share of the blocks with a grid that are near the lines that are theirs."""
    return (used & ~slips.any(axis=0)).sum() / max(1, good.sum())


def _find_slips(waves, coarse, lines, bent=None):
    """Return the slips of lines of 1 mm, and whether a part of the paper is displaced.

    Lines of 5 mm are followed over the page. `bent` are the displacements of a bend, which are
    expected.
    """
    moved = np.zeros((2, *lines.u.shape)) if bent is None else np.array(bent)
    if lines is coarse:
        return np.zeros_like(moved), False
    slips = find_slips(coarse, lines, moved)
    if not slips.any():
        # Also lines that are followed without steps may be the neighboring ones.
        slips = find_displaced(waves, lines, moved)
    is_bent = bent is not None
    return slips, bool(slips.any()) or has_bulge(waves, coarse, lines, moved, is_bent=is_bent)


def _fit_bend(u, v, coarse, lines, traced, slips):
    """Return a bend and its displacements, or None and None if it leaves lines where they are."""
    measured = [
        (found.u, found.v, found.period, found.legible)
        for found in ((coarse, lines) if lines is not coarse else (lines,))
    ]
    bend = fit_bend(u, v, measured, traced)
    moved = bend.displacement(u, v)
    # Noise of faint lines bends paper that is flat: the lines remain far from their places.
    affected = lines.legible & (np.hypot(*moved) > _FLAT)
    if affected.sum() >= _LEAST_MOVED:
        flat = np.hypot(*np.add(lines.rest(0.0, 0.0), slips))
        left = lines.distances(*moved)
        if np.percentile(left[affected], 75) < _LEFT * np.percentile(flat[affected], 75):
            return bend, moved
    return None, None
