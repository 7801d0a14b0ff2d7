"""Which tools of scikit-learn and imbalanced-learn work with which container and which target.

`TABLE` is the answer; the documentation shows it. Each tool is tested with each container and each
kind of target. Where it works, its result is checked. Where it does not, it must raise an error
that matches one of `REFUSALS`, and what the table names in its place must work.
"""

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from imblearn.combine import SMOTEENN
from imblearn.ensemble import BalancedBaggingClassifier, EasyEnsembleClassifier, RUSBoostClassifier
from imblearn.over_sampling import ADASYN, SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from imblearn.under_sampling import NearMiss, RandomUnderSampler, TomekLinks
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, balanced_accuracy_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, LabelBinarizer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import _safe_indexing

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    MSAICNetClassifier,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PatientAggregator,
    PriorCorrectedClassifier,
    SequentialLeadSelector,
    WindowedClassifier,
)
from sklearn_ecg.augmentation import AmplitudeScale
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.imbalance import (
    AugmentationOverSampler,
    BeatSMOTE,
    RecordOverSampler,
    RecordUnderSampler,
)
from sklearn_ecg.inspection import ReliabilityDisplay, lead_importance
from sklearn_ecg.leads import REGIONS_12, STANDARD_LEADS, to_lead_frame
from sklearn_ecg.metrics import label_table
from sklearn_ecg.model_selection import (
    DisjointGroupsCV,
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupShuffleSplit,
)
from sklearn_ecg.nn._acl_ecg import VGG1d
from sklearn_ecg.preprocessing import LeadScaler, LeadSelector

# What does not accept which containers or targets, and what to use there. A tool without an entry
# works with all of them. "as lead frame" etc. means that X has to be converted.
TABLE = {
    # Model selection
    "cross_validate": {},
    "cross_val_predict": {},
    "GridSearchCV(n_jobs=2)": {},
    "RandomizedSearchCV": {},
    "HalvingGridSearchCV": {},
    "learning_curve": {},
    "validation_curve": {},
    "permutation_test_score": {},
    "train_test_split": {},
    "KFold": {},
    "StratifiedKFold": {"multilabel": "MultilabelStratifiedGroupKFold"},
    "GroupKFold, LeaveOneGroupOut": {},
    "StratifiedGroupKFold": {"multilabel": "MultilabelStratifiedGroupKFold"},
    "MultilabelStratifiedGroupKFold": {},
    "DisjointGroupsCV": {},
    # Pipelines
    "Pipeline(memory=...)": {},
    "FeatureUnion": {},
    "ColumnTransformer on regions": {"3-D array": "LeadSelector in FeatureUnion"},
    "FunctionTransformer": {},
    "StandardScaler": {"3-D array, lead frame, object array": "LeadScaler"},
    "FrozenEstimator": {},
    # Calibration and thresholds
    "CalibratedClassifierCV": {"multilabel": "MultilabelCalibratedClassifierCV"},
    "MultilabelCalibratedClassifierCV": {},
    "TunedThresholdClassifierCV": {
        "multiclass, multilabel": "MultilabelTunedThresholdClassifierCV",
    },
    "FixedThresholdClassifier": {
        "multiclass, multilabel": "MultilabelTunedThresholdClassifierCV",
    },
    "MultilabelTunedThresholdClassifierCV": {"multiclass": "LabelBinarizer"},
    "PriorCorrectedClassifier": {},
    # Windows and patients
    "WindowedClassifier": {},
    "PatientAggregator": {},
    # Ensembles and several labels
    "VotingClassifier": {"multilabel": "in OneVsRestClassifier"},
    "StackingClassifier": {},
    "BaggingClassifier": {"3-D array": "as lead frame", "multilabel": "in OneVsRestClassifier"},
    "AdaBoostClassifier": {
        "lead frame, object array": "as 3-D array",
        "multilabel": "in OneVsRestClassifier",
    },
    "OneVsRestClassifier": {},
    "OneVsOneClassifier": {
        "3-D array, object array": "as lead frame",
        "multilabel": "the classifier itself",
    },
    "MultiOutputClassifier": {"binary, multiclass": "the classifier itself"},
    "ClassifierChain": {
        "any container": "after a transformer",
        "binary, multiclass": "the classifier itself",
    },
    "SelfTrainingClassifier": {
        "3-D array, object array": "as lead frame",
        "multilabel": "ACLECGClassifier(unlabeled=-1)",
    },
    # Selection of leads, and inspection
    "SequentialFeatureSelector": {"any container": "SequentialLeadSelector"},
    "RFE": {
        "3-D array, object array": "as lead frame",
        "2-D rows, numeric frame": "SequentialLeadSelector",
    },
    "SequentialLeadSelector": {},
    "permutation_importance": {"3-D array, 2-D rows, numeric frame": "lead_importance"},
    "lead_importance": {},
    "RocCurveDisplay.from_estimator": {"multiclass, multilabel": "label_table"},
    "CalibrationDisplay.from_estimator": {"multiclass, multilabel": "ReliabilityDisplay"},
    # Samplers
    "RandomOverSampler": {"3-D array": "RecordOverSampler", "multilabel": "RecordOverSampler"},
    "RandomUnderSampler": {"3-D array": "RecordUnderSampler", "multilabel": "RecordUnderSampler"},
    "SMOTE": {"3-D array, lead frame, object array": "BeatSMOTE", "multilabel": "BeatSMOTE"},
    "ADASYN": {"3-D array, lead frame, object array": "BeatSMOTE", "multilabel": "BeatSMOTE"},
    "SMOTEENN": {"3-D array, lead frame, object array": "BeatSMOTE", "multilabel": "BeatSMOTE"},
    "TomekLinks, NearMiss": {
        "3-D array, lead frame, object array": "RecordUnderSampler",
        "multilabel": "RecordUnderSampler",
    },
    "RecordOverSampler": {},
    "RecordUnderSampler": {},
    "AugmentationOverSampler": {},
    "BeatSMOTE": {},
    "BalancedBaggingClassifier": {
        "3-D array": "as lead frame",
        "multilabel": "in OneVsRestClassifier",
    },
    "EasyEnsembleClassifier": {
        "3-D array": "as lead frame",
        "multilabel": "in OneVsRestClassifier",
    },
    "RUSBoostClassifier": {
        "3-D array, lead frame, object array": "as 2-D rows",
        "multilabel": "in OneVsRestClassifier",
    },
}

