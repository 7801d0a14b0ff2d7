"""Tests that are specific to ACL-ECG; tests/test_estimators.py contains the common checks."""

import copy
import pickle
import signal
import threading

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from torch import nn

from sklearn_ecg import (
    REGIONS_8,
    ACLECGClassifier,
    ACLECGEncoder,
    MSAICNetClassifier,
    detect_r_peaks,
    to_lead_frame,
)
from sklearn_ecg.augmentation import CardiacCycleMask, GaussianNoise
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.deep import _acl_ecg
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.nn._acl_ecg import VGG1d
from sklearn_ecg.nn._self_supervised_losses import region_contrastive_loss


class SmallBackbone(VGG1d):
    """A backbone that is small enough to be pretrained in each test, and can be pickled."""

    def __init__(self, n_leads):
        super().__init__(n_leads, filters=(4, 8), n_convs=(1, 1))


def make_encoder(**params):
    defaults = {
        "backbone": SmallBackbone,
        "projection_dim": 8,
        "max_epochs": 2,
        "batch_size": 16,
        "sampling_rate": 100,
        "random_state": 0,
    }
    return ACLECGEncoder(**{**defaults, **params})


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(40, duration=2, prevalence=0.5, class_sep=np.inf, random_state=0)


@pytest.fixture(scope="module")
def fitted(ecg):
    return make_encoder().fit(ecg.data)


class Count(Callback):
    """Counts trainings in this process."""

    trainings = 0

    def on_train_begin(self, net, **kwargs):
        Count.trainings += 1


def test_leads_are_taken_by_name(ecg, fitted):
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    shuffled = frame[["V6", "aVL", "V1", "II", "V2", "III", "V3", "V5", "I", "V4", "aVR", "aVF"]]
    assert fitted.leads_ == ("II", "III", "V1", "V2", "V3", "V4", "V5", "V6")
    of_frame = make_encoder().fit(shuffled)
    np.testing.assert_allclose(of_frame.transform(shuffled), fitted.transform(ecg.data), atol=1e-5)


def test_leads_in_no_region_are_not_used(ecg, fitted):
    changed = ecg.data.copy()
    changed[:, [0, 3, 4, 5]] = 7.0
    np.testing.assert_array_equal(fitted.transform(changed), fitted.transform(ecg.data))


def test_embedding_concatenates_the_vectors_of_the_leads(ecg, fitted):
    changed = ecg.data.copy()
    changed[:, 6] = changed[:, 6, ::-1]  # V1: mean and SD of the record do not change
    moved = (fitted.transform(changed) != fitted.transform(ecg.data)).any(axis=0)
    per_lead = moved.reshape(8, -1).any(axis=1)
    # Sums in a different order may change the statistics of the record by a rounding error.
    difference = np.abs(fitted.transform(changed) - fitted.transform(ecg.data)).max(axis=0)
    assert per_lead[fitted.leads_.index("V1")]
    assert (difference.reshape(8, -1).max(axis=1) > 1e-4).sum() == 1


def test_regions_share_a_projector_to_be_separated(ecg):
    encoder = make_encoder(inter="separate", max_epochs=1).fit(ecg.data)
    assert len(encoder.net_.module_.projectors) == 1
    assert len(make_encoder(max_epochs=0).fit(ecg.data).net_.module_.projectors) == 4
    regions = {"one": ["I", "II"], "other": ["V1"]}
    with pytest.raises(ValueError, match=r"regions have \[2, 1\] leads"):
        make_encoder(inter="separate", regions=regions).fit(ecg.data)


