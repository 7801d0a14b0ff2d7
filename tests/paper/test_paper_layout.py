"""Tests of the layout that ECGImageRenderer and ECGDisplay have in common."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ecg.inspection import ECGDisplay
from sklearn_ecg.leads import STANDARD_LEADS
from sklearn_ecg.paper import ECGImageRenderer
from sklearn_ecg.paper._paper_layout import calibration_pulse, lay_out_panels, stack_rows


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
def test_renderer_and_display_agree(layout):
    """Both draw each lead in the same row, for the same time, and the same pulses."""
    X = np.zeros((1, 12, 1000))
    renderer = ECGImageRenderer(sampling_rate=100, layout=layout, image_size=(850, 1100)).fit(X)
    display = ECGDisplay(X[0], sampling_rate=100).plot(layout=layout)
    rows = sorted(set(display.baselines_.values()), reverse=True)
    for panel in renderer._page.panels:
        assert rows.index(display.baselines_[panel.name]) == panel.row
        seconds = display.lines_[panel.name].get_xdata()
        start, stop = panel.time_span(1000)
        assert (seconds[0], seconds[-1]) == (start / 100, (stop - 1) / 100)
        millimeters = (panel.x - renderer._page.panels[0].x) / renderer.pixels_per_mm_
        assert millimeters == pytest.approx(25 * seconds[0])
    assert (renderer.rhythm_box_ is None) == (display.rhythm_line_ is None)
    plt.close("all")


def test_order_of_leads():
    names = ["RESP", "V2", "aVL"]
    ordered = lay_out_panels("12x1", names, rhythm_lead="II")
    assert [(panel.name, panel.lead, panel.row) for panel in ordered.panels] == [
        ("aVL", 2, 0),
        ("V2", 1, 1),
        ("RESP", 0, 2),
    ]
    assert ordered.strip is None and ordered.n_rows == 3
    given = lay_out_panels("12x1", names, rhythm_lead=None, standard_order=False)
    assert [panel.name for panel in given.panels] == names
    page = lay_out_panels("3x4", STANDARD_LEADS[::-1], rhythm_lead="v5")
    assert [panel.name for panel in page.all_panels] == [*STANDARD_LEADS, "V5"]
    assert [panel.lead for panel in page.all_panels] == [*range(11, -1, -1), 1]


def test_rows_are_squares_apart():
    zero_lines = stack_rows([1.1, 2.0, 1.1], [0.3, 0.31, 0.5])
    assert zero_lines == [0.0, -2.5, -4.0]


def test_calibration_pulse():
    seconds, millivolts = calibration_pulse().T
    np.testing.assert_allclose(seconds, [-0.44, -0.36, -0.36, -0.16, -0.16, -0.08])
    assert millivolts.tolist() == [0, 0, 1, 1, 0, 0]