# Tools that work there, but do something else than with the other containers.
ANOTHER_MEANING = {
    # Columns of rows are single time points.
    "permutation_importance": ("2-D rows", "numeric frame"),
}

CONTAINERS = ("3-D array", "lead frame", "object array", "2-D rows", "numeric frame")
TARGETS = ("binary", "multiclass", "multilabel")

CONVERSIONS = {
    "as 3-D array": "3-D array",
    "as lead frame": "lead frame",
    "as 2-D rows": "2-D rows",
}

REFUSED = (IndexError, NotImplementedError, TypeError, ValueError)
# How the libraries put it that they do not accept a container or a target.
REFUSALS = (
    # X has three dimensions.
    "Found array with dim 3",
    "should be a 2D NumPy array",
    # The cells are signals, and not numbers.
    "setting an array element with a sequence",
    "truth value of an array",
    # Our error, when columns were added or removed, so that rows are no longer records.
    "does not divide",
    # The target has one column, or several columns.
    "y should be a 1d array",
    "y must have at least two dimensions",
    "tuple index out of range",
    # The target is not binary, or has several labels.
    "Supported target types are",
    "Only binary classification is supported",
    "to be a binary classifier",
    "[Mm]ultilabel and multi-?output (classification|targets) (is|are) not supported",
)

LEADS = ("II", "V1", "V2", "V3", "V4")
SAMPLING_RATE = 100

TOOLS = {}
COUNTERPARTS = {}
WORKED = set()


def tool(*rows):
    """Enter a function of a `Case` as rows of the table; with several rows, it takes their name."""

    def enter(function):
        for row in rows:
            TOOLS[row] = function if len(rows) == 1 else lambda case, row=row: function(case, row)
        return function

    return enter


def counterpart(name):
    """Enter a function of a `Case` and the row in which it takes the place of the tool."""

    def enter(function):
        COUNTERPARTS[name] = function
        return function

    return enter


