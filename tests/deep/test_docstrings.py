"""Test that parameters and attributes of several estimators have the same description in each."""

import inspect
import re
from itertools import combinations

import pytest
from sklearn.utils._testing import assert_docstring_consistency

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
    ECGNetClassifier,
    ECGNetRegressor,
    MSAICNetClassifier,
    MSAICNetRegressor,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)

pytest.importorskip("numpydoc")

ENCODERS = [ACLECGEncoder, BeatFeatureEncoder, SimCardioNetEncoder]
CLASSIFIERS = [
    ACLECGClassifier,
    BeatFeatureClassifier,
    ECGNetClassifier,
    MSAICNetClassifier,
    SimCardioNetClassifier,
]
REGRESSORS = [ECGNetRegressor, MSAICNetRegressor]
ESTIMATORS = ENCODERS + CLASSIFIERS + REGRESSORS
PAIRS = list(combinations(ESTIMATORS, 2))

# What has different meanings in different estimators.
DIFFERENT_PARAMETERS = {
    "augmentation": "encoders have the augmentation of their paper, classifiers have none",
    "backbone": "encoders of a lead (ACLECG) or of all leads (BeatFeature)",
    "contrastive_weight": "the contrastive loss is added (MSAICNet) or averaged (SimCardioNet)",
    "encoder": "each classifier takes encoders of its own class and passes other parameters on",
    "encoder_learning_rate": "the rate of the whole encoder (ACLECG) or of its last stage",
    "filters": "channels of the blocks of a branch (MSAICNet) or of the stages (SimCardioNet)",
    "module": "the outputs of a module are logits or numbers",
    "normalize": "images have other statistics than signals",
    "projection_dim": "the projection heads differ, and some sizes are defaults of the paper",
    "sampling_rate": "needed by the augmentation (ACLECG) or the measurements (BeatFeature)",
    "temperature": "the losses differ, and some temperatures are defaults of the paper",
    "validation_fraction": "the split of regressors is not stratified",
    "warm_start": "regressors keep the standardization of the targets",
}
DIFFERENT_ATTRIBUTES = {
    "encoder_": "each classifier has encoders of its own class",
    "history_": "each loss has other parts, and stages have other learning rates",
}
# Estimators within which these have one description nevertheless.
SAME_WITHIN = {
    "validation_fraction": CLASSIFIERS,
    "warm_start": ENCODERS + CLASSIFIERS,
    "augmentation": [*CLASSIFIERS, BeatFeatureEncoder, *REGRESSORS],
    "normalize": [
        ACLECGEncoder,
        BeatFeatureEncoder,
        ECGNetClassifier,
        MSAICNetClassifier,
        *REGRESSORS,
    ],
    "history_": [ECGNetClassifier, MSAICNetClassifier, *REGRESSORS],
}


def without_defaults(estimator):
    """Return a class with the docstring of an estimator, without the default values."""
    doc = re.sub(r", default=.*", "", inspect.getdoc(estimator))
    return type(estimator.__name__, (), {"__doc__": doc})


@pytest.mark.filterwarnings("ignore:Checking was skipped:UserWarning")
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(e.__name__ for e in pair))
def test_shared_parameters_and_attributes(pair):
    same = {name for name, estimators in SAME_WITHIN.items() if set(pair) <= set(estimators)}
    assert_docstring_consistency(
        [without_defaults(estimator) for estimator in pair],
        include_params=True,
        exclude_params=sorted(set(DIFFERENT_PARAMETERS) - same),
        include_attrs=True,
        exclude_attrs=sorted(set(DIFFERENT_ATTRIBUTES) - same),
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_all_parameters_are_documented_in_the_order_of_the_signature(estimator):
    from numpydoc.docscrape import ClassDoc

    documented = [parameter.name for parameter in ClassDoc(estimator)["Parameters"]]
    assert documented == list(inspect.signature(estimator).parameters)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_documented_defaults_are_those_of_the_signature(estimator):
    from numpydoc.docscrape import ClassDoc

    for parameter in ClassDoc(estimator)["Parameters"]:
        default = inspect.signature(estimator).parameters[parameter.name].default
        assert eval(parameter.type.split("default=")[1]) == default, parameter.name
