"""The public checks catch what they are there for: each sabotage fails its check."""

import numpy as np
import pytest

from sklearn_ecg import MSAICNetClassifier
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

# Subclasses take their parameters from the parent's signature.
for sabotage in CAUGHT_BY:
    sabotage.__init__ = MSAICNetClassifier.__init__


@pytest.mark.parametrize("sabotage", CAUGHT_BY, ids=lambda c: c.__name__)
def test_sabotage_is_caught(sabotage):
    check = getattr(estimator_checks, CAUGHT_BY[sabotage])
    check(MSAICNetClassifier(**TINY))
    with pytest.raises(AssertionError):
        check(sabotage(**TINY))


def test_all_checks_run_and_are_counted():
    assert check_ecg_estimator(MSAICNetClassifier(**TINY)) == len(
        ecg_checks(MSAICNetClassifier(**TINY))
    )