@dataclass
class Case:
    """Records in a container, and their target.

    ``learns`` is whether networks are trained until they separate the classes; otherwise, they are
    trained for one epoch. ``per_label`` is whether estimators are fitted to each label.
    """

    container: str
    target: str
    X: Any
    y: np.ndarray
    groups: np.ndarray
    params: dict
    learns: bool
    per_label: bool = False

    def network(self, **params):
        """Return a small network for these records."""
        defaults = {
            "max_epochs": 6 if self.learns else 1,
            "batch_size": 16 if self.learns else 64,
            "random_state": 0,
        }
        return MSAICNetClassifier(
            filters=(4,),
            dilations=(1,),
            embedding_dim=8,
            projection_dim=4,
            dropout=0,
            learning_rate=2e-2,
            **{**defaults, **self.params, **params},
        )

    def check_fit(self, estimator):
        """Fit an estimator and check its predictions. Return it."""
        if self.per_label:
            estimator = OneVsRestClassifier(estimator)
        self.check_labels(estimator.fit(self.X, self.y).predict(self.X))
        return estimator

    def check_labels(self, predicted, y=None):
        """Check predicted labels."""
        y = self.y if y is None else y
        assert predicted.shape == y.shape
        assert np.isin(predicted, y).all()
        if self.learns:
            # Chance is 0.5.
            assert balanced_accuracy_score(y, predicted) > 0.8


def substitutes(row):
    """Return what to use in place of a tool, as ``{container or target: name}``."""
    found = {}
    for where, name in TABLE[row].items():
        where = CONTAINERS if where == "any container" else where.split(", ")
        found.update(dict.fromkeys(where, name))
    return found


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(
        60,
        sampling_rate=SAMPLING_RATE,
        duration=2,
        severity=2,
        prevalence=0.4,
        records_per_patient=2,
        heart_rate=(75, 100),
        noise=0.005,
        baseline_wander=0,
        class_sep=np.inf,
        random_state=0,
    )


def make_case(ecg, container, target):
    X = np.ascontiguousarray(ecg.data[:, [STANDARD_LEADS.index(lead) for lead in LEADS]])
    frame, rows = to_lead_frame(X, LEADS), X.reshape(len(X), -1)
    params = {}
    if container in ("2-D rows", "numeric frame"):
        params = {"n_leads": len(LEADS), "lead_names": LEADS}
    names = [f"{lead}_{time}" for lead in LEADS for time in range(X.shape[2])]
    X = {
        "3-D array": X,
        "lead frame": frame,
        "object array": frame.to_numpy(),
        "2-D rows": rows,
        "numeric frame": pd.DataFrame(rows, columns=names),
    }[container]
    # Patients have two records, and infarction or not.
    patient, infarction = ecg.groups, ecg.target
    y = {
        "binary": infarction,
        "multiclass": np.where(infarction == 1, "MI", np.where(patient % 3, "NORM", "STTC")),
        "multilabel": np.column_stack([infarction, patient % 4 < 2, 1 - infarction]).astype(int),
    }[target]
    learns = target == "binary" and container in ("3-D array", "lead frame")
    return Case(container, target, X, y, patient, params, learns)


def test_table_is_complete():
    assert list(TABLE) == list(TOOLS)
    assert len(TABLE) >= 35
    used = set()
    for row in TABLE:
        assert set(substitutes(row)) <= {*CONTAINERS, *TARGETS}
        used |= set(substitutes(row).values())
    assert used == {*CONVERSIONS, *COUNTERPARTS}


def use_counterpart(name, case, row):
    """Use a counterpart, unless it has worked for such a case in place of another tool."""
    key = (name, case.container, case.target)
    if key not in WORKED or name == "in OneVsRestClassifier":
        COUNTERPARTS[name](case, row)
        WORKED.add(key)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("row", TABLE)
def test_tool(row, container, target, ecg):
    case = make_case(ecg, container, target)
    instead = substitutes(row)
    names = [instead[where] for where in (container, target) if where in instead]
    if not names:
        TOOLS[row](case)
        return
    if container not in ANOTHER_MEANING.get(row, ()):
        with pytest.raises(REFUSED, match="|".join(REFUSALS)):
            TOOLS[row](case)
    if names[0] in CONVERSIONS:
        # The target may be another reason why the tool does not work.
        case = make_case(ecg, CONVERSIONS[names.pop(0)], target)
    if names:
        use_counterpart(names[-1], case, row)
    else:
        TOOLS[row](case)


# Model selection


@tool("cross_validate")
def use_cross_validate(case):
    scores = cross_validate(case.network(), case.X, case.y, groups=case.groups, cv=patient_folds())
    assert scores["test_score"].shape == (3,)
    assert scores["test_score"].min() > (0.8 if case.learns else -1)


