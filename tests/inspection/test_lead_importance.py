"""Tests of lead importance: equality with scikit-learn, known regions, containers, estimators."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.deep import _inputs
from sklearn_ecg.inspection import lead_importance, record_lead_importance
from sklearn_ecg.leads import REGIONS_12, STANDARD_LEADS, to_lead_array, to_lead_frame

METHODS = ("shuffle", "gaussian")

# A network is given all containers here, not only the one that it was fitted on.
pytestmark = [
    pytest.mark.filterwarnings("ignore:X has feature names"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]


def make_net(**params):
    params = {"max_epochs": 3, **params}
    return MSAICNetClassifier(
        dilations=(1,),
        filters=(8,),
        embedding_dim=8,
        projection_dim=4,
        learning_rate=2e-2,
        random_state=0,
        **params,
    )


def features(X):
    """Return mean and SD of each lead, for a lead frame or an array."""
    X = to_lead_array(X) if hasattr(X, "iloc") else np.asarray(X)
    return np.concatenate([X.mean(axis=2), X.std(axis=2)], axis=1)


@pytest.fixture(scope="module")
def data():
    X, y = make_ecg(
        90,
        sampling_rate=50,
        duration=1,
        prevalence=0.4,
        return_X_y=True,
        class_sep=np.inf,
        random_state=0,
    )
    return X, y


@pytest.fixture(scope="module")
def net(data):
    X, y = data
    return make_net(n_leads=12).fit(X, y)


def containers(X, leads=STANDARD_LEADS):
    frame = to_lead_frame(X, leads)
    rows = X.reshape(len(X), -1)
    return {
        "3-D array": X,
        "lead frame": frame,
        "object array": frame.to_numpy(),
        "2-D rows": rows,
        "numeric frame": pd.DataFrame(rows).add_prefix("value"),
    }


def assert_same(found, expected):
    for key in ("importances", "importances_mean", "importances_std"):
        np.testing.assert_array_equal(found[key], expected[key])


# Equality with scikit-learn


ESTIMATORS = {
    "network": make_net(),
    "network, per record": make_net(normalize="record"),
    "network, per record and lead": make_net(normalize="record_lead"),
    "network, float64": make_net(normalize=None, precision="float64"),
    "pipeline to a network": make_pipeline(FunctionTransformer(), make_net()),
    "pipeline from a network": make_pipeline(make_net(), StandardScaler(), LogisticRegression()),
    "search": GridSearchCV(make_net(), {"max_epochs": [1, 2]}, cv=2),
    "search with a score": GridSearchCV(make_net(), {"max_epochs": [2]}, cv=2, scoring="roc_auc"),
    "calibrated": CalibratedClassifierCV(make_net(), cv=2),
    "frozen": FrozenEstimator(make_net()),
    "thresholded": FixedThresholdClassifier(make_net(), threshold=0.4),
    "forest": make_pipeline(
        FunctionTransformer(features), RandomForestClassifier(5, random_state=0)
    ),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_equals_sklearn_on_every_estimator(name, data):
    X, y = data
    frame = to_lead_frame(X)
    estimator = clone(ESTIMATORS[name])
    if name == "frozen":
        estimator.estimator.fit(frame, y)
    else:
        estimator.fit(frame, y)
    options = {"n_repeats": 2, "random_state": 7}
    for scoring in (None, "neg_log_loss"):
        expected = permutation_importance(estimator, frame, y, scoring=scoring, **options)
        found = lead_importance(estimator, frame, y, scoring=scoring, **options)
        assert_same(found, expected)
        assert list(found.names) == list(STANDARD_LEADS)
    assert expected.importances.any()


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_repeats": 1},
        {"n_repeats": 3, "max_samples": 0.5},
        {"n_repeats": 2, "max_samples": 31},
        {"n_repeats": 2, "max_samples": 90},
        {"n_repeats": 2, "sample_weight": "random"},
        {"n_repeats": 2, "max_samples": 0.3, "sample_weight": "random"},
    ],
    ids=str,
)
def test_equals_sklearn_with_every_option(seed, options, net, data):
    X, y = data
    options = {"scoring": "neg_log_loss", "random_state": seed, **options}
    if "sample_weight" in options:
        options["sample_weight"] = np.random.RandomState(seed).rand(len(y))
    expected = permutation_importance(net, to_lead_frame(X), y, **options)
    assert_same(lead_importance(net, X, y, **options), expected)


def test_equals_sklearn_with_a_random_state(net, data):
    X, y = data
    options = {"scoring": "neg_log_loss", "n_repeats": 1}
    first, second = np.random.RandomState(3), np.random.RandomState(3)
    expected = permutation_importance(net, to_lead_frame(X), y, random_state=first, **options)
    assert_same(lead_importance(net, X, y, random_state=second, **options), expected)
    assert first.rand() == second.rand()


@pytest.mark.parametrize(
    "scoring",
    [
        ["roc_auc", "accuracy"],
        ("neg_log_loss", "roc_auc"),
        {"a": "accuracy", "b": "neg_log_loss"},
        lambda estimator, X, y: {"loss": -log_loss(y, estimator.predict_proba(X))},
    ],
    ids=["list", "tuple", "dict", "callable"],
)
def test_equals_sklearn_with_several_scores(scoring, net, data):
    X, y = data
    options = {"scoring": scoring, "n_repeats": 2, "max_samples": 40, "random_state": 0}
    expected = permutation_importance(net, to_lead_frame(X), y, **options)
    found = lead_importance(net, to_lead_frame(X), y, **options)
    assert list(found) == list(expected)
    for name in expected:
        assert_same(found[name], expected[name])
        assert list(found[name].names) == list(STANDARD_LEADS)


def test_callable_score_sees_the_container(net, data):
    """A user's function may look at X, so that it is given the original container."""
    X, y = data

    def score(estimator, X, y):
        assert isinstance(X, pd.DataFrame)
        return X["V1"].iloc[0][3]

    result = lead_importance(net, to_lead_frame(X), y, scoring=score, n_repeats=3, random_state=0)
    changed = result.importances_mean != 0
    assert list(result.names[changed]) == ["V1"]


