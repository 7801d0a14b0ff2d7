"""Correction of the prevalence: exact where theory says so, and the order of records is kept."""

import numpy as np
import pandas as pd
import pytest
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit, softmax
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import _SigmoidCalibration
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_ecg import MSAICNetClassifier, PriorCorrectedClassifier
from sklearn_ecg.imbalance import correct_prevalence
from sklearn_ecg.imbalance._probability_maps import MonotoneMap


def gaussians(n_records, prevalence, seed=0, means=(0, 1.5)):
    """Draw records of one feature, a normal distribution with SD 1 for each class."""
    rng = np.random.RandomState(seed)
    y = rng.choice(len(means), n_records, p=prevalence)
    return rng.randn(n_records, 1) + np.array(means)[y, None], y


def bayes(X, prevalence, means=(0, 1.5)):
    """Posterior probabilities at a prevalence, by Bayes' theorem."""
    joint = norm.pdf(X, np.array(means)) * np.array(prevalence)
    return joint / joint.sum(axis=1, keepdims=True)


# ---- the closed form ---------------------------------------------------------------------------


@pytest.mark.parametrize("means", [(0, 1.5), (0, 1, 2.5)])
def test_closed_form_is_exact_for_bayes_posteriors(means):
    X = np.linspace(-3, 5, 50)[:, None]
    trained, wanted = np.full(len(means), 1 / len(means)), np.array([0.9, 0.04, 0.06])[: len(means)]
    wanted = wanted / wanted.sum()
    corrected = correct_prevalence(bayes(X, trained, means), trained, wanted)
    np.testing.assert_allclose(corrected, bayes(X, wanted, means), rtol=1e-12)
    # There and back.
    np.testing.assert_allclose(
        correct_prevalence(corrected, wanted, trained), bayes(X, trained, means), rtol=1e-12
    )


def test_closed_form_of_vectors_and_labels():
    p = np.array([0.0, 1e-300, 0.2, 0.5, 1.0])
    expected = [0, *expit(logit(p[1:4]) + logit(0.1) - logit(0.4)), 1]
    np.testing.assert_allclose(correct_prevalence(p, 0.4, 0.1), expected, rtol=1e-12)
    both = correct_prevalence(np.column_stack([1 - p, p]), 0.4, 0.1)
    np.testing.assert_allclose(both[:, 1], expected, rtol=1e-12)
    labels = correct_prevalence(np.column_stack([p, p]), [0.4, 0.5], [0.1, 0.5], multilabel=True)
    np.testing.assert_allclose(labels, np.column_stack([expected, p]), rtol=1e-12)


@pytest.mark.parametrize(
    "y_prob, effective, target, message",
    [
        ([0.5, 1.5], 0.5, 0.1, r"probabilities in \[0, 1\], got values from 0.5 to 1.5"),
        ([[0.2, 0.3, 0.5]], 0.5, 0.1, "single number, but y_prob has 3 columns"),
        ([[0.2, 0.3, 0.5]], [0.2, 0.2, 0.2], [0.3, 0.3, 0.4], "add up to 1, got 0.6"),
        ([[0.5, 0.5]], [0.5, 0.5], [0.3, 0.3, 0.4], "one value for each of 2"),
        ([0.5], 0.5, [0.0], r"target_prevalence must be in \(0, 1\)"),
        ([np.nan], 0.5, 0.1, "contains NaN"),
    ],
)
def test_correct_prevalence_refuses(y_prob, effective, target, message):
    with pytest.raises(ValueError, match=message):
        correct_prevalence(y_prob, effective, target)


# ---- closed form in the classifier -------------------------------------------------------------

UNPENALIZED = {"C": 1e6}


