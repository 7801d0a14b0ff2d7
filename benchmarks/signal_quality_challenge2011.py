"""SignalQuality and logistic regression on the PhysioNet/CinC Challenge 2011.

    python benchmarks/signal_quality_challenge2011.py CHALLENGE_2011_FOLDER [--develop]

The task is to tell acceptable from unacceptable records. They are divided into two halves. Scaling
and the strength of the regularization were chosen by cross-validation within the first half;
`--develop` prints that comparison. The second half was not used for these choices and gives the
figures: cross-validated within it, and predicted by a fit on the first half. Records that are the
same signal (`duplicate_groups`) stay together in all splits. Intervals are percentile bootstrap
intervals over groups.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

from sklearn_ecg import check_disjoint_groups, duplicate_groups
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import SignalQuality

SCALINGS = {
    "none": StandardScaler(),
    "log": make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
    "ranks": QuantileTransformer(n_quantiles=100),
}


def load(folder):
    """Return the labeled records: signals in mV, whether they are unacceptable, and groups."""
    stored = np.load(Path(folder) / "X_100hz_int16_5uV.npz")
    labels = pd.read_csv(Path(folder) / "labels.csv", dtype={"record": str})
    assert (stored["record"] == labels["record"]).all()
    X = np.ascontiguousarray(stored["X"].transpose(0, 2, 1), dtype=np.float32)
    X *= np.float32(stored["uV_per_unit"] / 1000)
    is_labeled = labels["quality"].isin(["acceptable", "unacceptable"]).to_numpy()
    y = (labels["quality"] == "unacceptable").to_numpy().astype(int)
    return X[is_labeled], y[is_labeled], duplicate_groups(X)[is_labeled]


def make_classifier(scaling="log", C=0.01):
    """Return the chosen variant; on the first half, none is better by more than 0.002."""
    return make_pipeline(SCALINGS[scaling], LogisticRegression(C=C, max_iter=5000))


def score_out_of_fold(classifier, features, y, groups, seed=0):
    folds = StratifiedGroupKFold(10, shuffle=True, random_state=seed)
    return cross_val_predict(
        classifier, features, y, groups=groups, cv=folds, method="decision_function"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="folder of X_100hz_int16_5uV.npz and labels.csv")
    parser.add_argument("--develop", action="store_true", help="compare variants on the first half")
    args = parser.parse_args()

    X, y, groups = load(args.folder)
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    check_disjoint_groups(halves, X, y, groups)
    first, second = next(halves.split(X, y, groups))
    # fit does not learn from the records, so computing features of all of them is no leak.
    quality = SignalQuality(sampling_rate=100).fit(X)
    features = quality.transform(X)
    print(f"{len(X)} records, {y.sum()} unacceptable; second half {len(second)}, {y[second].sum()}")

    if args.develop:
        print("\nAUROC in the first half, mean of 3 seeds")
        for scaling in SCALINGS:
            for C in (0.001, 0.01, 0.1, 1):
                scores = [
                    roc_auc_score(
                        y[first],
                        score_out_of_fold(
                            make_classifier(scaling, C), features[first], y[first], groups[first], s
                        ),
                    )
                    for s in range(3)
                ]
                print(f"  scaling {scaling:6} C={C:<6g} {np.mean(scores):.3f}")

    y_second, groups_second = y[second], groups[second]

    def interval(score):
        return bootstrap_interval(
            roc_auc_score, y_second, score, groups=groups_second, random_state=0
        )

    score = score_out_of_fold(make_classifier(), features[second], y_second, groups_second)
    print("\nSecond half, AUROC [95 % interval]")
    print(f"  10-fold cross-validation within it: {interval(score)}")
    fitted = make_classifier().fit(features[first], y[first])
    from_first = fitted.decision_function(features[second])
    print(f"  fitted on the first half:           {interval(from_first)}")
    usable = quality.mask(X[second])
    print(f"  share of leads that mask rejects:   {interval(1 - usable.mean(axis=1))}")
    passed = usable.all(axis=1)
    print(
        f"  mask passes all leads of {passed[y_second == 0].mean():.3f} of the acceptable and of "
        f"{passed[y_second == 1].mean():.3f} of the unacceptable records"
    )
    # Records with a flat lead are easy to recognize.
    flat = np.flatnonzero(quality.get_feature_names_out() == "record__highest_flat")[0]
    not_flat = features[second][:, flat] < 0.5
    y_rest, groups_rest = y_second[not_flat], groups_second[not_flat]
    interval_rest = bootstrap_interval(
        roc_auc_score, y_rest, score[not_flat], groups=groups_rest, random_state=0
    )
    print(
        f"  {len(y_rest)} records without a flat lead ({y_rest.sum()} unacceptable), "
        f"cross-validated: {interval_rest}"
    )


if __name__ == "__main__":
    main()