@tool("cross_val_predict")
def use_cross_val_predict(case):
    options = {"groups": case.groups, "cv": patient_folds()}
    probability = cross_val_predict(
        case.network(), case.X, case.y, method="predict_proba", **options
    )
    assert probability.shape == (len(case.y), {"binary": 2}.get(case.target, 3))
    assert ((probability > 0) & (probability < 1)).all()
    if case.learns:
        case.check_labels(probability.argmax(axis=1))


@tool("GridSearchCV(n_jobs=2)")
def use_grid_search(case):
    search = GridSearchCV(
        case.network(), {"max_epochs": [0, case.network().max_epochs]}, cv=patient_folds(), n_jobs=2
    )
    case.check_labels(search.fit(case.X, case.y, groups=case.groups).predict(case.X))
    # Other processes find the same scores.
    scores = cross_validate(case.network(), case.X, case.y, groups=case.groups, cv=patient_folds())
    found = [search.cv_results_[f"split{fold}_test_score"][1] for fold in range(3)]
    np.testing.assert_allclose(found, scores["test_score"], rtol=1e-4)


@tool("RandomizedSearchCV")
def use_randomized_search(case):
    search = RandomizedSearchCV(
        case.network(), {"learning_rate": [1e-6, 2e-2]}, n_iter=2, cv=2, random_state=0
    )
    case.check_labels(search.fit(case.X, case.y).predict(case.X))
    assert len(search.cv_results_["params"]) == 2


@tool("HalvingGridSearchCV")
def use_halving_grid_search(case):
    search = HalvingGridSearchCV(
        case.network(),
        {"learning_rate": [1e-6, 2e-2]},
        resource="max_epochs",
        min_resources=1,
        max_resources=2,
        factor=2,
        cv=2,
        random_state=0,
    )
    search.fit(case.X, case.y)
    assert search.n_resources_ == [1, 2]
    assert search.predict(case.X).shape == case.y.shape


@tool("learning_curve")
def use_learning_curve(case):
    sizes, train, test = learning_curve(
        case.network(),
        case.X,
        case.y,
        groups=case.groups,
        cv=patient_folds(2),
        train_sizes=[0.6, 1.0],
    )
    assert sizes.tolist() == [18, 30]
    assert train.shape == test.shape == (2, 2)


@tool("validation_curve")
def use_validation_curve(case):
    train, test = validation_curve(
        case.network(),
        case.X,
        case.y,
        param_name="max_epochs",
        param_range=[0, case.network().max_epochs],
        groups=case.groups,
        cv=patient_folds(2),
    )
    assert train.shape == test.shape == (2, 2)
    assert not case.learns or test[1].mean() > test[0].mean()


@tool("permutation_test_score")
def use_permutation_test(case):
    score, permuted, p_value = permutation_test_score(
        case.network(), case.X, case.y, cv=2, n_permutations=2, random_state=0
    )
    assert permuted.shape == (2,) and 0 < p_value <= 1
    assert not case.learns or score > permuted.max()


@tool("train_test_split")
def use_train_test_split(case):
    X_train, X_test, y_train, y_test = train_test_split(
        case.X, case.y, test_size=20, random_state=0
    )
    fitted = case.network().fit(X_train, y_train)
    assert len(X_test) == 20
    case.check_labels(fitted.predict(X_test), y_test)


# Splitters


@tool("KFold", "StratifiedKFold")
def use_splitter(case, row):
    check_splits(case, {"KFold": KFold, "StratifiedKFold": StratifiedKFold}[row](3))


@tool("GroupKFold, LeaveOneGroupOut")
def use_group_splitter(case):
    check_splits(case, GroupKFold(3), case.groups)
    check_splits(case, LeaveOneGroupOut(), case.groups)


@tool("StratifiedGroupKFold")
def use_stratified_group_splitter(case):
    check_splits(case, StratifiedGroupKFold(3), case.groups)


@tool("MultilabelStratifiedGroupKFold")
@counterpart("MultilabelStratifiedGroupKFold")
def use_multilabel_splitter(case, row=None):
    check_splits(case, MultilabelStratifiedGroupKFold(3), case.groups)
    ((train, test),) = MultilabelStratifiedGroupShuffleSplit(
        1, test_size=0.25, random_state=0
    ).split(case.X, case.y, case.groups)
    assert len(train) + len(test) == len(case.y)


