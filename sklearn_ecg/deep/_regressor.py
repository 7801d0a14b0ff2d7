"""The base class of the regressors: standardization of the target, predictions."""

import numpy as np
import torch
from sklearn.base import RegressorMixin

from .._validation import RegressionTarget
from ..nn._supervised_losses import SquaredErrorLoss
from ._inputs import SignalInput
from ._supervised import SupervisedECG


class DeepECGRegressor(RegressorMixin, SupervisedECG):
    """Base class of the regressors that own a network.

    A subclass implements the hook `_make_network`; the loss is the squared error. The network is
    trained on targets with mean 0 and SD 1, and `predict` converts its outputs back.
    """

    def __init__(
        self,
        *,
        augmentation=None,
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
        **SupervisedECG._parameter_constraints,
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
        y : array-like of shape (n_records,) or (n_records, n_targets)
            Numbers to predict, in any unit.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records in the loss. A record of weight 0 is ignored in all
            statistics as well.
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
            If the container of X is ambiguous, or X contains NaN or infinity; if values of y are
            missing, infinite or not numbers; if the loss becomes non-finite.
        PersistenceError
            If the checkpoint of this fit is damaged. This is a `ValueError`.
        OSError
            If ``checkpoint`` is no writable folder, or its disk is full.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        return self._fit(X, y, sample_weight, groups)

    def _encode_target(self, y):
        return RegressionTarget.from_numbers(y, type(self).__name__)

    def _stratification_labels(self, target):
        return np.zeros(len(target.values), dtype=np.intp)

    def _requirements(self):
        shape = "one" if self._is_single_target else self._n_targets
        return {**super()._requirements(), "number of targets": shape}

    def _validate(self, X, y, sample_weight, groups):
        data = super()._validate(X, y, sample_weight, groups)
        if len(data.train) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 records with a positive sample_weight, "
                f"got {len(data.train)} sample(s) in y. Pass more records."
            )
        self._is_single_target = bool(data.target.is_single)
        self._n_targets = int(data.target.n_outputs)
        return data

    def _normalize(self, data, previous):
        """Fit the normalization of signals and targets, or use that of the previous fit."""
        super()._normalize(data, previous)
        # A warm start keeps the standardization, except of targets that were constant.
        is_new = True if previous is None else self.target_scale_ == 0
        if np.any(is_new):
            values = data.target.values[data.train]
            weights = None if data.sample_weight is None else data.sample_weight[data.train]
            # Infinite for huge values, which is an error below.
            with np.errstate(over="ignore", invalid="ignore"):
                mean = np.average(values, axis=0, weights=weights)
                variance = np.average((values - mean) ** 2, axis=0, weights=weights)
            if not np.isfinite(variance).all():
                raise ValueError(
                    f"y contains values up to {np.abs(values).max():g}, whose variance is too "
                    "large for floating-point numbers. Use another unit."
                )
            # The scale of a constant target is 0, so that the constant is predicted.
            smallest = np.finfo(np.float64).eps * np.abs(mean)
            scale = np.sqrt(variance)
            scale = np.where(scale > 10 * smallest, scale, 0.0)
            if previous is not None:
                mean = np.where(is_new, mean, self.target_mean_)
                scale = np.where(is_new, scale, self.target_scale_)
            self.target_mean_, self.target_scale_ = mean, scale

    def _training_targets(self, target):
        scale = np.where(self.target_scale_ > 0, self.target_scale_, 1.0)
        targets = (target.values - self.target_mean_) / scale
        return torch.as_tensor(targets, dtype=self._torch_dtype)

    def _make_loss(self, data):
        return SquaredErrorLoss()

    def _rebuild_target(self):
        return RegressionTarget("regression", self._is_single_target, self._n_targets, None)

    def predict(self, X):
        """Predict the targets.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`, with the same leads and length.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_targets)
            In the unit of the y that was given to `fit`, and of its number of dimensions.
        """
        output = self._apply(X, self._logits).astype(np.float64)
        predicted = output * self.target_scale_ + self.target_mean_
        return predicted[:, 0] if self._is_single_target else predicted

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
