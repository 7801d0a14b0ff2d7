"""Copies of records with missing leads, in tables of features."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import check_param_validation
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_ecg import STANDARD_LEADS, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.imbalance import FeatureLeadDropout
from sklearn_ecg.inspection import feature_groups
from sklearn_ecg.preprocessing import BeatFeatures, RandomConvolutionFeatures


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(30, duration=4, prevalence=0.5, random_state=0)


@pytest.fixture(scope="module")
def table(ecg):
    features = BeatFeatures(100, drop_empty=False).set_output(transform="pandas")
    return features.fit_transform(ecg.data)


def test_originals_come_first_and_copies_keep_their_subset(ecg, table):
    sampler = FeatureLeadDropout(["limb", ["i", "V2"]], n_copies=4, random_state=0)
    X, y = sampler.fit_resample(table, ecg.target)
    assert X.shape == (150, table.shape[1]) and list(X.columns) == list(table.columns)
    pd.testing.assert_frame_equal(X[:30], table)
    np.testing.assert_array_equal(sampler.sample_indices_, np.tile(np.arange(30), 5))
    np.testing.assert_array_equal(y, np.tile(ecg.target, 5))
    assert (X.dtypes == np.float32).all() and X.index.equals(pd.RangeIndex(150))
    groups = feature_groups(table.columns)
    limb = set(STANDARD_LEADS[:6])
    for row in range(30, 150):
        original = table.iloc[row % 30]
        kept = {lead for lead, keep in zip(sampler.leads_, sampler.kept_leads_[row]) if keep}
        assert kept in (limb, {"I", "V2"})
        for lead, columns in groups.items():
            found = X.iloc[row, columns]
            if lead in kept:
                np.testing.assert_array_equal(found, original.iloc[columns])
            elif lead != "no lead":
                assert found.isna().all()
    # Each record has each subset twice.
    n_kept = sampler.kept_leads_[30:].sum(axis=1).reshape(4, 30)
    np.testing.assert_array_equal(np.sort(n_kept, axis=0), [[2] * 30] * 2 + [[6] * 30] * 2)
    assert not (n_kept[0] == n_kept[0][0]).all()


@pytest.mark.parametrize(
    "subset, kept_features",
    [
        ("limb", ["qrs_axis", "p_axis", "t_axis", "qrs_t_angle"]),
        (["I", "II"], ["qrs_axis", "p_axis", "t_axis", "qrs_t_angle"]),
        (["I", "aVF"], ["qrs_axis", "p_axis", "t_axis", "qrs_t_angle"]),
        (["II", "aVF"], []),
        ("chest", ["r_transition", "sokolow_lyon"]),
        (["V1", "V5", "V6"], ["sokolow_lyon"]),
        (["aVL", "V3"], ["cornell"]),
        ("I", []),
        ("12", ["qrs_axis", "r_transition", "sokolow_lyon", "cornell", "p_axis"]),
    ],
)
def test_features_of_the_record_are_those_that_beat_features_can_measure(
    ecg, table, subset, kept_features
):
    """Copies have features of the record where a record with these leads has them."""
    X, _ = FeatureLeadDropout([subset]).fit_resample(table, ecg.target)
    copies = X[30:].reset_index(drop=True)
    combinations = ("p_axis", "qrs_axis", "t_axis", "qrs_t_angle", "r_transition")
    voltages = ("sokolow_lyon", "cornell")
    for name in (*combinations, *voltages):
        kept = name in kept_features or (subset == "12")
        expected = table[f"global__{name}"] if kept else np.full(30, np.nan)
        np.testing.assert_array_equal(copies[f"global__{name}"], expected, err_msg=name)
    kept = FeatureLeadDropout([subset]).fit(table, ecg.target)
    sampler = clone(kept)
    sampler.fit_resample(table, ecg.target)
    signals = ecg.data.copy()
    signals[:, ~sampler.kept_leads_[-1]] = np.nan
    measured = BeatFeatures(100, drop_empty=False).fit(ecg.data).transform(signals)
    names = [name for name in table if name.rpartition("__")[2] in (*combinations, *voltages)]
    measured = pd.DataFrame(measured, columns=table.columns)[names]
    np.testing.assert_array_equal(copies[names].isna().all(), measured.isna().all())
    for name in ("heart_rate", "qt_interval", "n_beats"):
        np.testing.assert_array_equal(copies[f"global__{name}"], table[f"global__{name}"])


def test_features_of_several_leads(ecg):
    convolutions = RandomConvolutionFeatures(168, across_leads=True, random_state=0)
    table = convolutions.set_output(transform="pandas").fit_transform(ecg.data)
    sampler = FeatureLeadDropout(probability=0.2, random_state=0)
    X, _ = sampler.fit_resample(table, ecg.target)
    order = [STANDARD_LEADS.index(lead) for lead in sampler.leads_]
    missing = ~sampler.kept_leads_ @ convolutions.feature_leads_[:, order].T
    np.testing.assert_array_equal(X.isna(), missing)
    expected = np.tile(table, (2, 1))[~missing]
    np.testing.assert_array_equal(X.to_numpy()[~missing], expected)


@pytest.mark.parametrize("probability, share", [(0, 1), (0.25, 0.75), (0.5, 0.5), (1, 1 / 12)])
def test_probability(table, ecg, probability, share):
    sampler = FeatureLeadDropout(probability=probability, n_copies=20, random_state=0)
    sampler.fit_resample(table, ecg.target)
    kept = sampler.kept_leads_[30:]
    assert kept.any(axis=1).all() and sampler.kept_leads_[:30].all()
    assert kept.mean() == pytest.approx(share, abs=0.02)


def test_seed(table, ecg):
    def kept(seed):
        sampler = FeatureLeadDropout(random_state=seed)
        return sampler.fit_resample(table, ecg.target)[0]

    pd.testing.assert_frame_equal(kept(0), kept(0))
    assert not kept(0).equals(kept(1))


def test_other_columns_and_numbers():
    X = pd.DataFrame(
        {
            "sex": ["f", "m", "f"],
            "beat__V2__st": [1, 2, 3],
            "age": [50, 60, 70],
            "table__I__r": pd.array([1.5, None, 2.5], dtype="Float64"),
            "beat__global__cornell": [1.0, 2.0, 3.0],
        },
        index=[7, 3, 5],
    )
    X.attrs["sampling_rate"] = 100
    before = X.copy()
    new, y = FeatureLeadDropout([["I"]]).fit_resample(X, pd.Series([0.5, 1.5, 2.5], [7, 3, 5]))
    pd.testing.assert_frame_equal(X, before)
    assert list(new.columns) == list(X.columns) and new.attrs == {"sampling_rate": 100}
    assert new["sex"].tolist() == ["f", "m", "f"] * 2 and new["age"].tolist() == [50, 60, 70] * 2
    np.testing.assert_array_equal(new["beat__V2__st"], [1, 2, 3, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(
        new["table__I__r"].to_numpy(float, na_value=np.nan), [1.5, np.nan, 2.5] * 2
    )
    # The voltage was not computed from the leads of this table: aVL and V3.
    assert new["beat__global__cornell"].tolist() == [1, 2, 3] * 2
    assert y.tolist() == [0.5, 1.5, 2.5] * 2 and y.index.equals(new.index)


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: np.where(y == 1, "infarction", "normal"),
        lambda y: np.stack([y, 1 - y, y], axis=1),
        lambda y: y + 0.5,
        lambda y: csr_array(np.stack([y, 1 - y], axis=1)),
        lambda y: y.tolist(),
        lambda y: pd.DataFrame({"MI": y, "NORM": 1 - y}, index=np.arange(30)[::-1]),
    ],
)
def test_targets(table, ecg, convert):
    y = convert(ecg.target)
    _, new = FeatureLeadDropout(random_state=0).fit_resample(table, y)
    dense, expected = (v.toarray() if hasattr(v, "toarray") else np.asarray(v) for v in (new, y))
    np.testing.assert_array_equal(dense, np.concatenate([expected, expected]))
    assert type(new) is type(y)


def test_pipelines(ecg, table):
    measure = BeatFeatures(100).set_output(transform="pandas")
    boosting = HistGradientBoostingClassifier(max_iter=3, random_state=0)
    clf = make_pipeline(measure, FeatureLeadDropout(["I"], random_state=0), boosting)
    missing = ecg.data.copy()
    missing[:, 1:] = np.nan
    assert clf.fit(ecg.data, ecg.target).predict_proba(missing).shape == (30, 2)
    # All training records are seen with all leads and with lead I.
    X, y = FeatureLeadDropout(["I"]).fit_resample(measure.transform(ecg.data), ecg.target)
    np.testing.assert_array_equal(
        clf.predict_proba(missing),
        clone(boosting).fit(X, y).predict_proba(measure.transform(missing)),
    )
    search = GridSearchCV(
        make_pipeline(FeatureLeadDropout(), SimpleImputer(), Ridge()),
        {"featureleaddropout__subsets": [None, ["I", "limb"]]},
        cv=2,
    )
    assert search.fit(table.dropna(axis=1), ecg.target.astype(float)).best_score_ <= 1
    with sklearn.config_context(enable_metadata_routing=True):
        sampler = FeatureLeadDropout().set_fit_resample_request(groups=True)
        routed = make_pipeline(sampler, boosting)
        with pytest.raises(ValueError, match="groups has missing values"):
            routed.fit(table, ecg.target, groups=[np.nan] * 30)
        routed.fit(table.dropna(axis=1, how="all"), ecg.target, groups=np.arange(30))


@pytest.mark.parametrize(
    "params, change, error, message",
    [
        ({}, lambda X: X.to_numpy(), ValueError, "set_output.*'pandas'"),
        ({}, lambda X: X[["global__heart_rate"]], ValueError, "lead names in its column names"),
        ({}, lambda X: X[:0], ValueError, "0 sample"),
        ({"subsets": ["V7"]}, None, ValueError, "subsets contains 'V7', but X has no lead V7"),
        ({"subsets": ["middle"]}, None, ValueError, "no lead middle: its leads are I, II"),
        ({"subsets": [["I", "i"]]}, None, ValueError, "both lead I"),
        ({"subsets": [[]]}, None, ValueError, "at least one lead"),
        ({"subsets": []}, None, ValueError, "subsets is empty"),
        ({"subsets": "limb"}, None, (TypeError, ValueError), r"Pass\s+\['limb'\]|subsets"),
        ({"subsets": [3]}, None, TypeError, "subsets contains 3"),
        ({"subsets": [[3]]}, None, TypeError, r"subsets contains \[3\]"),
        ({"probability": 1.5}, None, ValueError, "'probability' parameter"),
        ({"n_copies": 0}, None, ValueError, "'n_copies' parameter"),
        ({}, lambda X: X.assign(V1__note="x"), ValueError, "must be numbers"),
    ],
)
def test_errors(table, ecg, params, change, error, message):
    X = table if change is None else change(table)
    with pytest.raises(error, match=message):
        FeatureLeadDropout(**params).fit_resample(X, ecg.target[: len(X)])


def test_errors_of_signals_and_targets(table, ecg):
    for X in (ecg.data, to_lead_frame(ecg.data)):
        with pytest.raises(ValueError, match="X contains signals.*BeatFeatures"):
            FeatureLeadDropout().fit_resample(X, ecg.target)
    with pytest.raises(ValueError, match="the target y is None"):
        FeatureLeadDropout().fit_resample(table, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FeatureLeadDropout().fit(table, ecg.target[1:])
    with pytest.raises(ValueError, match=r"groups has length 1, for 30 records"):
        FeatureLeadDropout().fit_resample(table, ecg.target, groups=[1])


def test_parameters_are_validated():
    check_param_validation("FeatureLeadDropout", FeatureLeadDropout())
