"""SignalQuality and logistic regression on the PhysioNet/CinC Challenge 2011.

    python benchmarks/signal_quality_challenge2011.py CHALLENGE_2011_FOLDER [--develop] [--write]

The task is to tell acceptable from unacceptable records. They are divided into two halves. Scaling
and the strength of the regularization were chosen by cross-validation within the first half;
`--develop` prints that comparison. The second half was not used for these choices and gives the
figures: cross-validated within it, and predicted by a fit on the first half. Records that are the
same signal (`duplicate_groups`) stay together in all splits. Intervals are percentile bootstrap
intervals over groups. ``--write`` replaces the table of docs/preprocessing.rst.
"""

import argparse

import numpy as np
from _study import load_challenge_2011
from _tables import Table, drop_zeros, write_tables
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
    X, labels = load_challenge_2011(folder)
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
    parser.add_argument("--write", action="store_true", help="write the table of the page")
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
    rows = []

    def add(name, score, chosen=slice(None)):
        interval = bootstrap_interval(
            "roc_auc", y_second[chosen], score[chosen], groups=groups_second[chosen], random_state=0
        )
        rows.append((name, drop_zeros(interval)))

    score = score_out_of_fold(make_classifier(), features[second], y_second, groups_second)
    add("10-fold cross-validation", score)
    fitted = make_classifier().fit(features[first], y[first])
    add("fitted on the first half", fitted.decision_function(features[second]))
    # Records with a flat lead are easy to recognize.
    flat = np.flatnonzero(quality.get_feature_names_out() == "record__highest_flat")[0]
    rest = features[second][:, flat] < 0.5
    name = (
        f"cross-validation, the {rest.sum()} records without a flat lead "
        f"({y_second[rest].sum()} unacceptable)"
    )
    add(name, score, rest)
    usable = quality.mask(X[second])
    add("no training: fraction of leads that ``mask`` rejects", 1 - usable.mean(axis=1))
    passed = usable.all(axis=1)
    table = Table(
        f"Second half, {len(second)} records, {y_second.sum()} unacceptable",
        ("", "AUROC [95 % interval]"),
        rows,
    )
    text = (
        "With its default limits, ``mask`` accepts all leads of "
        f"{passed[y_second == 0].mean():.0%} of the acceptable and of "
        f"{passed[y_second == 1].mean():.1%} of the unacceptable records."
    ).replace("%", " %")
    print("\n".join([table.title, *(": ".join(row) for row in rows), text]))
    if args.write:
        command = "signal_quality_challenge2011.py CHALLENGE_2011_FOLDER"
        write_tables("preprocessing.rst", "quality", [table, text], command)


if __name__ == "__main__":
    main()
