"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import REGIONS_12


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


def make_small_network(**params):
    """A network that is trained in seconds."""
    params = {"max_epochs": 20, **params}
    return MSAICNetClassifier(
        dilations=(1, 2),
        filters=(8, 16),
        embedding_dim=16,
        projection_dim=8,
        learning_rate=5e-3,
        random_state=0,
        **params,
    )


def make_infarctions(region, n_train=300):
    """Training records and held-out ones of other patients, as lead frames."""
    X, y = make_ecg(
        n_train + 200,
        duration=3,
        regions=region,
        prevalence=0.5,
        as_frame=True,
        return_X_y=True,
        random_state=0,
    )
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


@pytest.fixture(scope="session")
def small_network():
    """The function that makes a small network."""
    return make_small_network


@pytest.fixture(scope="session")
def infarctions():
    """The function that makes records of an infarction."""
    return make_infarctions


@pytest.fixture(scope="session", params=list(REGIONS_12))
def infarction(request):
    """A region, a network that knows its infarctions, and records held out from it."""
    X_train, y_train, X, y = make_infarctions(request.param)
    return request.param, make_small_network().fit(X_train, y_train), X, y
