"""Base classes of methods with pretraining: an unsupervised encoder, and a classifier on it."""

import copy
import math
from contextlib import nullcontext
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._validation._samples import check_not_masked, check_weights
from ..nn._encoder_classifiers import FineTunedNet, LinearProbe, Standardizer
from ..nn._supervised_losses import ClassificationLoss
from ..utils._chunks import NETWORK, array_chunks
from ..utils._module_arrays import copy_module
from ..utils._torch import convert_module
from ..utils._warnings import warn
from ._base import DeepECG
from ._classifier import CLASSIFIER_CONSTRAINTS, DeepECGClassifier
from ._descriptions import description
from ._linear_probe import fit_linear_probe
from ._training import (
    PairBatches,
    ParameterGroup,
    recompute_batch_norm_statistics,
    to_training_records,
)
from ._training_data import PretrainingRecords

# An embedding with a smaller effective rank, or with vectors less spread, has collapsed.
_MIN_RANK, _MIN_SPREAD = 2.0, 0.1

# Values of embeddings that are copied from a GPU at once: 256 MB in float32.
_MOST_VALUES = 2**26


class SelfSupervisedEncoder(DeepECG):
    """Base class of the encoders that compare two views of each record.

    A subclass implements the hooks that `DeepECG` describes. ``_make_augmentation`` returns a
    callable with the attribute ``needs_peaks``. The loss has the parts "uniformity" and
    "effective_rank", and the network the attribute ``trunk``, the part that computes the embedding.
    The views are two random ones, unless ``_compares_halves`` returns True.
    """

    #: What the warning of a collapsed embedding suggests besides other records.
    _collapse_remedy = ""

    def _find_r_peaks(self, data):
        """Return the R-peaks of all records as a padded tensor, or None if they are not needed."""

    def _compares_halves(self):
        """Return whether the two views of a record are the halves of one random view."""
        return False

    def _validate(self, X, y, sample_weight, groups):
        data = super()._validate(X, y, sample_weight, groups)
        if len(data.records) == 1:
            warn(
                "X contains 1 record only, so there are no other records to compare it with and "
                "nothing is learned. Pass more records.",
                ConvergenceWarning,
            )
        return data

    def _make_batches(self, data, network, is_new):
        batches = PairBatches(
            to_training_records(self.normalizer_, data.records),
            batch_size=self.batch_size,
            augmentation=data.augmentation,
            peaks=self._find_r_peaks(data),
            halves=self._compares_halves(),
            normalizer=self.normalizer_,
            device=data.device,
        )
        return batches, None

    def _train(self, network, loss, train_batches, valid_batches, data):
        super()._train(network, loss, train_batches, valid_batches, data)
        recompute_batch_norm_statistics(network.trunk, network.embed, train_batches, data.seed)
        set_embedding_statistics(self, network, train_batches, data.seed, data.processes)
        self._warn_if_collapsed(len(train_batches.records))

    def _warn_if_collapsed(self, n_records):
        if not self.max_epochs or n_records <= _MIN_RANK + 1:
            return
        rank = self.history_["train_effective_rank"][-1]
        spread = -self.history_["train_uniformity"][-1]
        # With very small batches the rank is low in any case.
        rank_is_meaningful = min(self.batch_size, n_records) > _MIN_RANK + 1
        if (rank_is_meaningful and rank < _MIN_RANK) or spread < _MIN_SPREAD:
            warn(
                f"The embedding has collapsed: its effective rank is {rank:.1f} and its uniformity "
                f"{-spread:.2f} (0 means that all records are alike). {self._collapse_remedy}, or "
                "check that the records differ.",
                ConvergenceWarning,
            )


