"""Encoders, classifiers and features of the study of pretraining, one fit at a time."""

import numpy as np
from _arms import TABLED_NET, gradient_boosting
from _pretraining_data import SPLITS
from _results import cached_object
from _study import hash_arrays
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
)
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.nn import MSAICNet
from sklearn_ecg.preprocessing import BeatFeatures


def make_msaic_net(n_leads):
    """Return MSAIC-Net with the sizes of the tables, which are not the present defaults."""
    return MSAICNet(n_leads, 1, projection_dim=None, **TABLED_NET)


ENCODERS = {
    "ACL-ECG, vgg": (ACLECGEncoder, {"backbone": "vgg"}),
    "ACL-ECG, strided": (ACLECGEncoder, {"backbone": "strided"}),
    "ACL-ECG, strided, leads standardized": (
        ACLECGEncoder,
        {"backbone": "strided", "normalize": "record_lead"},
    ),
    "random start, strided": (ACLECGEncoder, {"backbone": "strided", "max_epochs": 0}),
    "beat features, strided": (BeatFeatureEncoder, {"backbone": "strided"}),
    "beat features, MSAIC-Net": (BeatFeatureEncoder, {"backbone": make_msaic_net}),
}
SMALL_NET = {"filters": (16, 32, 64, 64)}
SMALL = {
    "beat features, small": SMALL_NET,
    "random start, small": {**SMALL_NET, "max_epochs": 0},
}
# Experiments with the objective.
SEPARATED = {
    "separate": {"regions": "anatomical"},
    "separate, random regions": {"regions": "random"},
}
# What is compared in fine-tuning: one parameter at a time.
TUNING = {
    "reference": {},
    "random head": {"head_init": "random"},
    "BatchNorm of the batches": {"freeze_batch_norm": False},
    "300 steps": {"min_steps": 300},
    "head 1e-4": {"learning_rate": 1e-4},
    "encoder 3e-4": {"encoder_learning_rate": 3e-4},
    "encoder 3e-4, head 1e-4": {"encoder_learning_rate": 3e-4, "learning_rate": 1e-4},
    "encoder 1e-3": {"encoder_learning_rate": 1e-3},
    "random head and BatchNorm of the batches": {"head_init": "random", "freeze_batch_norm": False},
}
TUNING_BASE = {
    "head_init": "probe",
    "freeze_batch_norm": True,
    "min_steps": 100,
    "encoder_learning_rate": 1e-4,
    "learning_rate": 1e-3,
    "max_epochs": 15,
    "batch_size": 16,
}
TUNED = ("beat features, strided", "ACL-ECG, strided", "ACL-ECG, vgg")
SMALL_TUNING = ("reference", "random head", "BatchNorm of the batches", "300 steps")
PROBE = {"frozen": True, "probe_C": 0.01}
CS = (1e-3, 1e-2, 1e-1, 1.0)


def make_encoder(name, run):
    kind, params = ENCODERS[name] if name in ENCODERS else (ACLECGEncoder, {})
    if name in SMALL:
        kind, params = BeatFeatureEncoder, SMALL[name]
    if name in SEPARATED:
        params = {"backbone": "strided", "inter": "separate", **SEPARATED[name]}
    epochs = 1 if run.quick else run.epochs
    return kind(**{"max_epochs": epochs, "sampling_rate": 100, "random_state": 0, **params})


def encoder_key(name, split, data, run):
    encoder = make_encoder(name, run)
    return f"encoder {name} {encoder.max_epochs}, {split}, {data.key}"


def load_encoder(name, split, data, run):
    key = encoder_key(name, split, data, run)
    return cached_object(key, lambda: make_encoder(name, run).fit(data.pool(split)), run.folder)


def fit_encoder(run, data, name, split):
    """Return the history of an encoder, and the embedding of all records."""

    def compute():
        encoder = load_encoder(name, split, data, run)
        history = {f"history_{key}": np.asarray(v) for key, v in encoder.history_.items()}
        return {"embedding": encoder.transform(data.X), **history}

    return run.keep(f"embedding of {encoder_key(name, split, data, run)}", compute)


def fit_classifier(run, data, name, split, fraction, seed, params, split_of_labels=None):
    """Return the probabilities of a classifier on an encoder."""
    split_of_labels = split_of_labels or split
    train = data.draw(split_of_labels, fraction, seed)
    params = {**TUNING_BASE, **params, "random_state": seed}
    if run.quick:
        params = {**params, "max_epochs": 1, "min_steps": 0}
    key = (
        f"classifier {sorted(params.items())}, records {hash_arrays(train)}, "
        f"{encoder_key(name, split, data, run)}"
    )

    def compute():
        encoder = load_encoder(name, split, data, run)
        is_acl = isinstance(encoder, ACLECGEncoder)
        make = ACLECGClassifier if is_acl else BeatFeatureClassifier
        clf = make(FrozenEstimator(encoder), **params).fit(data.X[train], data.y[train])
        return {"probability": clf.predict_proba(data.X[data.test(split_of_labels)])}

    return run.keep(key, compute)


def measure_features(run, data):
    """Return the features of all records, and of those without labels."""

    def compute():
        measure = BeatFeatures(sampling_rate=100, drop_empty=False).fit(data.X)
        return {"X": measure.transform(data.X), "others": measure.transform(data.others)}

    return run.keep(f"features, {data.key}", compute)


def fit_logistic(run, data, tables, label, split, fraction, seed, C):
    """Return the probabilities of logistic regressions on columns prepared on all records.

    `tables` are pairs of columns of the labeled records and of further records of the pool.
    """
    train, test = data.draw(split, fraction, seed), data.test(split)
    in_pool = np.isin(data.folds, SPLITS[split][0])
    key = f"logistic regression on {label}, C={C}, {hash_arrays(train)}, {split}, {data.key}"

    def compute():
        columns = []
        for own, others in tables:
            pool = np.concatenate([own[in_pool], others])
            prepare = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
            columns.append(FrozenEstimator(prepare.fit(pool)).transform(own))
        z = np.hstack(columns)
        # The penalty is that of the same number of columns.
        model = OneVsRestClassifier(LogisticRegression(C=C, max_iter=3000))
        return {"probability": model.fit(z[train], data.y[train]).predict_proba(z[test])}

    return run.keep(key, compute)


def fit_trees(run, data, columns, label, fraction, seed, kind):
    """Return the probabilities of boosting, or of the average with boosting, for fold 9."""
    train, test = data.draw("test", fraction, seed), data.test("test")
    key = f"{kind} on {label}, {seed}, {hash_arrays(train)}, {data.key}"

    def compute():
        if kind == "boosting":
            model = OneVsRestClassifier(gradient_boosting().set_params(random_state=seed))
        else:
            model = make_beat_classifier(100, random_state=seed).named_steps["classifier"]
        kept = np.isfinite(columns[train]).any(axis=0)
        model.fit(columns[train][:, kept], data.y[train])
        return {"probability": model.predict_proba(columns[test][:, kept])}

    return run.keep(key, compute)
