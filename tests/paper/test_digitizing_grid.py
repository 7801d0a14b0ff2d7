"""The grid of a page: lattice, plane, bends and folds of paper, and the upright page."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates, maximum_filter, minimum_filter

from sklearn_ecg.paper._digitizing._bends import Bend, fit_bend
from sklearn_ecg.paper._digitizing._digitize import _check_grid
from sklearn_ecg.paper._digitizing._grid_fit import _improve_tilted, fit_grid
from sklearn_ecg.paper._digitizing._grids import Grid, find_outside, to_pixels, turn_page
from sklearn_ecg.paper._digitizing._homographies import fit_homography
from sklearn_ecg.paper._digitizing._ink import halve
from sklearn_ecg.paper._digitizing._lattice import find_lattice
from sklearn_ecg.paper._digitizing._pages import split_channels
from sklearn_ecg.paper._digitizing._patterns import find_displaced, has_bulge
from sklearn_ecg.paper._digitizing._plane_fit import Fit, Lines, improve
from sklearn_ecg.paper._digitizing._refusal import PageRefusedError
from sklearn_ecg.paper._digitizing._sheets import Sheet, fill_sheet
from sklearn_ecg.paper._digitizing._slips import find_slips
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


def test_most_folds_of_1_mm_are_corrected():
    """They are not just refused."""
    errors = [
        error_of(folded_paper(millimeters, 90, width, along), 15)
        for millimeters in (1.0, -1.0)
        for width in (4.0, 12.0, 20.0, 30.0)
        for along in (0, 1)
    ]
    assert np.count_nonzero(errors) >= 14


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
