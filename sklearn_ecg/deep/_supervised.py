"""What classifiers and regressors share: weights, validation split, batches."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval

from .._validation._samples import check_groups, check_not_masked, check_weights
from ..augmentation import Compose
from ._base import DeepECG
from ._training import Batches, to_training_records, validation_split


class SupervisedECG(DeepECG):
    """Base class of the estimators that are trained on a target.

    A subclass implements `_encode_target`, `_stratification_labels` and `_training_targets`, in
    addition to the hooks of `DeepECG`.
    """

    _parameter_constraints = {
        **DeepECG._parameter_constraints,
        "augmentation": [callable, list, tuple, None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    }

    @abstractmethod
    def _encode_target(self, y):
        """Check y and return the target."""

    @abstractmethod
    def _stratification_labels(self, target):
        """Return the classes that a validation split balances, of shape (n_records,)."""

    @abstractmethod
    def _training_targets(self, target):
        """Return the tensor of what the network is trained to predict."""

    def _make_augmentation(self):
        return None if self.augmentation is None else Compose(self.augmentation)

    def _needs_balanced_batches(self):
        """Return whether each batch needs two records of each class, as contrastive losses do."""
        return False

    def _n_views(self):
        """Return how many views of each record a training batch contains, 1 or 2."""
        return 1

    def _validate(self, X, y, sample_weight, groups):
        """Return validated records with their target, weights and groups."""
        data = super()._validate(X, y, sample_weight, groups)
        data.target = self._encode_target(y)
        check_consistent_length(data.records, data.target.values)
        data.groups = None if groups is None else check_groups(groups, len(data.records))
        data.sample_weight = _check_weights(sample_weight, data.records)
        data.train = np.arange(len(data.records))
        if data.sample_weight is not None:
            data.train = np.flatnonzero(data.sample_weight)
        return data

    def _split(self, data):
        """Set validation records aside if training stops early."""
        if self.early_stopping:
            weighted = data.train
            train, valid = validation_split(
                self._stratification_labels(data.target.take(weighted)),
                None if data.groups is None else data.groups[weighted],
                self.validation_fraction,
                data.seed,
            )
            data.train, data.valid = weighted[train], None if valid is None else weighted[valid]

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
        weights = data.sample_weight
        if weights is not None:
            weights = torch.as_tensor(weights[index], dtype=self._torch_dtype)
        return Batches(
            to_training_records(self.normalizer_, data.take_records(index)),
            self._training_targets(data.target.take(index)),
            weights,
            batch_size=self.batch_size,
            normalizer=self.normalizer_,
            device=data.device,
            **options,
        )

    def _logits(self, network, x):
        """Return the outputs of the last layer (batch, n_outputs) for a normalized batch."""
        # The last layer runs in full precision: bfloat16 would give many records the same score.
        return network.classifier(self._embed(network, x))


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