@tool("DisjointGroupsCV")
def use_disjoint_groups(case):
    check_splits(case, DisjointGroupsCV(GroupKFold(3)), case.groups)


def check_splits(case, splitter, groups=None):
    tests = []
    for train, test in splitter.split(case.X, case.y, groups):
        assert len(np.intersect1d(train, test)) == 0
        assert groups is None or not set(groups[train]) & set(groups[test])
        assert len(_safe_indexing(case.X, test)) == len(test)
        tests.append(test)
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(case.y)))


# Pipelines


@tool("Pipeline(memory=...)")
def use_pipeline_memory(case):
    with TemporaryDirectory() as cache:
        pipeline = make_pipeline(case.network(), final_classifier(case), memory=cache)
        case.check_fit(pipeline)
        assert pipeline[-1].n_features_in_ == 8
        # Another last step takes the network from the cache; another network is trained.
        pipeline.steps[-1] = ("other", final_classifier(case, C=0.1))
        pipeline.fit(case.X, case.y)
        assert len(list(Path(cache).glob("**/output.pkl"))) == 1
        pipeline.set_params(msaicnetclassifier__dropout=0.1).fit(case.X, case.y)
        assert len(list(Path(cache).glob("**/output.pkl"))) == 2


@tool("FeatureUnion")
def use_feature_union(case):
    union = make_union(case.network(), case.network(random_state=1))
    fitted = make_pipeline(union, final_classifier(case))
    case.check_fit(fitted)
    assert fitted[-1].n_features_in_ == 16


@tool("ColumnTransformer on regions")
def use_column_transformer(case):
    transformers = []
    for region in ("septal", "anterior"):
        leads = REGIONS_12[region]
        network = case.network()
        if network.n_leads is not None:
            network.set_params(n_leads=len(leads), lead_names=leads)
        transformers.append((region, network, columns_of(case.X, leads)))
    pipeline = make_pipeline(ColumnTransformer(transformers), final_classifier(case))
    case.check_fit(pipeline)
    names = pipeline[0].get_feature_names_out()
    assert len(names) == 16
    assert names[0] == "septal__msaicnetclassifier0"
    assert pipeline[0].named_transformers_["anterior"].n_leads_in_ == 2


@counterpart("LeadSelector in FeatureUnion")
def use_lead_selector(case, row):
    parts = [
        make_pipeline(LeadSelector(region=region, lead_names=LEADS), case.network())
        for region in ("septal", "anterior")
    ]
    pipeline = make_pipeline(make_union(*parts), final_classifier(case))
    case.check_fit(pipeline)
    assert pipeline[-1].n_features_in_ == 16


@tool("FunctionTransformer")
def use_function_transformer(case):
    case.check_fit(make_pipeline(FunctionTransformer(), case.network()))


@tool("StandardScaler")
def use_standard_scaler(case):
    case.check_fit(make_pipeline(StandardScaler(), case.network()))


@counterpart("LeadScaler")
def use_lead_scaler(case, row):
    case.check_fit(make_pipeline(LeadScaler(**case.params), case.network()))


@tool("FrozenEstimator")
def use_frozen_estimator(case):
    fitted = case.network().fit(case.X, case.y)
    pipeline = make_pipeline(FrozenEstimator(fitted), final_classifier(case))
    case.check_fit(pipeline)
    np.testing.assert_array_equal(pipeline[:-1].transform(case.X), fitted.transform(case.X))


# Calibration and thresholds


@tool("CalibratedClassifierCV")
def use_calibration(case):
    calibrated = CalibratedClassifierCV(case.network(), cv=3)
    case.check_fit(calibrated)
    assert len(calibrated.calibrated_classifiers_) == 3
    np.testing.assert_allclose(calibrated.predict_proba(case.X).sum(axis=1), 1)


@tool("MultilabelCalibratedClassifierCV")
@counterpart("MultilabelCalibratedClassifierCV")
def use_multilabel_calibration(case, row=None):
    calibrated = MultilabelCalibratedClassifierCV(case.network(), cv=3)
    calibrated.fit(case.X, case.y, groups=case.groups)
    case.check_labels(calibrated.predict(case.X))


@tool("TunedThresholdClassifierCV")
def use_tuned_threshold(case):
    tuned = TunedThresholdClassifierCV(case.network(), thresholds=10, cv=2)
    case.check_fit(tuned)
    np.testing.assert_array_equal(
        tuned.predict(case.X), tuned.predict_proba(case.X)[:, 1] >= tuned.best_threshold_
    )