@pytest.mark.parametrize(
    "estimator, effective",
    [
        (LogisticRegression(class_weight="balanced", **UNPENALIZED), 0.5),
        (LogisticRegression(class_weight={0: 1, 1: 7}, **UNPENALIZED), "7"),
        (LogisticRegression(class_weight={1: 7}, **UNPENALIZED), "7"),
        (LogisticRegression(**UNPENALIZED), "training"),
        (
            make_pipeline(
                StandardScaler(), RandomUnderSampler(random_state=0), LogisticRegression(C=1e6)
            ),
            0.5,
        ),
        (
            make_pipeline(
                RandomOverSampler(sampling_strategy=0.25, random_state=0),
                LogisticRegression(C=1e6),
            ),
            0.2,
        ),
        # A sampler and weights: odds of 1/4 times 2.
        (
            make_pipeline(
                RandomOverSampler(sampling_strategy=0.25, random_state=0),
                LogisticRegression(class_weight={1: 2}, C=1e6),
            ),
            1 / 3,
        ),
    ],
    ids=["balanced", "dict", "part of a dict", "none", "under", "over", "over and weights"],
)
def test_logistic_regression_in_the_limit(estimator, effective):
    """A well specified model on many records has the true posteriors after the correction."""
    X, y = gaussians(60_000, [0.92, 0.08])
    clf = PriorCorrectedClassifier(estimator).fit(X, y)
    assert clf.method_ == "closed_form"
    share = y.mean()
    if effective == "7":
        effective = 7 * share / (7 * share + 1 - share)
    elif effective == "training":
        effective = share
    np.testing.assert_allclose(clf.effective_prevalence_[1], effective, atol=1e-4)
    np.testing.assert_allclose(clf.training_prevalence_, [1 - share, share])
    np.testing.assert_array_equal(clf.target_prevalence_, clf.training_prevalence_)
    probability = clf.predict_proba(X)[:, 1]
    uncorrected = clf.estimator_.predict_proba(X)[:, 1]
    np.testing.assert_allclose(probability, bayes(X, [0.92, 0.08])[:, 1], atol=0.03)
    assert roc_auc_score(y, probability) == roc_auc_score(y, uncorrected)
    # Calibration in the large.
    assert probability.mean() == pytest.approx(share, abs=5e-4)
    if effective != share:
        assert abs(uncorrected.mean() - share) > 0.05


def test_multiclass_and_string_labels():
    prevalence, means = [0.7, 0.2, 0.1], (0, 1.2, 3)
    X, y = gaussians(60_000, prevalence, means=means)
    names = np.array(["healthy", "ischemia", "infarction"])
    clf = PriorCorrectedClassifier(LogisticRegression(class_weight="balanced", C=1e6))
    clf.fit(X, pd.Series(names[y], index=np.arange(len(y))[::-1]))
    order = [0, 2, 1]
    assert clf.classes_.tolist() == names[order].tolist()
    np.testing.assert_allclose(clf.effective_prevalence_, 1 / 3)
    np.testing.assert_allclose(
        clf.predict_proba(X), bayes(X, prevalence, means)[:, order], atol=0.03
    )
    assert (clf.predict(X) == clf.classes_[clf.predict_proba(X).argmax(axis=1)]).all()
    screening = {"healthy": 0.98, "ischemia": 0.015, "infarction": 0.005}
    clf.set_params(target_prevalence=screening).fit(X, names[y])
    np.testing.assert_allclose(
        clf.predict_proba(X), bayes(X, list(screening.values()), means)[:, order], atol=0.05
    )


def test_multilabel_equals_binary_per_label():
    X, first = gaussians(3000, [0.9, 0.1])
    second = (X[:, 0] + np.random.RandomState(1).randn(3000) > 2).astype(int)
    y = pd.DataFrame({"MI": first, "CD": second})
    weighted = LogisticRegression(class_weight="balanced")
    for options in ({}, {"target_prevalence": {"CD": 0.3, "MI": 0.02}}, {"method": "fitted"}):
        clf = PriorCorrectedClassifier(OneVsRestClassifier(weighted), cv=_Halves(), **options)
        probability = clf.fit(X, y).predict_proba(X)
        for i, name in enumerate(y):
            one = PriorCorrectedClassifier(weighted, cv=_Halves(), **options)
            if "target_prevalence" in options:
                one.set_params(target_prevalence=options["target_prevalence"][name])
            one.fit(X, y[name])
            np.testing.assert_allclose(probability[:, i], one.predict_proba(X)[:, 1], rtol=1e-9)
            assert clf.effective_prevalence_[i] == pytest.approx(one.effective_prevalence_[1])
        np.testing.assert_array_equal(clf.predict(X), probability > 0.5)


