"""Tests that the public checks detect the faults that they are meant for."""

import random

import numpy as np
import pytest
import torch

from sklearn_ecg import MSAICNetClassifier, SimCardioNetEncoder
from sklearn_ecg.preprocessing import BandpassFilter, ECGImageRenderer
from sklearn_ecg.utils import _classifier_checks, estimator_checks
from sklearn_ecg.utils.estimator_checks import check_ecg_estimator, ecg_checks

TINY = {
    "filters": (4,),
    "dilations": (1,),
    "kernel_size": 3,
    "embedding_dim": 4,
    "projection_dim": 4,
    "max_epochs": 2,
    "batch_size": 8,
}


class ForgetsItsSeed(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        seed, self.random_state = self.random_state, None
        super().fit(X, y, sample_weight, groups)
        self.random_state = seed
        return self


class ChangesAParameter(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        super().fit(X, y, sample_weight, groups)
        self.max_epochs += 1
        return self


class DrawsGlobally(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        np.random.rand()
        return super().fit(X, y, sample_weight, groups)


class UsesRecordsOfWeightZero(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        if sample_weight is not None:
            sample_weight = np.maximum(sample_weight, 1e-3)
        return super().fit(X, y, sample_weight, groups)


class DropsWeights(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        return super().fit(X, y, groups=groups)


class DropsGroups(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        return super().fit(X, y, sample_weight)


class DrawsIfItFails(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        try:
            return super().fit(X, y, sample_weight, groups)
        except ValueError:
            random.random()
            raise


class LeavesThreads(MSAICNetClassifier):
    def predict(self, X):
        torch.set_num_threads(3)
        return super().predict(X)


class LosesLabels(MSAICNetClassifier):
    def predict(self, X):
        return self.decision_function(X).reshape(len(X), -1).argmax(axis=1)


class DependsOnOtherRecords(MSAICNetClassifier):
    def decision_function(self, X):
        logits = super().decision_function(X)
        return logits - logits.mean(axis=0)


class AcceptsTransposed(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        if getattr(X, "ndim", 0) == 3 and X.shape[1] > X.shape[2]:
            X = X.transpose(0, 2, 1)
        return super().fit(X, y, sample_weight, groups)


class StaysFitted(MSAICNetClassifier):
    def fit(self, X, y, sample_weight=None, groups=None):
        before = vars(self).copy()
        try:
            return super().fit(X, y, sample_weight, groups)
        except ValueError:
            vars(self).update(before)
            raise


class ReturnsArrays(BandpassFilter):
    def transform(self, X):
        return self._transform(self._validate_signals(X, reset=False))


class ChangesX(BandpassFilter):
    def transform(self, X):
        signals = self._validate_signals(X, reset=False)
        signals -= signals.mean(axis=-1, keepdims=True)
        return self._to_container(self._transform(signals), X)


class ReturnsFloat64(BandpassFilter):
    def _transform(self, signals):
        return super()._transform(signals).astype(np.float64)


class ReturnsItsInput(BandpassFilter):
    def _transform(self, signals):
        return signals


class NamesRowsAfterLeads(BandpassFilter):
    def get_feature_names_out(self, input_features=None):
        return np.asarray(self._output_lead_names(), dtype=object)


class SubtractsTheMeanRecord(BandpassFilter):
    def _transform(self, signals):
        return super()._transform(signals) - signals.mean(axis=0)


FAULTS = {
    ForgetsItsSeed: "check_refit_bit_equal",
    ChangesAParameter: "check_input_unchanged",
    DrawsGlobally: "check_program_state_untouched",
    DrawsIfItFails: "check_program_state_untouched",
    LeavesThreads: "check_program_state_untouched",
    UsesRecordsOfWeightZero: "check_zero_weight_is_removal",
    DropsWeights: "check_zero_weight_is_removal",
    DropsGroups: "check_metadata_routing",
    LosesLabels: "check_label_types",
    DependsOnOtherRecords: "check_prediction_order_independent",
    AcceptsTransposed: "check_transposed_raises",
    StaysFitted: "check_unfitted_after_failed_fit",
}

SIGNAL_FAULTS = {
    ReturnsArrays: "check_same_container_out",
    ChangesX: "check_signals_not_shared",
    ReturnsFloat64: "check_signal_dtypes",
    ReturnsItsInput: "check_signals_not_shared",
    NamesRowsAfterLeads: "check_signal_names",
    SubtractsTheMeanRecord: "check_prediction_order_independent",
}


class FlattensImages(ECGImageRenderer):
    def transform(self, X):
        return super().transform(X).reshape(len(X), -1)


class ReturnsFloats(ECGImageRenderer):
    def transform(self, X):
        return super().transform(X) / 255


class NamesRowsOfPixels(ECGImageRenderer):
    def get_feature_names_out(self, input_features=None):
        return np.array([f"y{y}" for y in range(self.image_shape_[0])], dtype=object)


IMAGE_FAULTS = {
    FlattensImages: "check_image_containers",
    ReturnsFloats: "check_image_containers",
    NamesRowsOfPixels: "check_image_pipeline",
}

# The parameters of the subclasses are those of the parent.
for faulty in FAULTS:
    faulty.__init__ = MSAICNetClassifier.__init__
for faulty in SIGNAL_FAULTS:
    faulty.__init__ = BandpassFilter.__init__
for faulty in IMAGE_FAULTS:
    faulty.__init__ = ECGImageRenderer.__init__


@pytest.fixture
def n_threads():
    """Restore the number of threads after the test."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@pytest.mark.usefixtures("n_threads")
@pytest.mark.parametrize("faulty", FAULTS, ids=lambda c: c.__name__)
def test_faults_are_detected(faulty):
    module = _classifier_checks if hasattr(_classifier_checks, FAULTS[faulty]) else estimator_checks
    check = getattr(module, FAULTS[faulty])
    check(MSAICNetClassifier(**TINY))
    with pytest.raises(AssertionError):
        check(faulty(**TINY))


@pytest.mark.parametrize("faulty", SIGNAL_FAULTS, ids=lambda c: c.__name__)
def test_faults_of_signal_transformers_are_detected(faulty):
    check = getattr(estimator_checks, SIGNAL_FAULTS[faulty])
    check(BandpassFilter(sampling_rate=100))
    with pytest.raises(AssertionError):
        check(faulty(sampling_rate=100))


@pytest.mark.parametrize("faulty", IMAGE_FAULTS, ids=lambda c: c.__name__)
def test_faults_of_image_transformers_are_detected(faulty):
    params = dict(sampling_rate=100, layout="12x1", image_size=(20, 30))
    check = getattr(estimator_checks, IMAGE_FAULTS[faulty])
    check(ECGImageRenderer(**params))
    with pytest.raises(AssertionError):
        check(faulty(**params))


def test_transformers_of_signals_are_recognized():
    names = {check.__name__ for check in ecg_checks(BandpassFilter(sampling_rate=100))}
    assert {"check_same_container_out", "check_signal_names"} <= names
    assert not {"check_transform_output", "check_pipeline_step"} & names
    names = {check.__name__ for check in ecg_checks(MSAICNetClassifier(**TINY))}
    assert {"check_transform_output", "check_pipeline_step"} <= names


def test_estimators_of_images_are_recognized():
    # `ecg_checks` fits the estimator, and a fit of the default takes minutes.
    encoder = SimCardioNetEncoder(
        filters=(4,), n_heads=0, image_size=(8, 8), projection_dim=4, max_epochs=1
    )
    names = {check.__name__ for check in ecg_checks(encoder)}
    assert {"check_image_containers_agree", "check_signals_raise"} <= names
    assert not {"check_containers_agree", "check_lead_names"} & names


def test_all_checks_run_and_are_counted():
    assert check_ecg_estimator(MSAICNetClassifier(**TINY)) == len(
        ecg_checks(MSAICNetClassifier(**TINY))
    )
