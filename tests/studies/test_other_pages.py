"""Tables of ages, and the markers of tables that scripts write."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

ROOT = Path(__file__).parents[2]


def test_table_of_ages():
    import age_ptbxl as script

    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, size=40)
    patients = np.arange(40) // 2
    near = [age + rng.normal(size=40) for _ in range(2)]
    predictions = {script.BOOSTING: [age + 10 * rng.normal(size=40)], "near": near}
    first, second = script.make_rows(age, predictions, patients, n_resamples=20)
    assert first[3:] == ["", ""]
    error = np.mean([mean_absolute_error(age, seed) for seed in near])
    r2 = np.mean([r2_score(age, seed) for seed in near])
    assert second[1].startswith(f"{error:.2f} [") and second[2].startswith(f"{r2:.3f} [")
    difference = error - mean_absolute_error(age, predictions[script.BOOSTING][0])
    assert second[3].startswith(f"{difference:+.2f} [")
    low, high = (float(end) for end in second[3].split("[")[1].strip("]").split())
    assert low < difference < high < 0


def test_intervals_of_ages_depend_on_patients():
    """Twenty copies of each record say no more than one."""
    import age_ptbxl as script

    rng = np.random.default_rng(0)
    age = np.repeat(rng.uniform(20, 80, size=30), 20)
    predictions = {script.BOOSTING: [age + np.repeat(5 * rng.normal(size=30), 20)]}
    widths = []
    for patients in (np.arange(600), np.arange(600) // 20):
        ((_, error, *_),) = script.make_rows(age, predictions, patients, n_resamples=200)
        low, high = error.split("[")[1].strip("]").split("-")
        widths.append(float(high) - float(low))
    assert widths[1] > 3 * widths[0]


@pytest.mark.parametrize(
    "name, part",
    [
        ("lead_subsets_ptbxl", "subsets"),
        ("random_convolutions_ptbxl", "scores"),
        ("printed_leads_ptbxl", "printed"),
        ("electrode_swaps", "swaps"),
        ("windows_ptbxl", "windows"),
        ("age_ptbxl", "ages"),
        ("bench_all", "speed"),
    ],
)
def test_pages_have_the_parts_that_are_written(name, part):
    page = (ROOT / "docs" / __import__(name).PAGE).read_text(encoding="utf-8")
    assert len(re.findall(rf"^\.\. begin table {part}(?: \(|$)", page, re.MULTILINE)) == 1
    assert page.count(f".. end table {part}\n") == 1