class _Halves:
    """Two folds that do not depend on y."""

    def split(self, X, y=None, groups=None):
        halves = np.arange(len(X)) % 2
        yield np.flatnonzero(halves == 0), np.flatnonzero(halves == 1)
        yield np.flatnonzero(halves == 1), np.flatnonzero(halves == 0)

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2


def test_weights_of_a_multilabel_network():
    rng = np.random.RandomState(0)
    X, y = rng.randn(40, 2, 20), np.column_stack([np.arange(40) % 4 == 0, np.arange(40) % 2])
    network = MSAICNetClassifier(
        filters=(2,), dilations=(1,), embedding_dim=4, projection_dim=2, max_epochs=1, focal_gamma=0
    )
    for class_weight, effective in [
        ("balanced", [0.5, 0.5]),
        ([{0: 1, 1: 3}, {1: 2}], [0.5, 2 / 3]),
        (None, [0.25, 0.5]),
    ]:
        clf = PriorCorrectedClassifier(
            network.set_params(class_weight=class_weight), method="closed_form"
        ).fit(X, y.astype(int))
        np.testing.assert_allclose(clf.effective_prevalence_, effective)


@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_logit_adjustment(tau):
    """Adding tau times the logarithms of the shares to the logits gives the training prevalence."""
    rng = np.random.RandomState(0)
    X, positive = rng.randn(40, 2, 20), np.arange(40) % 4 == 0
    network = MSAICNetClassifier(
        filters=(2,),
        dilations=(1,),
        contrastive_weight=0,
        max_epochs=1,
        focal_gamma=0,
        class_weight=None,
        logit_adjustment=tau,
        random_state=0,
    )
    for y in (positive.astype(int), np.where(positive, "c", np.where(X[:, 0, 0] > 0, "b", "a"))):
        clf = PriorCorrectedClassifier(network, method="closed_form").fit(X, y)
        share = np.unique(y, return_counts=True)[1] / 40
        logits = np.log(clf.estimator_.predict_proba(X)) + tau * np.log(share)
        np.testing.assert_allclose(
            clf.effective_prevalence_, share ** (1 - tau) / sum(share ** (1 - tau))
        )
        np.testing.assert_allclose(clf.predict_proba(X), softmax(logits, axis=1), rtol=1e-5)
    y = np.column_stack([positive, X[:, 0, 0] > 0.5]).astype(int)
    clf = PriorCorrectedClassifier(network, method="closed_form").fit(X, y)
    logits = logit(clf.estimator_.predict_proba(X)) + tau * logit(y.mean(axis=0))
    np.testing.assert_allclose(clf.predict_proba(X), expit(logits), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The probabilities .*do not rank:UserWarning")
@pytest.mark.parametrize(
    "params, method",
    [
        ({"class_weight": "balanced", "focal_gamma": 0}, "fitted"),
        ({"class_weight": None, "focal_gamma": 2}, "fitted"),
        ({"class_weight": None, "focal_gamma": 0, "logit_adjustment": 1.0}, "fitted"),
        ({"class_weight": None, "focal_gamma": 0}, "closed_form"),
    ],
)
def test_automatic_method_for_networks(params, method):
    rng = np.random.RandomState(0)
    X, y = rng.randn(40, 2, 20), np.arange(40) % 4 // 3
    network = MSAICNetClassifier(
        filters=(2,), dilations=(1,), embedding_dim=4, projection_dim=2, max_epochs=1, **params
    )
    clf = PriorCorrectedClassifier(network, cv=2).fit(X, y)
    assert clf.method_ == method


def test_given_effective_prevalence():
    X, y = gaussians(500, [0.8, 0.2])
    bagging = BalancedBaggingClassifier(LogisticRegression(), n_estimators=3, random_state=0)
    clf = PriorCorrectedClassifier(bagging, effective_prevalence=0.5).fit(X, y)
    assert clf.method_ == "closed_form"
    np.testing.assert_allclose(
        clf.predict_proba(X),
        correct_prevalence(clf.estimator_.predict_proba(X), 0.5, y.mean()),
    )


@pytest.mark.parametrize(
    "estimator, reason",
    [
        (BalancedBaggingClassifier(LogisticRegression(), n_estimators=2), "resamples inside"),
        (BaggingClassifier(LogisticRegression(class_weight="balanced"), 2), "class_weight="),
        (
            GridSearchCV(make_pipeline(RandomUnderSampler(), LogisticRegression()), {}, cv=2),
            "a sampler inside another estimator",
        ),
        (GaussianNB(priors=np.array([0.5, 0.5])), "priors="),
    ],
    ids=["ensemble", "nested weights", "search", "priors"],
)
def test_unknown_prevalence(estimator, reason):
    X, y = gaussians(300, [0.8, 0.2])
    clf = PriorCorrectedClassifier(estimator, method="closed_form")
    with pytest.raises(ValueError, match=f"cannot be computed, because of .*{reason}"):
        clf.fit(X, y)
    clf.set_params(method="auto", cv=2).fit(X, y)
    assert clf.method_ == "fitted"
    assert clf.effective_prevalence_[1] == pytest.approx(0.5, abs=0.1)


def test_estimators_that_are_looked_into():
    X, y = gaussians(300, [0.8, 0.2])
    weighted = LogisticRegression(class_weight="balanced")
    for estimator in (
        make_plain_pipeline(StandardScaler(), weighted),
        GridSearchCV(LogisticRegression(), {"class_weight": ["balanced"]}, cv=2),
        OneVsRestClassifier(weighted),
        FrozenEstimator(clone(weighted).fit(X, y)),
        RandomForestClassifier(3, class_weight="balanced_subsample"),
    ):
        clf = PriorCorrectedClassifier(estimator, method="closed_form").fit(X, y)
        np.testing.assert_allclose(clf.effective_prevalence_, 0.5)
    multiclass = np.arange(300) % 3
    for estimator, y_kind, reason in (
        (OneVsRestClassifier(weighted), multiclass, "one LogisticRegression for each class"),
        (
            RandomForestClassifier(3, class_weight="balanced"),
            np.eye(3, dtype=int)[multiclass],
            "multiplies those of the labels",
        ),
    ):
        with pytest.raises(ValueError, match=reason):
            PriorCorrectedClassifier(estimator, method="closed_form").fit(X, y_kind)


def test_sampler_pipeline_stays_usable():
    X, y = gaussians(300, [0.8, 0.2])
    pipeline = make_pipeline(RandomUnderSampler(random_state=0), LogisticRegression())
    clf = PriorCorrectedClassifier(pipeline).fit(X, y)
    reference = clone(pipeline).fit(X, y)
    assert isinstance(clf.estimator_.steps[-1][1], LogisticRegression)
    np.testing.assert_array_equal(clf.estimator_.predict_proba(X), reference.predict_proba(X))
    with pytest.raises(TypeError, match="unexpected keyword"):
        PriorCorrectedClassifier(pipeline).fit(X, y, logisticregression__weights=y)


def test_weights_of_the_last_step():
    X, y = gaussians(3000, [0.8, 0.2])
    pipeline = make_plain_pipeline(StandardScaler(), LogisticRegression())
    weight = compute_sample_weight("balanced", y)
    clf = PriorCorrectedClassifier(pipeline).fit(X, y, logisticregression__sample_weight=weight)
    np.testing.assert_allclose(clf.effective_prevalence_, 0.5)
    assert clf.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.01)
    with config_context(enable_metadata_routing=True):
        request = LogisticRegression().set_fit_request(sample_weight=True)
        routed = PriorCorrectedClassifier(
            make_plain_pipeline(StandardScaler().set_fit_request(sample_weight=False), request),
            target_prevalence=y.mean(),
        ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(routed.predict_proba(X), clf.predict_proba(X))
    search = GridSearchCV(pipeline, {"logisticregression__C": [1.0]}, cv=2)
    outer = make_plain_pipeline(StandardScaler(), pipeline)
    for classifier, argument in (
        (search, "logisticregression__sample_weight"),
        (outer, "pipeline__logisticregression__sample_weight"),
    ):
        inside = PriorCorrectedClassifier(classifier).fit(X, y, **{argument: weight})
        np.testing.assert_allclose(inside.effective_prevalence_, 0.5)


def test_weights_are_repetitions():
    X, y = gaussians(300, [0.8, 0.2])
    weight = np.random.RandomState(0).randint(1, 4, 300)
    clf = PriorCorrectedClassifier(LogisticRegression(class_weight={0: 1, 1: 3}))
    weighted = clone(clf).fit(X, y, sample_weight=weight)
    repeated = clone(clf).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    for name in ("training_prevalence_", "effective_prevalence_"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


# ---- the fitted map ----------------------------------------------------------------------------


class Tempered(ClassifierMixin, BaseEstimator):
    """The true posterior with a slope and a shift on the logit, as a focal loss may leave it."""

    def __init__(self, slope=0.4, shift=1.0):
        self.slope, self.shift = slope, shift

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = expit(self.slope * logit(bayes(X, [0.9, 0.1])[:, 1]) + self.shift)
        return np.column_stack([1 - p, p])


def test_fitted_map_undoes_slope_and_shift():
    X, y = gaussians(40_000, [0.9, 0.1])
    clf = PriorCorrectedClassifier(Tempered(), method="fitted").fit(X, y)
    assert clf.maps_[0].slope == pytest.approx(1 / 0.4, rel=0.05)
    probability = clf.predict_proba(X)[:, 1]
    np.testing.assert_allclose(probability, bayes(X, [0.9, 0.1])[:, 1], atol=0.03)
    assert roc_auc_score(y, probability) == roc_auc_score(
        y, Tempered().fit(X, y).predict_proba(X)[:, 1]
    )
    assert probability.mean() == pytest.approx(y.mean(), abs=1e-4)
    # At another prevalence.
    clf.set_params(target_prevalence=0.3).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], bayes(X, [0.7, 0.3])[:, 1], atol=0.05)