@tool("FixedThresholdClassifier")
def use_fixed_threshold(case):
    fixed = FixedThresholdClassifier(case.network(), threshold=0.5, response_method="predict_proba")
    case.check_fit(fixed)


@tool("MultilabelTunedThresholdClassifierCV")
def use_multilabel_thresholds(case):
    tuned = MultilabelTunedThresholdClassifierCV(case.network(), cv=2, thresholds=10)
    tuned.fit(case.X, case.y, groups=case.groups)
    case.check_labels(tuned.predict(case.X))


@counterpart("MultilabelTunedThresholdClassifierCV")
@counterpart("LabelBinarizer")
def use_a_threshold_for_each_label(case, row):
    """For a multiclass target, each class is a label."""
    use_multilabel_thresholds(replace(case, target="multilabel", y=indicator_of(case)))


@tool("PriorCorrectedClassifier")
def use_prior_correction(case):
    corrected = PriorCorrectedClassifier(case.network(focal_gamma=0), method="closed_form")
    case.check_fit(corrected)


# Windows and patients


@tool("WindowedClassifier")
def use_windows(case):
    options = {"duration": 1, "sampling_rate": SAMPLING_RATE, **case.params}
    clf = case.check_fit(WindowedClassifier(case.network(), **options))
    assert len(clf.predict_windows(case.X)) == 2 * len(case.y)


@tool("PatientAggregator")
def use_patients(case):
    clf = PatientAggregator(case.network()).fit(case.X, case.y, groups=case.groups)
    case.check_labels(clf.predict(case.X, groups=case.groups))
    assert len(clf.predict_patients(case.X, groups=case.groups)) == len(np.unique(case.groups))


# Ensembles and several labels


@tool("VotingClassifier")
def use_voting(case):
    members = [("first", case.network()), ("second", case.network(random_state=1))]
    voting = case.check_fit(VotingClassifier(members, voting="soft"))
    if not case.per_label:
        votes = np.mean([member.predict_proba(case.X) for member in voting.estimators_], axis=0)
        np.testing.assert_array_equal(voting.predict_proba(case.X), votes)


@tool("StackingClassifier")
def use_stacking(case):
    members = [("first", case.network()), ("second", case.network(random_state=1))]
    stacking = StackingClassifier(members, final_classifier(case, C=1000), cv=3)
    case.check_fit(stacking)
    assert stacking.final_estimator_.n_features_in_ == {"binary": 2}.get(case.target, 6)


@tool("BaggingClassifier")
def use_bagging(case):
    case.check_fit(BaggingClassifier(case.network(), n_estimators=2, random_state=0))


@tool("AdaBoostClassifier")
def use_ada_boost(case):
    # It raises an error for classifiers that are worse than chance.
    network = case.network(max_epochs=12, batch_size=16)
    case.check_fit(AdaBoostClassifier(network, n_estimators=2, random_state=0))


@tool("OneVsRestClassifier")
def use_one_vs_rest(case):
    per_label = OneVsRestClassifier(case.network())
    case.check_fit(per_label)
    assert len(per_label.estimators_) == {"binary": 1}.get(case.target, 3)


@tool("OneVsOneClassifier")
def use_one_vs_one(case):
    case.check_fit(OneVsOneClassifier(case.network()))


@tool("MultiOutputClassifier")
def use_multi_output(case):
    case.check_fit(MultiOutputClassifier(case.network()))


@tool("ClassifierChain")
def use_classifier_chain(case):
    case.check_fit(ClassifierChain(case.network()))


@counterpart("after a transformer")
def use_after_a_transformer(case, row):
    """The network gives its embedding, a table of features, to the tool."""
    case.check_fit(make_pipeline(case.network(), ClassifierChain(LogisticRegression())))


@counterpart("the classifier itself")
def use_classifier_itself(case, row):
    case.check_fit(case.network())


@counterpart("in OneVsRestClassifier")
def use_for_each_label(case, row):
    TOOLS[row](replace(case, per_label=True))


