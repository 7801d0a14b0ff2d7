"""Tests of encoders that predict measurements of the beat, and of classifiers on them."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from torch import nn
from torch.nn import functional as F

from sklearn_ecg import BeatFeatureClassifier, BeatFeatureEncoder, to_lead_frame
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.nn import BeatFeatureLoss
from sklearn_ecg.preprocessing import BeatFeatures


def make_encoder(**params):
    params = {"filters": (8, 16), "sampling_rate": 100, "max_epochs": 3, **params}
    return BeatFeatureEncoder(**{"random_state": 0, "batch_size": 16, **params})


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(48, duration=3, prevalence=0.5, class_sep=np.inf, random_state=0)


@pytest.fixture(scope="module")
def fitted(ecg):
    return make_encoder().fit(ecg.data)


def expected_targets(X):
    """Return names, standardized features and which of them are present, feature by feature."""
    measure = BeatFeatures(sampling_rate=100, drop_empty=False)
    table = measure.fit_transform(X).astype(float)
    names, columns = [], []
    for name, column in zip(measure.get_feature_names_out(), table.T):
        present = column[~np.isnan(column)]
        if len(present):
            scale = present.std() if np.ptp(present) > 0 else 1.0
            names.append(name)
            columns.append(np.clip((column - present.mean()) / scale, -5, 5))
    return names, np.transpose(columns)


def test_targets_are_the_standardized_features(ecg):
    encoder = make_encoder(max_epochs=0, precision="float64").fit(ecg.data)
    names, targets = expected_targets(ecg.data)
    assert encoder.measured_features_.tolist() == names
    present = ~np.isnan(targets)
    partly = [i for i in range(len(names)) if not present[:, i].all()]
    assert 0 < len(partly) < len(names)
    # Untrained, the loss is that of its formula.
    network = encoder.net_.module_.eval()
    with torch.no_grad():
        x = encoder.normalizer_(torch.from_numpy(np.asarray(ecg.data, dtype=np.float64)))
        features, logits = network(x)
    errors = features.numpy() - targets
    size = np.where(np.abs(errors) < 1, errors**2 / 2, np.abs(errors) - 0.5)
    probability = torch.sigmoid(logits).numpy()
    correct = np.where(present[:, partly], probability, 1 - probability)
    loss = BeatFeatureLoss(torch.tensor(partly), 0.3)
    found = loss((features, logits), torch.from_numpy(targets))
    assert float(loss.parts["features"]) == pytest.approx(size[present].mean(), rel=1e-9)
    assert float(loss.parts["presence"]) == pytest.approx(-np.log(correct).mean(), rel=1e-9)
    expected = size[present].mean() - 0.3 * np.log(correct).mean()
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_absent_features_have_no_gradient():
    features = torch.randn(4, 3, requires_grad=True)
    targets = torch.randn(4, 3)
    targets[1:3, 0] = torch.nan
    loss = BeatFeatureLoss(torch.tensor([0]), 0.0)
    loss((features, torch.zeros(4, 1)), targets).backward()
    assert (features.grad == 0).numpy().tolist() == torch.isnan(targets).numpy().tolist()
    # A batch without any feature, and features without absent values.
    assert loss((features, torch.zeros(4, 1)), targets * torch.nan) == 0
    none = BeatFeatureLoss(torch.empty(0, dtype=torch.int64), 1.0)
    found = none((features, torch.zeros(4, 0)), targets.nan_to_num())
    assert found == F.smooth_l1_loss(features, targets.nan_to_num())


def test_learns_the_features():
    """On other records, better than the mean of each feature."""
    X, X_new = (
        make_ecg(128, duration=3, class_sep=np.inf, random_state=seed).data for seed in (0, 1)
    )
    encoder = make_encoder(filters=(16, 32, 32), max_epochs=15, learning_rate=3e-3).fit(X)
    measure = BeatFeatures(sampling_rate=100, drop_empty=False).fit(X)
    names = measure.get_feature_names_out().tolist()
    columns = [names.index(name) for name in encoder.measured_features_]
    targets = measure.transform(X_new)[:, columns]
    targets = (targets - encoder.feature_mean_) / encoder.feature_scale_
    with torch.no_grad():
        predicted = encoder.net_.module_(encoder.normalizer_(torch.from_numpy(X_new)))[0].numpy()
    amplitudes = [name.endswith("qrs_amplitude") for name in encoder.measured_features_]
    errors = np.nanmean((predicted - targets)[:, amplitudes] ** 2)
    assert errors < 0.9 * np.nanmean(targets[:, amplitudes] ** 2)


def test_deterministic_and_independent_of_the_container(ecg, fitted):
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    other = make_encoder().fit(frame)
    np.testing.assert_array_equal(other.transform(frame), fitted.transform(ecg.data))
    again = clone(fitted).fit(ecg.data)
    np.testing.assert_array_equal(again.transform(ecg.data), fitted.transform(ecg.data))
    assert fitted.transform(ecg.data).shape == (48, 32)
    assert fitted.get_feature_names_out()[0] == "beatfeatureencoder0"


class Recurrent(nn.Module):
    def __init__(self, n_leads):
        super().__init__()
        self.lstm = nn.LSTM(n_leads, 6, batch_first=True)

    def forward(self, x):
        return self.lstm(x.transpose(1, 2).contiguous())[0].mean(1)


def test_backbones(ecg):
    assert make_encoder(backbone="msaic_net", max_epochs=0).fit(ecg.data)._n_features_out == 128
    encoder = make_encoder(backbone=Recurrent, max_epochs=1).fit(ecg.data)
    assert encoder.transform(ecg.data).shape == (48, 6)
    with pytest.raises(ValueError, match="for 2 records of shape \\(12, 300\\) it returned"):
        make_encoder(backbone=lambda n_leads: nn.Identity()).fit(ecg.data)


def test_bad_input(ecg):
    with pytest.raises(ValueError, match="sampling_rate"):
        make_encoder(sampling_rate=None).fit(ecg.data)
    frame = to_lead_frame(1000 * ecg.data, ecg.lead_names, units="uV")
    with pytest.raises(ValueError, match="mV"):
        make_encoder().fit(frame)
    with pytest.warns(ConvergenceWarning, match="No beat can be measured in any record of X"):
        make_encoder(max_epochs=1).fit(np.zeros_like(ecg.data[:8]))


def test_warm_start(ecg):
    encoder = make_encoder(warm_start=True).fit(ecg.data)
    first = encoder.history_["train_loss"]
    assert encoder.fit(ecg.data).history_["train_loss"][0] < first[0]
    with pytest.raises(ValueError, match="warm_start=True requires the same features"):
        encoder.fit(np.zeros_like(ecg.data) + 0.01 * ecg.data[:, :, ::-1] ** 2)


def test_classifier(ecg, fitted):
    y = ecg.target.copy()
    y[32:] = -1
    clf = BeatFeatureClassifier(make_encoder(), unlabeled=-1, max_epochs=2, random_state=0)
    clf.fit(ecg.data, y)
    np.testing.assert_array_equal(
        clf.encoder_.transform(ecg.data), fitted.transform(ecg.data)
    )  # pretrained on all
    alone = BeatFeatureClassifier(FrozenEstimator(fitted), max_epochs=2, random_state=0)
    alone.fit(ecg.data[:32], y[:32])
    np.testing.assert_array_equal(clf.predict_proba(ecg.data), alone.predict_proba(ecg.data))
    with pytest.raises(ValueError, match="The 'encoder' parameter of BeatFeatureClassifier"):
        BeatFeatureClassifier("strided").fit(ecg.data, ecg.target)


def test_real_records(data_folder):
    ecg = load_ptbxl(data_folder / "ptbxl", task="mi", folds=[1])
    encoder = make_encoder().fit(ecg.data)
    assert encoder.history_["train_features"][-1] < encoder.history_["train_features"][0]
    clf = BeatFeatureClassifier(FrozenEstimator(encoder), frozen=True, random_state=0)
    assert np.isfinite(clf.fit(ecg.data, ecg.target).predict_proba(ecg.data)).all()
