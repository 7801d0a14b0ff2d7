"""The classifier to start with: measurements of the median beat and an average of three models."""

from numbers import Integral

from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils._param_validation import StrOptions, validate_params

from ._averaged_models import BalancedWeightBoosting, ClippedScaler, RecordCountVotingClassifier
from ._beat_features import BeatFeatures
from ._rhythm import check_sampling_rate
from ._weighted_one_vs_rest import WeightedOneVsRestClassifier, request_weights

# Of boosting with many records, of trees, and of logistic regression, whose probabilities differ
# most.
_WEIGHTS = (8, 4, 1)
# Boosting has half of its weight with as many records of the rarer class.
_HALF_RECORDS = (100, 0, 0)


@validate_params(
    {
        "class_weight": [StrOptions({"balanced"}), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_beat_classifier(
    sampling_rate,
    *,
    class_weight=None,
    n_leads=None,
    lead_names=None,
    n_jobs=None,
    random_state=None,
):
    """Make a classifier of measurements of the median beat.

    It averages the probabilities of gradient boosting, extremely randomized trees and logistic
    regression on `BeatFeatures`. Boosting needs more records than the others, so that its weight
    grows with their number: with m records of the rarer class, the weights are 8 m / (m + 100), 4
    and 1. On part of PTB-XL the average was about as good as the best of them for any number of
    records from 15 to 1,500, without a network and in seconds: see the page *Which estimator?* of
    the user guide.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000.
    class_weight : {"balanced"} or None, default=None
        Weights of the classes in all three models. "balanced" gives both values of a label the same
        total weight, also of ``sample_weight``, and probabilities that are not calibrated.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.
    n_jobs : int or None, default=None
        Number of processes that measure records, and of classes or labels that are fitted at the
        same time. None is 1.
    random_state : int, RandomState instance or None, default=None
        Seed of boosting and trees. Pass an int for reproducible results.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Not fitted. The step "features" is a `BeatFeatures`, the step "classifier" a
        `sklearn.multiclass.OneVsRestClassifier`, which takes binary, multiclass and multilabel
        targets, of a `sklearn.ensemble.VotingClassifier` with the weights above. All parameters can
        be changed as in every Pipeline. `fit` takes weights of the records as
        ``classifier__sample_weight``, or as ``sample_weight`` if metadata routing is enabled.

    Raises
    ------
    TypeError, ValueError
        If ``sampling_rate`` is not a number from 100 to 1000, or another parameter is invalid.

    See Also
    --------
    BeatFeatures : The measurements, and the records for which they are missing.
    sklearn_ecg.inspection.lead_importance : How much the prediction depends on each lead.

    Notes
    -----
    X is in mV. Leads that are NaN at all time points are missing, as in `BeatFeatures`; if leads
    are missing in the records to predict, add such records to the training, see the page *Records
    with few leads*. With fewer than 20 records boosting predicts a constant, and the other
    two decide.

    A label with the same value in all training records gets a probability of 0 or 1, with a
    warning of `OneVsRestClassifier`. Fitting on records of a single class raises an error, as in
    all classifiers here.

    Weights of the records are divided by the mean of those above 0, as in the networks of this
    library, so that their unit has no effect; m above is the sum of the weights of the rarer class
    after that. A record of weight 2 then has the effect of two records of weight 1, and a record of
    weight 0 that of none, with two exceptions: leaves of boosting and trees have a least number of
    records, whatever their weights, and measurements that only records of weight 0 have are used as
    constants. Regularization is that of the number of records of a weight above 0.

    The models, their weights and the strength of their regularization were chosen on folds 1 to 6
    of the first 1,732 records of PTB-XL.

    Examples
    --------
    >>> from sklearn_ecg.beats import make_beat_classifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> ecg = make_ecg(60, prevalence=0.5, severity=0.5, as_frame=True, random_state=0)
    >>> clf = make_beat_classifier(sampling_rate=100, random_state=0)
    >>> clf.fit(ecg.data[:40], ecg.target[:40]).predict_proba(ecg.data[40:]).shape
    (20, 2)

    Parameters of a step, here the number of trees:

    >>> clf = clf.set_params(classifier__estimator__trees__extratreesclassifier__n_estimators=100)

    Weights of the records, here of those that were labeled with certainty:

    >>> import numpy as np
    >>> weight = np.where(np.arange(40) < 30, 1.0, 0.5)
    >>> clf = clf.fit(ecg.data[:40], ecg.target[:40], classifier__sample_weight=weight)
    """
    check_sampling_rate(sampling_rate)
    boosting = BalancedWeightBoosting(
        max_iter=400,
        learning_rate=0.03,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=1.0,
        max_features=0.2,
        class_weight=class_weight,
        early_stopping=False,
        random_state=random_state,
    )
    trees = ExtraTreesClassifier(
        500,
        min_samples_leaf=2,
        max_features=0.1,
        class_weight=class_weight,
        random_state=random_state,
    )
    linear = LogisticRegression(C=0.01, class_weight=class_weight, max_iter=2000)
    linear_steps = (
        SimpleImputer(add_indicator=True),
        request_weights(ClippedScaler()),
        request_weights(linear),
    )
    average = RecordCountVotingClassifier(
        [
            ("boosting", request_weights(boosting)),
            ("trees", make_pipeline(SimpleImputer(), request_weights(trees))),
            ("linear", make_pipeline(*linear_steps)),
        ],
        weights=_WEIGHTS,
        half_records=_HALF_RECORDS,
    )
    features = BeatFeatures(sampling_rate, n_jobs=n_jobs, n_leads=n_leads, lead_names=lead_names)
    classifier = WeightedOneVsRestClassifier(average, n_jobs=n_jobs)
    return Pipeline([("features", features), ("classifier", classifier)])