def test_multilabel(data):
    X, y = data
    Y = np.column_stack([y, np.arange(len(y)) % 2, y])
    net = make_net().fit(X, Y)
    options = {"scoring": "roc_auc", "n_repeats": 2, "random_state": 0}
    expected = permutation_importance(net, to_lead_frame(X), Y, **options)
    assert_same(lead_importance(net, X, Y, **options), expected)
    assert record_lead_importance(net, X, n_repeats=1).shape == (90, 12, 3)


# Known leads of synthetic records


@pytest.mark.parametrize("method", METHODS)
def test_infarcted_region_ranks_first(infarction, method):
    region, estimator, X, y = infarction
    # Noise in a lead changes the probabilities of all records in the same way. This changes the
    # log loss, but not necessarily the order of the records.
    scoring = {"shuffle": "roc_auc", "gaussian": "neg_log_loss"}[method]
    options = {"method": method, "random_state": 0}
    result = lead_importance(estimator, X, y, lead_groups="regions", scoring=scoring, **options)
    assert list(result.names) == list(REGIONS_12)
    drops = dict(zip(result.names, result.importances_mean))
    assert drops.pop(region) > max(0.1, 1.3 * max(drops.values()))
    if region in ("septal", "anterior"):
        leads = lead_importance(estimator, X, y, scoring="roc_auc", **options)
        ranked = leads.names[np.argsort(-leads.importances_mean)]
        assert ranked[0] in REGIONS_12[region]
        if method == "shuffle":
            assert set(ranked[:2]) == set(REGIONS_12[region])


@pytest.mark.parametrize("method", METHODS)
def test_records_of_the_infarction_rely_on_its_region(infarction, method):
    region, estimator, X, y = infarction
    change = record_lead_importance(
        estimator, X, method=method, lead_groups="regions", random_state=0
    )
    assert change.shape == (len(X), len(REGIONS_12))
    ill = change[y == 1].mean(axis=0)
    assert list(REGIONS_12)[ill.argmax()] == region


