"""Lead importance, Grad-CAM and displays: results in range and figures, or documented errors."""

import functools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from sklearn.base import clone
from strategies import examples, groups, labels, make_signals, records, scores, seeds, weights
from test_estimator_properties import ECG_NET, NETWORKS, TRAINING

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.inspection import (
    DecisionCurveDisplay,
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    LeadImportanceDisplay,
    LeadSubsetDisplay,
    ReliabilityDisplay,
    TrainingHistoryDisplay,
    feature_groups,
    grad_cam,
    lead_importance,
    record_lead_importance,
    score_by_leads,
)

N_TIMES = 40
LEAD_GROUPS = (
    None,
    None,
    "regions",
    {"a": ["I"]},
    {"a": [0, 1]},
    {"a": []},
    {},
    {"a": "I"},
    {"a": [9]},
    3,
    {"a": [["I"]]},
    {0: [0], 1: [1, 1]},
)


@functools.cache
def fitted(kind):
    """A fitted network of three leads, for a kind of target."""
    X = make_signals("beats", 12, 3, N_TIMES, 0)
    y = {
        "binary": np.arange(12) % 2,
        "multiclass": np.array(["a", "b", "c"])[np.arange(12) % 3],
        "multilabel": (np.arange(12)[:, None] // [1, 2, 3]) % 2,
    }[kind]
    network = NETWORKS[MSAICNetClassifier] if kind == "binary" else ECG_NET
    return network.set_params(**TRAINING).fit(X, y)


KINDS = st.sampled_from(("binary", "multiclass", "multilabel"))


def draw_X(data, **options):
    sizes = {
        "n_records": (6, 1, 2),
        "n_leads": (3, 3, 3, 1, 12),
        "n_times": (N_TIMES, N_TIMES, 5, 0),
    }
    return data.draw(records(**{**sizes, **options}))


def fits(X):
    return X.is_plain and X.shape[1:] == (3, N_TIMES) and X.kind == "array"


@pytest.fixture(autouse=True)
def no_figures_remain():
    yield
    plt.close("all")


def check_figure(display):
    """Assert that a display, if any, has drawn something, and close its figure."""
    if not isinstance(display, Refused):
        assert display.figure_ is not None
        axes = np.ravel([display.ax_])
        assert all(hasattr(ax, "plot") for ax in axes)
    plt.close("all")


@covers(lead_importance, record_lead_importance)
@examples(20)
@given(data=st.data())
def test_lead_importance(data):
    kind = data.draw(KINDS)
    X = draw_X(data)
    n_records = 6 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, targets=(kind,), faults=data.draw(st.booleans())))
    weight, _ = data.draw(weights(n_records))
    lead_groups = data.draw(st.sampled_from(LEAD_GROUPS))
    method = data.draw(st.sampled_from(("shuffle", "gaussian", "zeros")))
    n_repeats = data.draw(st.sampled_from((2, 1, 0, 1.5)))
    options = {"method": method, "lead_groups": lead_groups, "n_repeats": n_repeats}
    n_leads = 3 if X.kind in ("rows", "numeric frame") else None
    options.update(random_state=0, n_leads=n_leads)
    result = attempt(
        lead_importance,
        fitted(kind),
        X.X,
        target.y,
        scoring=data.draw(st.sampled_from((None, "accuracy", "neg_log_loss", "unknown"))),
        max_samples=data.draw(st.sampled_from((1.0, 0.5, 2, 0, 100))),
        sample_weight=weight,
        **options,
    )
    if not isinstance(result, Refused):
        n_groups = len(lead_groups) if isinstance(lead_groups, dict) else 3
        assert result.importances.shape == (n_groups, n_repeats)
        assert len(result.names) == n_groups and np.isfinite(result.importances).all()
        check_figure(attempt(LeadImportanceDisplay.from_importances, result))
    of_records = attempt(record_lead_importance, fitted(kind), X.X, **options)
    is_valid = method != "zeros" and n_repeats in (1, 2) and lead_groups is None
    if isinstance(of_records, Refused):
        assert not (fits(X) and is_valid and (n_records > 1 or method == "gaussian")), of_records
        return
    n_groups = len(lead_groups) if isinstance(lead_groups, dict) else 3
    assert of_records.shape[:2] == (n_records, n_groups)
    assert (np.abs(of_records) <= 1).all()


