"""Which tools of scikit-learn and imbalanced-learn work with which container of signals.

`TABLE` is the answer, for the README too, and one test holds every cell of it: where a tool works,
what it gives is checked; where it does not, its own refusal is.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from imblearn.ensemble import BalancedBaggingClassifier, EasyEnsembleClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedGroupKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import _safe_indexing

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import REGIONS_12, STANDARD_LEADS, to_lead_frame

TABLE = """
| tool                         | 3-D array | lead frame | object array | 2-D rows  | numeric frame |
|------------------------------|-----------|------------|--------------|-----------|---------------|
| cross_validate               | yes       | yes        | yes          | yes       | yes           |
| cross_val_predict by patient | yes       | yes        | yes          | yes       | yes           |
| GridSearchCV(n_jobs=2)       | yes       | yes        | yes          | yes       | yes           |
| HalvingGridSearchCV          | yes       | yes        | yes          | yes       | yes           |
| Pipeline(memory=...)         | yes       | yes        | yes          | yes       | yes           |
| CalibratedClassifierCV       | yes       | yes        | yes          | yes       | yes           |
| FrozenEstimator, calibrated  | yes       | yes        | yes          | yes       | yes           |
| TunedThresholdClassifierCV   | yes       | yes        | yes          | yes       | yes           |
| VotingClassifier             | yes       | yes        | yes          | yes       | yes           |
| StackingClassifier           | yes       | yes        | yes          | yes       | yes           |
| OneVsRestClassifier          | yes       | yes        | yes          | yes       | yes           |
| BaggingClassifier            | no (3-D)  | yes        | yes          | yes       | yes           |
| SelfTrainingClassifier       | no (3-D)  | yes        | no (cells)   | yes       | yes           |
| ColumnTransformer on regions | no (3-D)  | yes        | yes          | yes       | yes           |
| permutation_importance       | no (3-D)  | per lead   | per lead     | per value | per value     |
| RandomOverSampler            | no (3-D)  | yes        | yes          | yes       | yes           |
| RandomUnderSampler           | no (3-D)  | yes        | yes          | yes       | yes           |
| BalancedBaggingClassifier    | no (3-D)  | yes        | yes          | yes       | yes           |
| EasyEnsembleClassifier       | no (3-D)  | yes        | yes          | yes       | yes           |
| SMOTE                        | no (3-D)  | no (cells) | no (cells)   | yes       | yes           |
| StandardScaler               | no (3-D)  | no (cells) | no (cells)   | yes       | yes           |
"""

# How the libraries themselves put a refusal.
REFUSALS = {
    # The tool takes tables only.
    "no (3-D)": "dim 3, while dim <= 2|should be a 2D NumPy array",
    # The tool calculates with the cells, which must then be numbers.
    "no (cells)": "setting an array element with a sequence|truth value of an array",
}

LEADS = ("II", "V1", "V2", "V3", "V4")

TOOLS = {}


def tool(row):
    """Enter a function ``(estimator, X, y, groups)`` as a row of the table."""

    def enter(function):
        TOOLS[row] = function
        return function

    return enter


def cells():
    """Rows of the table as ``{tool: {container: cell}}``."""
    header, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.strip().splitlines()
    )
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}


@pytest.fixture(scope="module")
def data():
    """Containers of the same records with the parameters each needs, labels, and patients."""
    ecg = make_ecg(
        90,
        sampling_rate=50,
        duration=0.8,
        prevalence=0.4,
        records_per_patient=2,
        heart_rate=(75, 100),
        noise=0.005,
        baseline_wander=0,
        random_state=0,
    )
    X = np.ascontiguousarray(ecg.data[:, [STANDARD_LEADS.index(lead) for lead in LEADS]])
    frame = to_lead_frame(X, LEADS)
    rows = X.reshape(len(X), -1)
    names = [f"{lead}_{time}" for lead in LEADS for time in range(X.shape[2])]
    containers = {
        "3-D array": (X, {}),
        "lead frame": (frame, {}),
        "object array": (frame.to_numpy(), {}),
        "2-D rows": (rows, {"n_leads": len(LEADS)}),
        "numeric frame": (pd.DataFrame(rows, columns=names), {"n_leads": len(LEADS)}),
    }
    return containers, ecg.target, ecg.groups


def make_estimator(**params):
    return MSAICNetClassifier(
        filters=(4,),
        dilations=(1,),
        embedding_dim=8,
        projection_dim=4,
        dropout=0,
        max_epochs=10,
        batch_size=16,
        learning_rate=2e-2,
        random_state=0,
        **params,
    )


def test_table_is_complete(data):
    containers, _, _ = data
    assert set(cells()) == set(TOOLS)
    for row in cells().values():
        assert list(row) == list(containers)


@pytest.mark.parametrize(
    "row, container", [(row, container) for row in cells() for container in cells()[row]]
)
def test_tool(row, container, data):
    containers, y, groups = data
    X, params = containers[container]
    cell = cells()[row][container]
    estimator = make_estimator(**params)
    if cell in REFUSALS:
        with pytest.raises(ValueError, match=REFUSALS[cell]):
            TOOLS[row](estimator, X, y, groups)
    else:
        # A tool that has more to say than yes returns it.
        assert (TOOLS[row](estimator, X, y, groups) or "yes") == cell


# Model selection


@tool("cross_validate")
def use_cross_validate(estimator, X, y, groups):
    scores = cross_validate(estimator, X, y, groups=groups, cv=patient_folds(), scoring="roc_auc")
    assert scores["test_score"].shape == (3,)
    assert scores["test_score"].min() > 0.8


@tool("cross_val_predict by patient")
def use_cross_val_predict(estimator, X, y, groups):
    probabilities = cross_val_predict(
        estimator, X, y, groups=groups, cv=patient_folds(), method="predict_proba"
    )
    assert probabilities.shape == (len(y), 2)
    assert_separates_classes(y, probabilities.argmax(axis=1))


@tool("GridSearchCV(n_jobs=2)")
def use_grid_search(estimator, X, y, groups):
    search = GridSearchCV(
        estimator, {"max_epochs": [0, 10]}, cv=patient_folds(), scoring="neg_log_loss", n_jobs=2
    )
    search.fit(X, y, groups=groups)
    assert search.best_params_ == {"max_epochs": 10}
    # Processes of their own find what this one finds.
    scores = cross_validate(
        estimator, X, y, groups=groups, cv=patient_folds(), scoring="neg_log_loss"
    )
    found = [search.cv_results_[f"split{fold}_test_score"][1] for fold in range(3)]
    np.testing.assert_allclose(found, scores["test_score"], rtol=1e-4)


@tool("HalvingGridSearchCV")
def use_halving_grid_search(estimator, X, y, groups):
    search = HalvingGridSearchCV(
        estimator,
        {"learning_rate": [1e-6, 2e-2]},
        resource="max_epochs",
        min_resources=5,
        max_resources=10,
        factor=2,
        cv=3,
        random_state=0,
    )
    search.fit(X, y)
    assert search.n_resources_ == [5, 10]
    assert search.best_params_ == {"learning_rate": 2e-2, "max_epochs": 10}
    assert_separates_classes(y, search.predict(X))


# Pipelines


@tool("Pipeline(memory=...)")
def use_pipeline_memory(estimator, X, y, groups):
    with TemporaryDirectory() as cache:
        pipeline = make_pipeline(estimator, LogisticRegression(), memory=cache)
        assert_separates_classes(y, pipeline.fit(X, y).predict(X))
        assert pipeline[-1].n_features_in_ == estimator.embedding_dim
        # Another last step takes the network from the cache, another network does not.
        pipeline.set_params(logisticregression__C=0.1).fit(X, y)
        assert len(list(Path(cache).glob("**/output.pkl"))) == 1
        pipeline.set_params(msaicnetclassifier__dropout=0.1).fit(X, y)
        assert len(list(Path(cache).glob("**/output.pkl"))) == 2


@tool("ColumnTransformer on regions")
def use_column_transformer(estimator, X, y, groups):
    transformers = []
    for region in ("septal", "anterior"):
        leads = REGIONS_12[region]
        network = clone(estimator)
        if network.n_leads is not None:
            network.set_params(n_leads=len(leads))
        transformers.append((region, network, columns_of(X, leads)))
    pipeline = make_pipeline(ColumnTransformer(transformers), LogisticRegression())
    assert_separates_classes(y, pipeline.fit(X, y).predict(X))
    names = pipeline[0].get_feature_names_out()
    assert len(names) == 2 * estimator.embedding_dim
    assert names[0] == "septal__msaicnetclassifier0"
    assert pipeline[0].named_transformers_["anterior"].n_leads_in_ == 2


# Calibration and thresholds


@tool("CalibratedClassifierCV")
def use_calibration(estimator, X, y, groups):
    calibrated = CalibratedClassifierCV(estimator, cv=3).fit(X, y)
    assert len(calibrated.calibrated_classifiers_) == 3
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert_separates_classes(y, calibrated.predict(X))


@tool("FrozenEstimator, calibrated")
def use_frozen_estimator(estimator, X, y, groups):
    train, rest = next(patient_folds().split(y, y, groups))
    fitted = estimator.fit(_safe_indexing(X, train), y[train])
    held_out = _safe_indexing(X, rest)
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), method="sigmoid")
    calibrated.fit(held_out, y[rest])
    # The sigmoid changes probabilities and leaves their order: the network is the one given.
    np.testing.assert_array_equal(
        np.argsort(calibrated.predict_proba(held_out)[:, 1]),
        np.argsort(fitted.decision_function(held_out)),
    )


@tool("TunedThresholdClassifierCV")
def use_tuned_threshold(estimator, X, y, groups):
    tuned = TunedThresholdClassifierCV(estimator, scoring="balanced_accuracy", cv=3).fit(X, y)
    assert 0 < tuned.best_threshold_ < 1
    np.testing.assert_array_equal(
        tuned.predict(X), tuned.predict_proba(X)[:, 1] >= tuned.best_threshold_
    )
    assert_separates_classes(y, tuned.predict(X))


# Ensembles


@tool("VotingClassifier")
def use_voting(estimator, X, y, groups):
    members = [("first", estimator), ("second", clone(estimator).set_params(random_state=1))]
    voting = VotingClassifier(members, voting="soft").fit(X, y)
    votes = np.mean([member.predict_proba(X) for member in voting.estimators_], axis=0)
    np.testing.assert_array_equal(voting.predict_proba(X), votes)
    assert_separates_classes(y, voting.predict(X))


@tool("StackingClassifier")
def use_stacking(estimator, X, y, groups):
    members = [("first", estimator), ("second", clone(estimator).set_params(random_state=1))]
    stacking = StackingClassifier(members, cv=3).fit(X, y)
    assert stacking.final_estimator_.coef_.shape == (1, 2)
    assert_separates_classes(y, stacking.predict(X))


@tool("OneVsRestClassifier")
def use_one_vs_rest(estimator, X, y, groups):
    indicator = np.column_stack([y, 1 - y])
    per_label = OneVsRestClassifier(estimator).fit(X, indicator)
    assert per_label.predict_proba(X).shape == (len(y), 2)
    for column, predicted in zip(indicator.T, per_label.predict(X).T):
        assert_separates_classes(column, predicted)


@tool("BaggingClassifier")
def use_bagging(estimator, X, y, groups):
    bagging = BaggingClassifier(estimator, n_estimators=3, random_state=0).fit(X, y)
    assert [member.n_leads_in_ for member in bagging.estimators_] == [len(LEADS)] * 3
    assert_separates_classes(y, bagging.predict(X))


@tool("SelfTrainingClassifier")
def use_self_training(estimator, X, y, groups):
    partial = np.where(np.arange(len(y)) % 3 == 0, -1, y)
    # By rank: a focal loss keeps probabilities so near 0.5 that hardly one passes a threshold.
    self_training = SelfTrainingClassifier(estimator, criterion="k_best", max_iter=2)
    self_training.fit(X, partial)
    has_label = self_training.labeled_iter_ > 0
    assert has_label.sum() == 20
    assert_separates_classes(y[has_label], self_training.transduction_[has_label])
    assert_separates_classes(y, self_training.predict(X))


# Inspection


@tool("permutation_importance")
def use_permutation_importance(estimator, X, y, groups):
    importances = permutation_importance(
        estimator.fit(X, y), X, y, n_repeats=1, scoring="neg_log_loss", random_state=0
    ).importances_mean
    assert importances.shape == (X.shape[1],)
    if len(importances) == len(LEADS):
        assert LEADS[importances.argmax()] in REGIONS_12["anterior"]
        return "per lead"
    # Neighboring time points are highly correlated, so single values rank no leads.
    assert importances.any()
    return "per value"


# Samplers


@tool("RandomOverSampler")
def use_random_over_sampler(estimator, X, y, groups):
    use_random_sampler(RandomOverSampler(random_state=0), np.max, estimator, X, y)


@tool("RandomUnderSampler")
def use_random_under_sampler(estimator, X, y, groups):
    use_random_sampler(RandomUnderSampler(random_state=0), np.min, estimator, X, y)


def use_random_sampler(sampler, size, estimator, X, y):
    drawn, labels = sampler.fit_resample(X, y)
    assert type(drawn) is type(X)
    assert np.bincount(labels).tolist() == [size(np.bincount(y))] * 2
    # As frames, because NumPy cannot compare arrays of signals; some samplers renumber the rows.
    expected = _safe_indexing(X, sampler.sample_indices_)
    drawn, expected = (pd.DataFrame(rows).reset_index(drop=True) for rows in (drawn, expected))
    pd.testing.assert_frame_equal(drawn, expected)
    pipeline = make_sampling_pipeline(sampler, estimator)
    assert_separates_classes(y, pipeline.fit(X, y).predict(X))


@tool("BalancedBaggingClassifier")
def use_balanced_bagging(estimator, X, y, groups):
    bagging = BalancedBaggingClassifier(estimator, n_estimators=2, random_state=0).fit(X, y)
    for member, drawn in zip(bagging.estimators_, bagging.estimators_samples_):
        rare, common = np.bincount(y[drawn][member[0].sample_indices_])
        assert rare == common
    assert_separates_classes(y, bagging.predict(X))


@tool("EasyEnsembleClassifier")
def use_easy_ensemble(estimator, X, y, groups):
    ensemble = EasyEnsembleClassifier(2, estimator=estimator, random_state=0).fit(X, y)
    assert len(ensemble.estimators_) == 2
    assert_separates_classes(y, ensemble.predict(X))


@tool("SMOTE")
def use_smote(estimator, X, y, groups):
    more, labels = SMOTE(random_state=0).fit_resample(X, y)
    assert np.bincount(labels).tolist() == [np.bincount(y).max()] * 2
    assert len(np.unique(more, axis=0)) == len(more)
    pipeline = make_sampling_pipeline(SMOTE(random_state=0), estimator)
    assert_separates_classes(y, pipeline.fit(X, y).predict(X))


@tool("StandardScaler")
def use_standard_scaler(estimator, X, y, groups):
    pipeline = make_pipeline(StandardScaler(), estimator).fit(X, y)
    assert pipeline[-1].n_leads_in_ == len(LEADS)
    assert_separates_classes(y, pipeline.predict(X))


# What the tools share


def test_readme_shows_the_table():
    assert TABLE.strip() in (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def patient_folds():
    return StratifiedGroupKFold(3, shuffle=True, random_state=0)


def assert_separates_classes(y, predicted):
    """Chance is 0.5."""
    assert balanced_accuracy_score(y, predicted) > 0.8


def columns_of(X, leads):
    """Columns of X that hold these leads, as `ColumnTransformer` takes them."""
    if isinstance(X, pd.DataFrame):
        return [column for column in X.columns if column.split("_")[0] in leads]
    positions = np.array([LEADS.index(lead) for lead in leads])
    if X.shape[1] == len(LEADS):
        return positions.tolist()
    n_times = X.shape[1] // len(LEADS)
    return (positions[:, None] * n_times + np.arange(n_times)).ravel().tolist()
