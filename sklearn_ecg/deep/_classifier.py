"""The base class of the classifiers: labels, class weights, probabilities."""

import numpy as np
import torch
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions

from .._validation import Target
from ._inputs import SignalInput
from ._supervised import SupervisedECG
from ._target import class_weights
from ._training import stratification_labels

# Parameters that all classifiers have, whatever their input.
CLASSIFIER_CONSTRAINTS = {
    **SupervisedECG._parameter_constraints,
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
}


class DeepECGClassifier(ClassifierMixin, SupervisedECG):
    """Base class of the classifiers that own a network.

    A subclass implements the hooks `_make_network` and `_make_loss`, and `_make_augmentation` if
    this is not the parameter ``augmentation``; see `DeepECG` for when they are called.
    """

    def __init__(
        self,
        *,
        augmentation=None,
        class_weight=None,
        normalize: str | None = "dataset",
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
        device: str | torch.device = "auto",
        n_threads: int | None = 1,
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

    def _encode_target(self, y):
        return Target.from_labels(y, type(self).__name__)

    def _validate(self, X, y, sample_weight, groups):
        """Return validated records with their target, weights and groups."""
        data = super()._validate(X, y, sample_weight, groups)
        target = data.target
        if target.kind != "multilabel" and len(np.unique(target.values[data.train])) < 2:
            raise ValueError(
                f"{type(self).__name__} needs records of at least 2 classes, but all records with "
                "a positive sample_weight are of 1 class."
            )
        self.classes_, self._target_kind = target.classes, target.kind
        return data

    def _requirements(self):
        return {**super()._requirements(), "classes": (self._target_kind, self.classes_.tolist())}

    def _stratification_labels(self, target):
        return stratification_labels(target.membership)

    def _split(self, data):
        """Set validation records aside if training stops early, and weight the classes."""
        super()._split(data)
        sample_weight = None if data.sample_weight is None else data.sample_weight[data.train]
        weight = class_weights(self.class_weight, data.target.take(data.train), sample_weight)
        if weight is not None:
            data.class_weight = torch.as_tensor(weight, dtype=self._torch_dtype)

    def _training_targets(self, target):
        targets = torch.from_numpy(target.values)
        return targets if target.kind == "multiclass" else targets.to(self._torch_dtype)

    def _rebuild_target(self):
        return Target(self._target_kind, self.classes_, None)

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
        if self._target_kind == "multilabel":
            return positive
        probabilities = np.empty((len(positive), 2))
        probabilities[:, 0], probabilities[:, 1] = 1 - positive, positive
        return probabilities

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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