@pytest.mark.parametrize("method", METHODS)
def test_unused_lead_has_importance_zero(data, method):
    X, y = data
    frame = to_lead_frame(X)
    seen = [lead for lead in frame.columns if lead not in ("II", "V6")]
    select = make_column_transformer(("passthrough", seen), verbose_feature_names_out=False)
    pipeline = make_pipeline(select, make_net()).fit(frame, y)
    options = {"method": method, "n_repeats": 2, "random_state": 0}
    drops = lead_importance(pipeline, frame, y, scoring="neg_log_loss", **options)
    changes = record_lead_importance(pipeline, frame, **options)
    for lead, importances, change in zip(drops.names, drops.importances, changes.T):
        assert importances.any() == change.any() == (lead in seen), lead
    unread = lead_importance(
        pipeline, frame, y, scoring="neg_log_loss", lead_groups={"unread": ["II", "V6"]}, **options
    )
    np.testing.assert_array_equal(unread.importances, 0)


def test_group_is_replaced_jointly(net, data):
    """As in scikit-learn for a single column; names and positions are equivalent."""
    X, y = data
    options = {"scoring": "neg_log_loss", "n_repeats": 3, "random_state": 5}
    seed = np.random.RandomState(5).randint(np.iinfo(np.int32).max + 1)
    rng, order, shuffled = np.random.RandomState(seed), np.arange(len(X)), np.arange(len(X))
    baseline = -log_loss(y, net.predict_proba(X))
    expected = []
    for _ in range(3):
        rng.shuffle(shuffled)
        order = order[shuffled]
        permuted = X.copy()
        permuted[:, [1, 2, 5]] = X[order][:, [1, 2, 5]]
        expected.append(baseline + log_loss(y, net.predict_proba(permuted)))
    groups = {"names": REGIONS_12["inferior"], "positions": [1, 2, 5], "mixed": ["II", 2, "avf"]}
    found = lead_importance(net, X, y, lead_groups=groups, **options)
    assert list(found.names) == list(groups)
    np.testing.assert_allclose(found.importances, [expected] * 3, rtol=0, atol=1e-12)
    regions = lead_importance(net, X, y, lead_groups="regions", **options)
    np.testing.assert_array_equal(regions.importances[0], found.importances[0])


def test_gaussian_noise_has_the_moments_of_the_signal():
    """The mean and SD of each signal are kept, its shape is not."""
    X = np.random.RandomState(0).randn(20, 2, 4000) * [[[3.0], [0.5]]] + [[[1.0], [-2.0]]]
    X *= np.arange(1, 21)[:, None, None]
    y = np.arange(20) % 2
    seen = []

    def look(X):
        seen.append(X.copy())
        return features(X)

    forest = RandomForestClassifier(2, random_state=0)
    pipeline = make_pipeline(FunctionTransformer(look), forest).fit(X, y)
    seen.clear()
    lead_importance(pipeline, X, y, method="gaussian", n_repeats=1, random_state=0)
    for lead, noise in enumerate(seen[1:]):
        other = 1 - lead
        np.testing.assert_array_equal(noise[:, other], X[:, other])
        z = (noise[:, lead] - X[:, lead].mean(axis=1, keepdims=True)) / X[:, lead].std(
            axis=1, keepdims=True
        )
        np.testing.assert_allclose(z.mean(axis=1), 0, atol=0.06)
        np.testing.assert_allclose(z.std(axis=1), 1, atol=0.06)
        assert abs((z * X[:, lead]).mean() / X[:, lead].std()) < 0.02
        # Each record has its own noise.
        assert np.abs(np.corrcoef(z) - np.eye(20)).max() < 0.1