def test_random_regions_are_a_seeded_partition(ecg):
    drawn = [
        make_encoder(regions="random", max_epochs=0, random_state=i).fit(ecg.data).regions_
        for i in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    leads = [lead for region in drawn[0].values() for lead in region]
    assert sorted(leads) == sorted(lead for region in REGIONS_8.values() for lead in region)
    assert [len(region) for region in drawn[0].values()] == [2] * 4


def test_regions_by_mapping_and_simclr(ecg):
    regions = {"limb": ["I", "II"], "chest": ["V1", "V2", "II"]}
    encoder = make_encoder(regions=regions, max_epochs=1).fit(ecg.data)
    assert encoder.leads_ == ("I", "II", "V1", "V2")
    assert encoder.transform(ecg.data).shape == (40, 4 * 8)
    encoder = make_encoder(objective="simclr", max_epochs=1).fit(ecg.data)
    assert list(encoder.regions_) == ["record"] and len(encoder.regions_["record"]) == 8
    assert encoder.history_["train_inter"].tolist() == [0]


@pytest.mark.parametrize("objective", ["clocs", "lfbt"])
def test_objectives_of_single_leads(ecg, objective):
    encoder = make_encoder(objective=objective).fit(ecg.data)
    leads = ("II", "III", "V1", "V2", "V3", "V4", "V5", "V6")
    assert encoder.leads_ == leads and encoder.regions_ == {lead: (lead,) for lead in leads}
    network = encoder.net_.module_
    assert len(network.projectors) == (1 if objective == "clocs" else 8)
    lengths = network.train()(torch.from_numpy(ecg.data[:, 1:9]))[0].norm(dim=2)
    assert (abs(lengths - 1).max() < 1e-5) == (objective == "clocs")
    parts = encoder.history_["train_intra"] + encoder.history_["train_inter"]
    np.testing.assert_allclose(encoder.history_["train_loss"], parts / 2, rtol=1e-5)
    X = to_lead_frame(ecg.data, ecg.lead_names)[["V2", "I"]]
    assert make_encoder(objective=objective, max_epochs=1).fit(X).leads_ == ("V2", "I")
    regions = {"limb": ["I", "Lead II"], "chest": ["v1", "II"]}
    encoder = make_encoder(objective=objective, regions=regions, max_epochs=0).fit(ecg.data)
    assert encoder.regions_ == {"I": ("I",), "II": ("II",), "V1": ("V1",)}
    with pytest.raises(ValueError, match="inter='separate' .* Pass inter='align', or"):
        make_encoder(objective=objective, inter="separate").fit(ecg.data)
    with pytest.raises(ValueError, match="names of the 2 leads .*any leads.*pass lead_names"):
        make_encoder(objective=objective).fit(ecg.data[:, :2])


@pytest.mark.parametrize("objective", ["clocs", "lfbt"])
def test_objectives_of_single_leads_learn(ecg, objective):
    options = {"objective": objective, "max_epochs": 15, "learning_rate": 3e-3}
    history = make_encoder(**options).fit(ecg.data).history_
    assert history["train_loss"][-1] < 0.85 * history["train_loss"][0]


@pytest.mark.parametrize("objective", ["simclr", "clocs", "lfbt"])
def test_regions_of_other_objectives_are_checked(ecg, objective):
    """They are those of ACL-ECG, of which only the leads are used."""
    for regions, error, message in (
        ({"a": "II"}, TypeError, r"'a' must be a list of leads, got the str 'II'"),
        ({"a": ["II"], "b": []}, ValueError, "'b' has no leads"),
        ({}, ValueError, "empty mapping"),
    ):
        with pytest.raises(error, match=message):
            make_encoder(objective=objective, regions=regions).fit(ecg.data)


class OffsetPerView:
    """Adds another random number to each record in each view."""

    needs_peaks = False

    def __call__(self, x, peaks=None, *, random_state=None):
        return x + torch.rand(len(x), 1, 1)


def test_clocs_compares_halves_of_the_same_random_view(ecg):
    seen = []

    class Spy(SmallBackbone):
        def forward(self, x):
            seen.append(x[:, 0].mean(dim=1))
            return super().forward(x)

    X = np.tile(ecg.data[:8, :, :100], 2)
    options = {"normalize": None, "sampling_rate": None, "max_epochs": 1, "backbone": Spy}
    make_encoder(objective="clocs", augmentation=OffsetPerView(), **options).fit(X)
    means = next(x for x in seen if len(x) == 16)
    torch.testing.assert_close(means[:8], means[8:])


class Flat(nn.Module):
    """A backbone whose vectors are as long as its signals."""

    def __init__(self, n_leads):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.weight * x.flatten(1)


def test_backbone_for_one_length(ecg):
    assert make_encoder(backbone=Flat, max_epochs=1).fit(ecg.data).leads_
    with pytest.raises(ValueError, match="200 for 200 and 100 for 100 time points. End it with"):
        make_encoder(backbone=Flat, objective="clocs").fit(ecg.data)


@pytest.mark.parametrize("n_times", [200, 201])
def test_clocs_compares_the_halves_of_one_view(ecg, n_times):
    """Of a view without random transforms, which shows the records themselves."""
    seen = []

    class Spy(SmallBackbone):
        def forward(self, x):
            seen.append(x.clone())
            return super().forward(x)

    X = np.concatenate([ecg.data, ecg.data[..., :1]], axis=2)[:8, :, :n_times]
    options = {"augmentation": [], "normalize": None, "sampling_rate": None}
    make_encoder(objective="clocs", backbone=Spy, max_epochs=1, **options).fit(X)
    inputs = [x[:, 0] for x in seen if len(x) == 16]
    halves = [X[:, 1, :100], X[:, 1, 100:200]]  # of lead II
    # The order of the records is random.
    found = inputs[0].numpy()
    order = [np.flatnonzero((halves[0] == row).all(axis=1))[0] for row in found[:8]]
    assert sorted(order) == list(range(8))
    np.testing.assert_array_equal(found, np.concatenate([half[order] for half in halves]))


def test_clocs_needs_two_time_points(ecg):
    options = {"augmentation": [], "sampling_rate": None, "n_leads": 12}
    with pytest.raises(ValueError, match="halves of records, but X has 1 time point"):
        make_encoder(objective="clocs", **options).fit(ecg.data[:, :, :1])


def test_unnamed_and_missing_leads(ecg):
    with pytest.raises(ValueError, match=r"Regions need the names of the leads"):
        make_encoder().fit(ecg.data[:, :8])
    with pytest.raises(ValueError, match=r"names of the 2 leads .*any leads.*pass lead_names"):
        make_encoder(objective="simclr").fit(ecg.data[:, :2])
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    with pytest.raises(ValueError, match="Region 'inferior' needs lead III, but the leads present"):
        make_encoder().fit(frame[["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]])
    renamed = frame.rename(columns={"V6": "C6"})
    with pytest.raises(ValueError, match="'lateral' needs lead V6"):
        make_encoder().fit(renamed)


@pytest.mark.parametrize("leads", [["I"], ["I", "II"], ["V2", "II", "V1"]])
def test_simclr_on_few_leads(ecg, leads):
    """Without the eight leads of the regions, whole records of all leads are compared."""
    frame = to_lead_frame(ecg.data, ecg.lead_names)[leads]
    encoder = make_encoder(objective="simclr", max_epochs=1).fit(frame)
    assert encoder.leads_ == tuple(leads) and encoder.regions_ == {"record": tuple(leads)}
    assert encoder.transform(frame).shape == (40, len(leads) * 8)
    for regions in ("anatomical", "random"):
        with pytest.raises(ValueError, match="regions=.*'simclr', 'clocs' and 'lfbt' need no"):
            make_encoder(regions=regions, max_epochs=1).fit(frame)
    with pytest.raises(ValueError, match="Region 'b' needs lead V6, but the leads present are"):
        regions = {"a": [leads[0]], "b": ["V6"]}
        make_encoder(regions=regions, objective="simclr").fit(frame)


@pytest.mark.parametrize(
    "views", ["paper", [GaussianNoise(0.1), CardiacCycleMask(sampling_rate=100)]]
)
def test_sampling_rate_is_required_by_transforms_in_time(ecg, views):
    with pytest.raises(ValueError, match="sampling_rate"):
        make_encoder(sampling_rate=None, augmentation=views).fit(ecg.data)
    make_encoder(sampling_rate=None, augmentation=GaussianNoise(0.1), max_epochs=1).fit(ecg.data)


def test_augmentation_gets_r_peaks_of_reliable_records_only(ecg):
    seen = []

    class Spy(CardiacCycleMask):
        def __call__(self, x, peaks=None, *, random_state=None):
            seen.append(peaks)
            return super().__call__(x, peaks, random_state=random_state)

    X = ecg.data[:4].copy()
    X[1] = np.random.default_rng(0).standard_normal(X[1].shape)
    make_encoder(augmentation=Spy(sampling_rate=100), max_epochs=1).fit(X)
    n_peaks = np.sort([int(row.isfinite().sum()) for row in seen[0]])
    assert len(seen) == 2  # two views of one batch
    assert n_peaks[0] == 0 and (n_peaks[1:] >= 2).all()


def test_r_peaks_are_detected_once_per_record(ecg, monkeypatch):
    seen = []

    def spy(X, *args, **kwargs):
        seen.append(np.shape(X))
        return detect_r_peaks(X, *args, **kwargs)

    monkeypatch.setattr(_acl_ecg, "detect_r_peaks", spy)
    make_encoder(max_epochs=3).fit(ecg.data)
    assert seen == [ecg.data.shape]  # all leads, also those that the network does not use
    make_encoder(augmentation=GaussianNoise(0.1), max_epochs=1).fit(ecg.data)
    assert len(seen) == 1


def test_transform_does_not_depend_on_batch_or_order(ecg, fitted):
    together = fitted.transform(ecg.data)
    alone = np.concatenate([fitted.transform(ecg.data[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_allclose(fitted.transform(ecg.data[order]), together[order], atol=1e-5)
    np.testing.assert_array_equal(fitted.transform(ecg.data), together)


def test_labels_are_ignored(ecg, fitted):
    embedding = make_encoder().fit(ecg.data, ecg.target).transform(ecg.data)
    np.testing.assert_array_equal(embedding, fitted.transform(ecg.data))


def test_history(fitted):
    names = ("intra", "inter", "alignment", "uniformity", "effective_rank", "loss")
    for name in names:
        assert fitted.history_[f"train_{name}"].shape == (2,)
    assert (fitted.history_["train_effective_rank"] > 1).all()
    parts = fitted.history_["train_intra"] + fitted.history_["train_inter"]
    np.testing.assert_allclose(fitted.history_["train_loss"], parts / 2, rtol=1e-5)


def test_pretraining_lowers_the_loss(ecg):
    history = make_encoder(max_epochs=15, learning_rate=3e-3).fit(ecg.data).history_
    assert history["train_loss"][-1] < 0.85 * history["train_loss"][0]


def test_batch_norm_has_the_statistics_of_the_records(ecg):
    """Of the first layer, whose input does not depend on other weights."""
    for max_epochs in (0, 2):
        encoder = make_encoder(max_epochs=max_epochs, batch_size=64).fit(ecg.data)
        x = encoder.normalizer_(torch.from_numpy(ecg.data))[:, :1, None]
        first, norm = encoder.net_.module_.encoders[0].blocks[0][:2]
        with torch.no_grad():
            found = first(x)
        torch.testing.assert_close(norm.running_mean, found.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)


def test_max_epochs_0_is_the_random_initialization(ecg):
    """Only the statistics of BatchNorm depend on the records."""
    one, other = (
        make_encoder(max_epochs=0).fit(X).net_.module_.encoders
        for X in (ecg.data, ecg.data[:, :, ::-1].copy())
    )
    for a, b in zip(one.parameters(), other.parameters()):
        assert torch.equal(a, b)


def test_small_batches_do_not_warn_of_a_collapse(ecg):
    # The effective rank of three records is at most 2. A warning would be an error.
    make_encoder(batch_size=3, max_epochs=5, learning_rate=3e-3).fit(ecg.data)


def test_loss_is_in_full_precision_with_mixed_precision(ecg, monkeypatch):
    seen = []

    def spy(projections, **options):
        seen.append(projections.dtype)
        return region_contrastive_loss(projections, **options)

    monkeypatch.setattr("sklearn_ecg.nn._self_supervised_losses.region_contrastive_loss", spy)
    make_encoder(precision="mixed", max_epochs=1).fit(ecg.data)
    assert set(seen) == {torch.float32}


def test_paper_augmentation_has_the_sampling_rate(ecg):
    views = make_encoder(sampling_rate=500)._make_augmentation().transforms
    assert [view.sampling_rate for view in views[1:]] == [500, 500]


def test_single_record_warns_and_learns_nothing(ecg):
    with pytest.warns(ConvergenceWarning, match="X contains 1 record only, .* Pass more records"):
        encoder = make_encoder().fit(ecg.data[:1])
    assert np.isfinite(encoder.transform(ecg.data)).all()


def test_collapse_warns(ecg):
    X = np.repeat(ecg.data[:1], 20, axis=0)
    quiet = GaussianNoise(1e-9)
    with pytest.warns(ConvergenceWarning, match="rank is .* Lower learning_rate or temperature, "):
        make_encoder(augmentation=quiet).fit(X)
    with pytest.warns(ConvergenceWarning, match="rank is .* Lower learning_rate, increase"):
        make_encoder(augmentation=quiet, objective="lfbt").fit(X)


def test_non_finite_loss_names_epoch_and_cause(ecg):
    with pytest.raises(ValueError, match="train loss became nan in epoch 1. .* learning_rate"):
        make_encoder(augmentation=lambda x: x * float("nan")).fit(ecg.data)


def test_interrupted_fit_is_unfitted(ecg):
    class Interrupt(Callback):
        def on_epoch_begin(self, net, **kwargs):
            signal.raise_signal(signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    encoder = make_encoder(callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        encoder.fit(ecg.data)
    assert not hasattr(encoder, "net_")


def test_warm_start_continues(ecg):
    encoder = make_encoder(warm_start=True, max_epochs=5).fit(ecg.data)
    first = encoder.history_["train_loss"]
    encoder.fit(ecg.data)
    assert encoder.history_["train_loss"][0] < first[0]
    with pytest.raises(ValueError, match="warm_start=True requires the same regions"):
        encoder.set_params(regions={"chest": ["V1", "V2"]}).fit(ecg.data)
    regions = {"inferior": ["II", "III"], "septal": ["V1", "V2"]}
    encoder = make_encoder(warm_start=True, max_epochs=1, regions=regions).fit(ecg.data)
    with pytest.raises(ValueError, match="warm_start=True requires the same regions"):
        encoder.set_params(regions=dict(reversed(regions.items()))).fit(ecg.data)


def test_warm_start_of_the_classifier_keeps_its_standardizer(ecg, fitted):
    clf = ACLECGClassifier(
        FrozenEstimator(fitted), max_epochs=3, warm_start=True, random_state=0
    ).fit(ecg.data, ecg.target)
    before = clf.predict_proba(ecg.data)
    clf.set_params(max_epochs=0).fit(2 * ecg.data[:20, :, ::-1], ecg.target[:20])
    np.testing.assert_array_equal(clf.predict_proba(ecg.data), before)


@pytest.mark.parametrize("is_fitted", [True, False])
def test_warm_start_of_the_classifier_requires_the_same_encoder(is_fitted, ecg, fitted):
    """Another encoder was ignored: the training continued with that of the previous fit."""
    other = make_encoder(max_epochs=1, random_state=1)
    encoder = FrozenEstimator(fitted) if is_fitted else make_encoder(max_epochs=1)
    others = [None, other, FrozenEstimator(clone(other).fit(ecg.data))]
    clf = ACLECGClassifier(
        encoder, max_epochs=1, warm_start=True, random_state=0, sampling_rate=100
    )
    clf.fit(ecg.data, ecg.target)
    for other in others:
        with pytest.raises(ValueError, match="requires the same encoder as the previous fit"):
            copy.deepcopy(clf).set_params(encoder=other).fit(ecg.data, ecg.target)
    if not is_fitted:
        with pytest.raises(ValueError, match="its parameters or weights were changed"):
            copy.deepcopy(clf).set_params(encoder__temperature=1.0).fit(ecg.data, ecg.target)
    # An equal one is the same, and so is one that only runs differently.
    same = copy.deepcopy(clf).set_params(encoder=copy.deepcopy(encoder))
    if not is_fitted:
        same.set_params(encoder__verbose=0, encoder__device="cpu", encoder__n_threads=None)
    same.fit(ecg.data, ecg.target)
    clf = pickle.loads(pickle.dumps(clf)).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(same.predict_proba(ecg.data), clf.predict_proba(ecg.data))


def test_lead_importance_of_unused_leads_is_zero(ecg):
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    clf = ACLECGClassifier(make_encoder(), max_epochs=5, random_state=0)
    clf.fit(frame, ecg.target)
    options = {"scoring": "neg_log_loss", "n_repeats": 2, "random_state": 0}
    ours = lead_importance(clf, frame, ecg.target, **options)
    theirs = permutation_importance(clf, frame, ecg.target, **options)
    np.testing.assert_allclose(ours.importances, theirs.importances, atol=1e-6)
    used = np.isin(ecg.lead_names, clf.encoder_.leads_)
    assert (ours.importances[~used] == 0).all()
    assert (ours.importances[used] != 0).all()


# --------------------------------------------------------------------------------------------------
# In scikit-learn
# --------------------------------------------------------------------------------------------------


def test_pipeline_in_cross_validate_and_grid_search(ecg):
    model = make_pipeline(make_encoder(max_epochs=1), StandardScaler(), LogisticRegression())
    scores = cross_validate(model, ecg.data, ecg.target, cv=2, return_estimator=True)
    assert len(scores["test_score"]) == 2
    pretrained = [estimator[0].net_.module_ for estimator in scores["estimator"]]
    weights = [next(module.parameters()) for module in pretrained]
    assert not torch.equal(*weights)  # each on its own training fold
    grid = {"aclecgencoder__gamma": [0.0, 1.0]}
    search = GridSearchCV(model, grid, cv=2).fit(ecg.data, ecg.target)
    assert len(search.cv_results_["params"]) == 2


def test_memory_pretrains_once_per_fold(ecg, tmp_path):
    encoder = make_encoder(max_epochs=1, callbacks=[Count()])
    model = make_pipeline(encoder, StandardScaler(), LogisticRegression(), memory=str(tmp_path))
    Count.trainings = 0
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1, 10]}, cv=2, refit=False)
    search.fit(ecg.data, ecg.target)
    assert Count.trainings == 2


def test_frozen_encoder_in_learning_curve_is_not_pretrained_again(ecg, tmp_path):
    encoder = make_encoder(max_epochs=1, callbacks=[Count()]).fit(ecg.data)
    Count.trainings = 0
    model = make_pipeline(
        FrozenEstimator(encoder), StandardScaler(), LogisticRegression(), memory=str(tmp_path)
    )
    sizes, _, scores = learning_curve(
        model, ecg.data, ecg.target, train_sizes=[0.3, 1.0], cv=2, shuffle=True, random_state=0
    )
    assert scores.shape == (2, 2)
    assert Count.trainings == 0
    kept = {path.parent.name for path in tmp_path.rglob("output.pkl")}
    assert kept
    learning_curve(
        model, ecg.data, ecg.target, train_sizes=[0.3, 1.0], cv=2, shuffle=True, random_state=0
    )
    assert {path.parent.name for path in tmp_path.rglob("output.pkl")} == kept


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hash_depends_on_content_only(ecg, dtype):
    encoder = make_encoder(max_epochs=1, precision=dtype).fit(ecg.data)
    again = make_encoder(max_epochs=1, precision=dtype).fit(ecg.data)
    other = make_encoder(max_epochs=1, precision=dtype, gamma=0.4).fit(ecg.data)
    assert joblib.hash(encoder) == joblib.hash(again)
    assert joblib.hash(encoder) == joblib.hash(pickle.loads(pickle.dumps(encoder)))
    encoder.transform(ecg.data)
    assert joblib.hash(encoder) == joblib.hash(again)
    other.gamma = 0.5
    assert joblib.hash(encoder) != joblib.hash(other)  # in its weights
    other = MSAICNetClassifier(filters=(8,), max_epochs=1, random_state=0)
    hashes = {joblib.hash(clone(other).fit(ecg.data, ecg.target)) for _ in range(2)}
    assert len(hashes) == 1


# --------------------------------------------------------------------------------------------------
# The classifier
# --------------------------------------------------------------------------------------------------


def weights_of(module):
    return torch.cat([weights.detach().flatten() for weights in module.parameters()])


def test_fine_tuning_does_not_change_the_frozen_encoder(ecg, fitted):
    before = weights_of(fitted.net_.module_.encoders).clone()
    clf = ACLECGClassifier(FrozenEstimator(fitted), max_epochs=2, random_state=0)
    clf = clone(clf).fit(ecg.data, ecg.target)
    assert torch.equal(weights_of(fitted.net_.module_.encoders), before)
    assert not torch.equal(weights_of(clf.net_.module_.encoder.encoders), before)
    assert 1e-5 < clf.history_["encoder_learning_rate"].max() <= 3e-5
    assert 5e-5 < clf.history_["learning_rate"].max() <= 1e-4


def test_frozen_is_a_linear_probe(ecg, fitted):
    clf = ACLECGClassifier(FrozenEstimator(fitted), frozen=True, max_epochs=20, random_state=0)
    clf.fit(ecg.data, ecg.target)
    assert torch.equal(
        weights_of(clf.net_.module_.encoder.encoders), weights_of(fitted.net_.module_.encoders)
    )
    np.testing.assert_allclose(clf.transform(ecg.data), fitted.transform(ecg.data), atol=1e-6)
    linear = clf.net_.module_.classifier[1]
    z = StandardScaler().fit_transform(fitted.transform(ecg.data).astype(np.float64))
    logits = z @ linear.weight.detach().numpy()[0] + linear.bias.item()
    np.testing.assert_allclose(clf.decision_function(ecg.data), logits, atol=1e-3)
    with pytest.raises(ValueError, match="augmentation has no effect with frozen=True"):
        clf.set_params(augmentation=GaussianNoise()).fit(ecg.data, ecg.target)


def test_a_fitted_encoder_that_is_not_frozen_is_pretrained_again(ecg, fitted):
    clf = ACLECGClassifier(fitted, frozen=True, max_epochs=1, random_state=0)
    clf.fit(ecg.data[:20], ecg.target[:20])
    assert clf.encoder_ is not fitted
    assert len(clf.encoder_.history_["epoch"]) == 2


def test_encoder_gets_missing_parameters_from_the_classifier(ecg):
    clf = ACLECGClassifier(make_encoder(sampling_rate=None, random_state=None), max_epochs=1)
    with pytest.raises(ValueError, match="requires sampling_rate, but sampling_rate is None"):
        clf.fit(ecg.data, ecg.target)
    clf.set_params(sampling_rate=100, random_state=3).fit(ecg.data, ecg.target)
    again = clone(clf).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(clf.predict_proba(ecg.data), again.predict_proba(ecg.data))
    assert clf.encoder.sampling_rate is None


def test_unlabeled_records_only_pretrain(ecg, fitted):
    y = ecg.target.copy()
    y[10:] = -1
    clf = ACLECGClassifier(make_encoder(), unlabeled=-1, max_epochs=2, random_state=0)
    clf.fit(ecg.data, y)
    assert clf.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(
        clf.encoder_.transform(ecg.data), fitted.transform(ecg.data)
    )  # pretrained on all
    alone = ACLECGClassifier(FrozenEstimator(fitted), max_epochs=2, random_state=0)
    alone.fit(ecg.data[:10], y[:10])
    np.testing.assert_array_equal(clf.predict_proba(ecg.data), alone.predict_proba(ecg.data))


def test_unlabeled_in_other_targets(ecg, fitted):
    encoder = FrozenEstimator(fitted)
    clf = ACLECGClassifier(encoder, unlabeled=-1, frozen=True, max_epochs=1, random_state=0)
    rng = np.random.default_rng(0)
    Y = rng.integers(0, 2, (40, 3))
    Y[20:] = -1
    assert clf.fit(ecg.data, Y).predict_proba(ecg.data).shape == (40, 3)
    names = np.array(["MI", "NORM"], dtype=object)[ecg.target]
    names[20:] = "?"
    clf.set_params(unlabeled="?").fit(ecg.data, names)
    assert clf.classes_.tolist() == ["MI", "NORM"]
    clf.set_params(unlabeled=None).fit(ecg.data, names)
    assert clf.classes_.tolist() == ["?", "MI", "NORM"]
    with pytest.raises(ValueError, match="y contains no labels: all records are marked unl"):
        clf.set_params(unlabeled=-1).fit(ecg.data, np.full(40, -1))


def test_unlabeled_and_labels_of_different_types(ecg, fitted):
    clf = ACLECGClassifier(
        FrozenEstimator(fitted), unlabeled=-1, frozen=True, max_epochs=1, random_state=0
    )
    y = ["MI" if label else "NORM" for label in ecg.target[:20]] + [-1] * 20
    assert clf.fit(ecg.data, y).classes_.tolist() == ["MI", "NORM"]
    # In an array of strings, the marks are strings.
    with pytest.raises(ValueError, match="unlabeled=-1 is not equal to the label '-1' of y"):
        clf.fit(ecg.data, np.array(y[:20] + ["-1"] * 20))
    with pytest.raises(ValueError, match="requires y to be passed"):
        clf.fit(ecg.data, None)
    with pytest.raises(ValueError, match="Negative"):
        clf.fit(ecg.data, y, sample_weight=np.where(np.arange(40) == 30, -1.0, 1.0))
    with pytest.raises(ValueError, match="unlabeled=nan cannot be compared"):
        clf.set_params(unlabeled=np.nan).fit(ecg.data, ecg.target)


@pytest.mark.parametrize("unlabeled", ["unlabeled", -1])
def test_marks_that_an_array_cuts_off(unlabeled, ecg, fitted):
    """As "u" or "-", the unlabeled records would be a third class."""
    y = np.array(["A", "B"])[ecg.target]
    y[20:] = unlabeled
    clf = ACLECGClassifier(FrozenEstimator(fitted), unlabeled=unlabeled, frozen=True)
    with pytest.raises(ValueError, match=r"of 1 character\(s\).*y.astype\(object\)"):
        clf.fit(ecg.data, y)
    y = np.array(["A", "B"])[ecg.target].astype(object)
    y[20:] = unlabeled
    assert clf.fit(ecg.data, y).classes_.tolist() == ["A", "B"]


def test_encoder_with_other_lead_names(ecg, fitted):
    turned = list(ecg.lead_names)[::-1]
    X = ecg.data[:, ::-1].copy()
    clf = ACLECGClassifier(FrozenEstimator(fitted), lead_names=turned, max_epochs=1)
    message = "The leads of X are V6, V5, .* but I, II, .* for its encoder"
    with pytest.raises(ValueError, match=message):
        clf.fit(X, ecg.target)
    clf = ACLECGClassifier(make_encoder(lead_names=turned), max_epochs=1)
    with pytest.raises(ValueError, match="The leads of X are I, II, .* Pass the same lead_na"):
        with pytest.warns(UserWarning, match="assumes that .* are in standard order, but"):
            clf.fit(X, ecg.target)
    clf.set_params(lead_names=turned).fit(X, ecg.target)
    assert clf.encoder_.leads_ == fitted.leads_


def test_encoder_of_another_class_or_length(ecg, fitted):
    with pytest.raises(ValueError, match="FrozenEstimator of ACLECGEncoder, got one of Logist"):
        ACLECGClassifier(FrozenEstimator(LogisticRegression())).fit(ecg.data, ecg.target)
    clf = ACLECGClassifier(FrozenEstimator(fitted))
    with pytest.raises(ValueError, match="ACLECGEncoder was fitted on"):
        clf.fit(ecg.data[:, :, :150], ecg.target)
    with pytest.raises(ValueError, match="The 'encoder' parameter of ACLECGClassifier"):
        ACLECGClassifier("vgg").fit(ecg.data, ecg.target)


def test_real_records(data_folder):
    ecg = load_ptbxl(data_folder / "ptbxl", task="mi", folds=[1])
    encoder = make_encoder(batch_size=32).fit(ecg.data)
    assert encoder.history_["train_loss"][-1] < encoder.history_["train_loss"][0]
    clf = ACLECGClassifier(FrozenEstimator(encoder), frozen=True, random_state=0)
    probability = clf.fit(ecg.data, ecg.target).predict_proba(ecg.data)
    assert np.isfinite(probability).all()
