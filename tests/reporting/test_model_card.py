"""Tests of model cards: values against scikit-learn, what is evaluated, classifiers, escaping."""

import html
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    cross_val_predict,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from sklearn_ecg import (
    ECGNetClassifier,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    to_lead_frame,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import (
    bootstrap_interval,
    brier_score,
    calibration_slope,
    expected_calibration_error,
    score_by_group,
)
from sklearn_ecg.preprocessing import LeadScaler
from sklearn_ecg.reporting import ModelCard, model_card

FAST = {"n_resamples": 8, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.randn(240, 4)
    patients = np.arange(240) // 2
    y = (X[:, 0] + X[:, 1] + rng.randn(240) > 1).astype(int)
    return X, y, patients


@pytest.fixture(scope="module")
def fitted(data):
    X, y, _ = data
    return LogisticRegression().fit(X[:120], y[:120])


@pytest.fixture(scope="module")
def card(data, fitted):
    X, y, patients = data
    return model_card(
        fitted,
        X[120:],
        y[120:],
        evaluation="held-out",
        groups=patients[120:],
        subgroups={"sex": np.where(np.arange(120) % 3, "female", "male")},
        n_resamples=40,
        random_state=0,
    )


@pytest.fixture(scope="module")
def signals():
    bunch = make_ecg(40, duration=2, class_sep=np.inf, random_state=0)
    frame = to_lead_frame(bunch.data, bunch.lead_names, sampling_rate=100, units="mV")
    return frame, bunch.target


def test_scores_equal_those_of_scikit_learn(data, fitted, card):
    X, y, patients = data[0][120:], data[1][120:], data[2][120:]
    p = fitted.predict_proba(X)[:, 1]
    row = card.scores.loc["1"]
    assert row["auroc"] == pytest.approx(roc_auc_score(y, p))
    assert row["auprc"] == pytest.approx(average_precision_score(y, p))
    assert row["brier"] == pytest.approx(brier_score_loss(y, p))
    false, true, _ = roc_curve(y, p, drop_intermediate=False)
    assert row["sensitivity_at_90_specificity"] == pytest.approx(true[1 - false >= 0.9].max())
    options = {"groups": patients, "n_resamples": 40, "random_state": 0}
    for column, metric in {"auroc": "roc_auc", "brier": brier_score}.items():
        expected = bootstrap_interval(metric, y, p, **options)
        ends = row[[column, f"{column}_low", f"{column}_high"]].astype(float)
        np.testing.assert_allclose(ends, expected)
    row = card.calibration.loc["1"]
    # The slope of a logistic regression without penalty of the label on the logit.
    logit = np.log(p / (1 - p))[:, None]
    slope = LogisticRegression(C=np.inf, tol=1e-10).fit(logit, y).coef_[0, 0]
    assert row["calibration_slope"] == pytest.approx(slope, abs=1e-4)
    expected = bootstrap_interval(calibration_slope, y, p, **options)
    assert row["calibration_slope_low"] == pytest.approx(expected.low)
    assert row["expected_calibration_error"] == pytest.approx(expected_calibration_error(y, p))
    sex = np.where(np.arange(120) % 3, "female", "male")
    expected = score_by_group("roc_auc", y, p, pd.Series(sex, name="sex"), **options)
    pd.testing.assert_frame_equal(
        card.subgroups.loc["1"].drop(columns="note"), expected.drop(columns="note")
    )
    small = card.subgroups.loc[("1", "sex", "male"), "note"]
    assert small == f"Small: {y[sex == 'male'].sum()} records of 1."
    assert f"{row['calibration_slope']:.3f} [" in card.to_markdown()
    assert f"{expected.loc[('sex', 'male'), 'score']:.3f} [" in card.to_markdown()


def test_data(data, card):
    X, y, _ = data
    found = card.data
    assert found["n_records"] == 120 and found["n_patients"] == 60
    assert found["max_records_per_patient"] == 2
    assert found["n_positive"] == [y[120:].sum()]
    assert found["prevalence"] == [y[120:].mean()]
    assert found["records_are"] == "rows of 4 features"
    assert found["n_missing"] == 0 and found["n_duplicates"] == 0
    assert found["lead_names"] is None and found["sampling_rate"] is None


def test_positive_class():
    X = np.linspace(-1, 1, 40)[:, None]
    for classes, names, sentence in (
        (["abnormal", "norm"], None, "The positive class is 'norm', classes_[1]."),
        ([0, 1], ["no AF", "AF"], "The positive class is 'AF', classes_[1]."),
        ([0, 1, 2], None, None),
    ):
        y = np.array(classes)[np.arange(40) % len(classes)]
        clf = LogisticRegression().fit(X, y)
        card = model_card(clf, X, y, label_names=names, **FAST)
        for text in (card.to_markdown(), html.unescape(card.to_html())):
            text = text.replace("\\", "")
            assert text.count("The positive class is") == (sentence is not None)
            assert sentence is None or sentence in text


def test_missing_values_and_duplicates(data):
    X, y, _ = data
    X = X.copy()
    X[3, 0] = np.nan
    X[[10, 11]] = X[9]
    clf = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X[:50], y[:50])
    found = model_card(clf, X, y, **FAST).data
    assert (found["n_missing"], found["n_duplicates"], found["n_duplicate_groups"]) == (1, 3, 1)
    # A table with text.
    frame = pd.DataFrame(X, columns=list("abcd")).assign(text="x")
    clf = make_pipeline(FunctionTransformer(lambda X: X[["b", "c"]]), LogisticRegression())
    found = model_card(clf.fit(frame[:50], y[:50]), frame, y, **FAST).data
    assert (found["n_missing"], found["n_duplicates"], found["n_duplicate_groups"]) == (1, 3, 1)


def test_held_out_records_are_performance(card):
    text = card.to_markdown()
    assert card.evaluation == "held-out"
    assert "## Performance on held-out records" in text
    assert "The author states that the model was not trained on these records." in text
    assert card.tripod.loc["23a", "status"] == "filled"


def test_not_stated_is_said(data, fitted):
    X, y, _ = data
    card = model_card(fitted, X[120:], y[120:], **FAST)
    assert card.evaluation == "not stated"
    text = card.to_markdown()
    assert "## Scores on the evaluation set" in text and "## Performance" not in text
    assert "was not stated" in text
    assert card.tripod.loc["23a", "status"] == "partly"


def no_performance(card):
    headings = [line for line in card.to_markdown().splitlines() if line.startswith("## ")]
    return not any(line.startswith("## Performance") for line in headings)


def test_training_records_stated(data, fitted):
    X, y, _ = data
    card = model_card(fitted, X[:120], y[:120], evaluation="training", **FAST)
    assert card.evaluation == "training" and no_performance(card)
    assert "which is not performance" in card.to_markdown()


@pytest.mark.parametrize(
    "step", [StandardScaler(), SimpleImputer(), make_pipeline(SelectKBest(k=2), StandardScaler())]
)
def test_training_records_recognized_from_statistics(data, step):
    X, y, _ = data
    steps = [one for _, one in step.steps] if hasattr(step, "steps") else [step]
    clf = make_pipeline(*steps, LogisticRegression()).fit(X[:120], y[:120])
    with pytest.warns(UserWarning, match="not held-out records: The means in the fitted"):
        card = model_card(clf, X[:120], y[:120], evaluation="held-out", **FAST)
    assert card.evaluation == "training" and no_performance(card)
    assert "The means in the fitted" in card.to_markdown()
    # Searches and other wrappers are opened.
    for wrapped in (
        GridSearchCV(clf, {"logisticregression__C": [1.0]}, cv=2).fit(X[:120], y[:120]),
        FixedThresholdClassifier(FrozenEstimator(clf), threshold=0.3).fit(X, y),
    ):
        assert model_card(wrapped, X[:120], y[:120], **FAST).evaluation == "training"
    # Other records, also those that contain the training records.
    for part in (slice(120, None), slice(None), slice(0, 100)):
        card = model_card(clf, X[part], y[part], evaluation="held-out", **FAST)
        assert card.evaluation == "held-out"


def test_samplers_are_skipped_and_listed(data):
    X, y, _ = data
    clf = make_imblearn_pipeline(
        RandomUnderSampler(random_state=0), StandardScaler(), LogisticRegression()
    )
    card = model_card(clf.fit(X, y), X, y, **FAST)
    assert card.evaluation == "not stated"  # the scaler saw some of the records
    assert "RandomUnderSampler resamples the training records" in card.tripod.loc["13", "content"]
    clf.set_params(randomundersampler="passthrough")
    assert model_card(clf.fit(X, y), X, y, **FAST).evaluation == "training"


def test_equal_means_of_discrete_features_are_no_evidence():
    X = np.tile([[0.0, 1], [1, 0], [1, 1], [0, 0]], (10, 1))
    y = np.arange(40) % 2
    clf = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    assert model_card(clf, X, y, **FAST).evaluation == "not stated"


def test_training_records_recognized_from_normalization(signals):
    X, y = signals
    options = {"max_epochs": 1, "random_state": 0}
    clf = ECGNetClassifier(early_stopping=False, **options).fit(X, y)
    assert model_card(clf, X, y, **FAST).evaluation == "training"
    assert model_card(clf, X[:20], y[:20], **FAST).evaluation == "not stated"
    clf = make_pipeline(LeadScaler(), ECGNetClassifier(normalize=None, **options)).fit(X, y)
    assert model_card(clf, X, y, **FAST).evaluation == "training"


def test_training_records_and_patients_that_are_given(data, fitted):
    X, y, patients = data
    options = {"X_train": X[:120].astype(np.float32), "groups_train": patients[:120], **FAST}
    card = model_card(
        fitted, X[120:], y[120:], groups=patients[120:], evaluation="held-out", **options
    )
    assert card.evaluation == "held-out"
    assert "0 records are in both. 0 patients are in both." in card.tripod.loc["16", "content"]
    options["X_train"] = X[:120]
    with pytest.warns(UserWarning, match="1 of 121 records are also in X_train, and 1 of 61 pat"):
        card = model_card(
            fitted, X[119:], y[119:], groups=patients[119:], evaluation="held-out", **options
        )
    assert card.evaluation == "overlap" and no_performance(card)
    with pytest.warns(UserWarning, match="not held-out"):
        card = model_card(
            fitted, X[:120], y[:120], groups=patients[:120], evaluation="held-out", **options
        )
    assert card.evaluation == "training"
    # The same patients with other records.
    card = model_card(fitted, X[120:], y[120:], groups=patients[:120], **options)
    assert card.evaluation == "overlap"
    with pytest.raises(ValueError, match="numbers and strings are never equal"):
        model_card(fitted, X[120:], y[120:], groups=patients[:120].astype(str), **options)


def test_out_of_fold_predictions_of_an_unfitted_estimator(data):
    X, y, _ = data
    labels = np.where(y == 1, "sick", "healthy")
    for clf in (
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
    ):
        p = cross_val_predict(LogisticRegression(), X, labels, method="predict_proba")
        card = model_card(clf, X, labels, y_prob=p, evaluation="out-of-fold", **FAST)
        assert card.scores.loc["sick", "auroc"] == pytest.approx(roc_auc_score(y, p[:, 1]))
        assert "## Performance in cross-validation" in card.to_markdown()
        one = model_card(clf, X, labels, y_prob=p[:, 1], evaluation="out-of-fold", **FAST)
        pd.testing.assert_frame_equal(one.scores, card.scores)


def test_multiclass_and_multilabel():
    rng = np.random.RandomState(0)
    X = rng.randn(150, 3)
    y = np.array(["AF", "SR", "VT"])[np.argmax(X + rng.randn(150, 3), axis=1)]
    clf = RandomForestClassifier(5, random_state=0).fit(X[:70], y[:70])
    p = clf.predict_proba(X[70:])
    card = model_card(clf, X[70:], y[70:], subgroups=np.arange(80) % 2, **FAST)
    assert card.scores.index.tolist() == ["AF", "SR", "VT", "macro"]
    expected = roc_auc_score(y[70:], p, multi_class="ovr", average=None)
    np.testing.assert_allclose(card.scores["auroc"][:3], expected)
    assert card.scores.loc["macro", "auroc"] == pytest.approx(expected.mean())
    assert card.subgroups.index.unique("label").tolist() == ["AF", "SR", "VT"]
    overall = card.subgroups.xs("all records", level="group")[["score", "low", "high"]]
    same = card.scores[["auroc", "auroc_low", "auroc_high"]][:3]
    np.testing.assert_allclose(overall, same)
    macro = bootstrap_interval(
        "roc_auc", (y[70:, None] == clf.classes_).astype(int), p, n_resamples=150, random_state=0
    )
    wide = model_card(clf, X[70:], y[70:], n_resamples=150, random_state=0).scores.loc["macro"]
    np.testing.assert_allclose(
        wide[["auroc_low", "auroc_high"]].astype(float), macro[1:], atol=0.04
    )
    # A class that the evaluation records do not have.
    few = y[70:] != "VT"
    card = model_card(clf, X[70:][few], y[70:][few], **FAST)
    assert np.isnan(card.scores.loc["VT", "auroc"])
    assert "not defined" in card.to_markdown() and "label 'VT' has 0 positive" in card.to_markdown()

    labels = pd.DataFrame((X + rng.randn(150, 3) > 0.5).astype(int), columns=["MI", "CD", "HYP"])
    for clf in (
        OneVsRestClassifier(LogisticRegression()),
        RandomForestClassifier(5, random_state=0),
    ):
        clf = clf.fit(X[:70], labels[:70])
        p = clf.predict_proba(X[70:])
        p = np.column_stack([one[:, 1] for one in p]) if isinstance(p, list) else p
        card = model_card(clf, X[70:], labels[70:], **FAST)
        expected = roc_auc_score(labels[70:], p, average=None)
        np.testing.assert_allclose(card.scores["auroc"][:3], expected)
        named = pd.DataFrame(p, columns=labels.columns)[["HYP", "MI", "CD"]]
        given = model_card(clf, X[70:], labels[70:].reset_index(drop=True), y_prob=named, **FAST)
        pd.testing.assert_frame_equal(given.scores, card.scores)


def test_containers_of_signals_and_wrappers(signals):
    X, y = signals
    array = np.stack([np.stack(row) for row in X.to_numpy()])
    net = ECGNetClassifier(max_epochs=1, random_state=0, n_leads=12)
    for one in (X, array, X.to_numpy(), array.reshape(len(X), -1)):
        found = model_card(clone(net).fit(one[:30], y[:30]), one[20:], y[20:], **FAST).data
        assert found["records_are"] == "signals of 12 leads and 200 time points"
        assert found["lead_names"] == X.columns.tolist()
        is_frame = one is X
        assert (found["sampling_rate"], found["unit"]) == (
            (100, "mV") if is_frame else (None, None)
        )
        assert found["duration"] == (2 if is_frame else None)
    features = FunctionTransformer(lambda X: array_of(X).std(axis=2))
    classifier = make_pipeline(LeadScaler(), features, LogisticRegression(class_weight="balanced"))
    for wrapper in (
        MultilabelCalibratedClassifierCV(classifier, cv=2),
        MultilabelTunedThresholdClassifierCV(classifier, cv=2),
        PriorCorrectedClassifier(classifier),
    ):
        card = model_card(wrapper.fit(X[:30], y[:30]), X[20:], y[20:], **FAST)
        assert card.data["sampling_rate"] == 100 and card.data["unit"] == "mV"
        assert "has class_weight='balanced'" in card.tripod.loc["13", "content"]
        expected = roc_auc_score(y[20:], wrapper.predict_proba(X[20:])[:, 1])
        assert card.scores["auroc"].iloc[0] == pytest.approx(expected)
        parts = card.parameters["class"].unique().tolist()
        assert {type(wrapper).__name__, "LeadScaler", "LogisticRegression"} <= set(parts)


def array_of(X):
    return np.stack([np.stack(row) for row in X.to_numpy()]) if hasattr(X, "iloc") else X


def test_parameters(data):
    X, y, _ = data
    rng = np.random.RandomState(0)
    clf = make_pipeline(FunctionTransformer(np.abs), KNeighborsClassifier(), memory=None)
    clf = GridSearchCV(clf, {"kneighborsclassifier__n_neighbors": [3, 5]}, cv=2).fit(X, y)
    found = model_card(clf, X, y, **FAST).parameters.set_index(["class", "parameter"])["value"]
    assert found["KNeighborsClassifier", "n_neighbors"] == "5"
    assert (
        found["FunctionTransformer", "func"] == "numpy.absolute"
        or "absolute" in found["FunctionTransformer", "func"]
    )
    assert "kneighborsclassifier__n_neighbors" in found["GridSearchCV", "best_params_ (fitted)"]
    forest = RandomForestClassifier(2, random_state=rng).fit(X, y)
    found = model_card(forest, X, y, **FAST).parameters
    assert not found["value"].str.contains(" at 0x").any()
    assert set(forest.get_params()) <= set(found["parameter"])


class Reader(HTMLParser):
    """Collect the tags, the attributes and the text of a document."""

    def __init__(self, document):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


HOSTILE = "<script>alert('x')</script> | *b* `c` [d](javascript:e) \"f\"\n# g"


def test_everything_that_is_given_is_escaped():
    rng = np.random.RandomState(0)
    X = rng.randn(60, 2)
    y = np.where(rng.rand(60) < 0.5, "a", f"b{HOSTILE}")
    clf = LogisticRegression().fit(X, y)
    card = model_card(
        clf,
        X,
        y,
        subgroups={HOSTILE: np.where(rng.rand(60) < 0.5, HOSTILE, "x")},
        title=HOSTILE,
        intended_use=HOSTILE,
        limits=[HOSTILE, "1. one"],
        statements={"17": HOSTILE},
        evaluation="training",
        **FAST,
    )
    reader = Reader(card.to_html())
    assert "script" not in reader.tags and "a" not in reader.tags
    assert not any(value and value.startswith("javascript") for _, value in reader.attributes)
    assert reader.text.count("<script>alert('x')</script>") >= 6
    assert "<script" not in card.to_html() and "<script" not in card._repr_html_()
    text = card.to_markdown()
    assert "<" not in text
    # The rows of a table have the same number of cells, and no heading was added.
    for table in text.split("\n\n"):
        if table.startswith("|"):
            assert len({row.replace(r"\|", "").count("|") for row in table.splitlines()}) == 1
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert not any(line.startswith("# g") for line in titles)
    assert r"\*b\*" in text and r"[d\](javascript:e)" in text and "- 1\\. one" in text


def test_lead_names_are_escaped():
    rng = np.random.RandomState(0)
    frame = to_lead_frame(rng.randn(40, 2, 50), ["<b>II</b>|", "V1"])
    y = np.arange(40) % 2
    clf = make_pipeline(LeadScaler(), FunctionTransformer(lambda X: array_of(X).std(axis=2)))
    clf = make_pipeline(*[step for _, step in clf.steps], LogisticRegression()).fit(frame, y)
    card = model_card(clf, frame, y, **FAST)
    assert "<b>" not in card.to_html() and "&lt;b&gt;II&lt;/b&gt;|" in card.to_html()
    assert r"&lt;b&gt;II&lt;/b&gt;\|" in card.to_markdown()


def test_html_has_the_figure_and_loads_nothing(card):
    reader = Reader(card.to_html())
    sources = [value for name, value in reader.attributes if name in ("src", "href")]
    assert len(sources) == 1 and sources[0].startswith("data:image/png;base64,iVBOR")
    assert card.to_html().startswith("<!DOCTYPE html>")
    assert "<html" not in card._repr_html_()


def test_save(card, tmp_path):
    card.save(tmp_path / "card.html")
    card.save(str(tmp_path / "card.md"))
    assert (tmp_path / "card.html").read_text(encoding="utf-8") == card.to_html()
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == card.to_markdown()
    with pytest.raises(ValueError, match="must end with .html, .htm, .md"):
        card.save(tmp_path / "card.pdf")
    with pytest.raises(FileNotFoundError):
        card.save(tmp_path / "missing" / "card.md")


def test_tripod(data, fitted):
    X, y, _ = data
    card = model_card(
        fitted, X[120:], y[120:], intended_use="Screening.", statements={"5b": "1989."}, **FAST
    )
    assert {item.rstrip("abcdefg") for item in card.tripod.index} == {str(i) for i in range(1, 28)}
    assert card.tripod.index.is_unique
    assert set(card.tripod["status"]) == {"filled", "partly", "open"}
    assert card.tripod.loc["3b"].tolist()[1:] == ["filled", "See intended use: Screening."]
    assert card.tripod.loc["5b"].tolist()[1:] == ["filled", "Stated by the author: 1989."]
    assert card.tripod.loc["26", "status"] == "open" and card.tripod.loc["17", "status"] == "open"
    text = card.to_markdown()
    limits = text[text.index("## Limits") :]
    assert limits.startswith("## Limits\n\n**Not stated.**")
    assert isinstance(card, ModelCard) and "120 records" in repr(card)


def test_versions_and_reproducibility(data, fitted, card):
    import sklearn
    import torch

    import sklearn_ecg

    assert card.versions["scikit-learn"] == sklearn.__version__
    assert torch.__version__.startswith(card.versions["torch"].partition("+")[0])
    assert card.versions["sklearn_ecg"] == sklearn_ecg.__version__
    assert card.versions["numpy"] == np.__version__
    X, y, _ = data
    state = np.random.get_state()[1].copy()
    first, second = (model_card(fitted, X[120:], y[120:], **FAST).to_html() for _ in range(2))
    assert first == second
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize(
    "change, error, message",
    [
        (
            {"estimator": StandardScaler()},
            ValueError,
            "Scaler predicts no .*: it is a transformer",
        ),
        ({"estimator": make_pipeline(StandardScaler())}, ValueError, "Pipeline predicts no prob"),
        ({"estimator": LinearSVC()}, ValueError, "it has no predict_proba"),
        ({"estimator": LogisticRegression}, TypeError, "must be a classifier"),
        ({"evaluation": "out-of-fold"}, ValueError, "requires y_prob"),
        ({"evaluation": "test"}, ValueError, "evaluation"),
        ({"groups_train": [1]}, ValueError, "requires X_train"),
        ({"X_train": np.zeros((3, 9))}, ValueError, "X_train has 9"),
        ({"y": np.arange(240) % 2 + 5}, ValueError, "labels that the estimator does not know"),
        ({"y": np.arange(10) % 2}, ValueError, "inconsistent numbers"),
        ({"y_prob": np.full(240, 2.0)}, ValueError, "between 0 and 1, got 2 to 2"),
        ({"y_prob": np.full(240, np.nan)}, ValueError, "NaN or infinity"),
        ({"y_prob": np.zeros((240, 3))}, ValueError, "y_prob must have shape"),
        ({"label_names": ["a", "b", "c"]}, ValueError, "label_names must have one name"),
        ({"statements": {"99": "x"}}, ValueError, "the items 99, which TRIPOD"),
        ({"y": np.linspace(0, 1, 240)}, ValueError, "continuous"),
    ],
)
def test_errors(data, fitted, change, error, message):
    X, y, _ = data
    arguments = {"estimator": fitted, "X": X, "y": y, **FAST, **change}
    with pytest.raises(error, match=message):
        model_card(**arguments)