# Containers, copies, processes


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("inner", [False, True], ids=["network", "pipeline"])
def test_containers_agree(method, inner, data, net):
    X, y = data
    options = {"method": method, "n_repeats": 2, "random_state": 0}
    expected = None
    for name, container in containers(X).items():
        estimator = net
        if inner:  # behind the identity, the network is given the container
            estimator = make_pipeline(FunctionTransformer(), make_net(n_leads=12))
            estimator.fit(container, y)
        drops = lead_importance(estimator, container, y, scoring="neg_log_loss", **options)
        changes = record_lead_importance(estimator, container, **options)
        assert list(drops.names) == list(STANDARD_LEADS), name
        if expected is None:
            expected = drops.importances, changes
        np.testing.assert_allclose(drops.importances, expected[0], atol=1e-6, err_msg=name)
        np.testing.assert_allclose(changes, expected[1], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_X_is_not_modified_and_may_be_read_only(method, data, net):
    X, y = data
    pipeline = make_pipeline(FunctionTransformer(), make_net(n_leads=12)).fit(X, y)
    before = X.copy()
    for container in containers(X).values():
        if isinstance(container, np.ndarray):
            container = container.copy()
            container.flags.writeable = False
        for estimator in (net, pipeline):
            lead_importance(estimator, container, y, method=method, n_repeats=1)
            record_lead_importance(estimator, container, method=method, n_repeats=1)
        again = containers(before)
        for kind in ("lead frame", "numeric frame"):
            if type(container) is type(again[kind]) and container.shape == again[kind].shape:
                pd.testing.assert_frame_equal(container, again[kind])
    np.testing.assert_array_equal(X, before)


def test_integers_are_replaced_by_real_noise(data):
    X, y = data
    counts = np.round(X * 200).astype(np.int16)
    pipeline = make_pipeline(FunctionTransformer(), make_net()).fit(counts, y)
    options = {"method": "gaussian", "scoring": "neg_log_loss", "n_repeats": 1, "random_state": 0}
    expected = lead_importance(pipeline, counts.astype(np.float64), y, **options)
    np.testing.assert_allclose(
        lead_importance(pipeline, counts, y, **options).importances, expected.importances, atol=1e-6
    )


def test_result_does_not_depend_on_n_jobs(net, data):
    X, y = data
    options = {"n_repeats": 2, "random_state": 0}
    for method in METHODS:
        one, two = (
            lead_importance(
                net,
                X,
                y,
                method=method,
                scoring="neg_log_loss",
                max_samples=0.8,
                n_jobs=n_jobs,
                **options,
            )
            for n_jobs in (1, 2)
        )
        assert_same(two, one)
    one, two = (record_lead_importance(net, X, n_jobs=n_jobs, **options) for n_jobs in (1, 2))
    np.testing.assert_array_equal(two, one)


@pytest.mark.parametrize("method", METHODS)
def test_one_call_for_all_repeats(method, net, data):
    """One call for all repeats of few records is equivalent to one call for each repeat."""
    X, _ = data
    options = {"method": method, "n_repeats": 4, "random_state": 0}
    few = record_lead_importance(net, X[:12], **options)
    assert few.shape == (12, 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_ecg.inspection._lead_importance._MAX_TILED_RECORDS", 0)
        np.testing.assert_allclose(record_lead_importance(net, X[:12], **options), few, atol=1e-6)


def test_record_importance_by_hand(net, data):
    X, _ = data
    found = record_lead_importance(net, X, n_repeats=1, random_state=0)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
    order = np.random.RandomState(seed).permutation(len(X))
    permuted = X.copy()
    permuted[:, 3] = X[order, 3]
    expected = net.predict_proba(X)[:, 1] - net.predict_proba(permuted)[:, 1]
    np.testing.assert_allclose(found[:, 3], expected, rtol=0, atol=1e-12)


def test_outputs_of_record_importance(data):
    X, y = data
    three = np.arange(len(y)) % 3
    net = make_net(max_epochs=1).fit(X, three)
    changes = record_lead_importance(net, X, n_repeats=1, random_state=0)
    assert changes.shape == (90, 12, 3)
    np.testing.assert_allclose(changes.sum(axis=2), 0, atol=1e-6)
    pair = make_net(max_epochs=1).fit(X, np.column_stack([y, three > 0]))
    assert record_lead_importance(pair, X, n_repeats=1).shape == (90, 12, 2)
    one_per_label = OneVsRestClassifier(make_net(max_epochs=1))
    for labels, shape in ((np.column_stack([y, three > 0]), (8, 12, 2)), (y, (8, 12))):
        one_per_label.fit(X, labels)
        assert record_lead_importance(one_per_label, X[:8], n_repeats=1).shape == shape
    # For a multilabel target, a forest returns a list.
    forest = RandomForestClassifier(2, random_state=0)
    forest = make_pipeline(FunctionTransformer(features), forest)
    forest.fit(X, np.column_stack([y, three > 0, y]))
    assert record_lead_importance(forest, X, n_repeats=1).shape == (90, 12, 3)


# Names


def test_names(data):
    X, y = data
    two = X[:, :2]
    options = {"n_repeats": 1, "random_state": 0}
    assert list(lead_importance(make_net().fit(two, y), two, y, **options).names) == [0, 1]
    named = make_net(lead_names=["v1", "Lead II"]).fit(two, y)
    assert list(lead_importance(named, two, y, **options).names) == ["V1", "II"]
    pipeline = make_pipeline(FunctionTransformer(features), LogisticRegression()).fit(two, y)
    frame = to_lead_frame(two, ["x", "y"]).set_axis(["v1", "RESP"], axis=1)
    assert list(lead_importance(pipeline, frame, y, **options).names) == ["V1", "RESP"]


def test_regions_of_eight_leads(data):
    X, y = data
    leads = ["II", "III", "V1", "V2", "V3", "V4", "V5", "V6"]
    frame = to_lead_frame(X)[leads]
    net = make_net().fit(frame, y)
    result = lead_importance(net, frame, y, lead_groups="regions", n_repeats=1, random_state=0)
    assert list(result.names) == ["inferior", "septal", "anterior", "lateral"]


def test_number_of_leads_of_rows(data):
    X, y = data
    rows = X.reshape(len(X), -1)
    options = {"n_repeats": 1, "random_state": 0}
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, y)
    assert len(lead_importance(plain, rows, y, n_leads=12, **options).names) == 12
    with pytest.raises(ValueError, match="(?s)lead_importance.*n_leads=12"):
        lead_importance(plain, rows, y, **options)
    with pytest.raises(ValueError, match="600 columns, which n_leads=7 does not divide"):
        record_lead_importance(plain, rows, n_leads=7)
    scaled = make_pipeline(StandardScaler(), make_net(n_leads=12)).fit(rows, y)
    assert len(lead_importance(scaled, rows, y, **options).names) == 12


# Errors


def test_unfitted(data):
    X, y = data
    for estimator in (make_net(), make_pipeline(make_net()), RidgeClassifier()):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            lead_importance(estimator, X, y)
        if hasattr(estimator, "predict_proba"):
            with pytest.raises(NotFittedError, match="is not fitted yet"):
                record_lead_importance(estimator, X)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"method": "zero"}, "'method' parameter .* must be a str among .*shuffle"),
        ({"lead_groups": "region"}, "lead_groups='region' is unknown. Pass None, 'regions'"),
        ({"lead_groups": {}}, "lead_groups is an empty mapping"),
        ({"lead_groups": {"a": []}}, "'a' has no leads"),
        ({"lead_groups": {"a": ["V9"]}}, "'a' needs lead V9, but the leads present are I, II"),
        ({"lead_groups": {"a": [12]}}, "'a' needs the lead at position 12, but X has 12 leads"),
        ({"lead_groups": {"a": ["V1", 6]}}, "'a' has a lead twice"),
        ({"lead_groups": {"a": "V1"}}, r"'a' must be a list of leads, got 'V1'. Pass \['V1'\]"),
        ({"n_repeats": 0}, "'n_repeats' parameter"),
        ({"max_samples": 91}, "max_samples=91 is more than the 90 records"),
        ({"max_samples": 0.001}, "max_samples=0.001 of 90 records is less than one"),
        ({"sample_weight": [1, 2]}, "sample_weight has 2 values, but X has 90 records"),
        ({"scoring": "rocauc"}, "rocauc"),
        ({"n_leads": 11}, "X has 12 leads, but n_leads=11 was given"),
    ],
    ids=str,
)
def test_invalid_options(options, message, net, data):
    X, y = data
    with pytest.raises((ValueError, TypeError), match=message):
        lead_importance(net, X, y, **options)


