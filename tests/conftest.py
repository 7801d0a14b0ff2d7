"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data that SKLEARN_ECG_DATA names; the test is skipped without it.

    With SKLEARN_ECG_REQUIRE_DATA=1 the test fails instead.
    """
    folder = os.environ.get("SKLEARN_ECG_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = "needs real data: set SKLEARN_ECG_DATA to the folder that holds ptbxl/"
    if folder:
        reason = f"SKLEARN_ECG_DATA={folder!r} is not a folder"
    if os.environ.get("SKLEARN_ECG_REQUIRE_DATA") == "1":
        pytest.fail(f"{reason} (SKLEARN_ECG_REQUIRE_DATA=1)", pytrace=False)
    pytest.skip(reason)
