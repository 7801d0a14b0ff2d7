"""Test that a new method needs three hooks only: it passes all checks of other estimators."""

import pytest
import torch
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.deep import DeepECGClassifier
from sklearn_ecg.nn import ClassificationLoss
from sklearn_ecg.utils.estimator_checks import parametrize_with_ecg_checks


class PooledConvolution(nn.Module):
    def __init__(self, n_leads, n_outputs, width=16):
        super().__init__()
        self.embedding_dim = 2 * width
        self.conv = nn.Conv1d(n_leads, width, kernel_size=9, padding="same")
        self.classifier = nn.Linear(self.embedding_dim, n_outputs)

    def embed(self, x):
        features = self.conv(x).relu()
        return torch.cat([features.mean(2), features.amax(2)], dim=1)

    def forward(self, x):
        return self.classifier(self.embed(x))


class PooledConvolutionClassifier(DeepECGClassifier):
    def _make_network(self, data):
        return PooledConvolution(data.n_channels, data.n_outputs)

    def _make_loss(self, data):
        return ClassificationLoss(data.target.kind, class_weight=data.class_weight)

    def _make_augmentation(self):
        return GaussianNoise(0.01)


FOR_SKLEARN = PooledConvolutionClassifier(
    n_leads=1,
    precision="float64",
    max_epochs=40,
    learning_rate=1e-2,
    batch_size=16,
    random_state=0,
)
FAILING = "check_sample_weight_equivalence_on_dense_data"
REASON = "a weight scales the loss of a record, whereas a repeated record is in more minibatches"


def sklearn_cases():
    for estimator, check in estimator_checks_generator(FOR_SKLEARN):
        name = check.func.__name__
        # Skipped by scikit-learn unless the environment variable SCIPY_ARRAY_API is set.
        if name != "check_array_api_input":
            marks = pytest.mark.xfail(reason=REASON, strict=True) if name == FAILING else ()
            yield pytest.param(estimator, check, marks=marks, id=name)


SKLEARN_CASES = list(sklearn_cases())


@pytest.mark.parametrize("estimator, check", SKLEARN_CASES)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_as_many_checks_as_for_other_classifiers():
    assert len(SKLEARN_CASES) >= 60


@parametrize_with_ecg_checks([PooledConvolutionClassifier(max_epochs=2, batch_size=8)])
def test_ecg_checks(estimator, check):
    check(estimator)
