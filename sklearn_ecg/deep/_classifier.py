"""The base class of the classifiers: labels, weights, validation split, probabilities."""

from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions

from .._validation import Target
from .._validation._samples import check_groups, check_not_masked, check_weights
from ..augmentation import Compose
from ._base import DeepECG
from ._inputs import SignalInput
from ._target import class_weights
from ._training import (
    Batches,
    stratification_labels,
    to_training_records,
    validation_split,
)

# Parameters that all classifiers have, whatever their input.
CLASSIFIER_CONSTRAINTS = {
    **DeepECG._parameter_constraints,
    "augmentation": [callable, list, tuple, None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
}


class DeepECGClassifier(ClassifierMixin, DeepECG):
    """Base class of the classifiers that own a network.

    A subclass implements the hooks `_make_network` and `_make_loss`, and `_make_augmentation` if
    this is not the parameter ``augmentation``; see `DeepECG` for when they are called.
    """

    def __init__(
        self,
        *,
        augmentation=None,
        class_weight=None,
        normalize="dataset",
        max_epochs=30,
        batch_size=32,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=1e-2,
        gradient_clip=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        device="auto",
        n_threads=1,
        precision="float32",
        callbacks=None,
        checkpoint=None,
        checkpoint_every=1,
        random_state=None,
        verbose=0,
    ):
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.normalize = normalize
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.device = device
        self.n_threads = n_threads
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **CLASSIFIER_CONSTRAINTS,
        **SignalInput.parameter_constraints,
        "normalize": SignalInput.normalize_constraint,
    }

    def _make_augmentation(self):
        return None if self.augmentation is None else Compose(self.augmentation)

    def _needs_balanced_batches(self):
        """Return whether each batch needs two records of each class, as contrastive losses do."""
        return False

    def _n_views(self):
        """Return how many views of each record a training batch contains, 1 or 2."""
        return 1

    def fit(self, X, y, sample_weight=None, groups=None):
        """Train the network.

        If training is interrupted, by Ctrl-C or by an error, the estimator is left unfitted.
        With ``checkpoint``, the next `fit` with the same parameters and data continues.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records in the loss. A record of weight 0 is ignored in all
            statistics as well, but its label is one of ``classes_``.
        groups : array-like of shape (n_records,), default=None
            Patients. With ``early_stopping=True`` the records of a group are either all in the
            training set or all in the validation set.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the container of X is ambiguous, or X contains NaN or infinity; if labels are
            missing, continuous or of one class only; if the loss becomes non-finite.
        PersistenceError
            If the checkpoint of this fit is damaged. This is a `ValueError`.
        OSError
            If ``checkpoint`` is no writable folder, or its disk is full.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        return self._fit(X, y, sample_weight, groups)

    def _validate(self, X, y, sample_weight, groups):
        """Return validated records with their target, weights and groups."""
        data = super()._validate(X, y, sample_weight, groups)
        target = Target.from_labels(y, type(self).__name__)
        check_consistent_length(data.records, target.values)
        groups = None if groups is None else check_groups(groups, len(data.records))
        data.target, data.groups = target, groups
        data.sample_weight = _check_weights(sample_weight, data.records)
        data.train = np.arange(len(data.records))
        if data.sample_weight is not None:
            data.train = np.flatnonzero(data.sample_weight)
        if target.kind != "multilabel" and len(np.unique(target.values[data.train])) < 2:
            raise ValueError(
                f"{type(self).__name__} needs records of at least 2 classes, but all records with "
                "a positive sample_weight are of 1 class."
            )
        self.classes_, self._target_kind = target.classes, target.kind
        return data

    def _requirements(self):
        return {**super()._requirements(), "classes": (self._target_kind, self.classes_.tolist())}

    def _split(self, data):
        """Set validation records aside if training stops early, and weight the classes."""
        if self.early_stopping:
            weighted = data.train
            train, valid = validation_split(
                stratification_labels(data.target.membership[weighted]),
                None if data.groups is None else data.groups[weighted],
                self.validation_fraction,
                data.seed,
            )
            data.train, data.valid = weighted[train], None if valid is None else weighted[valid]
        sample_weight = None if data.sample_weight is None else data.sample_weight[data.train]
        weight = class_weights(self.class_weight, data.target.take(data.train), sample_weight)
        if weight is not None:
            data.class_weight = torch.as_tensor(weight, dtype=self._torch_dtype)

    def _make_batches(self, data, network, is_new):
        membership = None
        if self._needs_balanced_batches():
            membership = data.target.take(data.train).membership
        train_batches = self._batches_of(
            data,
            data.train,
            shuffle=True,
            membership=membership,
            augmentation=data.augmentation,
            n_views=self._n_views(),
        )
        valid_batches = None if data.valid is None else self._batches_of(data, data.valid)
        return train_batches, valid_batches

    def _batches_of(self, data, index, **options):
        """Return batches of the normalized records at these positions."""
        targets = torch.from_numpy(data.target.values[index])
        if data.target.kind != "multiclass":
            targets = targets.to(self._torch_dtype)
        weights = data.sample_weight
        if weights is not None:
            weights = torch.as_tensor(weights[index], dtype=self._torch_dtype)
        return Batches(
            to_training_records(self.normalizer_, data.take_records(index)),
            targets,
            weights,
            batch_size=self.batch_size,
            normalizer=self.normalizer_,
            device=data.device,
            **options,
        )

    def decision_function(self, X):
        """Compute the logits of records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with the same leads and length, or images of
            the same size.

        Returns
        -------
        logits : ndarray of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
            One logit per record for two classes, where a positive value means ``classes_[1]``.
        """
        logits = self._apply(X, self._logits).astype(np.float64)
        return logits[:, 0] if self._target_kind == "binary" else logits

    def predict_proba(self, X):
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with the same leads and length, or images of
            the same size.

        Returns
        -------
        probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            Columns in the order of ``classes_``. For a multilabel target, the probability of each
            label.
        """
        logits = self.decision_function(X)
        with np.errstate(under="ignore"):
            if self._target_kind == "multiclass":
                return softmax(logits, axis=1)
            positive = expit(logits)
        return positive if self._target_kind == "multilabel" else np.c_[1 - positive, positive]

    def predict_log_proba(self, X):
        """Predict the logarithms of the probabilities of the classes.

        They are computed from the logits, and stay finite for probabilities that round to 0.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with the same leads and length, or images of
            the same size.

        Returns
        -------
        log_probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            Columns in the order of ``classes_``. For a multilabel target, the logarithm of the
            probability of each label.
        """
        logits = self.decision_function(X)
        with np.errstate(under="ignore"):
            if self._target_kind == "multiclass":
                return log_softmax(logits, axis=1)
            if self._target_kind == "multilabel":
                return log_expit(logits)
            return np.c_[log_expit(-logits), log_expit(logits)]

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with the same leads and length, or images of
            the same size.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_labels)
            The most probable class. For a multilabel target, 1 for each label with a probability
            above 0.5.
        """
        logits = self.decision_function(X)
        if self._target_kind == "multilabel":
            return (logits > 0).astype(np.int64)
        if self._target_kind == "binary":
            return self.classes_[(logits > 0).astype(np.intp)]
        return self.classes_[logits.argmax(axis=1)]

    def _logits(self, network, x):
        """Return the logits (batch, n_outputs) of a normalized batch."""
        # The last layer runs in full precision: bfloat16 would give many records the same score.
        return network.classifier(self._embed(network, x))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _check_weights(sample_weight, records):
    """Return the weights as an array, or None if all records have the same weight."""
    if sample_weight is None:
        return None
    check_not_masked(sample_weight, "sample_weight")
    weights = check_weights(sample_weight, len(records))
    if not weights.any():  # older versions of scikit-learn accept this
        raise ValueError("Sample weights must contain at least one non-zero number.")
    if np.ptp(weights) == 0:
        return None
    # Scaled to a mean of 1 over the positive weights, which keeps the size of the steps.
    return weights / weights[weights > 0].mean()
