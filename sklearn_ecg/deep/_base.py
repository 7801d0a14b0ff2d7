"""The base class of all deep estimators: parameters, the steps of `fit`, embeddings."""

import os
from abc import ABCMeta, abstractmethod
from contextlib import nullcontext
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..augmentation._base import check_rates_of_transforms
from ..utils._chunks import NETWORK, array_chunks
from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._fit_callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from ..utils._module_arrays import arrays_to_module, module_to_arrays
from ..utils._torch import (
    convert_module,
    first_non_finite,
    resolve_device,
    seeded,
    usual_settings,
)
from ..utils._torch_threads import MAX_THREADS
from ._checkpoints import check_checkpoint, open_checkpoint
from ._inputs import SignalInput, ValidatedInput
from ._training import (
    divergence_advice,
    named_memory_errors,
    train_network,
    training_processes,
)
from ._training_data import PreviousFit, TrainingData

_MEMORY_ADVICE = "Free the memory that other models and programs use, or use a smaller network."


class NumberInterval(Interval):
    """An interval without True and False, which Python counts as 1 and 0."""

    def is_satisfied_by(self, val):
        return not isinstance(val, (bool, np.bool_)) and super().is_satisfied_by(val)


class DeepECG(
    CallbackSupportMixin,
    DocumentationLinkMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base class of the estimators that own a network.

    A method is a subclass of `DeepECGClassifier`, `DeepECGRegressor`, `SelfSupervisedEncoder` or
    `FineTunedClassifier`.
    It implements three hooks:

    - ``_make_network(data)`` returns the network, a `torch.nn.Module`. ``forward(x)`` returns the
      input of the loss, and ``embed(x)`` the embedding of shape (batch, embedding_dim). The network
      has the attribute ``embedding_dim``; that of a classifier also has ``classifier``, which maps
      the embedding to logits.
    - ``_make_loss(data)`` returns the loss, a module that is called with the output of the network
      and, in classifiers, with the targets, the weights and the number of records that the
      classification loss uses (see `Batches`).
    - ``_make_augmentation()`` returns the random transform of training batches, or None.

    ``data`` is a `TrainingData`: ``data.n_channels``, ``data.n_outputs``, ``data.target.kind`` and
    ``data.class_weight`` are set when the hooks are called. `fit` runs these steps:

    1. *Validate.* The parameters are checked. X becomes an array, y is encoded, and weights and
       groups are checked (``_validate``). Then ``_make_augmentation()`` is called, and
       ``_set_method_attributes(data)``.
    2. *Split.* With early stopping, validation records are set aside. The class weights are those
       of the remaining records (``_split``).
    3. *Pretrain.* A classifier on an encoder obtains the fitted encoder (``_pretrain``). This step
       and the next are skipped if a warm start continues a previous fit.
    4. *Normalize.* The normalization is fitted to the training records (``_make_normalizer()``).
       torch is seeded from this step on.
    5. *Build.* ``_make_network(data)`` and ``_make_loss(data)`` are called, then the batches are
       made (``_needs_balanced_batches()``, ``_find_r_peaks(data)``).
    6. *Train.* The optimizer uses ``_parameter_groups()``.

    The other hooks are optional:

    - ``_input``, a property, is the object that validates X: a `SignalInput` by default.
    - ``_set_method_attributes(data)`` sets fitted attributes of the method's own.
    - ``_requirements()`` returns what must stay the same in a warm start.
    - ``_make_normalizer()`` returns the unfitted normalization.
    - ``_needs_balanced_batches()``, of classifiers, is whether each batch needs two records of each
      class.
    - ``_n_views()``, of classifiers, is the number of views of each record in a training batch, 1
      or 2. With 2, the loss gets the number of views as its last argument.
    - ``_find_r_peaks(data)``, of encoders, returns the R-peaks that the augmentation needs.
    - ``_parameter_groups()`` returns the parts of the network that have their own learning rate.

    A subclass without parameters of its own inherits ``__init__`` from `DeepECGClassifier`.
    Otherwise it assigns all parameters in ``__init__`` and extends ``_parameter_constraints``.
    """

    _parameter_constraints = {
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"cosine", "constant"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "gradient_clip": [NumberInterval(Real, 0, None, closed="neither"), None],
        "warm_start": ["boolean"],
        "device": [str, torch.device],
        "n_threads": [NumberInterval(Integral, 1, MAX_THREADS, closed="both"), None],
        "precision": [StrOptions({"float32", "float64", "mixed"})],
        "callbacks": [list, tuple, None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def _make_network(self, data):
        """Return the network."""

    @abstractmethod
    def _make_loss(self, data):
        """Return the loss."""

    @abstractmethod
    def _make_augmentation(self):
        """Return the random transform of training batches, or None."""

    @property
    def _input(self):
        """Object that validates X."""
        return SignalInput()

    def _set_method_attributes(self, data):
        """Set fitted attributes that depend on X, before anything is trained."""

    def _requirements(self):
        """Return what a warm start cannot change, by name."""
        # Classifiers on an encoder have its normalization in place of a parameter.
        return {**self._input.requirements(self), "normalize": getattr(self, "normalize", None)}

    def _make_normalizer(self):
        """Return the unfitted normalization."""
        return self._input.make_normalizer(self)

    def _parameter_groups(self):
        """Return the parts of the network that have their own learning rate."""
        return ()

    def _count_epochs(self, train_batches):
        """Return the largest number of epochs; None if it depends on batches that are not known."""
        return int(self.max_epochs)

    @with_callbacks
    def _fit(self, X, y=None, sample_weight=None, groups=None):
        """Run the steps of `fit`, in the order that the docstring of `DeepECG` describes."""
        self._validate_params()
        processes = training_processes()
        if processes is not None:
            processes.check_parameters(self)
        check_checkpoint(self, processes)
        previous = self._start_fit()
        tasks = FitTasks(
            self,
            *self._labeled_records(X, y, sample_weight),
            max_epochs=self._count_epochs(None),
            pretrains=previous is None and self._pretrains(),
        )
        device = resolve_device(self.device)
        if processes is not None:
            device = processes.resolve_device(device)
        with (
            usual_settings(device, self.n_threads),
            named_memory_errors(lambda: "in fit, outside of the training", _MEMORY_ADVICE),
        ):
            self._run_steps(X, y, sample_weight, groups, device, previous, tasks, processes)
        tasks.end()
        return self

    def _run_steps(self, X, y, sample_weight, groups, device, previous, tasks, processes):
        data = self._validate(X, y, sample_weight, groups)
        data.tasks, data.processes = tasks, processes
        data.seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        data.device = device
        data.augmentation = self._make_augmentation()
        rate = getattr(self, "sampling_rate_in_", None)
        check_rates_of_transforms(data.augmentation, rate, name=type(self).__name__)
        self._set_method_attributes(data)
        if previous is not None:
            previous.check(self._requirements())
        self._split(data)
        if previous is None:
            self._pretrain(data)
        with seeded(data.seed, data.device):
            self._normalize(data, previous)
            network = self._build(data, previous)
            loss = self._make_loss(data)
            train_batches, valid_batches = self._make_batches(data, network, previous is None)
            with nullcontext() if processes is None else processes.closed_on_error():
                self._train(network, loss, train_batches, valid_batches, data)
        self._check_weights()
        self._fitted_requirements = self._requirements()

    def _check_weights(self):
        """Raise if the last step of the training made weights NaN or infinite.

        The loss of each batch is checked before its step, but there is no loss after the last one.
        """
        name = first_non_finite(self.net_.module_)
        if name is not None:
            vars(self).pop("net_")
            raise ValueError(
                f"The weights of the network became NaN or infinite in the last step of the "
                f"training, first in {name}. "
                + divergence_advice(self.learning_rate, self.precision == "mixed")
            )

    def _start_fit(self):
        """Return the previous fit if it is to be continued, and mark the estimator as unfitted.

        An interrupted fit then leaves an unfitted estimator.
        """
        previous = PreviousFit(self) if self.warm_start and hasattr(self, "net_") else None
        vars(self).pop("net_", None)
        # Precision of the weights; a later change of the parameter has no effect.
        self._fitted_precision = self.precision
        return previous

    def _validate(self, X, y, sample_weight, groups):
        """Return the validated records; encoders ignore everything else."""
        return TrainingData(self._input.validate(self, X, reset=True))

    def _split(self, data):
        """Train on all records."""
        data.train = np.arange(len(data.records))

    def _labeled_records(self, X, *others):
        """Return the records with a label, of X, y and other arrays as they were given to `fit`."""
        return X, *others

    def _pretrains(self):
        """Return whether `_pretrain` fits an encoder."""
        return False

    def _pretrain(self, data):
        """Do nothing, unless a subclass is based on an encoder."""

    def _normalize(self, data, previous):
        """Set the normalization, with statistics of the training records or of the previous fit."""
        self.normalizer_ = self._fit_normalizer(data) if previous is None else previous.normalizer
        self.normalizer_.to(self._torch_dtype)
        data.n_channels = self._input.n_channels(self.normalizer_)

    def _fit_normalizer(self, data):
        records = data.take_records(data.train)
        return self._make_normalizer().to(self._torch_dtype).fit(records)

    def _build(self, data, previous):
        """Return the network, with the weights of the previous fit if there is one."""
        network = self._make_network(data)
        if previous is not None:
            # Before, float64 weights would be rounded to those of a new network, float32.
            previous.copy_weights(convert_module(network, self._torch_dtype))
            first = ValidatedInput(data.records, self.normalizer_).batch(slice(0, 2))
            previous.check_outputs(network, first)
        return network

    @abstractmethod
    def _make_batches(self, data, network, is_new):
        """Return the training batches, and the validation batches or None.

        ``is_new`` is False for a network with the weights of a previous fit.
        """

    def _train(self, network, loss, train_batches, valid_batches, data):
        """Train the network and set the fitted attributes."""
        with open_checkpoint(self, network, data) as checkpoint:
            self.net_, self.history_, self.callbacks_ = train_network(
                convert_module(network, self._torch_dtype),
                loss,
                train_batches,
                valid_batches,
                max_epochs=self._count_epochs(train_batches),
                learning_rate=self.learning_rate,
                learning_rate_schedule=self.learning_rate_schedule,
                weight_decay=self.weight_decay,
                gradient_clip=self.gradient_clip,
                mixed_precision=self.precision == "mixed",
                device=data.device,
                callbacks=self.callbacks,
                checkpoint=checkpoint,
                processes=data.processes,
                tasks=data.tasks,
                verbose=self.verbose,
                n_iter_no_change=getattr(self, "n_iter_no_change", None),
                parameter_groups=self._parameter_groups(),
            )
        self.n_iter_ = len(self.history_.get("epoch", ()))
        self._n_features_out = self.net_.module_.embedding_dim

    def _rebuild_target(self):
        """Return the target of the fit, without values; None for encoders."""

    def _rebuild_network(self):
        """Return the untrained network that the parameters and fitted attributes describe."""
        data = TrainingData(None, n_channels=self._input.n_channels(self.normalizer_))
        data.target = self._rebuild_target()
        with seeded(0, torch.device("cpu")):
            network = convert_module(self._make_network(data), self._torch_dtype)
            return network.to(memory_format=torch.channels_last)

    def transform(self, X):
        """Compute the embedding of records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`: signals with the same leads and length, or images of
            the same size.

        Returns
        -------
        embedding : ndarray of shape (n_records, n_features_out)
            Input of the last linear layer of the network.
        """
        return self._apply(X, self._embed)

    def _embed(self, network, x):
        """Return the embedding (batch, embedding_dim) of a normalized batch."""
        with self.net_.autocast():
            embedding = network.embed(x)
        return embedding.to(self._torch_dtype)

    def _apply(self, X, function):
        """Return ``function(network, x)`` of all records as an array, batch by batch."""
        if not hasattr(self, "net_"):
            check_is_fitted(self, "net_")
        if not isinstance(X, ValidatedInput):
            X = ValidatedInput(self._input.validate(self, X, reset=False), self.normalizer_)
        network = self.net_.module_
        outputs, part = [], slice(0)

        def where():
            return f"with records {part.start} to {part.stop - 1}"

        with (
            usual_settings(torch.device(self.net_.device), self.n_threads),
            torch.inference_mode(),
            named_memory_errors(where, _MEMORY_ADVICE),
        ):
            for part in array_chunks(X.records, NETWORK):
                x = X.batch(part).to(self.net_.device)
                output = function(network, x).cpu()
                _check_finite(output, part.start)
                outputs.append(output)
            return torch.cat(outputs).numpy()

    def _validate_input(self, X):
        """Validate records once for many predictions, and return them as a `ValidatedInput`."""
        check_is_fitted(self, "net_")
        records = self._input.validate(self, X, reset=False)
        with usual_settings(torch.device(self.net_.device), self.n_threads):
            return self._input.make_editable(records, self.normalizer_)

    @property
    def _is_float64(self):
        # Older files have the parameter only.
        return vars(self).get("_fitted_precision", self.precision) == "float64"

    @property
    def _dtype(self):
        return np.float64 if self._is_float64 else np.float32

    @property
    def _torch_dtype(self):
        return torch.float64 if self._is_float64 else torch.float32

    def __getstate__(self):
        state = super().__getstate__()
        if "normalizer_" in state:
            state = {**state, "normalizer_": module_to_arrays(state["normalizer_"])}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "normalizer_" in state:
            self.normalizer_ = arrays_to_module(state["normalizer_"])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_finite(output, first_record):
    """Raise if outputs of the network (n_records, ...) are NaN or infinite."""
    if np.isfinite(output.numpy()).all():
        return
    is_finite = torch.isfinite(output).flatten(1).all(dim=1)
    if not is_finite.all():
        record = first_record + int(is_finite.logical_not().nonzero()[0])
        raise ValueError(
            f"The network returned NaN or infinity, first for record {record}, although X is "
            "finite. Check this record for extreme values, the units of X and, if they were "
            "changed after fit, the weights of net_.module_."
        )
