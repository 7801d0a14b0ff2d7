"""The steps of the digitizer, compared with slow implementations and with known maps."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates, maximum_filter, minimum_filter

from sklearn_ecg.paper._digitizing._assembly import TimeAxis, find_time_axis, read_lead
from sklearn_ecg.paper._digitizing._bends import Bend, fit_bend
from sklearn_ecg.paper._digitizing._confusion import (
    MAX_SHARED_ENERGY,
    check_borders,
    check_confusion,
    cut_ends,
    has_large_jump,
    mark_removed,
)
from sklearn_ecg.paper._digitizing._creases import subtract_creases
from sklearn_ecg.paper._digitizing._curves import make_curve, sample_curve
from sklearn_ecg.paper._digitizing._digitize import _check_grid
from sklearn_ecg.paper._digitizing._grid_fit import _improve_tilted, fit_grid
from sklearn_ecg.paper._digitizing._grids import Grid, find_outside, to_pixels, turn_page
from sklearn_ecg.paper._digitizing._homographies import fit_homography
from sklearn_ecg.paper._digitizing._ink import _strengthen_faint_ink, halve
from sklearn_ecg.paper._digitizing._lattice import find_lattice
from sklearn_ecg.paper._digitizing._layouts import (
    LeadPlace,
    limb_residual,
    places_of,
    possible_layouts,
)
from sklearn_ecg.paper._digitizing._pages import split_channels
from sklearn_ecg.paper._digitizing._patterns import find_displaced, has_bulge
from sklearn_ecg.paper._digitizing._plane_fit import Fit, Lines, improve
from sklearn_ecg.paper._digitizing._pulses import find_pulses
from sklearn_ecg.paper._digitizing._refusal import PageRefusedError
from sklearn_ecg.paper._digitizing._rows import Row, find_rows
from sklearn_ecg.paper._digitizing._sheets import Sheet, fill_sheet
from sklearn_ecg.paper._digitizing._slips import find_slips
from sklearn_ecg.paper._digitizing._strips import fill_from_strips
from sklearn_ecg.paper._digitizing._strokes import INK, find_strokes
from sklearn_ecg.paper._digitizing._traces import _cut_to_grid
from sklearn_ecg.paper._digitizing._tracing import (
    Path,
    _choose_by_parts,
    _choose_strokes,
    trace_rows,
)
from sklearn_ecg.paper._digitizing._unwrapping import follow_phases
from sklearn_ecg.paper._digitizing._waves import demodulate, demodulate_upright
from sklearn_ecg.paper._digitizing._windows import quantiles, slide, spread_blocks


def draw_grid(to_paper, size=(700, 900), contrast=60):
    """Return an image of 1 mm and 5 mm lines of a paper whose coordinates are given."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    u, v = to_paper(x, y)
    image = np.full(size, 255.0)
    for step, share in ((1.0, 0.5), (5.0, 1.0)):
        for position in (u, v):
            phase = np.abs(position / step - np.round(position / step)) * step
            image -= share * contrast * np.clip(1.2 - 8 * phase, 0, 1)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("pitch", [2.8, 4.1, 7.3])
@pytest.mark.parametrize("degrees", [0.0, 3.0, -6.0])
def test_pitch_and_rotation(pitch, degrees):
    angle = np.radians(degrees)

    def to_paper(x, y):
        return (
            (np.cos(angle) * x + np.sin(angle) * y) / pitch,
            (-np.sin(angle) * x + np.cos(angle) * y) / pitch,
        )

    image = draw_grid(to_paper)
    page = split_channels(image)
    lattice = find_lattice(page)
    found = 1 / (5 * np.hypot(*lattice.across))
    assert found * lattice.reduction == pytest.approx(pitch, rel=0.02)
    grid = fit_grid(page)
    np.testing.assert_allclose(grid.pitch, pitch, rtol=2e-3)
    assert grid.rotation == pytest.approx(degrees, abs=0.05)
    assert grid.share > 0.9


def test_waves_along_rows_and_columns():
    pixels = np.random.default_rng(0).normal(size=(100, 130)).astype(np.float32)
    _, _, found = demodulate_upright(pixels, [0.05, 0.25])
    for frequency, waves in zip((0.05, 0.25), found):
        x, y, expected = demodulate(pixels, [(frequency, 0), (0, frequency)])
        assert x.shape == y.shape == (4, 5)
        np.testing.assert_allclose(waves, expected, atol=1e-4)
    # The block in the middle, with weights of its neighbors.
    phasor = 0
    for i, j in np.ndindex(3, 3):
        block = pixels[24 * i : 24 * i + 24, 24 * j : 24 * j + 24]
        wave = np.exp(2j * np.pi * 0.05 * np.arange(24 * j, 24 * j + 24))
        phasor += (2 - abs(i - 1)) * (2 - abs(j - 1)) / 16 * (block * wave).sum()
    assert found[0][0][1, 1] == pytest.approx(phasor, abs=1e-3)


def test_squares_of_ink():
    rng = np.random.default_rng(0)
    is_ink = rng.random((31, 45)) < 0.1
    expected = is_ink[:30, :44].reshape(15, 2, 22, 2).any(axis=(1, 3))
    np.testing.assert_array_equal(halve(is_ink), expected)


@pytest.mark.parametrize("sizes", [(1, 1), (3, 3), (7, 4), (2, 9), (40, 60)])
def test_extremes_of_windows(sizes):
    values = np.random.default_rng(0).integers(0, 256, (31, 45), np.uint8)
    for extreme, function in ((np.maximum, maximum_filter), (np.minimum, minimum_filter)):
        expected = function(values, sizes, mode="nearest")
        np.testing.assert_array_equal(slide(values, sizes, extreme), expected)


def test_quantiles_of_whole_numbers():
    values = np.random.default_rng(0).integers(-90, 250, (40, 50)).astype(np.int16)
    shares = [0.005, 0.68, 0.93, 1.0]
    expected = np.quantile(values, shares, method="inverted_cdf")
    np.testing.assert_array_equal(quantiles(values, shares), expected)


