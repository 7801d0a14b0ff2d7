"""The data that the steps of `fit` pass along, and the state of a previous fit."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from .._validation import Target
from ..leads import LazyRecords
from ..nn._user_module import UserModule
from ..utils._module_arrays import copy_module
from ..utils._torch import convert_module

# Requirements that are unknown, and not compared, if one of the two fits does not know them.
_UNKNOWN_IF_NONE = ("sampling rate", "unit")

# Equal outputs differ by rounding, relative to the largest.
_TOLERANCE = 1e-3


class PretrainingRecords(NamedTuple):
    """X and weights, as given to `fit`, that an unfitted encoder is pretrained on."""

    X: Any
    sample_weight: np.ndarray | None


@dataclass
class TrainingData:
    """Validated records and what training needs to know about them.

    Each step of `fit` fills in its part; see `DeepECG` for the order of the steps.

    Parameters
    ----------
    records : ndarray of shape (n_records, ...) or LazyRecords
        Signals of shape (n_records, n_leads, n_times), or images of shape
        (n_records, height, width, n_channels).
    target : Target or None
        The encoded labels; None for encoders.
    sample_weight : ndarray of shape (n_records,) or None
        None if all records have the same weight.
    groups : ndarray of shape (n_records,) or None
    train : ndarray of int
        Positions of the training records. Records of weight 0 are in neither part.
    valid : ndarray of int or None
        Positions of the validation records, with early stopping.
    class_weight : tensor or None
        Weights of the classes in the loss, from the training records.
    pretraining : PretrainingRecords or None
        For classifiers on an encoder.
    augmentation : callable or None
        What `_make_augmentation` returned.
    tasks : FitTasks or None
        The tasks of `fit` for which callbacks of scikit-learn are called.
    processes : TrainingProcesses or None
        The processes that train together, if there are several.
    seed : int
    device : torch.device
    n_channels : int
        Number of leads, or of channels of images, that the network gets.
    n_probe_iter : int
        Number of iterations in which a linear probe was fitted.
    features : ndarray of shape (n_records, n_features) or None
        What a network learns to predict, NaN where it is absent.
    """

    records: np.ndarray
    target: Target | None = None
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    train: np.ndarray | None = None
    valid: np.ndarray | None = None
    class_weight: torch.Tensor | None = None
    pretraining: PretrainingRecords | None = None
    augmentation: Any = None
    tasks: Any = None
    processes: Any = None
    seed: int | None = None
    device: torch.device | None = None
    n_channels: int | None = None
    n_probe_iter: int = 0
    features: np.ndarray | None = None

    @property
    def n_outputs(self):
        """Number of logits that the network returns per record."""
        return self.target.n_outputs

    def take_records(self, index):
        """Return the records at these positions, which are copied when slices are taken."""
        if len(index) == len(self.records):
            return self.records
        if isinstance(self.records, LazyRecords):
            return self.records[index]
        return _SelectedRecords(self.records, index)


class _SelectedRecords:
    """Records at some positions of an array, of which slices can be taken.

    Parameters
    ----------
    records : ndarray of shape (n_records, ...)
    index : ndarray of int
    """

    def __init__(self, records, index):
        self._records, self._index = records, index
        self.shape = (len(index), *records.shape[1:])

    def __len__(self):
        return len(self._index)

    def __getitem__(self, part):
        return self._records[self._index[part]]


class PreviousFit:
    """The fit that ``warm_start=True`` continues.

    Parameters
    ----------
    estimator : DeepECG
        A fitted estimator.
    """

    def __init__(self, estimator):
        self.normalizer = estimator.normalizer_
        self.network = estimator.net_.module_
        self.requirements = estimator._fitted_requirements

    def check(self, requirements):
        """Raise if what must stay the same has changed."""
        for name, value in requirements.items():
            if name in _UNKNOWN_IF_NONE and None in (value, self.requirements[name]):
                continue
            if value != self.requirements[name]:
                raise ValueError(
                    f"warm_start=True requires the same {name} as the previous fit, which had "
                    f"{self.requirements[name]}, but got {value}. Set warm_start=False to train "
                    "from scratch."
                )

    def copy_weights(self, network):
        """Load the weights into a network of the same architecture."""
        try:
            network.load_state_dict(self.network.state_dict())
        except RuntimeError as error:
            raise ValueError(
                "warm_start=True requires the same network as the previous fit, but the weights "
                f"do not match: {error}. Set warm_start=False to train from scratch."
            ) from error

    def check_outputs(self, network, x):
        """Raise if a network with the same weights computes something else.

        Strides and dilations, for example, do not change the shapes of weights.

        Parameters
        ----------
        network : torch.nn.Module
        x : tensor
            A normalized batch.
        """
        with torch.no_grad():
            expected, found = (_embedding(net, x) for net in (self.network, network))
        if (expected - found).abs().max() > _TOLERANCE * expected.abs().max():
            raise ValueError(
                "warm_start=True requires the same network as the previous fit, but with the "
                "same weights it has other outputs, because parameters of the network were "
                "changed. Set warm_start=False to train from scratch."
            )


def _embedding(network, x):
    """Return the embedding of a batch; the network remains as it is."""
    network = convert_module(copy_module(network).cpu(), x.dtype).eval()
    return network.outputs(x)[1] if isinstance(network, UserModule) else network.embed(x)
