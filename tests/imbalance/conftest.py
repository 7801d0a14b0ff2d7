"""Records for the tests of samplers."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import is_lead_frame, stack_signals, to_lead_array, to_lead_frame

LEADS = ("I", "II", "III", "V2")


@pytest.fixture(scope="session")
def ecg():
    """60 records of 30 patients, 12 of them infarctions; four leads, 4 s at 100 Hz."""
    bunch = make_ecg(
        60, duration=4, prevalence=0.2, records_per_patient=2, class_sep=np.inf, random_state=0
    )
    bunch.data = np.ascontiguousarray(bunch.data[:, [0, 1, 2, 7]])
    bunch.data.flags.writeable = False
    return bunch


@pytest.fixture(scope="session")
def containers(ecg):
    """Every container of the records, with the parameters that it needs."""
    X = ecg.data
    index = pd.Index([f"record {i}" for i in range(len(X))], name="id")
    frame = to_lead_frame(X, LEADS, index=index, sampling_rate=100, units="mV")
    rows = X.reshape(len(X), -1)
    names = [f"{lead}_{time}" for lead in LEADS for time in range(X.shape[2])]
    numeric = pd.DataFrame(rows, columns=names, index=index)
    numeric.attrs["units"] = "mV"
    n_leads = {"n_leads": len(LEADS), "lead_names": LEADS}
    return {
        "3-D array": (X, {"lead_names": LEADS}),
        "lead frame": (frame, {}),
        "object array": (frame.to_numpy(), {"lead_names": LEADS}),
        "2-D rows": (rows, n_leads),
        "numeric frame": (numeric, n_leads),
        "nested list": (rows.tolist(), n_leads),
    }


CONTAINERS = ("3-D array", "lead frame", "object array", "2-D rows", "numeric frame", "nested list")


@pytest.fixture(scope="session", params=CONTAINERS)
def container(request, containers):
    """One container of the records, and the parameters that it needs."""
    return containers[request.param]


@pytest.fixture(scope="session")
def indicator(ecg):
    """A multilabel indicator: one frequent label, two rare ones that overlap, none for some."""
    rng = np.random.RandomState(0)
    frequent = rng.uniform(size=60) < 0.7
    first = rng.uniform(size=60) < 0.15
    second = rng.uniform(size=60) < 0.12
    return np.column_stack([frequent, first, second]).astype(int)


def _as_rows(X):
    if is_lead_frame(X):
        X = to_lead_array(X)
    elif isinstance(X, np.ndarray) and X.dtype == object:
        X = stack_signals(X)
    X = np.asarray(X)
    return X.reshape(len(X), -1)


@pytest.fixture(scope="session")
def as_rows():
    """The function that converts any container to rows."""
    return _as_rows
