"""The public names of sklearn_ecg.nn, its imports, and its defaults."""

import inspect
import subprocess
import sys

import pytest

import sklearn_ecg
from sklearn_ecg import nn

ESTIMATORS = {
    "ACLECGNet": "ACLECGEncoder",
    "MSAICLoss": "MSAICNetClassifier",
    "MSAICNet": "MSAICNetClassifier",
    "SimCardioNet": "SimCardioNetEncoder",
}


def test_importing_nn_imports_neither_sklearn_nor_skorch():
    code = "import sys, sklearn_ecg.nn; assert not {'sklearn', 'skorch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_all_files_are_private():
    modules = [name for name, value in vars(nn).items() if inspect.ismodule(value)]
    assert modules and all(name.startswith("_") for name in modules)


def test_public_names():
    assert nn.__all__ == sorted(nn.__all__)
    public = {name for name in vars(nn) if not name.startswith("_")}
    assert public == set(nn.__all__)


@pytest.mark.parametrize("name", nn.__all__)
def test_options_are_keyword_only(name):
    """Only sizes, tensors and types that have no default are positional."""
    for parameter in inspect.signature(getattr(nn, name)).parameters.values():
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and name not in (
            "StridedCNN",
            "VGG1d",
        ):
            assert parameter.default is parameter.empty, parameter


@pytest.mark.parametrize("name", ESTIMATORS)
def test_defaults_are_those_of_the_estimator(name):
    estimator = inspect.signature(getattr(sklearn_ecg, ESTIMATORS[name])).parameters
    parameters = inspect.signature(getattr(nn, name)).parameters
    shared = set(parameters) & set(estimator) - {"class_weight", "n_leads", "regions"}
    assert shared
    for parameter in shared:
        assert parameters[parameter].default == estimator[parameter].default, parameter