def test_invalid_records(net, data):
    X, y = data
    plain = make_pipeline(FunctionTransformer(features), LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="y has 89 values, but X has 90 records"):
        lead_importance(net, X, y[1:])
    for estimator in (net, plain):
        with pytest.raises(ValueError, match="Expected 3D array .*, got 1D array"):
            lead_importance(estimator, X[0, 0], y)
        with pytest.raises(ValueError, match="50 leads of 12 time points"):
            lead_importance(estimator, X.transpose(0, 2, 1), y)
    with pytest.raises(ValueError, match="X has 11 leads"):
        lead_importance(net, X[:, 1:], y)
    with pytest.raises(ValueError, match="X has 49 time points"):
        lead_importance(net, X[:, :, 1:], y)
    with pytest.raises(ValueError, match="(?s)'inferior' needs lead II.*present are V1, V2"):
        pair = to_lead_frame(X[:, 6:8], ["V1", "V2"])
        lead_importance(make_net().fit(pair, y), pair, y, lead_groups="regions")
    with pytest.raises(ValueError, match="need the names of the leads, which are unknown"):
        lead_importance(make_net().fit(X[:, :5], y), X[:, :5], y, lead_groups="regions")


def test_estimator_without_probabilities(data):
    X, y = data
    ridge = make_pipeline(FunctionTransformer(features), RidgeClassifier()).fit(X, y)
    with pytest.raises(TypeError, match="Pipeline has no predict_proba.*CalibratedClassifierCV"):
        record_lead_importance(ridge, X)
    with pytest.raises(AttributeError, match="predict_proba"):
        lead_importance(ridge, X, y, scoring="neg_log_loss")
    result = lead_importance(ridge, X, y, scoring="roc_auc", n_repeats=2, random_state=0)
    assert result.names[result.importances_mean.argmax()] in STANDARD_LEADS
    with pytest.raises(ValueError, match="single record.*method='gaussian'"):
        record_lead_importance(make_net(max_epochs=0).fit(X, y), X[:1])