SUBSETS = (
    ["all", "I"],
    ["I+II", ["III"]],
    {"one": "II", "two": ["I", "III"]},
    ["limb"],
    ["V9"],
    ["I", "I"],
    "I",
    [],
    [3],
)


@functools.cache
def fitted_with_names():
    """A fitted network of three leads with names, for two classes."""
    network = clone(ECG_NET).set_params(lead_names=["I", "II", "III"])
    return network.fit(make_signals("beats", 12, 3, N_TIMES, 0), np.arange(12) % 2)


@covers(score_by_leads, LeadSubsetDisplay)
@examples(25)
@given(data=st.data())
def test_score_by_leads(data):
    plain = data.draw(st.booleans())
    X = draw_X(data, n_records=(12, 6), plain=plain, odd=not plain)
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, targets=("binary",), faults=not plain))
    patients, kind = data.draw(groups(n_records))
    subsets = data.draw(st.sampled_from(SUBSETS[: 3 if plain else None]))
    options = {
        "subsets": subsets,
        "scoring": data.draw(st.sampled_from(("roc_auc", "roc_auc", "accuracy", "unknown"))),
        "fill": data.draw(st.sampled_from(("zero", "zero", "zero", "nan", "mean"))),
        "groups": patients,
        "n_resamples": data.draw(st.sampled_from((10, 10, 1, 0))),
        "random_state": 0,
        "n_leads": 3 if X.kind in ("rows", "numeric frame") else None,
    }
    # Its classes are 0 and 1.
    y = target.codes if plain else target.y
    table = attempt(score_by_leads, fitted_with_names(), X.X, y, **options)
    display = attempt(LeadSubsetDisplay.from_estimator, fitted_with_names(), X.X, y, **options)
    assert isinstance(table, Refused) <= isinstance(display, Refused)
    check_figure(display)
    if isinstance(table, Refused):
        is_valid = kind in ("none", "records") and options["fill"] == "zero"
        is_valid = is_valid and options["scoring"] != "unknown" and options["n_resamples"] == 10
        assert not (is_valid and plain and fits(X) and target.is_plain), table
        return
    assert len(table) == len(subsets) and table["n_leads"].between(1, 3).all()
    values = table[["low", "score", "high"]].to_numpy()
    known = values[~np.isnan(values)]
    assert ((known >= 0) & (known <= 1)).all()
    assert not (values[:, 0] > values[:, 2]).any()
    if "all" in table.index:
        differences = table.loc["all", ["difference", "difference_low", "difference_high"]]
        assert (differences.dropna() == 0).all()
    if X.kind == "array" and X.is_finite and options["scoring"] == "accuracy" and plain:
        for (_, row), leads in zip(table.iterrows(), KEPT[str(subsets)]):
            signals = X.signals.astype(X.output_dtype)
            signals[:, [lead for lead in range(3) if lead not in leads]] = 0
            expected = np.mean(fitted_with_names().predict(signals) == y)
            assert row["score"] == pytest.approx(expected)
    display = attempt(
        LeadSubsetDisplay.from_scores,
        data.draw(st.sampled_from((table, table, table.iloc[:0], table[["n_leads"]], None))),
        kind=data.draw(st.sampled_from(("score", "difference", "x"))),
    )
    if not isinstance(display, Refused):
        check_figure(attempt(display.plot))


# The positions of the leads that each of the first `SUBSETS` keeps.
KEPT = {
    str(SUBSETS[0]): ([0, 1, 2], [0]),
    str(SUBSETS[1]): ([0, 1], [2]),
    str(SUBSETS[2]): ([1], [0, 2]),
}


