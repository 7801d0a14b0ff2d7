"""Tests that warnings name the line of the caller."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    ACLECGEncoder,
    MSAICNetClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.nn._acl_ecg import VGG1d

X, Y = make_ecg(20, duration=1, prevalence=0.5, return_X_y=True, random_state=0)


class SmallBackbone(VGG1d):
    def __init__(self, n_leads):
        super().__init__(n_leads, filters=(4,), n_convs=(1,))


def make_classifier(**params):
    return MSAICNetClassifier(filters=(4,), dilations=(1,), max_epochs=1, **params)


def make_encoder(augmentation):
    return ACLECGEncoder(backbone=SmallBackbone, augmentation=augmentation, max_epochs=1)


def validation_part_without_records(wrap):
    wrap(make_classifier(early_stopping=True, validation_fraction=0.01)).fit(X, Y)


def validation_part_without_a_class():
    make_classifier(early_stopping=True, class_weight=None).fit(X, np.arange(20) < 18)


def single_record_of_a_class():
    make_classifier().fit(X, np.arange(20) == 3)


def label_with_one_value():
    make_classifier().fit(X, np.stack([Y, np.zeros_like(Y)], axis=1))


def encoder_of_a_single_record():
    make_encoder(GaussianNoise(0.1)).fit(X[:1])


def collapsed_embedding():
    make_encoder(GaussianNoise(1e-9)).fit(np.repeat(X[:1], 20, axis=0))


def too_few_epochs_to_unfreeze():
    images = np.random.default_rng(0).random((8, 8, 8))
    encoder = SimCardioNetEncoder(image_size=None, filters=(4, 4), n_heads=0, max_epochs=0)
    SimCardioNetClassifier(encoder, max_epochs=2).fit(images, np.arange(8) % 2)


def unpickling_without_cuda():
    clf = make_classifier().fit(X, Y)
    clf.net_.device = "cuda"
    pickle.loads(pickle.dumps(clf))


def bootstrap_of_one_patient():
    y = [0, 1, 0, 1]
    bootstrap_interval("roc_auc", y, [0.1, 0.4, 0.2, 0.9], groups=[0, 1, 0, 2], random_state=0)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: validation_part_without_records(lambda clf: clf), "leaves no records"),
        (lambda: validation_part_without_records(make_pipeline), "leaves no records"),
        (
            lambda: validation_part_without_records(
                lambda clf: GridSearchCV(clf, {"batch_size": [8]}, cv=2)
            ),
            "leaves no records",
        ),
        (validation_part_without_a_class, "A class is missing"),
        (single_record_of_a_class, "single training record"),
        (label_with_one_value, "the same value in all training records"),
        (encoder_of_a_single_record, "1 record only"),
        (collapsed_embedding, "has collapsed"),
        (too_few_epochs_to_unfreeze, "would be unfrozen"),
        pytest.param(
            unpickling_without_cuda,
            "is not available here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is available"),
        ),
        (bootstrap_of_one_patient, ""),
    ],
)
def test_warnings_name_the_line_of_the_caller(call, message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert any(message in str(warning.message) for warning in caught)
    assert {warning.filename for warning in caught} == {__file__}