@pytest.mark.parametrize("step, shape", [(4, (41, 50)), (8, (200, 17)), (8, (9, 8))])
def test_values_between_the_middles_of_blocks(step, shape):
    n_rows, n_columns = (-(-side // step) for side in shape)
    i, j = np.mgrid[:n_rows, :n_columns]
    found = np.full(shape, np.nan)
    for rows, values in spread_blocks(2.0 * i - 3.0 * j, step, shape):
        found[rows] = values
    y, x = (
        np.clip((np.arange(side) + 0.5) / step - 0.5, 0, n - 1)
        for side, n in zip(shape, (n_rows, n_columns))
    )
    np.testing.assert_allclose(found, 2 * y[:, None] - 3 * x, atol=1e-4)


def turned_page(to_paper, bend=None):
    """Return the arguments of a page that is turned upright."""
    grid = Grid(to_paper, (4.0, 4.0), 0.0, 0.0, 1.0, None, bend)
    return grid, (-20.0, -10.0), 4, (900, 700)


@pytest.mark.parametrize("is_bent", [False, True])
@pytest.mark.parametrize("reduction", [1, 2])
def test_turned_pages_are_those_of_slow_interpolation(is_bent, reduction):
    to_paper = np.array([[0.25, 0.02, 3], [-0.025, 0.24, 15], [1e-5, -2e-5, 1]])
    net = np.random.default_rng(0).normal(scale=0.1, size=(2, 24, 24)) if is_bent else 0
    bend = Bend((100.0, 80.0), 100.0, np.zeros((10, 2)), net) if is_bent else None
    image = np.random.default_rng(0).integers(0, 256, (25, 35), np.uint8)
    size = 700 // reduction, 500 // reduction
    # Smooth, so that 1/16 pixel is little.
    smooth = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    page = turned_page(to_paper, bend)
    found = turn_page(smooth, *page, reduction=reduction)
    grid, origin, scale, size = page
    u, v = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    x, y = to_pixels(grid, u / scale + origin[0], v / scale + origin[1])
    places = np.array([y, x]) / reduction - 0.5
    expected = np.clip(map_coordinates(smooth.astype(float), places, order=3), 0, 255)
    height, width = smooth.shape
    inside = np.all([p > 3 for p in places], axis=0)
    inside &= (places[0] < height - 4) & (places[1] < width - 4)
    assert inside.mean() > 0.2
    errors = np.abs(found - expected)[inside]
    # Bends are linear between points that are 20 mm from each other.
    assert np.percentile(errors, 99) < (12 if is_bent else 6)
    assert np.mean(errors) < (3 if is_bent else 1.5)
    beyond = np.any([p < -3 for p in places], axis=0)
    beyond |= (places[0] > height + 2) | (places[1] > width + 2)
    assert beyond.mean() > 0.1
    assert (found[beyond] == 0).all()


@pytest.mark.parametrize("is_bent", [False, True])
def test_pixels_that_are_not_in_the_image(is_bent):
    to_paper = np.array([[0.25, 0.01, 3], [-0.02, 0.24, 15], [1e-5, -2e-5, 1]])
    coefficients = np.zeros((10, 2))
    coefficients[1] = 2.0, 1.0
    bend = Bend((100.0, 80.0), 100.0, coefficients, np.zeros((2, 24, 24))) if is_bent else None
    page = turned_page(to_paper, bend)
    expected = turn_page(np.full((500, 700), 255, np.uint8), *page) < 128
    outside = find_outside((700, 500), *page)
    assert 0.2 < expected.mean() < 0.8
    # Up to a pixel at the border, whose length is about 2400 pixels.
    assert (outside != expected).sum() < (6000 if is_bent else 2400)


def test_bent_paper():
    def to_paper(x, y):
        return x / 4 + 3.0 * (y / 700) ** 2, y / 4 + 3.5 * np.sin(np.pi * x / 900)

    image = draw_grid(to_paper)
    grid = fit_grid(split_channels(image))
    assert grid.bend is not None
    assert grid.share > 0.9
    # Distances on the paper agree, whatever the origin.
    u, v = np.meshgrid(np.arange(20, 200, 20.0), np.arange(20, 150, 20.0))
    x, y = to_pixels(grid, u, v)
    true_u, true_v = to_paper(x, y)
    for true, expected in ((true_u, u), (true_v, v)):
        off = true - expected
        off -= np.median(off)
        assert np.percentile(np.abs(off), 90) < 0.3


def smooth_step(distance, width):
    share = np.clip(distance / width, 0, 1)
    return share * share * (3 - 2 * share)


def slipped_paper(start):
    """Return a map of paper whose right side is 1 mm further to the left than it should be."""
    return lambda x, y: (x / 4 + smooth_step(x / 4 - start, 40.0), y / 4)


def folded_paper(millimeters, start, width, along=0):
    """Return a map of paper that is displaced along an axis on one side of a fold."""

    def to_paper(x, y):
        paper = [x / 4, y / 4]
        paper[along] = paper[along] + millimeters * smooth_step(paper[along] - start, width)
        return tuple(paper)

    return to_paper


def local_bend(height, radius):
    """Return a map of paper that is bent around a point."""
    return lambda x, y: (
        x / 4 + height * np.exp(-0.5 * np.hypot(x / 4 - 170, y / 4 - 80) ** 2 / radius**2),
        y / 4,
    )


def add_noise(image, scale):
    noise = np.random.default_rng(0).normal(scale=scale, size=image.size[::-1])
    pixels = np.asarray(image, dtype=float) - 30 + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def largest_error(grid, to_paper):
    """Return by how many mm points of a page are too far to one side, in both directions."""
    points = np.array(np.meshgrid(np.arange(12, 215, 4.0), np.arange(12, 165, 4.0)))
    off = np.array(to_paper(*to_pixels(grid, *points))) - points
    return np.abs(off - np.median(off, axis=(1, 2), keepdims=True)).max()


@pytest.mark.parametrize("noise", [0, 25])
@pytest.mark.parametrize(
    "to_paper",
    [
        slipped_paper(170),
        slipped_paper(185),
        local_bend(1.2, 20),
        local_bend(2.0, 30),
        local_bend(3.0, 30),
    ],
    ids=["right side", "right edge", "small bend", "larger bend", "bulge"],
)
def test_paper_that_slips_by_whole_mm(to_paper, noise):
    """Its lines of 1 mm agree with a plane, on which beats would be 40 ms late."""
    page = split_channels(add_noise(draw_grid(to_paper), noise))
    grid = fit_grid(page)
    assert grid.bend is not None
    assert grid.share > 0.95
    assert largest_error(grid, to_paper) < 0.15


# The limits in docs/digitizing.rst.
@pytest.mark.parametrize("along", [0, 1])
@pytest.mark.parametrize("width", [4.0, 12.0, 20.0, 30.0])
@pytest.mark.parametrize("start, noise", [(60, 0), (90, 15), (150, 25)])
@pytest.mark.parametrize("millimeters, limit", [(1.0, 0.9), (-1.0, 0.9), (2.0, 1.6), (-2.0, 1.6)])
def test_folds(millimeters, limit, along, width, start, noise):
    """All lines of 1 mm fit a plane outside of the fold, so that stronger ones have to be found."""
    assert error_of(folded_paper(millimeters, start, width, along), noise) < limit


def make_displaced(part, *, harmonics=(1.0, 0.6, 0.4, 0.3)):
    """Return waves of lines of 5 mm and lines of 1 mm of a page, of which a part is displaced."""
    shape = (20, 30)
    displaced = np.zeros((2, *shape))
    displaced[(0, *part)] = 1.0
    phases = np.array([0.3, 1.0, 2.0, -1.0])
    pattern = np.array(harmonics) * np.exp(1j * phases)
    turns = np.exp(0.4j * np.pi * np.arange(1, 5)[:, None, None, None] * displaced)
    legible = np.ones(shape, dtype=bool)
    none = np.zeros(shape)
    lines = Lines(1.0, none, none, none, legible, legible, none)
    return pattern[:, None, None, None] * turns, lines, displaced


@pytest.mark.parametrize(
    "part", [np.s_[:, 20:], np.s_[5:12, 8:16], np.s_[:4, :8]], ids=["right", "middle", "corner"]
)
def test_displaced_parts_are_found(part):
    waves, lines, displaced = make_displaced(part)
    slips = find_displaced(waves, lines, np.zeros_like(displaced))
    # At its edge, blocks of both parts are averaged.
    assert set(np.unique(slips[0])) == {0.0, 1.0} and not slips[1].any()
    inner = minimum_filter(displaced[0], 5, mode="nearest") > 0
    outer = maximum_filter(displaced[0], 3, mode="nearest") > 0
    assert (slips[0][inner] == 1).all() and (slips[0][~outer] == 0).all()


def test_displaced_parts_that_are_not_found():
    """Few blocks, and lines of which none is stronger than the others."""
    for waves, lines, displaced in (
        make_displaced(np.s_[9:12, 9:12]),
        make_displaced(np.s_[:, 20:], harmonics=(0.1, 0.1, 0.1, 0.1)),
    ):
        assert not find_displaced(waves, lines, np.zeros_like(displaced)).any()


def error_of(to_paper, noise):
    """Return the largest error of a page in mm, 0 if it is refused."""
    try:
        grid = fit_grid(split_channels(add_noise(draw_grid(to_paper), noise)))
    except PageRefusedError:
        return 0.0
    return largest_error(grid, to_paper)


@pytest.mark.parametrize("noise", [0, 25])
@pytest.mark.parametrize(
    "height, radius", [(2.5, 25), (3, 25), (3, 30), (4, 30), (5, 30), (4, 40), (5, 40)]
)
def test_paper_that_bulges(height, radius, noise):
    """Lines of 1 mm are not legible on its slopes, and near those of a plane by chance.

    Not all bulges are found, such as those of 5 mm at 25 mm.
    """
    assert error_of(local_bend(height, radius), noise) < 0.8


def test_bulges():
    away, middle = np.zeros((20, 30)), np.s_[6:14, 8:18]
    away[middle] = 1.25
    waves, coarse, fine = make_bulge(away)
    flat = np.zeros((2, 20, 30))
    assert has_bulge(waves, coarse, fine, flat, is_bent=False)
    # Where lines of 1 mm say that paper is in its place, lines of 5 mm are those of traces.
    fine.legible[:] = True
    assert not has_bulge(waves, coarse, fine, flat, is_bent=False)
    # A bend that follows the bulge.
    waves, coarse, fine = make_bulge(away)
    bend = np.array([away, 0 * away])
    assert not has_bulge(waves, coarse, fine, bend, is_bent=True)
    # What a bend leaves of a bulge is small.
    bend[0, 8:14, 10:16] = 0
    assert has_bulge(waves, coarse, fine, bend, is_bent=True)
    assert not has_bulge(waves, coarse, fine, bend, is_bent=False)


@pytest.mark.parametrize("part", [np.s_[9:12, 2:28], np.s_[9:12, 9:12]], ids=["row", "few"])
def test_traces_and_text_are_no_bulges(part):
    away = np.zeros((20, 30))
    away[part] = 1.25
    waves, coarse, fine = make_bulge(away)
    assert not has_bulge(waves, coarse, fine, np.zeros((2, 20, 30)), is_bent=False)


def make_bulge(away):
    """Return waves and lines of a page whose lines of 1 mm are not legible where paper is away."""
    waves, fine, _ = make_displaced(np.s_[:0, :0])
    waves = waves * np.ones((1, 2, 1, 1))
    waves[:, 0] *= np.exp(0.4j * np.pi * np.arange(1, 5)[:, None, None] * away)
    return waves, replace(fine, period=5.0), replace(fine, legible=away == 0)


def test_corners_of_bent_paper():
    """The fit of a bend once confused lines of 1 mm in a corner."""

    def to_paper(x, y):
        return x / 4 + 3.0 * (y / 700) ** 2, y / 4 + 3.5 * np.sin(np.pi * x / 900)

    grid = fit_grid(split_channels(draw_grid(to_paper)))
    assert grid.bend is not None
    assert largest_error(grid, to_paper) < 0.5


def test_paper_that_slips_is_refused_if_no_bend_is_found(monkeypatch):
    module = "sklearn_ecg.paper._digitizing._plane_fit"
    monkeypatch.setattr(f"{module}._fit_bend", lambda *args: (None, None))
    with pytest.raises(PageRefusedError, match="is displaced by about one mm or more") as error:
        fit_grid(split_channels(draw_grid(slipped_paper(185))))
    assert error.value.kind == "grid"


def test_bends_of_a_part_of_a_page(monkeypatch):
    """Most of the lines are where they were, so that their distances change little."""
    monkeypatch.setattr("sklearn_ecg.paper._digitizing._plane_fit._GOOD_SHARE", 1.1)
    to_paper = local_bend(0.45, 20)
    image, plane = add_noise(draw_grid(to_paper), 40), np.diag([0.25, 0.25, 1.0])
    fit = improve(split_channels(image), plane, followed=True, bent=True)
    grid = Grid(fit.to_paper, (4.0, 4.0), 0.0, 0.0, fit.share, None, fit.bend)
    assert largest_error(grid, to_paper) < 0.2
    assert largest_error(replace(grid, bend=None), to_paper) > 0.35


def lines_of(period, u, legible):
    ones = np.ones(u.shape)
    return Lines(period, u, 0 * ones, ones, legible, legible, np.where(legible, ones, 0.1))


@pytest.mark.parametrize("has_slipped", [False, True])
def test_parts_to_which_no_lines_lead(has_slipped):
    """Lines of 5 mm decide whether these have slipped, although many of them are under traces."""
    rng = np.random.default_rng(0)
    legible = np.ones((28, 45), dtype=bool)
    legible[:, 35:38] = False
    true = np.zeros(legible.shape)
    true[:, 38:] = has_slipped
    fine = lines_of(1.0, rng.normal(scale=0.04, size=true.shape), legible)
    off = true + np.where(rng.random(true.shape) < 0.3, rng.normal(size=true.shape), 0)
    coarse = lines_of(5.0, (off + 2.5) % 5 - 2.5, np.ones_like(legible))
    slips = find_slips(coarse, fine, (0.0, 0.0))
    assert not slips[1].any() and not slips[0, :, :38].any()
    assert (slips[0, :, 39:] == has_slipped).all()


@pytest.mark.parametrize("share", [0.6, 0.8])
def test_no_fit_of_an_upright_page(monkeypatch, share):
    """A page is not refused because of the fit that is not needed."""

    def to_paper(x, y):
        denominator = 1 + 5e-5 * x
        return x / 4 / denominator, y / 4 / denominator

    def fail_without_bends(*args, **options):
        if not options:
            raise PageRefusedError("grid", "too little of the grid is legible")
        return replace(improve(*args, **options), share=share)

    monkeypatch.setattr("sklearn_ecg.paper._digitizing._grid_fit.improve", fail_without_bends)
    page = split_channels(draw_grid(to_paper))
    if share > 0.7:
        assert fit_grid(page).share == share
    else:
        with pytest.raises(PageRefusedError, match="only 60% of the grid agrees"):
            fit_grid(page)


def test_bends_that_fit_worse_are_not_used(monkeypatch):
    def change(*args, **options):
        return replace(improve(*args, **options), share=0.7 if options else 0.8)

    monkeypatch.setattr("sklearn_ecg.paper._digitizing._grid_fit.improve", change)
    grid = fit_grid(split_channels(draw_grid(lambda x, y: (x / 4, y / 4))))
    assert grid.share == 0.8
    assert grid.bend is None


@pytest.mark.parametrize("moves, n_fits", [((0.5,), 1), ((1.5, 0.5), 2), ((1.5, 1.5, 0.0), 3)])
def test_tilted_pages_are_fitted_until_the_map_settles(monkeypatch, moves, n_fits):
    def to_paper(x, y):
        denominator = 1 + 5e-5 * x
        return x / 4 / denominator, y / 4 / denominator

    moves, calls = list(moves), []

    def move(page, model, **options):
        fit = improve(page, model, **options)
        calls.append(options)
        # The origin is arbitrary. The pitch moves the corner, which is 142.5 mm from the middle.
        width, height = page.darkest.size
        factor = 1 + moves.pop(0) / np.hypot(width / 8, height / 8)
        shift = np.array([[1, 0, 3], [0, 1, 4], [0, 0, 1]])
        return replace(fit, to_paper=np.diag([factor, factor, 1]) @ shift @ model)

    monkeypatch.setattr("sklearn_ecg.paper._digitizing._grid_fit.improve", move)
    fit_grid(split_channels(draw_grid(to_paper)))
    # No fit of an upright page comes before.
    assert calls == n_fits * [{"followed": True, "bent": True}]


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_does_not_bend_flat_paper(seed):
    """Bends of noise once moved beats by 10 to 70 ms on pages whose grid is partly illegible."""
    image = np.asarray(draw_grid(lambda x, y: (x / 4, y / 4), contrast=17), dtype=float)
    noise = np.random.default_rng(seed).normal(scale=100, size=image.shape)
    noise *= np.linspace(0, 1, image.shape[1])
    image = Image.fromarray(np.clip(image - 40 + noise, 0, 255).astype(np.uint8))
    to_paper = np.diag([0.25, 0.25, 1.0])
    fit = improve(split_channels(image), to_paper, followed=True, bent=True)
    assert fit.bend is None
    # The share is that of the plane.
    assert 0.6 < fit.share < 0.9
    np.testing.assert_allclose(fit.to_paper[:2, :2], to_paper[:2, :2], atol=2e-3)


def test_paper_that_a_second_fit_finds_flat(monkeypatch):
    """Its share is that of a plane, not that of a bend."""
    fits = []

    def return_fit(page, model, **options):
        fits.append(options)
        if "bend" in options:
            return Fit(model, 1.0, None, None)
        return Fit(model, 0.7, None, "bend" if options.get("bent") else None)

    monkeypatch.setattr("sklearn_ecg.paper._digitizing._grid_fit.improve", return_fit)
    page = split_channels(draw_grid(lambda x, y: (x / 4, y / 4)))
    found = _improve_tilted(page, np.diag([0.25, 0.25, 1.0]))
    assert fits[-2:] == [{"followed": True, "bent": True, "bend": "bend"}, {"followed": True}]
    assert found.share == 0.7 and found.bend is None


@pytest.mark.parametrize(
    "perspective, share, is_refused", [(0.1, 0.84, True), (0.1, 0.86, False), (0.01, 0.6, False)]
)
def test_pages_in_perspective_need_a_legible_grid(perspective, share, is_refused):
    grid = Grid(np.eye(3), (4.0, 4.0), 0.0, perspective, share, None, None)
    if is_refused:
        with pytest.raises(PageRefusedError, match="only 84% of its grid") as error:
            _check_grid(grid)
        assert error.value.kind == "grid"
    else:
        _check_grid(grid)


def test_phases_are_followed_around_text():
    y, x = np.mgrid[:20, :30]
    true = 12 * np.sin(x / 15) + 0.02 * y**2
    quality = np.ones(true.shape)
    quality[0, 0] = 2.0
    wrapped = (true + 2.5) % 5 - 2.5
    wrapped[5:12, 10:14] = np.random.default_rng(0).uniform(-2.5, 2.5, (7, 4))
    quality[5:12, 10:14] = 0.1
    followed = follow_phases(wrapped, 5.0, quality)
    good = quality >= 1
    np.testing.assert_allclose(followed[good], true[good], atol=1e-9)


def test_sheet_of_blocks():
    used = np.zeros((12, 16), dtype=bool)
    used[2:10, 3:14] = True
    # A stamp inside, and a block of the table that agrees by chance.
    used[4:7, 5:9] = False
    used[0, 1] = True
    blocks = fill_sheet(used)
    expected = np.zeros_like(used)
    # With one block around it, where the paper ends.
    expected[1:11, 3:14] = expected[2:10, 2:15] = True
    np.testing.assert_array_equal(blocks, expected)
    sheet = Sheet(blocks, (10.0, 20.0), 6.0)
    assert sheet.area == (23.0, 83.0, 19.0, 97.0)
    mask = sheet.mask((0.0, 0.0), (2.0, 2.0), (200, 240))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    np.testing.assert_allclose(np.array([rows[0], rows[-1] + 1]) / 2, [23, 83], atol=0.6)
    np.testing.assert_allclose(np.array([columns[0], columns[-1] + 1]) / 2, [19, 97], atol=0.6)


def test_homography_of_least_squares():
    rng = np.random.default_rng(0)
    model = np.array([[0.25, 0.01, 3], [-0.02, 0.24, 5], [1e-5, -2e-5, 1]])
    x, y = rng.uniform(0, 1000, (2, 50))
    w = model[2, 0] * x + model[2, 1] * y + 1
    u, v = (model[0] @ [x, y, np.ones(50)]) / w, (model[1] @ [x, y, np.ones(50)]) / w
    fitted = fit_homography(x, y, u, v, np.ones(50))
    at = np.array([300.0, 400.0, 1.0])
    expected, found = model @ at, fitted @ at
    np.testing.assert_allclose(found[:2] / found[2], expected[:2] / expected[2], atol=0.05)


def test_bend_is_recovered_from_wrapped_displacements():
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0, 250, (2, 400))
    du, dv = 2.0 * (u / 250) ** 2, 1.5 * (u / 250) * (v / 250)
    good = np.ones(400, dtype=bool)
    good[::10] = False
    wrapped = [((du + 1) % 5 - 1, (dv + 1) % 5 - 1, 5.0, good), (du % 1, dv % 1, 1.0, good)]
    bend = fit_bend(u, v, wrapped)
    np.testing.assert_allclose(bend.displacement(u, v), [du, dv], atol=0.05)
    a, b = bend.flatten(u + du, v + dv)
    np.testing.assert_allclose([a, b], [u, v], atol=0.1)


def test_strokes_equal_a_slow_search():
    rng = np.random.default_rng(0)
    strength = (rng.random((30, 40)) * 1.4 * (rng.random((30, 40)) < 0.4)).astype(np.float32)
    strokes = find_strokes(strength)
    expected = []
    for x in range(40):
        column = np.concatenate([[0], strength[:, x], [0]])
        for i in range(1, 31):
            if column[i] > 0.5 and column[i - 1] <= 0.5:
                j = i
                while column[j] > 0.5:
                    j += 1
                top = i - 0.5 - (column[i] - 0.5) / (column[i] - column[i - 1])
                bottom = j - 1.5 + (column[j - 1] - 0.5) / (column[j - 1] - column[j])
                expected.append((x, top, bottom))
    expected = np.array(expected)
    np.testing.assert_array_equal(
        strokes.starts, np.searchsorted(expected[:, 0], np.arange(41), side="left")
    )
    found = np.stack([strokes.top, strokes.bottom], axis=1)
    np.testing.assert_allclose(found, expected[:, 1:], rtol=1e-4, atol=1e-4)


def test_path_follows_a_trace_past_letters():
    strength = np.zeros((120, 200), dtype=np.float32)
    x = np.arange(200)
    y = np.round(60 + 20 * np.sin(x / 12)).astype(int)
    for column in range(200):
        low, high = sorted((y[max(0, column - 1)], y[column]))
        strength[low : high + 2, column] = 1
    letters = strength.copy()
    letters[5:15, 40:60] = 1
    letters[100:112, 90:100] = 1
    letters[:, 150:152] = 0
    row = Row(60.0, 0.0, 120.0, 0.0, 200.0)
    (path,) = trace_rows(find_strokes(letters), [row], 4)
    missing = np.isnan(path.top)
    np.testing.assert_array_equal(np.flatnonzero(missing), [150, 151])
    middle = (path.top + path.bottom) / 2
    assert np.nanmax(np.abs(middle - y - 1)) < 4
    curve = make_curve(path, 4, 1.0)
    values = sample_curve(curve, np.array([20.5, 151.0]), 8)
    assert values[0] == pytest.approx(y[20] + 1, abs=1.5)
    assert np.isnan(sample_curve(curve, np.array([151.0]), 1)).all()


def draw_columns(spans, n_columns=100, level=60):
    """Return a level line of two pixels, in which other pixels of some columns have ink."""
    strength = np.zeros((120, n_columns), dtype=np.float32)
    strength[level : level + 2] = 1
    for column, pairs in spans.items():
        strength[:, column] = 0
        for top, bottom in pairs:
            strength[top:bottom, column] = 1
    return strength


def test_a_steep_stroke_among_fragments():
    # The beat reaches from 10 to 62; next to its strokes, noise left fragments near the baseline.
    fragments = [(40, 41), (43, 44), (46, 47), (49, 50), (52, 53), (55, 56), (60, 62)]
    spans = {49: [(30, 62)], 50: [(10, 32), *fragments], 51: [(8, 12)], 52: [(11, 62)]}
    strokes = find_strokes(draw_columns(spans))
    (path,) = trace_rows(strokes, [Row(60.0, 0.0, 120.0, 0.0, 100.0)], 4)
    assert path.top[49:53] == pytest.approx([30, 10, 8, 11])


def test_a_row_begins_within_a_beat():
    # The stroke falls from 10; noise divides it, and the path begins below.
    spans = {i: [] for i in range(20)}
    spans.update({20: [(10, 26)], 21: [(27, 30), (31, 41)], 22: [(29, 52)], 23: [(51, 62)]})
    strokes = find_strokes(draw_columns(spans))
    (path,) = trace_rows(strokes, [Row(60.0, 0.0, 120.0, 0.0, 100.0)], 4)
    assert np.flatnonzero(path.stroke >= 0)[0] == 20
    assert path.top[20] == pytest.approx(10)


def test_pulses_are_on_one_side():
    # Rows of 200 mm at 4 pixels per mm with a pulse of 10 mm at the left; in the first one, a beat
    # at the right is a rectangle, and the pulse is missing.
    middle = np.full((4, 800), 60.0)
    middle[1:, 12:32] = 20.0
    middle[:2, 760:772] = 40.0
    curves = [make_curve(Path(row - 1, row + 1, np.arange(800)), 4.0, 1.0) for row in middle]
    pulses = find_pulses(curves, 4.0, 4.0)
    assert [pulse and pulse.side for pulse in pulses] == [None, "left", "left", "left"]
    assert [pulse.height for pulse in pulses[1:]] == pytest.approx([10.0] * 3)
    # Alone, the beat is taken for a pulse.
    assert find_pulses(curves[:1], 4.0, 4.0)[0].side == "right"


@pytest.mark.parametrize("side", ["left", "right"])
def test_specks_after_a_pulse_are_no_trace(side):
    # Rows of 800 pixels at 8 pixels per mm, whose pulses end at 90; the traces begin at 128.
    middle = np.full((4, 800), 100.0)
    middle[:, 58:90] = 20.0
    middle[:, 110:128] = np.nan
    # On two of them, a speck is between both.
    middle[1:3, 118:121] = 100.0
    if side == "right":
        middle = middle[:, ::-1]
    curves = [make_curve(Path(row - 1, row + 1, np.arange(800)), 8.0, 1.0) for row in middle]
    axis = find_time_axis(curves, (8.0, 8.0), 25.0, np.empty(0))
    assert [pulse.side for pulse in axis.pulses] == [side] * 4
    stop = axis.start + axis.seconds * axis.per_second
    assert (axis.start, stop) == ((128, 800) if side == "left" else (0, 672))
    assert axis.spread == 0


def draw_crease(strength, slope):
    """Return a sheet with two traces, and the same with a crease on a beat of both."""
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 10, (800, 600)).astype(np.uint8)
    for level in (200, 600):
        ink[level : level + 4] = INK
        ink[level - 150 : level, 298:301] = INK
    crossing = np.round(300 + slope * (np.arange(800) - 400)).astype(int)
    folded = ink.astype(float)
    for offset, share in ((-1, 0.6), (0, 1.0), (1, 1.0), (2, 0.6)):
        rows = np.arange(800)
        folded[rows, crossing + offset] += share * strength * INK
    return ink, np.clip(folded, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("slope", [0.0, 0.03])
def test_a_crease_is_subtracted_from_beats(slope):
    ink, folded = draw_crease(0.4, slope)
    subtract_creases(folded, 8, round(0.15 * INK))
    np.testing.assert_array_equal(folded[:, :260], ink[:, :260])
    # The paper is clean, and the beat remains.
    assert (folded > 0.15 * INK).sum() <= 1.02 * (ink > 0.15 * INK).sum()
    assert folded[ink == INK].min() > 0.55 * INK


def test_lines_of_ink_and_beats_are_no_creases():
    ink, solid = draw_crease(1.0, 0.0)
    for page in (ink, solid):
        after = page.copy()
        subtract_creases(after, 8, round(0.15 * INK))
        np.testing.assert_array_equal(after, page)


def test_beats_on_a_removed_line_are_unknown():
    top = np.full(400, 59.0)
    bottom = top + 2
    # A beat at 100 of which the line took the tip; the second line is on a level trace.
    top[96:99], bottom[102:106], top[102:106] = [50, 40, 30], [31, 41, 51, 61], [25, 30, 40, 50]
    top[99:102] = bottom[99:102] = top[300:302] = bottom[300:302] = np.nan
    stroke = np.where(np.isnan(top), -1, np.arange(400))
    path = Path(top, bottom, stroke)
    curve = make_curve(path, 4.0, 1.0)
    mark_removed([path], [curve], [(99, 102), (300, 302)])
    assert curve.unknown == [(97, 104)]
    values = sample_curve(curve, np.array([90.5, 100.5, 103.5, 110.5, 301.0]), 8.0)
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, False, False])


