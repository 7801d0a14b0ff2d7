"""Permutation importance finds the leads of synthetic infarctions, which are known.

For chest leads, scikit-learn's own permutation_importance on a lead frame is enough. Limb leads are
linear combinations of two of them, so that the leads of a region are permuted jointly. The score is
ROC AUC: a network uses every lead a little, which changes the log loss, while only the leads of the
infarction change the class of a record.
"""

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline

from sklearn_ecg.leads import REGIONS_12

SCORING = "roc_auc"


def importance_of_regions(estimator, X, y, n_repeats=5):
    """Return the drop of the score when the leads of a region are permuted jointly."""
    rng = np.random.RandomState(0)
    score = get_scorer(SCORING)
    drops = {}
    for region, leads in REGIONS_12.items():
        leads = list(leads)
        scores = []
        for _ in range(n_repeats):
            permuted = X.copy()
            # One shuffle for all leads of the region, so that they come from the same record.
            permuted[leads] = X[leads].iloc[rng.permutation(len(X))].set_axis(X.index)
            scores.append(score(estimator, permuted, y))
        drops[region] = score(estimator, X, y) - np.mean(scores)
    return drops


@pytest.fixture(scope="module")
def case(infarction):
    region, estimator, X, y = infarction
    assert get_scorer(SCORING)(estimator, X, y) > 0.95
    result = permutation_importance(estimator, X, y, n_repeats=5, scoring=SCORING, random_state=0)
    importance = dict(zip(X.columns, result.importances_mean))
    return region, importance, importance_of_regions(estimator, X, y)


def test_infarcted_region_ranks_first(case):
    region, _, drops = case
    assert max(drops, key=drops.get) == region
    assert drops[region] > 0.1


def test_leads_of_the_infarcted_region_rank_first(case):
    region, importance, drops = case
    leads = REGIONS_12[region]
    if region in ("septal", "anterior"):
        ranked = sorted(importance, key=importance.get, reverse=True)
        assert set(ranked[:2]) == set(leads)
        assert min(importance[lead] for lead in leads) > 0
    else:
        # The other leads contain the same information.
        assert max(importance[lead] for lead in leads) < 0.1 * drops[region]


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_unseen_lead_has_no_importance(output, infarctions, small_network):
    X_train, y_train, X, y = infarctions("lateral")
    seen = [lead for lead in X.columns if lead != "V6"]
    select = make_column_transformer(("passthrough", seen), verbose_feature_names_out=False)
    select.set_output(transform=output)
    pipeline = make_pipeline(select, small_network(max_epochs=5)).fit(X_train, y_train)
    assert pipeline[-1].n_leads_in_ == 11
    result = permutation_importance(
        pipeline, X, y, n_repeats=2, scoring="neg_log_loss", random_state=0
    )
    for lead, importances in zip(X.columns, result.importances):
        if lead == "V6":
            np.testing.assert_array_equal(importances, 0)
        else:
            assert importances.all(), lead
