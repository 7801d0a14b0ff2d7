"""The templates of methods that pretrain: an encoder without labels, a classifier on top of it."""

import copy
from abc import abstractmethod
from numbers import Real

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..nn._encoder_classifiers import FineTunedNet, LinearProbe
from ..nn._supervised_losses import ClassificationLoss
from ..utils._chunks import NETWORK, array_chunks
from ..utils._torch import as_tensor, resolve_device, seeded
from ..utils._warnings import warn
from ._base import DeepECG, DeepECGClassifier, load_weights
from ._training import PairBatches, settle_batch_norm

# An embedding of fewer directions than this, or vectors less spread, have collapsed.
_LEAST_RANK, _LEAST_SPREAD = 2.0, 0.1


class SelfSupervisedEncoder(DeepECG):
    """Base of the encoders that compare two random views of every record.

    A subclass implements `_make_views`, `_make_network` and `_make_loss`. The loss has the parts
    "uniformity" and "effective_rank"; the network has ``embed``, ``embedding_dim`` and ``trunk``,
    the part that embeds.
    """

    #: What else to change when the embedding has collapsed.
    _against_collapse = ""

    @abstractmethod
    def _make_views(self):
        """Make the views, a callable with the attribute ``needs_peaks``."""

    @abstractmethod
    def _make_network(self):
        """Make the network, whose output for two views of a batch is the input of the loss."""

    @abstractmethod
    def _make_loss(self):
        """Make the loss, a torch module with ``forward(output)``."""

    def _settle(self, seed):
        """Find out what the fitted attributes say of parameters, before anything is trained."""

    def _r_peaks(self, records, views):
        """R-peaks as a padded tensor, where a view asks for them."""

    def _fit(self, X):
        self._validate_params()
        before = vars(self).copy() if self.warm_start and hasattr(self, "net_") else None
        # An interrupted fit leaves an unfitted estimator, not one of two halves.
        vars(self).pop("net_", None)
        records = self._read(X, reset=True)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        views = self._make_views()
        self._settle(seed)
        if before is not None:
            self._check_warm_start(before)
        if len(records) == 1:
            warn(
                "X holds 1 record, which has no other to be compared with: nothing is learnt. "
                "Pass more records.",
                ConvergenceWarning,
            )
        device = resolve_device(self.device)
        with seeded(seed, device):
            if before is None:
                self.normalizer_ = self._fit_normalizer(records)
            self.normalizer_.to(self._torch_dtype)
            module = self._make_network()
            if before is not None:
                load_weights(module, before["net_"].module_)
            batches = PairBatches(
                self.normalizer_.to_training_memory(as_tensor(records)),
                batch_size=self.batch_size,
                augmentation=views,
                peaks=self._r_peaks(records, views),
                normalizer=self.normalizer_,
                device=device,
            )
            self._train(module, self._make_loss(), batches, device=device)
            settle_batch_norm(module.trunk, module.embed, batches)
        self._warn_of_collapse(len(records))
        return self

    def _warn_of_collapse(self, n_records):
        if not self.max_epochs or n_records <= _LEAST_RANK + 1:
            return
        rank = self.history_["train_effective_rank"][-1]
        spread = -self.history_["train_uniformity"][-1]
        # Of so few records the rank is low in any case.
        rank_tells = min(self.batch_size, n_records) > _LEAST_RANK + 1
        if (rank_tells and rank < _LEAST_RANK) or spread < _LEAST_SPREAD:
            warn(
                f"The embedding has collapsed: its effective rank is {rank:.1f} and its uniformity "
                f"{-spread:.2f} (0: all records alike). Lower learning_rate or temperature, use a "
                f"larger batch_size or {self._against_collapse}, weaker views, or check that the "
                "records differ.",
                ConvergenceWarning,
            )