def random_strokes(n_columns, n_rows, seed):
    """Return ends, costs and baselines of strokes in mm, some of which are missing."""
    rng = np.random.default_rng(seed)
    baselines = 30.0 * np.arange(n_rows)
    middles = baselines[:, None] + np.cumsum(rng.normal(0, 1, (n_columns, n_rows, 5)), axis=2)
    ends = np.stack([middles, rng.uniform(0.1, 2, middles.shape)], axis=1)
    costs = 0.005 * np.abs(middles - baselines[:, None])
    costs[rng.random(costs.shape) < 0.5] = np.inf
    return ends, costs, baselines


def test_strokes_equal_a_slow_choice():
    ends, costs, baselines = random_strokes(40, 1, 0)
    scale = 4.0
    # Cost, and states so far, of the best path to each stroke, and to a gap after a stroke.
    best = [(np.inf, [])] * 5 + [(0.0, [])]
    last = (baselines[0], 0.0)
    for x in range(40):
        found = []
        for i in range(5):
            middle, half = ends[x, :, 0, i]
            choices = []
            for j, (cost, path) in enumerate(best):
                other, other_half = ends[x - 1, :, 0, j] if j < 5 else last
                distance = abs(middle - other)
                gap = max(0.0, distance - half - other_half)
                choices.append((cost + gap + 0.02 * distance, [*path, i]))
            cost, path = min(choices, key=lambda choice: choice[0])
            found.append((cost + costs[x, 0, i], path))
        j = int(np.argmin([cost for cost, _ in best]))
        found.append((best[j][0] + 4.0 / scale, [*best[j][1], 5]))
        if j < 5:
            last = ends[x - 1, :, 0, j]
        best = found
    expected = min(best, key=lambda choice: choice[0])[1]
    assert {0, 5} < set(expected)
    np.testing.assert_array_equal(_choose_strokes(ends, costs, baselines, scale)[0], expected)


