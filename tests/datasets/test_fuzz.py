"""A short run of the fuzzing of the loaders and of models; ``make fuzz`` is a long one."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "fuzz"
FUZZ = runpy.run_path(str(FOLDER / "fuzz.py"))


@pytest.mark.parametrize("name", FUZZ["list_targets"]())
def test_damaged_files(name):
    """No foreign exception, no hang, no wrong value without a note, less than 1 GB of memory."""
    # Models are small, and their files contain a lot that can be damaged.
    count = 250 if name.endswith("models") else 15
    report, is_good = FUZZ["run_target_in_process"](name, first=0, count=count, seconds=600)
    assert is_good, report
    assert f"{name}: {count} inputs, 0 faults" in report


def test_all_targets_are_listed(monkeypatch):
    """Without importing the library, fuzz.py has to name them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    targets = runpy.run_path(str(FOLDER / "targets.py"))["TARGETS"]
    assert list(targets) == FUZZ["list_targets"]()
