"""Arms of the study of MSAIC-Net: the estimators that it compares, by name."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import ECGNetClassifier, MSAICNetClassifier
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat, windows

# Parameters of MSAIC-Net in the tables of the documentation, whatever its defaults are: of the
# network, and with those of its loss.
TABLED_NET = {"filters": (32, 64, 64), "kernel_size": 7, "dropout": 0.1}
TABLED = {**TABLED_NET, "contrastive_weight": 0.1}

FULL = "MSAIC-Net, full"
SINGLE = "CNN + focal loss"
FEATURES = "BeatFeatures + gradient boosting"
LINEAR = "MedianBeat + logistic regression"
BEAT_NET = "MedianBeat + small network"
EXTRA_TREES = "BeatFeatures + extra trees"
OF_SUPERCLASSES = f"{FEATURES}, superclasses"
BEST_BASELINE = "resnet1d_wang"

# Soft votes: arms whose probabilities are the means of those of other arms.
SOFT_VOTES = {
    "features and small network, averaged": (FEATURES, BEAT_NET),
    "features and full MSAIC-Net, averaged": (FEATURES, FULL),
    "features, small network and MSAIC-Net, averaged": (FEATURES, BEAT_NET, FULL),
}

LADDER_SOFT_VOTES = {
    "features and small network, averaged": (FEATURES, BEAT_NET),
    "features and extra trees, averaged": (FEATURES, EXTRA_TREES),
    "features, with and without superclasses, averaged": (FEATURES, OF_SUPERCLASSES),
}


class Arm(NamedTuple):
    """An estimator, its number of seeds, and whether ``--quick`` skips it because it is slow."""

    estimator: BaseEstimator
    n_seeds: int = 1
    slow: bool = False

    def seeded(self, seed):
        """Return a clone with the seed in every ``random_state``."""
        estimator = clone(self.estimator)
        names = [key for key in estimator.get_params() if key.endswith("random_state")]
        return estimator.set_params(**dict.fromkeys(names, seed))


class WindowVote(ClassifierMixin, BaseEstimator):
    """Train on windows of the records, and average the probabilities of the windows of a record.

    The PTB-XL benchmark (Strodthoff et al. 2021) also trains its networks on windows, but takes the
    largest probability of the windows.
    """

    def __init__(self, estimator, n_times=250):
        self.estimator = estimator
        self.n_times = n_times

    def fit(self, X, y):
        X_windows, records = windows(X, self.n_times)
        self.estimator_ = clone(self.estimator).fit(X_windows, np.asarray(y)[records])
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X):
        X_windows, _ = windows(X, self.n_times, step=self.n_times // 2)
        probability = self.estimator_.predict_proba(X_windows)
        return probability.reshape(len(X), -1, probability.shape[1]).mean(axis=1)


def flatten(X):
    return X.reshape(len(X), -1)


def gradient_boosting():
    return HistGradientBoostingClassifier(
        max_iter=400,
        learning_rate=0.03,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=1.0,
        max_features=0.2,
    )


def logistic_regression():
    return make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=1e-3, max_iter=2000),
    )


def on_features(classifier, multilabel):
    """Return a pipeline of BeatFeatures and a classifier."""
    classifier = OneVsRestClassifier(classifier) if multilabel else classifier
    return make_pipeline(BeatFeatures(sampling_rate=100), classifier)


def on_beat(network):
    """Return a pipeline of MedianBeat and a network."""
    return make_pipeline(MedianBeat(sampling_rate=100, unreliable="record_average"), network)


def logistic_regression_on_beat(multilabel):
    classifier = LogisticRegression(C=1e-3, max_iter=2000)
    classifier = OneVsRestClassifier(classifier) if multilabel else classifier
    return make_pipeline(*on_beat(FunctionTransformer(flatten)), StandardScaler(), classifier)


def msaic_net(**params):
    return MSAICNetClassifier(**{**TABLED, **params})


def small_network(**params):
    return msaic_net(**{"dilations": (1, 2), "stride": 1, "contrastive_weight": 0, **params})


def make_arms(multilabel):
    """Return the arms of the tables, by name."""
    arms = {
        SINGLE: Arm(msaic_net(dilations=(1,), attention=None, contrastive_weight=0), n_seeds=3),
        "+ multi-scale branches": Arm(msaic_net(attention=None, contrastive_weight=0)),
        "+ channel attention": Arm(msaic_net(contrastive_weight=0)),
        "+ SupCon": Arm(msaic_net(contrastive_gamma=0)),
        FULL: Arm(msaic_net(), n_seeds=3),
        "MSAIC-Net, full, windows": Arm(WindowVote(msaic_net(max_epochs=8))),
        FEATURES: Arm(on_features(gradient_boosting(), multilabel), n_seeds=3),
        LINEAR: Arm(logistic_regression_on_beat(multilabel)),
        BEAT_NET: Arm(on_beat(small_network()), n_seeds=3),
        "MedianBeat + MSAIC-Net, full": Arm(on_beat(msaic_net())),
    }
    for name in (BEST_BASELINE, "cnn_lstm", "xresnet1d101", "transformer"):
        network = ECGNetClassifier(name, max_epochs=8)
        # Three seeds take too long for the other baselines.
        n_seeds = 3 if name == BEST_BASELINE else 1
        arms[name] = Arm(WindowVote(network), n_seeds, slow=True)
    for name in ("inception_time", "lstm"):
        arms[name] = Arm(WindowVote(ECGNetClassifier(name, max_epochs=4)), slow=True)
    return arms


def make_ladder():
    """Return variants of the features with gradient boosting, by name.

    The arms of the second dict are trained on the five superclasses.
    """
    boosting = gradient_boosting()
    forest = make_pipeline(
        SimpleImputer(), ExtraTreesClassifier(500, min_samples_leaf=2, max_features=0.1)
    )
    arms = {
        name: Arm(on_features(classifier, multilabel=False), n_seeds=3)
        for name, classifier in {
            FEATURES: boosting,
            "800 iterations instead of 400": clone(boosting).set_params(max_iter=800),
            "class_weight='balanced'": clone(boosting).set_params(class_weight="balanced"),
            EXTRA_TREES: forest,
            "BeatFeatures + logistic regression": logistic_regression(),
        }.items()
    }
    arms[BEAT_NET] = Arm(on_beat(small_network()), n_seeds=2)
    auxiliary = {OF_SUPERCLASSES: Arm(on_features(boosting, multilabel=True), n_seeds=3)}
    return arms, auxiliary