@pytest.mark.parametrize("n_columns", [100, 601, 1200])
def test_parts_of_the_columns_equal_the_whole(n_columns):
    # Only the last ones are long enough for parts.
    ends, costs, baselines = random_strokes(n_columns, 3, 1)
    expected = _choose_strokes(ends, costs, baselines, 4.0)
    found = _choose_by_parts(ends, costs, baselines, 4.0)
    np.testing.assert_array_equal(found, expected)


def test_width_of_strokes_with_fractions():
    # The extreme heights are between those of windows of whole columns.
    signal = 50 - 40 * np.exp(-(((np.arange(80) - 40) / 3) ** 2))
    path = Path(signal - 1, signal + 1, np.arange(80))
    widths = np.array([1.5, 2.1, 2.7, 3.3])
    heights = [sample_curve(make_curve(path, 4, width), [37.0], 4)[0] for width in widths]
    assert np.ptp(np.diff(heights)) < 1e-5
    assert abs(heights[0] - heights[-1]) > 1


@pytest.mark.parametrize("width", [1, 3, 5])
def test_narrow_peaks_keep_their_height(width):
    # A peak and a trough of 3 columns, drawn with strokes of a width.
    signal = np.full(80, 50.0)
    signal[29:34] = [40, 20, 5, 20, 40]
    signal[49:54] = [60, 80, 95, 80, 60]
    padded = np.pad(signal, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    path = Path(windows.min(axis=1) - 1, windows.max(axis=1) + 1, np.arange(len(windows)))
    curve = make_curve(path, 4, float(width))
    assert np.nanmin(curve.y) == pytest.approx(5, abs=0.1)
    assert np.nanmax(curve.y) == pytest.approx(95, abs=0.1)
    middle = sample_curve(curve, np.arange(80) + 0.5, 4)
    assert np.abs(middle[:20] - 50).max() < 0.1


def test_ink_of_the_next_column():
    # 100 pixels per second. Where columns meet, vertical strokes contain both leads.
    level = np.repeat([50.0, 90.0, 50.0, 90.0], 250)
    top, bottom = level - 1, level + 1
    for limit in (250, 500, 750):
        top[limit - 1 : limit + 1], bottom[limit - 1 : limit + 1] = 49.0, 91.0
    curve = make_curve(Path(top, bottom, np.arange(1000)), 4.0, 2.0)
    axis = TimeAxis(0.0, 100.0, 10.0, [None], 0.0)
    for column in range(4):
        signal, recovered, _, (x, y) = read_lead(
            curve,
            LeadPlace("V1", 0, column, 4),
            axis,
            zero=50.0,
            per_millivolt=40.0,
            sampling_rate=500,
            n_times=5000,
            scale=4.0,
        )
        known = np.flatnonzero(~np.isnan(signal))
        # Half of a line of two pixels, and one pixel, are ten time points.
        limits = 1250 * column + 10 * (column > 0), 1250 * (column + 1) - 10 * (column < 3)
        np.testing.assert_allclose(known[[0, -1]], limits, atol=1)
        assert (np.diff(known) == 1).all()
        np.testing.assert_allclose(signal[known], -1.0 * (column % 2), atol=0.02)
        assert recovered == 1
        # The line is where the signal is.
        np.testing.assert_allclose(x, 100 * known / 500)
        np.testing.assert_allclose((50.0 - y) / 40.0, signal[known])


def crossing_rows(n_shared, jump=0.0):
    """Return paths of two rows of a layout of 12 rows, which share their tall strokes."""
    n_columns = 1000
    paths = []
    for row, level in enumerate((100.0, 140.0)):
        top, bottom = np.full(n_columns, level - 1), np.full(n_columns, level + 1)
        stroke = np.arange(n_columns) * 2 + row
        # Ten peaks, of which the first are on the strokes of the other row.
        for i, x in enumerate(range(50, n_columns, 100)):
            bottom[x], top[x] = 141.0, 99.0
            if i < n_shared:
                stroke[x] = -x + 10**6
        paths.append(Path(top, bottom, stroke))
    paths[0].top[503] -= jump
    paths[0].bottom[503] -= jump
    axis = TimeAxis(0.0, 100.0, 10.0, [None, None], 0.0)
    places = [LeadPlace("V1", 0, 0, 1), LeadPlace("V2", 1, 0, 1)]
    return paths, places, axis


@pytest.mark.parametrize("n_shared", [0, 2, 4])
def test_strokes_of_two_rows(n_shared):
    facts = {}
    paths, places, axis = crossing_rows(n_shared)
    if n_shared / 10 > MAX_SHARED_ENERGY:
        with pytest.raises(PageRefusedError, match="40% of its energy"):
            check_confusion(paths, places, axis, 4.0, facts)
    else:
        check_confusion(paths, places, axis, 4.0, facts)
    assert facts["shared_energy"] == pytest.approx(n_shared / 10, abs=1e-6)
    assert facts["largest_jump"] == 0


def test_jumps_of_a_trace():
    # Lines are 2 pixels high, so that gaps are 2 pixels smaller than the shift; 4 pixels are 1 mm.
    facts = {}
    check_confusion(*crossing_rows(0, 42.0), 4.0, facts)
    assert facts["largest_jump"] == pytest.approx(10.0)
    # There and back.
    assert facts["total_jumps"] == pytest.approx(20.0)
    with pytest.raises(PageRefusedError, match="trace of V1 jumps by 12 mm"):
        check_confusion(*crossing_rows(0, 50.0), 4.0, facts)
    paths, places, axis = crossing_rows(0, 42.0)
    paths[1].top[303] += 14.0
    paths[1].bottom[303] += 14.0
    with pytest.raises(PageRefusedError, match="jump by 26 mm in total"):
        check_confusion(paths, places, axis, 4.0, facts)
    assert facts["total_jumps"] == pytest.approx(26.0)


@pytest.mark.parametrize("jump", [42.0, 50.0])
def test_strips_that_jump(jump):
    paths, places, axis = crossing_rows(0, jump)
    found = [has_large_jump(paths, place, axis, 4.0) for place in places]
    assert found == [jump / 4.0 > 11, False]


def test_ends_beyond_a_jump_are_cut_off():
    paths, _, axis = crossing_rows(0)
    for ends in (paths[1].top, paths[1].bottom):
        ends[:6] += 9.0
        # Too small, and too far from the end.
        ends[994:] += 7.0
        ends[960:975] += 30.0
    cut_ends(paths, axis, 4.0)
    for path, start in zip(paths, (0, 6)):
        np.testing.assert_array_equal(np.isnan(path.top), np.arange(1000) < start)
        np.testing.assert_array_equal(path.stroke >= 0, ~np.isnan(path.bottom))


def test_what_is_not_between_the_ends_is_cut_off():
    paths, _, _ = crossing_rows(0)
    # Columns 100 to 900.
    cut_ends(paths, TimeAxis(100.0, 100.0, 8.0, [None, None], 0.0), 4.0)
    for path in paths:
        np.testing.assert_array_equal(np.flatnonzero(path.stroke >= 0), np.arange(100, 900))
        np.testing.assert_array_equal(path.stroke >= 0, ~np.isnan(path.top))
        np.testing.assert_array_equal(path.stroke >= 0, ~np.isnan(path.bottom))


def test_lines_along_edges_are_no_rows():
    ink = np.zeros((560, 1000), dtype=np.float32)
    levels = [100, 200, 300, 400]
    for level in levels:
        ink[level - 1 : level + 2, 120:920] = 1
        for beat in range(150, 920, 80):
            ink[level - 20 : level, beat : beat + 3] = 1
    # A dark corner at one of its ends.
    ink[490:493, 60:960] = 1
    ink[493:508, 60:200] = 1
    upright = SimpleNamespace(
        strength=(ink * INK).astype(np.uint8),
        ink=ink,
        clear=0.7,
        scale=4.0,
        scales=(4.0, 4.0),
        origin=(0.0, 0.0),
    )
    rows = find_rows(upright, (0.0, 140.0, 0.0, 250.0))
    assert [row.baseline for row in rows] == pytest.approx(levels, abs=2)
    assert 478 < rows[-1].bottom < 490


def test_a_crease_joins_a_trace_to_the_edge():
    ink = np.zeros((400, 400), dtype=np.uint8)
    table = np.zeros(ink.shape, dtype=bool)
    table[:, :40] = table[-40:] = True
    ink[200:204, 100:380] = INK
    ink[:, 44:56] = ink[-56:-44] = INK
    ink[203:206, 56:100] = 0.4 * INK
    strength = _strengthen_faint_ink(ink, 4.0, 0.2, table)
    assert strength[200:204, 100:380].min() > 0.9 * INK
    assert not strength[:, :60].any()
    assert not strength[-60:].any()


def test_traces_that_are_cut_off():
    paths, places, axis = crossing_rows(0)
    outside = np.zeros((200, 1000), dtype=bool)
    facts = {}
    check_borders(paths, places, axis, 4.0, outside, facts)
    assert facts["cut_off"] == 0
    # Ten peaks of the first row are outside of a sheet that begins there.
    for path in paths:
        path.top[40:60] = path.top[40]
    paths[0].top[440:460] = 90.0
    outside[:90] = True
    with pytest.raises(PageRefusedError, match="trace of V1 reaches the border"):
        check_borders(paths, places, axis, 4.0, outside, facts)
    assert facts["cut_off"] == pytest.approx(20 / (1000 - 12))


def test_strokes_beside_the_grid_do_not_count():
    paths, places, axis = crossing_rows(9)
    upright = SimpleNamespace(origin=(0.0, 0.0), scale=4.0, scales=(4.0, 4.0))
    _cut_to_grid(paths, upright, (0.0, 50.0, 20.0, 230.0))
    for path in paths:
        known = ~np.isnan(path.top)
        assert np.flatnonzero(known)[[0, -1]].tolist() == [80, 919]
        np.testing.assert_array_equal(path.stroke >= 0, known)
    facts = {}
    with pytest.raises(PageRefusedError, match="crosses"):
        check_confusion(paths, places, axis, 4.0, facts)
    assert facts["shared_energy"] > MAX_SHARED_ENERGY


def test_identities_of_the_limb_leads():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300))
    leads = {
        "I": first,
        "II": second + 3.0,
        "III": second - first,
        "aVR": -(first + second) / 2,
        "aVL": first - second / 2,
        "aVF": second - first / 2,
    }
    np.testing.assert_allclose(limb_residual(leads), 0, atol=0.01)
    leads["I"], leads["III"] = leads["aVR"], leads["aVF"]
    assert limb_residual(leads)[0] > 0.3
    short = {name: np.where(np.arange(300) < 10, lead, np.nan) for name, lead in leads.items()}
    assert np.isnan(limb_residual(short)).all()


