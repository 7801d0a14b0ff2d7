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
from sklearn_ecg.augmentation import AmplitudeScale, GaussianNoise, TemporalShift
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat, windows

# Sizes of MSAIC-Net in the tables of the documentation, whatever its defaults are.
TABLED = {"filters": (32, 64, 64), "kernel_size": 7}

FULL = "MSAIC-Net, full"
SINGLE = "CNN + focal loss"
FEATURES = "BeatFeatures + gradient boosting"
LINEAR = "MedianBeat + logistic regression"
BEAT_NET = "MedianBeat + small network"
BEST_BASELINE = "resnet1d_wang"

# Soft votes: arms whose probabilities are the means of those of other arms.
SOFT_VOTES = {
    "features and small network, averaged": (FEATURES, BEAT_NET),
    "features and full MSAIC-Net, averaged": (FEATURES, FULL),
    "features, small network and MSAIC-Net, averaged": (FEATURES, BEAT_NET, FULL),
}

LADDER_SOFT_VOTES = {
    "features and small network, averaged": (FEATURES, BEAT_NET),
    "features and one dilation, averaged": (FEATURES, "  one dilation"),
    "features and extra trees, averaged": (FEATURES, "BeatFeatures + extra trees"),
    "features and whole record, averaged": (FEATURES, "  normalize='record_lead'"),
    "features, small network, whole record, averaged": (
        FEATURES,
        BEAT_NET,
        "  normalize='record_lead'",
    ),
    "features, with and without superclasses, averaged": (FEATURES, FEATURES + ", superclasses"),
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
    """Return variants that a practitioner would try, by name, below the arms that they vary.

    The arms of the second dict are trained on the five superclasses.
    """
    amplitude = [AmplitudeScale(0.2), GaussianNoise(0.05)]
    shift = TemporalShift(0.5, sampling_rate=100)
    trials = {
        BEAT_NET: small_network(),
        "  amplitude and noise": small_network(augmentation=amplitude),
        "  normalize='record'": small_network(normalize="record"),
        "  weight_decay=0.1": small_network(weight_decay=0.1),
        "  weight_decay=0.001": small_network(weight_decay=1e-3),
        "  plain cross-entropy": small_network(focal_gamma=0, class_weight=None),
        "  60 epochs": small_network(max_epochs=60),
        "  60 epochs, amplitude and noise": small_network(max_epochs=60, augmentation=amplitude),
        "  twice as wide": small_network(filters=(64, 128, 128)),
        "  one dilation": small_network(dilations=(1,)),
        "  dropout=0.3": small_network(dropout=0.3),
    }
    arms = {name: Arm(on_beat(network), n_seeds=2) for name, network in trials.items()}
    resnet = ECGNetClassifier("resnet1d_wang", max_epochs=15)
    arms["MedianBeat + resnet1d_wang"] = Arm(on_beat(resnet))
    forest = make_pipeline(
        SimpleImputer(), ExtraTreesClassifier(500, min_samples_leaf=2, max_features=0.1)
    )
    balanced = gradient_boosting().set_params(class_weight="balanced")
    for name, classifier in {
        FEATURES: gradient_boosting(),
        "  800 iterations": gradient_boosting().set_params(max_iter=800),
        "  class_weight='balanced'": balanced,
        "BeatFeatures + extra trees": forest,
        "BeatFeatures + logistic regression": logistic_regression(),
    }.items():
        arms[name] = Arm(on_features(classifier, multilabel=False), n_seeds=3)
    single = msaic_net(dilations=(1,), contrastive_weight=0)
    for name, network in {
        "whole record, one dilation": single,
        "  shift, amplitude and noise": clone(single).set_params(augmentation=[shift, *amplitude]),
        "  normalize='record_lead'": clone(single).set_params(normalize="record_lead"),
        "  weight_decay=0.1 (whole record)": clone(single).set_params(weight_decay=0.1),
        "  windows of 2.5 s, 8 epochs": WindowVote(clone(single).set_params(max_epochs=8)),
    }.items():
        arms[name] = Arm(network)
    arms[LINEAR] = Arm(logistic_regression_on_beat(multilabel=False))
    auxiliary = {
        FEATURES + ", superclasses": Arm(
            on_features(gradient_boosting(), multilabel=True), n_seeds=3
        ),
        BEAT_NET + ", superclasses": Arm(on_beat(small_network()), n_seeds=2),
    }
    return arms, auxiliary


def make_low_data():
    """Return the arms that are trained on small cohorts, by name."""
    arms = make_arms(multilabel=False)
    chosen = (FEATURES, LINEAR, BEAT_NET, SINGLE, FULL, BEST_BASELINE)
    return {name: arms[name] for name in chosen}