def test_effective_prevalence_of_a_fitted_map():
    """It is the one at which the closed form restores the mean."""
    X, y = gaussians(5000, [0.9, 0.1])
    clf = PriorCorrectedClassifier(FrozenEstimator(Tempered().fit(X, y)), method="fitted")
    clf.fit(X, y)
    corrected = correct_prevalence(
        Tempered().fit(X, y).predict_proba(X), clf.effective_prevalence_, clf.training_prevalence_
    )
    assert corrected[:, 1].mean() == pytest.approx(y.mean(), abs=1e-6)


def test_binary_map_is_that_of_platt():
    X, y = gaussians(2000, [0.9, 0.1])
    p = Tempered().fit(X, y).predict_proba(X)
    weight = np.random.RandomState(0).uniform(0.5, 2.5, 2000)
    for sample_weight in (None, weight):
        theirs = _SigmoidCalibration().fit(logit(p[:, 1]), y, sample_weight)
        ours = MonotoneMap(p, np.column_stack([y == 0, y == 1]), sample_weight)
        assert ours.slope == pytest.approx(-theirs.a_, rel=1e-4)
        assert ours.intercepts[1] == pytest.approx(-theirs.b_, rel=1e-4)


def test_multiclass_map_minimizes_the_loss():
    rng = np.random.RandomState(0)
    p = rng.dirichlet([1, 1, 1], 4000)
    true = np.array([rng.choice(3, p=row) for row in p])
    tilted = p**0.5 * [0.2, 0.3, 0.5]
    tilted /= tilted.sum(axis=1, keepdims=True)
    fitted = MonotoneMap(tilted, np.eye(3)[true])
    slow = minimize(
        lambda v: log_loss(
            true, np.exp(log_softmax(np.exp(v[0]) * np.log(tilted) + [0, *v[1:]], axis=1))
        ),
        np.zeros(3),
        method="Nelder-Mead",
    )
    # The smoothed targets of a few thousand records differ little.
    assert fitted.slope == pytest.approx(np.exp(slow.x[0]), rel=0.01)
    np.testing.assert_allclose(fitted.intercepts[1:], slow.x[1:], atol=0.02)
    assert fitted.slope == pytest.approx(2, rel=0.1)
    np.testing.assert_allclose(fitted(tilted).mean(axis=0), np.bincount(true) / 4000, atol=1e-3)