@covers(feature_groups)
@examples(60)
@given(
    st.lists(st.sampled_from(("V1__st", "II", "age", "aVR__t3", "", 3, None, "x__V2")), max_size=4)
    | st.sampled_from((None, "V1", 3)),
    st.sampled_from((None, "regions", {"a": ["V1"]}, {"a": "V1"}, {}, {"a": ["V9"]}, 3)),
)
def test_feature_groups(names, regions):
    found = attempt(feature_groups, names, regions)
    if not isinstance(found, Refused):
        positions = [position for members in found.values() for position in members]
        assert set(positions) <= set(range(len(names)))
        assert regions is not None or sorted(positions) == list(range(len(names)))


TARGETS = (None, None, 0, 1, "a", 7, [0], [0, 1, 0, 1, 0, 1], np.nan, [], ["a"] * 6)


@covers(grad_cam)
@examples(20)
@given(data=st.data())
def test_grad_cam(data):
    X = draw_X(data)
    target = data.draw(st.sampled_from(TARGETS))
    heat = attempt(grad_cam, fitted(data.draw(KINDS)), X.X, target)
    if isinstance(heat, Refused):
        assert not (fits(X) and target is None), heat
        return
    assert heat.shape == (len(X.signals), N_TIMES)
    assert (heat >= 0).all() and np.isfinite(heat).all()


@covers(GradCAMDisplay)
@examples(6)
@given(data=st.data())
def test_grad_cam_display(data):
    X = draw_X(data)
    display = attempt(
        GradCAMDisplay.from_estimator,
        fitted(data.draw(KINDS)),
        X.X,
        sampling_rate=data.draw(st.sampled_from((100, 100, None, 0, "a"))),
        record=data.draw(st.sampled_from((0, 0, 1, 99, -1, "a", 0.5))),
        target=data.draw(st.sampled_from(TARGETS)),
    )
    check_figure(display)
    heat = data.draw(
        st.sampled_from((np.ones(N_TIMES), np.zeros(3), None, [[np.nan]], np.ones((3, 2))))
    )
    display = GradCAMDisplay(
        make_signals("beats", 1, 3, N_TIMES, 0)[0],
        heat,
        kind=data.draw(st.sampled_from(("signal", "image", "x"))),
        sampling_rate=100,
    )
    check_figure(attempt(display.plot))


@covers(LeadImportanceDisplay)
@examples(6)
@given(data=st.data())
def test_lead_importance_display(data):
    X, target = draw_X(data), data.draw(labels(6, targets=("binary",)))
    options = {
        "kind": data.draw(st.sampled_from(("bars", "map", "pie"))),
        "interval": data.draw(st.sampled_from(("sd", "t", "range", None, "x"))),
    }
    check_figure(
        attempt(
            LeadImportanceDisplay.from_estimator,
            fitted("binary"),
            X.X,
            target.y,
            n_repeats=2,
            random_state=0,
            **options,
        )
    )
    values = data.draw(
        st.sampled_from(
            (np.ones((3, 2)), np.ones(3), [[1], [2], [np.nan]], None, np.zeros((0, 0)), "a")
        )
    )
    names = data.draw(
        st.sampled_from((["I", "II", "V1"], ["a", "b", "c"], ["I"], None, "abc", [1, 2, 3]))
    )
    check_figure(attempt(LeadImportanceDisplay.from_importances, values, names, **options))
    check_figure(attempt(LeadImportanceDisplay(values, names).plot, **options))


