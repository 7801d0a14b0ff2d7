"""The public checks catch what they are there for: each sabotage fails its check."""

import numpy as np
import pytest

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.preprocessing import BandpassFilter, ECGImageRenderer
from sklearn_ecg.utils import estimator_checks
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


class KeepsWeightlessRecords(MSAICNetClassifier):
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


class LosesLabels(MSAICNetClassifier):
    def predict(self, X):
        return self.decision_function(X).reshape(len(X), -1).argmax(axis=1)


class LooksAtNeighbours(MSAICNetClassifier):
    def decision_function(self, X):
        logits = super().decision_function(X)
        return logits - logits.mean(axis=0)


class ReadsTransposed(MSAICNetClassifier):
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


class GivesArrays(BandpassFilter):
    def transform(self, X):
        return self._transform(self._validate_signals(X, reset=False))


class ChangesX(BandpassFilter):
    def transform(self, X):
        signals = self._validate_signals(X, reset=False)
        signals -= signals.mean(axis=-1, keepdims=True)
        return self._to_container(self._transform(signals), X)


class GivesFloat64(BandpassFilter):
    def _transform(self, signals):
        return super()._transform(signals).astype(np.float64)


class GivesItsInput(BandpassFilter):
    def _transform(self, signals):
        return signals


class NamesRowsAfterLeads(BandpassFilter):
    def get_feature_names_out(self, input_features=None):
        return np.asarray(self._output_lead_names(), dtype=object)


class TakesTheMeanRecord(BandpassFilter):
    def _transform(self, signals):
        return super()._transform(signals) - signals.mean(axis=0)


CAUGHT_BY = {
    ForgetsItsSeed: "check_refit_bit_equal",
    ChangesAParameter: "check_input_unchanged",
    DrawsGlobally: "check_random_state_untouched",
    KeepsWeightlessRecords: "check_zero_weight_is_removal",
    DropsWeights: "check_zero_weight_is_removal",
    DropsGroups: "check_metadata_routing",
    LosesLabels: "check_label_types",
    LooksAtNeighbours: "check_prediction_order_independent",
    ReadsTransposed: "check_transposed_refused",
    StaysFitted: "check_unfitted_after_failed_fit",
}

SIGNALS_CAUGHT_BY = {
    GivesArrays: "check_same_container_out",
    ChangesX: "check_signals_not_shared",
    GivesFloat64: "check_signal_dtypes",
    GivesItsInput: "check_signals_not_shared",
    NamesRowsAfterLeads: "check_signal_names",
    TakesTheMeanRecord: "check_prediction_order_independent",
}


class FlattensPictures(ECGImageRenderer):
    def transform(self, X):
        return super().transform(X).reshape(len(X), -1)


class GivesFloats(ECGImageRenderer):
    def transform(self, X):
        return super().transform(X) / 255


class NamesRowsOfPixels(ECGImageRenderer):
    def get_feature_names_out(self, input_features=None):
        return np.array([f"y{y}" for y in range(self.image_shape_[0])], dtype=object)


IMAGES_CAUGHT_BY = {
    FlattensPictures: "check_image_containers",
    GivesFloats: "check_image_containers",
    NamesRowsOfPixels: "check_image_pipeline",
}

# Subclasses take their parameters from the parent's signature.
for sabotage in CAUGHT_BY:
    sabotage.__init__ = MSAICNetClassifier.__init__
for sabotage in SIGNALS_CAUGHT_BY:
    sabotage.__init__ = BandpassFilter.__init__
for sabotage in IMAGES_CAUGHT_BY:
    sabotage.__init__ = ECGImageRenderer.__init__


@pytest.mark.parametrize("sabotage", CAUGHT_BY, ids=lambda c: c.__name__)
def test_sabotage_is_caught(sabotage):
    check = getattr(estimator_checks, CAUGHT_BY[sabotage])
    check(MSAICNetClassifier(**TINY))
    with pytest.raises(AssertionError):
        check(sabotage(**TINY))


@pytest.mark.parametrize("sabotage", SIGNALS_CAUGHT_BY, ids=lambda c: c.__name__)
def test_sabotage_of_signals_is_caught(sabotage):
    check = getattr(estimator_checks, SIGNALS_CAUGHT_BY[sabotage])
    check(BandpassFilter(sampling_rate=100))
    with pytest.raises(AssertionError):
        check(sabotage(sampling_rate=100))


@pytest.mark.parametrize("sabotage", IMAGES_CAUGHT_BY, ids=lambda c: c.__name__)
def test_sabotage_of_pictures_is_caught(sabotage):
    params = dict(sampling_rate=100, layout="12x1", image_size=(20, 30))
    check = getattr(estimator_checks, IMAGES_CAUGHT_BY[sabotage])
    check(ECGImageRenderer(**params))
    with pytest.raises(AssertionError):
        check(sabotage(**params))


def test_transformers_of_signals_are_recognised():
    names = {check.__name__ for check in ecg_checks(BandpassFilter(sampling_rate=100))}
    assert {"check_same_container_out", "check_signal_names"} <= names
    assert not {"check_transform_output", "check_pipeline_step"} & names
    names = {check.__name__ for check in ecg_checks(MSAICNetClassifier(**TINY))}
    assert {"check_transform_output", "check_pipeline_step"} <= names


def test_all_checks_run_and_are_counted():
    assert check_ecg_estimator(MSAICNetClassifier(**TINY)) == len(
        ecg_checks(MSAICNetClassifier(**TINY))
    )