def test_focal_loss_is_fitted_by_patient():
    rng = np.random.RandomState(0)
    y = np.array(["healthy", "sick"])[np.arange(60) // 2 % 3 // 2]
    X = rng.randn(60, 2, 20) + (y == "sick")[:, None, None]
    groups = np.arange(60) // 2
    network = MSAICNetClassifier(
        filters=(2,),
        dilations=(1,),
        embedding_dim=4,
        projection_dim=2,
        max_epochs=8,
        learning_rate=3e-2,
        dropout=0,
        random_state=0,
    )
    clf = PriorCorrectedClassifier(network, cv=2).fit(X, y, groups=groups)
    assert clf.method_ == "fitted"
    scores = np.empty(60)
    for train, test in StratifiedGroupKFold(2).split(X, y, groups):
        scores[test] = network.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
    theirs = _SigmoidCalibration().fit(logit(scores), (y == "sick").astype(int))
    assert clf.maps_[0].slope == pytest.approx(-theirs.a_, rel=1e-3)
    single = PriorCorrectedClassifier(network, cv=0.3, random_state=1)
    single.fit(X, y, groups=groups)
    assert single.predict_proba(X).shape == (60, 2)


def test_map_without_information_warns():
    X, y = gaussians(400, [0.8, 0.2])
    clf = PriorCorrectedClassifier(FrozenEstimator(Tempered(slope=-1).fit(X, y)), method="fitted")
    with pytest.warns(UserWarning, match="do not rank held-out records better than chance"):
        clf.fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], 0.2, atol=0.05)


