"""What the README says: its examples run, and so do the scripts in examples/."""

import re
import runpy
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ecg import datasets
from sklearn_ecg.deep._ecg_net_module import NETWORKS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_all_examples_are_found():
    assert len(BLOCKS) == README.count("```python") == 4


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run_as_they_are(number, capsys):
    exec(compile(BLOCKS[number], f"README.md, example {number}", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_networks_by_name():
    (sentence,) = re.findall(r"baselines are available by name: (.*?)\.", README, re.DOTALL)
    assert sorted(re.findall(r'`"(\w+)"`', sentence)) == sorted(NETWORKS)


# tests/calibration runs the other one, which needs many records.
SCRIPTS = {path.name for path in (ROOT / "examples").glob("*.py")} - {"plot_unbalanced_cohort.py"}


# Few records have few patients.
@pytest.mark.filterwarnings("ignore:The interval is from")
@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_run(name, tmp_path, monkeypatch, capsys):
    """With records of 3 s, fewer where the script does not count them, and without processes."""
    counted = name in {
        "plot_lead_importance.py",
        "plot_long_recordings.py",
        "plot_multilabel.py",
    }
    # A page and a window have a duration of their own.
    timed = name in {"plot_digitized_scans.py", "plot_long_recordings.py"}
    n_small = 24 if name == "plot_digitized_scans.py" else 60
    original = datasets.make_ecg

    def make_small_ecg(n_records, **params):
        easy = {} if timed else {"duration": 3, "class_sep": np.inf}
        return original(n_records if counted else n_small, **{**params, **easy})

    monkeypatch.setattr(datasets, "make_ecg", make_small_ecg)
    monkeypatch.delenv("ECG_FOLDER", raising=False)
    monkeypatch.setattr("sys.argv", [name, "--save", str(tmp_path / "figures")])
    with joblib.parallel_config(backend="sequential"):
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    plt.close("all")
    assert capsys.readouterr().out
    if name == "plot_quickstart.py":
        saved = sorted(path.name for path in (tmp_path / "figures").iterdir())
        assert saved == ["lead_importance.png", "record.png", "training_curve.png"]


@pytest.mark.parametrize("folder", [None, "nowhere"])
def test_real_data_are_optional_unless_required(folder, monkeypatch, request):
    conftest = request.config.pluginmanager.get_plugin(str(ROOT / "tests" / "conftest.py"))
    monkeypatch.delenv("SKLEARN_ECG_REQUIRE_DATA", raising=False)
    monkeypatch.delenv("SKLEARN_ECG_DATA", raising=False)
    if folder:
        monkeypatch.setenv("SKLEARN_ECG_DATA", folder)
    with pytest.raises(pytest.skip.Exception, match="SKLEARN_ECG_DATA"):
        conftest.find_data_folder()
    monkeypatch.setenv("SKLEARN_ECG_REQUIRE_DATA", "1")
    with pytest.raises(pytest.fail.Exception, match="SKLEARN_ECG_REQUIRE_DATA=1"):
        conftest.find_data_folder()
    monkeypatch.setenv("SKLEARN_ECG_DATA", str(ROOT))
    assert conftest.find_data_folder() == ROOT