@covers(DecisionCurveDisplay, ReliabilityDisplay)
@examples(6)
@given(data=st.data())
def test_displays_of_probabilities(data):
    kind = data.draw(KINDS)
    n_records = data.draw(st.sampled_from((30, 6, 1, 0)))
    target = data.draw(labels(n_records, targets=(kind,)))
    prob = data.draw(scores(target, n_records))
    patients, _ = data.draw(groups(n_records))
    label = data.draw(st.sampled_from((None, 0, 1, "MI", 9)))
    thresholds = data.draw(st.sampled_from((None, [0.1, 0.5], [], [1], "a", [np.nan])))
    options = {"label": label, "thresholds": thresholds}
    display = attempt(DecisionCurveDisplay.from_predictions, target.y, prob.y_score, **options)
    if not isinstance(display, Refused):
        assert np.isfinite(display.net_benefit).all() and 0 <= display.prevalence <= 1
        check_figure(attempt(display.plot))
    bins = {
        "n_bins": data.draw(st.sampled_from((5, 1, 0, "a"))),
        "strategy": data.draw(st.sampled_from(("quantile", "uniform", "x"))),
    }
    display = attempt(
        ReliabilityDisplay.from_predictions, target.y, prob.y_score, groups=patients, **bins
    )
    if not isinstance(display, Refused):
        for curve in display.curves.values():
            for share in (curve["prob_true"], curve["prob_pred"], curve["low"], curve["high"]):
                known = np.asarray(share)[~np.isnan(share)]
                assert ((known >= 0) & (known <= 1)).all()
        check_figure(attempt(display.plot))
    X = draw_X(data, n_records=(n_records,))
    check_figure(
        attempt(DecisionCurveDisplay.from_estimator, fitted(kind), X.X, target.y, **options)
    )
    check_figure(attempt(ReliabilityDisplay.from_estimator, fitted(kind), X.X, target.y, **bins))


@covers(EmbeddingDisplay)
@examples(8)
@given(data=st.data())
def test_embedding_display(data):
    X = draw_X(data)
    n_records = 6 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records))
    check_figure(attempt(EmbeddingDisplay.from_estimator, fitted("binary"), X.X, target.y))
    width = data.draw(st.sampled_from((2, 4, 1, 0)))
    points = np.random.RandomState(data.draw(seeds)).randn(n_records, width)
    if data.draw(st.booleans()) and points.size:
        points[0, 0] = data.draw(st.sampled_from((np.nan, np.inf, 1e300)))
    check_figure(attempt(EmbeddingDisplay.from_embedding, points, target.y))
    check_figure(attempt(EmbeddingDisplay(points, target.y).plot))


@covers(TrainingHistoryDisplay)
@examples(12)
@given(data=st.data())
def test_history_display(data):
    parts = data.draw(st.sampled_from((None, ["train_loss"], ["x"], [], "train_loss", 3)))
    log_scale = data.draw(st.booleans())
    estimator = data.draw(st.sampled_from((fitted("binary"), fitted("multilabel"), ECG_NET, None)))
    check_figure(
        attempt(TrainingHistoryDisplay.from_estimator, estimator, parts=parts, log_scale=log_scale)
    )
    history = data.draw(
        st.sampled_from(
            (
                {"epoch": [1, 2], "train_loss": [0.7, 0.5]},
                {"train_loss": [0.7]},
                {},
                None,
                [1],
                {"train_loss": [np.nan]},
                {"train_loss": [-1.0, 0]},
                {"train_loss": "a"},
                {"epoch": [1], "train_loss": [1, 2]},
            )
        )
    )
    check_figure(attempt(TrainingHistoryDisplay(history).plot, parts=parts, log_scale=log_scale))


@covers(ECGDisplay)
@examples(8)
@given(data=st.data())
def test_ecg_display(data):
    X = data.draw(records(n_records=(1, 2), n_times=(100, 1, 0, 5), n_leads=(3, 12, 1)))
    rate = data.draw(st.sampled_from((100, 100, 500, 0, None, "a", np.nan)))
    options = {
        "layout": data.draw(st.sampled_from((None, "12x1", "3x4", "x"))),
        "rhythm_lead": data.draw(st.sampled_from(("II", None, "V9", 3))),
        "max_amplitude": data.draw(st.sampled_from((5.0, None, 0, -1, "a"))),
    }
    display = attempt(
        ECGDisplay.from_record,
        X.X,
        rate,
        record=data.draw(st.sampled_from((0, 1, 5, -1, "a"))),
        n_leads=X.params.get("n_leads"),
        r_peaks=data.draw(st.sampled_from((None, "detect", [1], [[1]], [999], "x", [0.5]))),
        heat_map=data.draw(st.sampled_from((None, np.ones(100), [1], np.full(100, np.nan)))),
        **options,
    )
    check_figure(display)
    signals = np.zeros((1, 1)) if X.signals is None else X.signals[0]
    check_figure(attempt(ECGDisplay(signals, sampling_rate=rate).plot, **options))