def test_weights_that_add_up_to_one():
    """Platt's targets would be those of a single record."""
    X, y = gaussians(500, [0.8, 0.2])
    weight = np.random.RandomState(0).uniform(0.5, 1.5, len(y))
    clf = PriorCorrectedClassifier(FrozenEstimator(Tempered(slope=0.5).fit(X, y)), method="fitted")
    expected = clf.fit(X, y, weight / weight.mean()).predict_proba(X)
    probability = clf.fit(X, y, weight / weight.sum()).predict_proba(X)
    np.testing.assert_allclose(probability, expected, atol=1e-6)
    assert np.average(probability[:, 1], weights=weight) == pytest.approx(
        np.average(y, weights=weight), abs=0.01
    )


# ---- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, kind, message",
    [
        ({"target_prevalence": 1.0}, "binary", "'target_prevalence' parameter"),
        ({"target_prevalence": [0.5, 0.6]}, "binary", "add up to 1, got 1.1"),
        ({"target_prevalence": {"a": 0.5}}, "binary", r"one prevalence for each class, \['a', 'b'"),
        ({"target_prevalence": 0.1}, "multiclass", "single number, but y has 3 classes"),
        ({"target_prevalence": 0.1}, "binary", "unknown for the classes 'a' and 'b'. Pass a dict"),
        (
            {"effective_prevalence": 0.1},
            "binary",
            "unknown for the classes 'a' and 'b'. Pass a dict",
        ),
        ({"target_prevalence": 0.1}, "multilabel", "single number, but y has 3 labels"),
        ({"target_prevalence": [0.1, 0.1]}, "multilabel", "one prevalence for each of 3 labels"),
        ({"effective_prevalence": [0.1, 0.1, 0]}, "multilabel", r"must be in \(0, 1\)"),
        ({"effective_prevalence": 0.5, "method": "fitted"}, "binary", "closed_form' only"),
        ({}, "constant", "label 2 has the prevalence 0"),
    ],
)
def test_bad_parameters(options, kind, message):
    X = np.random.RandomState(0).randn(60, 2)
    y = np.arange(60) % 3
    y = {
        "binary": np.where(y == 0, "a", "b"),
        "multiclass": y,
        "multilabel": np.eye(3, dtype=int)[y],
        "constant": np.eye(3, dtype=int)[y % 2],
    }[kind]
    clf = PriorCorrectedClassifier(OneVsRestClassifier(LogisticRegression()), **options)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)