@tool("SelfTrainingClassifier")
def use_self_training(case):
    y = case.y
    if case.target == "multiclass":
        y = np.unique(y, return_inverse=True)[1]
    partial = np.array(y)
    partial[::3] = -1
    # By rank: a focal loss keeps probabilities so near 0.5 that hardly one passes a threshold.
    self_training = SelfTrainingClassifier(case.network(), criterion="k_best", max_iter=1)
    self_training.fit(case.X, partial)
    assert (self_training.labeled_iter_ > 0).sum() == 10
    case.check_labels(self_training.predict(case.X), y)


@counterpart("ACLECGClassifier(unlabeled=-1)")
def use_unlabeled(case, row):
    """Records without labels pretrain the encoder."""
    encoder = ACLECGEncoder(
        backbone=SmallBackbone,
        augmentation=AmplitudeScale(0.1),
        regions={"septal": ["V1", "V2"], "anterior": ["V3", "V4"]},
        projection_dim=4,
        max_epochs=1,
    )
    clf = ACLECGClassifier(encoder, unlabeled=-1, max_epochs=1, random_state=0, **case.params)
    if not case.params and case.container != "lead frame":
        clf.set_params(lead_names=LEADS)
    partial = np.array(case.y)
    partial[::3] = -1
    assert clf.fit(case.X, partial).predict(case.X).shape == case.y.shape


class SmallBackbone(VGG1d):
    def __init__(self, n_leads):
        super().__init__(n_leads, filters=(4,), n_convs=(1,))


# Selection of leads, and inspection


@tool("SequentialFeatureSelector")
def use_sequential_feature_selector(case):
    SequentialFeatureSelector(case.network(), n_features_to_select=1, cv=2).fit(case.X, case.y)


@tool("RFE")
def use_rfe(case):
    RFE(case.network(), importance_getter=lambda clf: np.ones(clf.n_features_in_)).fit(
        case.X, case.y
    )


@tool("SequentialLeadSelector")
@counterpart("SequentialLeadSelector")
def use_sequential_lead_selector(case, row=None):
    network = case.network(max_epochs=1)
    selector = SequentialLeadSelector(
        network,
        n_leads_to_select=1,
        lead_groups={"limb": [0], "chest": [1, 2, 3, 4]},
        cv=2,
        **case.params,
    )
    selector.fit(case.X, case.y, groups=case.groups)
    assert type(selector.transform(case.X)) is type(case.X)
    assert selector.support_.sum() in (1, 4)


@tool("permutation_importance")
def use_permutation_importance(case):
    importances = permutation_importance(
        case.network().fit(case.X, case.y), case.X, case.y, n_repeats=1, random_state=0
    ).importances_mean
    assert importances.shape == (len(LEADS),)
    if case.learns:
        assert LEADS[importances.argmax()] in REGIONS_12["anterior"]


@tool("lead_importance")
@counterpart("lead_importance")
def use_lead_importance(case, row=None):
    result = lead_importance(
        case.network().fit(case.X, case.y), case.X, case.y, n_repeats=1, random_state=0
    )
    assert result.importances_mean.shape == (len(LEADS),)
    if case.learns:
        assert LEADS[result.importances_mean.argmax()] in REGIONS_12["anterior"]


@tool("RocCurveDisplay.from_estimator")
def use_roc_curve(case):
    fitted = case.network().fit(case.X, case.y)
    display = RocCurveDisplay.from_estimator(fitted, case.X, case.y)
    close_figures()
    if case.learns:
        assert display.roc_auc > 0.8


@counterpart("label_table")
def use_label_table(case, row):
    """Scores of each label; for a multiclass target, of each class."""
    indicator = indicator_of(case)
    probability = case.network().fit(case.X, case.y).predict_proba(case.X)
    threshold = np.median(probability, axis=0)
    table = label_table(indicator, probability, threshold=threshold, n_resamples=20, random_state=0)
    assert table["auroc"].between(0, 1).all()


@tool("CalibrationDisplay.from_estimator")
def use_calibration_display(case):
    fitted = case.network().fit(case.X, case.y)
    CalibrationDisplay.from_estimator(fitted, case.X, case.y)
    close_figures()


@counterpart("ReliabilityDisplay")
def use_reliability_display(case, row):
    fitted = case.network().fit(case.X, case.y)
    display = ReliabilityDisplay.from_estimator(fitted, case.X, case.y, n_bins=3)
    close_figures()
    assert len(display.curves) == 3


# Samplers


@tool("RandomOverSampler", "RandomUnderSampler")
def use_random_sampler(case, row):
    samplers = {"RandomOverSampler": RandomOverSampler, "RandomUnderSampler": RandomUnderSampler}
    check_sampler(case, samplers[row](random_state=0))