def test_sign_of_the_importance(net, data):
    """The importance is the score on X, minus the score with the lead replaced."""
    X, y = data
    result = lead_importance(
        net, X, y, lead_groups={"all": range(12)}, scoring="roc_auc", random_state=0
    )
    score = roc_auc_score(y, net.predict_proba(X)[:, 1])
    # With all leads replaced, the score is that of chance.
    assert score - result.importances_mean[0] == pytest.approx(0.5, abs=0.1)


def test_inspection_does_not_import_torch():
    code = "import sys, sklearn_ecg.inspection; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_single_records_cannot_exchange_leads(data, net):
    X, y = data
    forest = RandomForestClassifier(5, random_state=0).fit(features(X), y)
    names = [f"{lead}__{value}" for value in ("mean", "sd") for lead in STANDARD_LEADS]
    table = pd.DataFrame(features(X), columns=names)
    message = "X has a single record, which cannot exchange leads with others"
    for container in containers(X[:1]).values():
        with pytest.raises(ValueError, match=message):
            lead_importance(net, container, y[:1])
        with pytest.raises(ValueError, match=message):
            record_lead_importance(net, container)
        lead_importance(net, container, y[:1], method="gaussian", n_repeats=1)
    with pytest.raises(ValueError, match=message):
        lead_importance(forest, table[:1], y[:1])
    for max_samples in (1, 0.015):
        with pytest.raises(ValueError, match="max_samples is a single one of the 90 records"):
            lead_importance(net, X, y, max_samples=max_samples)
    for function in (lead_importance, record_lead_importance):
        arguments = (net, X, y)[: 3 if function is lead_importance else 2]
        with pytest.raises(ValueError, match="'n_repeats' parameter"):
            function(*arguments, n_repeats=0)


@pytest.mark.parametrize("function", [lead_importance, record_lead_importance])
def test_tables_without_names_say_how_to_name_them(function, data):
    X, y = data
    table = features(X)
    forest = RandomForestClassifier(5, random_state=0).fit(table, y)
    arguments = (y,) if function is lead_importance else ()
    unnamed = pd.DataFrame(table, columns=[f"feature {i}" for i in range(24)])
    for container in (table, table.tolist(), pd.DataFrame(table), unnamed):
        with pytest.raises(ValueError, match=r"set_output\(transform='pandas'\).*n_leads=12"):
            function(forest, container, *arguments)
    with pytest.raises(ValueError, match=r"A single record is X\[\[0\]\]"):
        function(forest, X[0], *arguments)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_signals_are_checked_and_copied_once(in_pipeline, data, net, monkeypatch):
    X, y = data
    calls = []
    for name in ("check_signals", "EditableSignals"):
        original = getattr(_inputs, name)

        def counted(*args, name=name, original=original, **params):
            calls.append(name)
            return original(*args, **params)

        monkeypatch.setattr(_inputs, name, counted)
    estimator = make_pipeline(FrozenEstimator(net)) if in_pipeline else net
    lead_importance(estimator, X, y, n_repeats=3)
    assert calls == ["check_signals", "EditableSignals"]