@torch.no_grad()
def set_embedding_statistics(encoder, network, batches, seed, processes=None):
    """Set the mean and SD of the embedding over the records that an encoder was trained on.

    Parameters
    ----------
    encoder : DeepECG
    network : torch.nn.Module
        In evaluation mode.
    batches : Batches
    seed : int
        Seed of the order of the records.
    processes : TrainingProcesses or None, default=None
        Those that trained the network together. On GPUs, their results may differ by rounding.
    """
    network.eval()
    if processes is not None:
        processes.copy_from_first(network)
    embedding = _to_cpu(encoder._embed(network, x) for x in batches.iter_unaugmented(seed))
    standardize = Standardizer(network.embedding_dim).double().fit(embedding)
    if processes is not None:
        processes.copy_from_first(standardize)
    encoder.embedding_mean_ = standardize.mean.numpy()
    encoder.embedding_scale_ = standardize.scale.numpy()


def _to_cpu(parts):
    """Concatenate tensors on the CPU, with few copies, because each copy waits for a GPU."""
    copied, pending, size = [], [], 0
    for part in parts:
        pending.append(part)
        size += part.numel()
        if size >= _MOST_VALUES:
            copied.append(torch.cat(pending).cpu())
            pending, size = [], 0
    if pending:
        copied.append(torch.cat(pending).cpu())
    return torch.cat(copied)


