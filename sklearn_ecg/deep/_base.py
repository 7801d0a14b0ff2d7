"""The template that all deep estimators share.

`DeepECGClassifier.fit` reads from top to bottom: check the parameters, the signals, the labels and
the weights; leave out records of weight 0; set a validation part aside; normalise; train. A method
adds its network and its loss. What encoders without labels share with it is in `DeepECG`.
"""

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .._validation import check_signals
from ..augmentation import Compose
from ..nn._normalizers import NORMALIZE, LeadNormalizer
from ..utils._chunks import NETWORK, array_chunks
from ..utils._torch import (
    as_tensor,
    resolve_device,
    restore_module,
    seeded,
    store_module,
)
from ._target import Target, class_weights
from ._training import Batches, strata, train_network, validation_split


class DeepECG(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the estimators that own a network, which embeds records.

    A subclass assigns its parameters in ``__init__``, those of `_parameter_constraints` here among
    them, and implements `fit`. Records are signals, or whatever `_read` makes of X.
    """

    #: What the network reads.
    _reads = "signals"

    _parameter_constraints = {
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"cosine", "constant"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "float64", "mixed"})],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "normalize": [StrOptions(set(NORMALIZE)), None],
    }

    def transform(self, X):
        """Embed records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with its leads and length, or images.

        Returns
        -------
        embedding : ndarray of shape (n_records, n_features_out)
            What the network's last linear layer sees.
        """
        return self._apply(X, self._embedding)

    def _embedding(self, module, x):
        """Embedding (batch, embedding_dim) of a batch as the network reads it."""
        with self.net_.autocast():
            embedding = module.embed(x)
        return embedding.to(self._torch_dtype)

    def _apply(self, X, read_off):
        """What ``read_off(module, x)`` gives of the records, slice by slice."""
        check_is_fitted(self, "net_")
        if not isinstance(X, Prepared):
            X = Prepared(self._read(X, reset=False), self.normalizer_)
        module = self.net_.module_
        outputs = []
        with torch.inference_mode():
            for part in array_chunks(X.records, NETWORK):
                x = X.read(part).to(self.net_.device)
                outputs.append(read_off(module, x).cpu())
        return torch.cat(outputs).numpy()

    def _read(self, X, reset):
        """The records of X, checked and held against those of `fit`, as one array."""
        return check_signals(self, X, reset=reset, dtype=self._dtype)[0]

    def _prepare(self, X):
        """Check and normalise signals once, for many predictions with leads replaced."""
        check_is_fitted(self, "net_")
        return PreparedSignals(self._read(X, reset=False), self.normalizer_)

    def _check_warm_start(self, before):
        """Hold what a fit goes on from against the attributes of the previous one."""
        what = {
            "leads": ("n_leads_in_", "lead_names_in_"),
            "channels": ("n_channels_in_",),
            "kind of images": ("image_kind_in_",),
            "classes": ("_target_kind", "classes_"),
            "regions": ("regions_",),
        }
        now, then = (
            {key: tuple(_plain(fit.get(name)) for name in names) for key, names in what.items()}
            for fit in (vars(self), before)
        )
        now["normalize"], then["normalize"] = self.normalize, before["normalizer_"].mode
        for key, value in now.items():
            if value != then[key]:
                raise ValueError(
                    f"warm_start=True cannot go on: {key} {then[key]} of the previous fit became "
                    f"{value}. Set warm_start=False to start anew."
                )

    def _fit_normalizer(self, records):
        """Normalisation with statistics of training records, given as an array."""
        normalizer = LeadNormalizer(self.normalize, self.n_leads_in_)
        return normalizer.to(self._torch_dtype).fit(as_tensor(records))

    def _train(self, module, loss, batches, valid_batches=None, **options):
        """Train a network and keep it."""
        self.net_, self.history_, self.callbacks_ = train_network(
            module.to(self._torch_dtype),
            loss,
            batches,
            valid_batches,
            max_epochs=self.max_epochs,
            learning_rate=self.learning_rate,
            learning_rate_schedule=self.learning_rate_schedule,
            weight_decay=self.weight_decay,
            mixed_precision=self.precision == "mixed",
            callbacks=self.callbacks,
            verbose=self.verbose,
            **options,
        )
        self._n_features_out = self.net_.module_.embedding_dim

    @property
    def _dtype(self):
        return np.float64 if self.precision == "float64" else np.float32

    @property
    def _torch_dtype(self):
        return torch.float64 if self.precision == "float64" else torch.float32

    def __getstate__(self):
        state = super().__getstate__()
        if "normalizer_" in state:
            state = {**state, "normalizer_": store_module(state["normalizer_"])}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "normalizer_" in state:
            self.normalizer_ = restore_module(*state["normalizer_"])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class DeepECGClassifier(ClassifierMixin, DeepECG):
    """Base of the classifiers that own a network.

    A subclass implements `_make_network` and `_make_loss`.
    """

    _parameter_constraints = {
        **DeepECG._parameter_constraints,
        "augmentation": [callable, list, tuple, None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    @abstractmethod
    def _make_network(self, n_outputs):
        """Make the network, a torch module.

        ``forward(x)`` gives the loss its input, ``embed(x)`` the embedding, of length
        ``embedding_dim``, and ``classifier(embedding)`` the logits.
        """

    @abstractmethod
    def _make_loss(self, target_kind, class_weight):
        """Make the loss, a torch module with ``forward(output, targets, weights, n_own)``."""

    def _before_training(self, module, batches, valid_batches, is_new):
        """Set what of a network depends on the training records, and change the batches.

        A network is not new when it goes on from a previous fit.
        """

    def _needs_partners(self):
        """Whether every batch needs two records of every class, as contrastive losses do."""
        return False

    def fit(self, X, y, sample_weight=None, groups=None):
        """Train the network.

        Interrupted by Ctrl-C or by an error, the estimator is left unfitted.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records in the loss. A record of weight 0 counts as
            removed, from every statistic too; its label stays among ``classes_``.
        groups : array-like of shape (n_records,), default=None
            Patients: with ``early_stopping=True`` the records of one group are either all
            trained on or all validated on.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For signals that cannot be read without guessing, hold NaN or infinity; for labels
            that are missing, of one class only or continuous; for a non-finite loss.
        """
        return self._fit(X, y, sample_weight, groups)

    def _fit(self, X, y, sample_weight, groups, pretrain=None):
        """`fit`, which calls ``pretrain()`` once everything is checked, unless it goes on."""
        self._validate_params()
        before = vars(self).copy() if self.warm_start and hasattr(self, "net_") else None
        # An interrupted fit leaves an unfitted estimator, not one of two halves.
        vars(self).pop("net_", None)
        records = self._read(X, reset=True)
        target = Target.from_labels(y, type(self).__name__)
        groups = None if groups is None else column_or_1d(groups)
        check_consistent_length(records, target.values, groups)
        weights = _check_weights(sample_weight, records)
        kept = np.arange(len(records)) if weights is None else np.flatnonzero(weights)
        if target.kind != "multilabel" and len(np.unique(target.values[kept])) < 2:
            raise ValueError(
                f"{type(self).__name__} needs records of at least 2 classes, but all records with "
                "a positive sample_weight are of 1 class."
            )
        self.classes_, self._target_kind = target.classes, target.kind
        if before is not None:
            self._check_warm_start(before)

        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        train, valid = kept, None
        if self.early_stopping:
            stratum = strata(target.membership[kept])
            groups = None if groups is None else groups[kept]
            train, valid = validation_split(stratum, groups, self.validation_fraction, seed)
            train, valid = kept[train], None if valid is None else kept[valid]

        if pretrain is not None and before is None:
            pretrain()
        device = resolve_device(self.device)
        with seeded(seed, device):
            if before is None:
                self.normalizer_ = self._fit_normalizer(_take(records, train))
            self.normalizer_.to(self._torch_dtype)
            module = self._make_network(target.n_outputs)
            if before is not None:
                load_weights(module, before["net_"].module_)
            train_part = target.take(train)
            class_weight = class_weights(
                self.class_weight, train_part, None if weights is None else weights[train]
            )
            if class_weight is not None:
                class_weight = torch.as_tensor(class_weight, dtype=self._torch_dtype)
            batches = self._batches(
                records,
                target,
                weights,
                train,
                device=device,
                shuffle=True,
                membership=train_part.membership if self._needs_partners() else None,
                augmentation=None if self.augmentation is None else Compose(self.augmentation),
            )
            valid_batches = None
            if valid is not None:
                valid_batches = self._batches(records, target, weights, valid, device=device)
            self._before_training(module, batches, valid_batches, is_new=before is None)
            self._train(
                module,
                self._make_loss(target.kind, class_weight),
                batches,
                valid_batches,
                device=device,
                n_iter_no_change=self.n_iter_no_change,
            )
        return self

    def decision_function(self, X):
        """Logits.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with its leads and length, or images.

        Returns
        -------
        logits : ndarray of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
            One per record for two classes, where a positive value means ``classes_[1]``.
        """
        logits = self._apply(X, self._logits).astype(np.float64)
        return logits[:, 0] if self._target_kind == "binary" else logits

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with its leads and length, or images.

        Returns
        -------
        probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            Columns in the order of ``classes_``. Of a multilabel target, the probability
            of each label.
        """
        logits = self.decision_function(X)
        if self._target_kind == "multiclass":
            return softmax(logits, axis=1)
        positive = expit(logits)
        return positive if self._target_kind == "multilabel" else np.c_[1 - positive, positive]

    def predict(self, X):
        """Class labels.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with its leads and length, or images.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_labels)
            The most probable class; of a multilabel target, the labels of a probability above 0.5.
        """
        logits = self.decision_function(X)
        if self._target_kind == "multilabel":
            return (logits > 0).astype(np.int64)
        if self._target_kind == "binary":
            return self.classes_[(logits > 0).astype(np.intp)]
        return self.classes_[logits.argmax(axis=1)]

    def _logits(self, module, x):
        """Logits (batch, n_outputs) of a batch as the network reads it."""
        # The last layer runs in full precision: bfloat16 would tie the scores of many records.
        return module.classifier(self._embedding(module, x))

    def _batches(self, records, target, weights, index, **options):
        """Batches of the records at ``index``, normalised."""
        values = torch.from_numpy(target.values[index])
        if target.kind != "multiclass":
            values = values.to(self._torch_dtype)
        if weights is not None:
            weights = torch.as_tensor(weights[index], dtype=self._torch_dtype)
        return Batches(
            self.normalizer_.to_training_memory(as_tensor(_take(records, index))),
            values,
            weights,
            batch_size=self.batch_size,
            normalizer=self.normalizer_,
            **options,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class Prepared:
    """Checked records, which predictions take in place of X as they are.

    Parameters
    ----------
    records : ndarray of shape (n_records, ...)
    normalizer : LeadNormalizer or ImageNormalizer
    """

    def __init__(self, records, normalizer):
        self.records = records
        self.normalizer = normalizer

    def __len__(self):
        return len(self.records)

    def read(self, part):
        """A slice of the records for the network."""
        return self.normalizer(as_tensor(self.records[part]))


class PreparedSignals(Prepared):
    """A checked copy of signals, whose leads can be replaced.

    It is in the form in which the network reads it, as far as that can be: records that are
    normalised over all their leads, or of which only some leads are read, are so when they are
    read.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
    normalizer : LeadNormalizer
    """

    def __init__(self, signals, normalizer):
        signals = as_tensor(signals)
        if normalizer.mode == "record" or normalizer.leads is not None:
            super().__init__(signals.clone(), normalizer)
        else:
            super().__init__(normalizer.to_training_memory(signals).transpose(1, 2), None)

    def read(self, part):
        """A slice of the records for the network."""
        x = self.records[part]
        return x if self.normalizer is None else self.normalizer(x)

    def read_leads(self, leads):
        """An array (n_records, len(leads), n_times) of the leads at these positions."""
        return self.records[:, leads].contiguous().numpy()

    def write_leads(self, leads, values):
        """Replace the leads at these positions."""
        for position, lead in enumerate(leads):
            self.records[:, lead] = torch.from_numpy(values[:, position])


def _check_weights(sample_weight, records):
    """Weights as an array, or None when all records weigh the same."""
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, records, ensure_non_negative=True)
    if not weights.any():  # older scikit-learn lets this pass
        raise ValueError("Sample weights must contain at least one non-zero number.")
    if np.ptp(weights) == 0:
        return None
    # A mean of 1 over the records that count keeps the size of the steps.
    return weights / weights[weights > 0].mean()


def _plain(value):
    """A fitted attribute in a form that can be compared, of a dict its order, too."""
    if isinstance(value, dict):
        return list(value.items())
    return value.tolist() if isinstance(value, np.ndarray) else value


def load_weights(module, previous):
    """Take over the weights of a trained module of the same architecture."""
    try:
        module.load_state_dict(previous.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"warm_start=True cannot go on with another network than that of the previous fit: "
            f"{error}. Set warm_start=False to start anew."
        ) from error


def _take(records, index):
    """Records at ``index``, without a copy when these are all."""
    return records if len(index) == len(records) else records[index]