@tool("SMOTE", "ADASYN", "SMOTEENN", "TomekLinks, NearMiss")
def use_computing_sampler(case, row):
    samplers = {
        "SMOTE": SMOTE(random_state=0),
        "ADASYN": ADASYN(random_state=0),
        "SMOTEENN": SMOTEENN(random_state=0),
        "TomekLinks, NearMiss": NearMiss(),
    }
    if row == "TomekLinks, NearMiss":
        TomekLinks().fit_resample(case.X, case.y)
    check_sampler(case, samplers[row])


@tool("RecordOverSampler")
@counterpart("RecordOverSampler")
def use_record_over_sampler(case, row=None):
    check_sampler(case, RecordOverSampler(random_state=0))


@tool("RecordUnderSampler")
@counterpart("RecordUnderSampler")
def use_record_under_sampler(case, row=None):
    check_sampler(case, RecordUnderSampler(random_state=0))


@tool("AugmentationOverSampler")
def use_augmentation_over_sampler(case):
    check_sampler(case, AugmentationOverSampler(AmplitudeScale(0.1), random_state=0, **case.params))


@tool("BeatSMOTE")
@counterpart("BeatSMOTE")
def use_beat_smote(case, row=None):
    check_sampler(case, BeatSMOTE(SAMPLING_RATE, random_state=0, **case.params))


@tool("BalancedBaggingClassifier")
def use_balanced_bagging(case):
    case.check_fit(BalancedBaggingClassifier(case.network(), n_estimators=2, random_state=0))


@tool("EasyEnsembleClassifier")
def use_easy_ensemble(case):
    case.check_fit(EasyEnsembleClassifier(2, estimator=case.network(), random_state=0))


@tool("RUSBoostClassifier")
def use_rus_boost(case):
    network = case.network(max_epochs=12, batch_size=16)
    case.check_fit(RUSBoostClassifier(network, n_estimators=2, random_state=0))


def check_sampler(case, sampler):
    """Check the resampled records, and a network that is trained on them."""
    drawn, labels = clone(sampler).fit_resample(case.X, case.y)
    assert type(drawn) is type(case.X)
    assert len(drawn) == len(labels)
    assert case.target == "multilabel" or len(labels) != len(case.y)
    case.check_fit(make_sampling_pipeline(sampler, case.network()))


# What the tools share


def final_classifier(case, **params):
    regression = LogisticRegression(**params)
    return OneVsRestClassifier(regression) if case.target == "multilabel" else regression


def indicator_of(case):
    """Return a column of 0 and 1 for each label or class."""
    return case.y if case.target == "multilabel" else LabelBinarizer().fit_transform(case.y)


def patient_folds(n_splits=3):
    return MultilabelStratifiedGroupKFold(n_splits)


def close_figures():
    matplotlib.pyplot.close("all")


def columns_of(X, leads):
    """Return the columns of X that hold these leads, as `ColumnTransformer` takes them."""
    if isinstance(X, pd.DataFrame):
        return [column for column in X.columns if column.split("_")[0] in leads]
    positions = np.array([LEADS.index(lead) for lead in leads])
    if X.shape[1] == len(LEADS):
        return positions.tolist()
    n_times = X.shape[1] // len(LEADS)
    return (positions[:, None] * n_times + np.arange(n_times)).ravel().tolist()


def short_table():
    """Return the table for the README: the tools that always work, and what to use otherwise."""
    everywhere = ", ".join(f"`{tool}`" for tool, exceptions in TABLE.items() if not exceptions)
    lines = textwrap.wrap(
        "These work with every container and with binary, multiclass and multilabel y: "
        f"{everywhere}.",
        120,
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines += ["", "| tool | does not accept | use |", "|---|---|---|"]
    for tool, exceptions in TABLE.items():
        wheres = {}
        for where, instead in exceptions.items():
            where = f"{where} y" if where.split(", ")[0] in TARGETS else where
            wheres.setdefault(instead, []).append(where)
        lines += [
            f"| {tool} | {', '.join(where)} | {instead} |" for instead, where in wheres.items()
        ]
    return "\n".join(lines)


def test_readme_shows_the_table():
    readme = Path(__file__).parents[1] / "README.md"
    assert short_table() in readme.read_text(encoding="utf-8")