class FineTunedClassifier(DeepECGClassifier):
    """Base class of the classifiers on an encoder, which `fit` pretrains unless it is frozen.

    The network, the loss and the augmentation are the same for all of them. A subclass sets
    ``_encoder_class``. It overrides ``_encoder_parameter_groups`` and ``_encoder_defaults`` if its
    encoder has several parts or reads images.
    """

    _parameter_constraints = {
        **CLASSIFIER_CONSTRAINTS,
        "frozen": ["boolean"],
        "probe_C": [Interval(Real, 0, None, closed="neither")],
        "head_init": [StrOptions({"probe", "random"})],
        "freeze_batch_norm": ["boolean"],
        "min_steps": [Interval(Integral, 0, None, closed="left")],
        "encoder_learning_rate": [Interval(Real, 0, None, closed="neither")],
        "unlabeled": [Real, str, None],
    }

    #: Class of the encoders.
    _encoder_class = None

    def _encoder_parameter_groups(self):
        """Return the parts of the encoder with their learning rates."""
        return [ParameterGroup("encoder", "encoder", self.encoder_learning_rate)]

    def _encoder_defaults(self):
        """Return parameters for an unfitted encoder in which they are None."""
        return {
            "n_leads": self.n_leads,
            "lead_names": self.lead_names,
            "sampling_rate": self.sampling_rate,
        }

    def _parameter_groups(self):
        return () if self.frozen else self._encoder_parameter_groups()

    def _make_network(self, data):
        encoder = copy_module(self.encoder_.net_.module_)
        if self.frozen:
            return LinearProbe(encoder, data.n_outputs)
        return FineTunedNet(encoder, data.n_outputs, freeze_batch_norm=self.freeze_batch_norm)

    def _make_loss(self, data):
        return ClassificationLoss(data.target.kind, class_weight=data.class_weight)

    def _start_fit(self):
        previous = super()._start_fit()
        # An encoder to pretrain is described by its parameters, a pretrained one by its weights.
        described = description(self.encoder, "encoder", lenient=True)
        # Older files do not have this attribute.
        if previous is not None and described != getattr(self, "_fitted_encoder", described):
            raise ValueError(
                "warm_start=True requires the same encoder as the previous fit, but encoder is "
                "another one, or its parameters or weights were changed. Set warm_start=False to "
                "train from scratch."
            )
        self._fitted_encoder = described
        return previous

    def _validate(self, X, y, sample_weight, groups):
        """Return the labeled records as data for training, and all records for pretraining."""
        if self.frozen and self.augmentation is not None:
            raise ValueError(
                "augmentation has no effect with frozen=True, where each record is embedded once. "
                "Pass augmentation=None, or frozen=False."
            )
        if self.frozen and self.early_stopping:
            raise ValueError(
                "early_stopping=True has no effect with frozen=True, where logistic regression is "
                "fitted without epochs. Pass early_stopping=False, or frozen=False."
            )
        for values, name in ((y, "y"), (sample_weight, "sample_weight"), (groups, "groups")):
            check_not_masked(values, name)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, _num_samples(X))
        pretraining = PretrainingRecords(X, sample_weight)
        labeled = self._labeled_records(X, y, sample_weight, groups)
        data = super()._validate(*labeled)
        data.pretraining = pretraining
        return data

    def _labeled_records(self, X, y, *others):
        if self.unlabeled is None or y is None:
            return X, y, *others
        check_consistent_length(X, y, *others)
        labeled = np.flatnonzero(~self._is_unlabeled(y))
        return tuple(
            None if values is None else _safe_indexing(values, labeled)
            for values in (X, y, *others)
        )

    def _is_unlabeled(self, y):
        """Return a mask of the records without a label."""
        if self.unlabeled != self.unlabeled:
            raise ValueError(
                "unlabeled=nan cannot be compared with labels. Pass another value, such as -1."
            )
        # As objects: an array made from strings and numbers would contain strings only.
        labels = np.asarray(y, dtype=object)
        is_unlabeled = np.asarray(labels == self.unlabeled, dtype=bool)
        if not is_unlabeled.any():
            self._check_type_of_unlabeled(labels)
            if isinstance(y, np.ndarray):
                self._check_width_of_labels(y)
        if is_unlabeled.ndim == 2:
            is_unlabeled = is_unlabeled.all(axis=1)
        if is_unlabeled.ndim != 1:  # labels of another type than unlabeled
            return np.zeros(len(y), dtype=bool)
        if is_unlabeled.all():
            raise ValueError(
                f"y contains no labels: all records are marked unlabeled={self.unlabeled!r}. Pass "
                f"labels, or fit an encoder, {self._encoder_class.__name__}."
            )
        return is_unlabeled

    def _check_type_of_unlabeled(self, labels):
        """Raise if records are marked by a value that only looks like ``unlabeled``."""
        for label in labels.ravel():
            if str(label) == str(self.unlabeled):
                raise ValueError(
                    f"unlabeled={self.unlabeled!r} is not equal to the label {label!r} of y, which "
                    f"is a {type(label).__name__}: arrays of strings turn numbers into strings. "
                    "Pass the same type in both."
                )

    def _check_width_of_labels(self, labels):
        """Raise if records may be marked by a text that was cut to the width of an array."""
        width = labels.dtype.itemsize // np.dtype("U1").itemsize
        mark = str(self.unlabeled)
        if labels.dtype.kind == "U" and len(mark) > width and mark[:width] in labels:
            raise ValueError(
                f"y contains {mark[:width]!r}, which is what remains of unlabeled={mark!r} in an "
                f"array of strings of {width} character(s). Make it an array of objects before the "
                "marks are set, as in y = y.astype(object)."
            )

    def _pretrain(self, data):
        """Set ``encoder_``: the fitted encoder that was passed, or one that is pretrained now."""
        self.encoder_ = self._fit_encoder(data.pretraining, data.tasks)
        self._input.check_encoder(self, self.encoder_)

    def _pretrains(self):
        return not isinstance(self.encoder, FrozenEstimator)

    def _fit_encoder(self, pretraining, tasks):
        encoder = self._unwrap_encoder()
        if isinstance(self.encoder, FrozenEstimator):
            check_is_fitted(encoder)
            encoder._input.validate(encoder, pretraining.X, reset=False)
            return copy.deepcopy(encoder)
        if encoder is None:
            encoder = self._encoder_class(
                device=self.device,
                n_threads=self.n_threads,
                precision=self.precision,
                verbose=self.verbose,
            )
        else:
            encoder = clone(encoder)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        defaults = {**self._encoder_defaults(), "random_state": seed}
        X, sample_weight = pretraining
        if sample_weight is not None and not sample_weight.all():
            X = _safe_indexing(X, np.flatnonzero(sample_weight))
        encoder.set_params(
            **{name: value for name, value in defaults.items() if getattr(encoder, name) is None}
        )
        if self.checkpoint is not None and encoder.checkpoint is None:
            encoder.set_params(checkpoint=self.checkpoint, checkpoint_every=self.checkpoint_every)
        tasks.pretrain(encoder, X)
        return encoder

    def _unwrap_encoder(self):
        """Return the parameter ``encoder`` without `FrozenEstimator` around it."""
        if not isinstance(self.encoder, FrozenEstimator):
            return self.encoder
        if not isinstance(self.encoder.estimator, self._encoder_class):
            raise ValueError(
                f"encoder must be a FrozenEstimator of {self._encoder_class.__name__}, got one of "
                f"{type(self.encoder.estimator).__name__}."
            )
        return self.encoder.estimator

    def _fit_normalizer(self, data):
        return copy.deepcopy(self.encoder_.normalizer_)

    def _count_epochs(self, train_batches):
        if self.frozen or not self.max_epochs:
            return 0
        if not self.min_steps:
            return int(self.max_epochs)
        if train_batches is None:
            return None
        return max(int(self.max_epochs), math.ceil(self.min_steps / len(train_batches)))

    def _make_batches(self, data, network, is_new):
        """Return the batches, after the linear layer of the network is initialized or fitted."""
        train_batches, valid_batches = super()._make_batches(data, network, is_new)
        if is_new or self.frozen:
            self._initialize_head(data, network, train_batches, is_new)
        return train_batches, valid_batches

    def _initialize_head(self, data, network, train_batches, is_new):
        """Fit the standardization and, unless it starts at random, the linear layer."""
        standardize, linear = network.classifier.to(self._torch_dtype)
        # A warm start may continue with an encoder that was fine-tuned.
        is_pretrained = is_new or self._has_pretrained_weights(network.encoder)
        is_known = is_pretrained and hasattr(self.encoder_, "embedding_mean_")
        starts_at_random = not self.frozen and self.head_init == "random"
        if is_known:
            # Of all records that were pretrained on, because the labeled ones may be few.
            standardize.set(self.encoder_.embedding_mean_, self.encoder_.embedding_scale_)
            if starts_at_random:
                return
        embedding = self._embed_records(network.encoder, train_batches.records)
        weights, class_weight = train_batches.weights, data.class_weight
        weights = None if weights is None else weights.cpu()
        if not is_known:
            standardize.fit(embedding, weights)
        if starts_at_random:
            return
        coef, intercept, data.n_probe_iter = fit_linear_probe(
            standardize.double()(embedding.double()).numpy(),
            data.target.take(data.train),
            C=self.probe_C,
            class_weight=None if class_weight is None else class_weight.double().numpy(),
            balanced=isinstance(self.class_weight, str),
            weights=None if weights is None else weights.double().numpy(),
        )
        standardize.to(self._torch_dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(coef))
            linear.bias.copy_(torch.from_numpy(intercept))

    def _has_pretrained_weights(self, encoder):
        """Return whether an encoder has the weights of ``encoder_``."""
        pretrained = self.encoder_.net_.module_.state_dict()
        return all(
            torch.equal(weights.cpu(), pretrained[name].to(weights.dtype).cpu())
            for name, weights in encoder.state_dict().items()
        )

    def _train(self, network, loss, train_batches, valid_batches, data):
        super()._train(network, loss, train_batches, valid_batches, data)
        if self.frozen:
            self.n_iter_ = data.n_probe_iter

    def _embed_records(self, encoder, records):
        """Return the embedding (n_records, embedding_dim) of the records of batches."""
        convert_module(encoder, self._torch_dtype).eval()
        device, parts = next(encoder.parameters()).device, []
        autocast = nullcontext()
        if self.precision == "mixed":
            autocast = torch.autocast(device.type, dtype=torch.bfloat16)
        # Tensors from inference_mode could not be trained on.
        with torch.no_grad(), autocast:
            for part in array_chunks(records, NETWORK):
                x = self.normalizer_.to_float(records[part].to(device).movedim(-1, 1))
                embedding = encoder.embed(self.normalizer_.normalize_augmented(x))
                parts.append(embedding.to(self._torch_dtype).cpu())
        return torch.cat(parts)