class FineTunedClassifier(DeepECGClassifier):
    """Base of the classifiers on an encoder, which is pretrained in `fit` unless it comes fitted.

    A subclass says which class of encoders it takes, and with `_groups` how fast the parts of the
    encoder learn.
    """

    _parameter_constraints = {
        **DeepECGClassifier._parameter_constraints,
        "frozen": ["boolean"],
        "encoder_learning_rate": [Interval(Real, 0, None, closed="neither")],
        "unlabeled": [Real, str, None],
    }
    del _parameter_constraints["normalize"]

    #: Class of the encoder, and the parameters that an encoder without them is given.
    _encoder_class = None
    _passed_on = ()

    @abstractmethod
    def _groups(self):
        """Parts of the network that learn at another rate than the new layer."""

    def _fit_on_encoder(self, X, y, sample_weight, groups):
        self._validate_params()
        if self.frozen and self.augmentation is not None:
            raise ValueError(
                "augmentation has no effect with frozen=True, where every record is embedded once. "
                "Pass augmentation=None, or frozen=False."
            )

        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)

        def pretrain(X=X, sample_weight=sample_weight):
            self.encoder_ = self._pretrained(X, sample_weight)
            self._check_same_reading()

        if self.unlabeled is not None and y is not None:
            check_consistent_length(X, y, sample_weight, groups)
            labelled = np.flatnonzero(~self._is_unlabeled(y))
            X, y, sample_weight, groups = (
                None if values is None else _safe_indexing(values, labelled)
                for values in (X, y, sample_weight, groups)
            )
        return self._fit(X, y, sample_weight, groups, pretrain)

    def _is_unlabeled(self, y):
        """Mark the records without a label."""
        if self.unlabeled != self.unlabeled:
            raise ValueError("unlabeled=nan equals no label. Pass another mark, such as -1.")
        # As objects: an array of a list of strings and numbers would hold strings only.
        marks = np.asarray(np.asarray(y, dtype=object) == self.unlabeled, dtype=bool)
        if marks.ndim == 2:
            marks = marks.all(axis=1)
        if marks.ndim != 1:  # labels of another type than unlabeled
            return np.zeros(len(y), dtype=bool)
        if marks.all():
            raise ValueError(
                f"y holds no label: every record is marked unlabeled={self.unlabeled!r}. Pass "
                f"labels, or fit an encoder, {self._encoder_class.__name__}."
            )
        return marks

    def _given_encoder(self):
        """The encoder that was passed, without `FrozenEstimator` around it, or None."""
        if not isinstance(self.encoder, FrozenEstimator):
            return self.encoder
        if not isinstance(self.encoder.estimator, self._encoder_class):
            raise ValueError(
                f"encoder must be a FrozenEstimator of {self._encoder_class.__name__}, got one of "
                f"{type(self.encoder.estimator).__name__}."
            )
        return self.encoder.estimator

    def _pretrained(self, X, sample_weight):
        """The encoder: the fitted one that was passed, or one pretrained on X."""
        encoder = self._given_encoder()
        if isinstance(self.encoder, FrozenEstimator):
            check_is_fitted(encoder)
            encoder._read(X, reset=False)
            return copy.deepcopy(encoder)
        if encoder is None:
            ours = {name: getattr(self, name) for name in ("device", "precision", "verbose")}
            encoder = self._encoder_class(**ours)
        else:
            encoder = clone(encoder)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        ours = {name: getattr(self, name) for name in self._passed_on}
        missing = {
            name: value
            for name, value in {**ours, "random_state": seed}.items()
            if getattr(encoder, name) is None
        }
        if sample_weight is not None:
            weights = np.asarray(sample_weight)
            X = X if weights.all() else _safe_indexing(X, np.flatnonzero(weights))
        return encoder.set_params(**missing).fit(X)

    def _check_same_reading(self):
        """Refuse an encoder that calls the leads of X by other names."""
        ours, its = (getattr(e, "lead_names_in_", None) for e in (self, self.encoder_))
        if None not in (ours, its) and ours != its:
            raise ValueError(
                f"{type(self).__name__} reads the leads of X as {', '.join(ours)}, but its encoder "
                f"reads them as {', '.join(its)}. Pass the same lead_names to both, or a lead "
                "frame (to_lead_frame) with the leads in the encoder's order."
            )

    @property
    def normalize(self):
        """The encoder's normalisation, which is not a parameter here."""
        return self.encoder_.normalize

    def _fit_normalizer(self, records):
        return copy.deepcopy(self.encoder_.normalizer_)

    def _make_network(self, n_outputs):
        encoder = copy.deepcopy(self.encoder_.net_.module_)
        return (LinearProbe if self.frozen else FineTunedNet)(encoder, n_outputs)

    def _make_loss(self, target_kind, class_weight):
        return ClassificationLoss(target_kind, class_weight=class_weight)

    def _before_training(self, module, batches, valid_batches, is_new):
        if is_new or self.frozen:
            vectors = self._embed_all(module.encoder, batches.records)
        if is_new:
            module.classifier[0].to(self._torch_dtype).fit(vectors)
        if self.frozen:
            # Embedded once, with the encoder that predicts.
            batches.records, batches.normalizer = vectors[:, None], None
            if valid_batches is not None:
                vectors = self._embed_all(module.encoder, valid_batches.records)
                valid_batches.records, valid_batches.normalizer = vectors[:, None], None

    def _embed_all(self, encoder, stored):
        """The embedding (n_records, embedding_dim) of what is stored for training."""
        encoder.to(self._torch_dtype).eval()
        device, parts = next(encoder.parameters()).device, []
        mixed = {"dtype": torch.bfloat16, "enabled": self.precision == "mixed"}
        # Not inference_mode: training goes on from these.
        with torch.no_grad(), torch.autocast(device.type, **mixed):
            for part in array_chunks(stored, NETWORK):
                x = self.normalizer_.to_float(stored[part].to(device).movedim(-1, 1))
                embedding = encoder.embed(self.normalizer_.normalize_augmented(x))
                parts.append(embedding.to(self._torch_dtype).cpu())
        return torch.cat(parts)

    def _train(self, module, loss, batches, valid_batches=None, **options):
        groups = () if self.frozen else self._groups()
        super()._train(module, loss, batches, valid_batches, groups=groups, **options)
