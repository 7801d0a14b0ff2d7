"""Every public class and function has a test of its properties, or a reason why not."""

import importlib
import runpy
from pathlib import Path

import numpy as np
import pytest
from outcomes import COVERED, attempt, check_error, missing_calls

from sklearn_ecg.metrics import auroc_score
from sklearn_ecg.preprocessing import Clipper

FOLDER = Path(__file__).parent
ABSTRACT = "an abstract class; its subclasses are covered"
CHECKS = "a test of estimators itself; tests/utils covers it"
SLOW = "each call takes seconds; the tests of its room call it with wrong arguments"
FILES = "it reads files; its own tests damage them"
TABLE = "a summary of what to_lead_array returns, which is covered"
RESULT = "a result; the tests of the functions that return it check its values"
NOT_COVERED = {
    "sklearn_ecg.LazyRecords": FILES,
    "sklearn_ecg.base.SignalToSignalTransformer": ABSTRACT,
    "sklearn_ecg.base.SignalTransformer": ABSTRACT,
    "sklearn_ecg.deep.DeepECG": ABSTRACT,
    "sklearn_ecg.deep.DeepECGClassifier": ABSTRACT,
    "sklearn_ecg.deep.DeepECGRegressor": ABSTRACT,
    "sklearn_ecg.deep.FineTunedClassifier": ABSTRACT,
    "sklearn_ecg.deep.SelfSupervisedEncoder": ABSTRACT,
    "sklearn_ecg.leads.describe_lead_frame": TABLE,
    "sklearn_ecg.metrics.DeLongResult": RESULT,
    "sklearn_ecg.metrics.ScoreInterval": RESULT,
    "sklearn_ecg.datasets.load_records": FILES,
    "sklearn_ecg.persistence.export_onnx": SLOW,
    "sklearn_ecg.inspection.DigitizedPageDisplay": SLOW,
    "sklearn_ecg.preprocessing.ECGImageDigitizer": SLOW,
    "sklearn_ecg.reporting.ModelCard": RESULT,
    "sklearn_ecg.reporting.model_card": SLOW,
    "sklearn_ecg.utils.estimator_checks.check_ecg_estimator": CHECKS,
    "sklearn_ecg.utils.estimator_checks.ecg_checks": CHECKS,
    "sklearn_ecg.utils.estimator_checks.parametrize_with_ecg_checks": CHECKS,
}


def test_every_public_name_is_covered():
    for path in FOLDER.glob("test_*.py"):
        importlib.import_module(path.stem)
    api = runpy.run_path(str(FOLDER.parent / "test_api_docs.py"))
    public = {
        f"{home}.{name}": getattr(api["API"][home], name)
        for name, home in api["HOMES"].items()
        if callable(getattr(api["API"][home], name))
    }
    missing = {name for name, value in public.items() if value not in COVERED}
    assert missing == set(NOT_COVERED)


# --------------------------------------------------------------------------------------------------
# The tests can fail
# --------------------------------------------------------------------------------------------------


def undocumented(x):
    """Raise an error that the docstring does not mention."""
    raise ValueError(f"x must be positive, got {x}.")


def accidental(x):
    """Fail inside NumPy.

    Raises
    ------
    ValueError
        Never on purpose.
    """
    return np.zeros(x).reshape(2, 2)


def vague(x):
    """Raise an error in another library.

    Raises
    ------
    ValueError
        With a message that says nothing.
    """
    raise ValueError("something is wrong")


def modifying(x):
    x[0] = 1


def warning_of_numpy(x):
    return np.log(x)


def drawing(x):
    return np.random.rand()


@pytest.mark.parametrize(
    "function, x",
    [
        (undocumented, 3),
        (accidental, 3),
        (vague, 3),
        (modifying, np.zeros(3)),
        (warning_of_numpy, np.zeros(3)),
        (drawing, 3),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_faults_are_detected(function, x):
    with pytest.raises(AssertionError):
        attempt(function, x)


def test_messages_must_name_something():
    try:
        Clipper(low="a").fit(np.zeros((2, 1, 5)))
    except ValueError as error:
        check_error(error, Clipper().fit)
        error.args = ("it is wrong",)
        with pytest.raises(AssertionError, match="names nothing"):
            check_error(error, Clipper().fit)


def test_calls_are_counted():
    def function():
        return 1

    assert missing_calls(function) == {"function"}
    attempt(function)
    assert not missing_calls(function)
    attempt(auroc_score, [0, 1], [0.1, 0.2])
    assert not missing_calls(auroc_score)
