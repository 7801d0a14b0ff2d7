"""Ink and traces of an upright page: strokes, paths, curves, pulses, rows and leads."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_ecg.paper._digitizing._assembly import TimeAxis, find_time_axis, read_lead
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
from sklearn_ecg.paper._digitizing._ink import _strengthen_faint_ink
from sklearn_ecg.paper._digitizing._layouts import (
    LeadPlace,
    limb_residual,
    places_of,
    possible_layouts,
)
from sklearn_ecg.paper._digitizing._pulses import find_pulses
from sklearn_ecg.paper._digitizing._refusal import PageRefusedError
from sklearn_ecg.paper._digitizing._rows import Row, find_rows
from sklearn_ecg.paper._digitizing._strips import fill_from_strips
from sklearn_ecg.paper._digitizing._strokes import INK, find_strokes
from sklearn_ecg.paper._digitizing._traces import _cut_to_grid
from sklearn_ecg.paper._digitizing._tracing import (
    Path,
    _choose_by_parts,
    _choose_strokes,
    trace_rows,
)


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


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("n_joined", [1, 2])
def test_edges_beyond_the_end_of_rows(n_joined, side):
    """Without a grid, the scale of time follows mainly from the length of the rows."""
    # Rows of 10 s at 2 pixels per mm, of which some are joined with an edge 5 mm away.
    middle = np.full((4, 520), 100.0)
    middle[n_joined:, 500:] = np.nan
    # The ends of those that are not joined differ by one pixel.
    middle[3, 499] = np.nan
    if side == "left":
        middle = middle[:, ::-1]
    curves = [make_curve(Path(row - 1, row + 1, np.arange(520)), 2.0, 1.0) for row in middle]
    axis = find_time_axis(curves, (2.0, 2.0), 25.0, np.empty(0), scale_error=0.01)
    stop = axis.start + axis.seconds * axis.per_second
    assert (axis.start, stop) == pytest.approx((0, 500) if side == "right" else (20, 520))
    assert axis.per_second == pytest.approx(50, rel=2e-3)


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
    outside = np.zeros(ink.shape, dtype=bool)
    outside[:, :40] = outside[-40:] = True
    ink[200:204, 100:380] = INK
    ink[:, 44:56] = ink[-56:-44] = INK
    ink[203:206, 56:100] = 0.4 * INK
    # Beyond the image, there is no table, and these lines are no edges.
    strength = _strengthen_faint_ink(ink, 4.0, 0.2, outside, outside)
    assert strength[:, 44:56].min() > 0.9 * INK
    strength = _strengthen_faint_ink(ink, 4.0, 0.2, outside, np.zeros_like(outside))
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