def test_layouts_by_rows():
    assert possible_layouts("auto", 6) == ["3x4+3", "6x2"]
    assert possible_layouts("auto", 12) == ["12x1"]
    for n_rows, word in ((1, "rhythm strip"), (8, "one page"), (24, "one page")):
        with pytest.raises(PageRefusedError, match=word):
            possible_layouts("auto", n_rows)
    places, strips = places_of("3x4+1")
    assert [(place.name, place.row, place.column) for place in places[:4]] == [
        ("I", 0, 0),
        ("II", 1, 0),
        ("III", 2, 0),
        ("aVR", 0, 1),
    ]
    assert [strip.row for strip in strips] == [3]


def test_a_similar_lead_does_not_get_a_rhythm_strip():
    times = np.arange(1000)
    beats = sum(np.exp(-0.5 * ((times - at) / 2) ** 2) for at in range(30, 1000, 90))
    t_waves = sum(np.exp(-0.5 * ((times - at - 25) / 8) ** 2) for at in range(30, 1000, 90))
    second = beats + 0.1 * t_waves
    signals = np.full((12, 1000), np.nan)
    for lead in range(12):
        part = slice(250 * (lead // 3), 250 * (lead // 3 + 1))
        signals[lead, part] = np.roll(second, 40)[part]
    signals[1, :250] = second[:250]
    # aVF is like II, apart from its T waves.
    signals[5, 250:500] = (beats + 0.3 * t_waves)[250:500]
    # Two columns overlap at the end of II.
    signals[1, 245:250] += 1.0
    filled = signals.copy()
    assert fill_from_strips(filled, second[None], fill=True) == ["II"]
    np.testing.assert_allclose(filled[1, 250:], second[250:], atol=1e-3)
    # Beats of II are early and late, as on bent paper.
    shifted = np.interp(times + 4 * np.sin(times / 25), times, second)
    signals[1, :250] = shifted[:250]
    filled = signals.copy()
    assert fill_from_strips(filled, second[None], fill=True) == [None]
    np.testing.assert_array_equal(filled, signals)