def test_frozen_classifiers_of_other_records():
    """The prevalence of the records that a frozen classifier was trained on is not known."""
    X, y = gaussians(4000, [0.6, 0.4])
    X_new, y_new = gaussians(4000, [0.95, 0.05])
    for weight in (None, {0: 1, 1: 3}):
        frozen = FrozenEstimator(LogisticRegression(class_weight=weight).fit(X, y))
        clf = PriorCorrectedClassifier(frozen).fit(X_new, y_new)
        assert clf.method_ == "fitted"
        assert clf.predict_proba(X_new)[:, 1].mean() == pytest.approx(y_new.mean(), abs=1e-3)
        with pytest.raises(ValueError, match="FrozenEstimator, whose training labels"):
            PriorCorrectedClassifier(frozen, method="closed_form").fit(X_new, y_new)


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        RandomForestClassifier(20, bootstrap=False, random_state=0),
        ExtraTreesClassifier(20, random_state=0),
        DecisionTreeClassifier(),
        ExtraTreeClassifier(random_state=0),
        SGDClassifier(loss="log_loss", random_state=0),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_which_classifiers_balance_weights(classifier):
    """Without features, the probability is the effective prevalence."""
    X, y = np.zeros((400, 1)), (np.arange(400) % 10 == 0).astype(int)
    weight = np.where(y == 1, 5.0, 1.0)
    classifier.set_params(class_weight="balanced")
    raw = clone(classifier).fit(X, y, sample_weight=weight).predict_proba(X[:1])[0, 1]
    clf = PriorCorrectedClassifier(classifier)
    if isinstance(classifier, (DecisionTreeClassifier, SGDClassifier)):
        assert raw > 0.6
        clf.set_params(method="closed_form")
        with pytest.raises(ValueError, match="class_weight='balanced' of .* with sample_weight"):
            clf.fit(X, y, sample_weight=weight)
        clf.fit(X, y)
    else:
        assert clf.fit(X, y, sample_weight=weight).method_ == "closed_form"
        assert raw == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_allclose(clf.effective_prevalence_, [0.5, 0.5])


def test_balanced_weights_of_weighted_records():
    """Gradient boosting balances the records, and multiplies by their weights."""
    X, y = gaussians(4000, [0.95, 0.05])
    boosting = HistGradientBoostingClassifier(class_weight="balanced", max_iter=20)
    weight = np.where(y == 1, 4.0, 1.0)
    clf = PriorCorrectedClassifier(boosting, cv=2).fit(X, y, sample_weight=weight)
    assert clf.method_ == "fitted"
    expected = np.average(y, weights=weight)
    found = np.average(clf.predict_proba(X)[:, 1], weights=weight)
    assert found == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("classes", [["MI", "NORM"], [1, 2], [0, 1]])
def test_weights_inside_one_vs_rest(classes):
    """The classifier inside is trained on 0 and 1, and so are its weights."""
    y = np.array(classes)[(np.arange(200) % 10 == 0).astype(int)]
    X = np.zeros((200, 1))  # so that the probability is the effective prevalence
    weighted = OneVsRestClassifier(LogisticRegression(class_weight={0: 1, 1: 9}))
    clf = PriorCorrectedClassifier(weighted).fit(X, y)
    assert clf.method_ == "closed_form"
    np.testing.assert_allclose(clf.effective_prevalence_, [0.5, 0.5])
    np.testing.assert_allclose(clf.estimator_.predict_proba(X[:1])[0], [0.5, 0.5], atol=1e-4)
    np.testing.assert_allclose(clf.predict_proba(X[:1])[0], [0.9, 0.1], atol=1e-4)
