"""What a network takes as input: signals or images."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from .._validation import (
    check_image_size,
    check_images,
    check_same_notes,
    check_same_scale,
    check_signals,
)
from ..leads import LazyRecords
from ..nn._normalizers import NORMALIZE, ImageNormalizer, LeadNormalizer
from ..utils._chunks import NETWORK, array_chunks
from ..utils._memory_maps import is_memory_map
from ..utils._torch import as_tensor


class SignalInput:
    """Signals of shape (n_records, n_leads, n_times), given in any container."""

    is_image = False

    #: Constraints of the parameters that describe X.
    parameter_constraints = {
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }
    normalize_constraint = [StrOptions(set(NORMALIZE)), None]

    def validate(self, estimator, X, *, reset):
        """Return the records of X as an array.

        With ``reset=True`` the attributes that describe X are set on the estimator, otherwise X is
        checked against them.
        """
        signals, _ = check_signals(estimator, X, reset=reset, dtype=estimator._dtype)
        if reset or estimator.normalizer_.mode in ("dataset", None):
            check_same_scale(estimator, signals, reset=reset)
        return signals

    def make_normalizer(self, estimator):
        """Return the unfitted normalization of an estimator that validated X."""
        return LeadNormalizer(estimator.normalize, estimator.n_leads_in_)

    def n_channels(self, normalizer):
        """Return the number of leads that the network gets."""
        return normalizer.n_leads_out

    def requirements(self, estimator):
        """Return what a warm start cannot change, by name."""
        return {
            "leads": (estimator.n_leads_in_, estimator.lead_names_in_),
            "sampling rate": estimator.sampling_rate_in_,
            "unit": estimator.units_in_,
        }

    def check_encoder(self, estimator, encoder):
        """Raise if an estimator and its encoder know X by different leads, rates or units."""
        given, expected = estimator.lead_names_in_, encoder.lead_names_in_
        if None not in (given, expected) and given != expected:
            raise ValueError(
                f"The leads of X are {', '.join(given)} for {type(estimator).__name__}, but "
                f"{', '.join(expected)} for its encoder. Pass the same lead_names to both, or a "
                "lead frame (to_lead_frame) with the leads in the encoder's order."
            )
        check_same_notes(estimator, encoder, other_name="its encoder")

    def make_editable(self, records, normalizer):
        """Return a validated copy of records, or a memory map, whose leads can be replaced."""
        is_mapped = is_memory_map(records) or isinstance(records, LazyRecords)
        kind = MappedSignals if is_mapped else EditableSignals
        return kind(records, normalizer)


class ImageInput:
    """Images of shape (n_records, height, width, n_channels), given in any container.

    Parameters
    ----------
    image_shape : tuple of int or None, default=None
        Shape of the images in 2-D rows.
    image_size : int, tuple of int or None, default=None
        Height and width that images are resized to. None keeps their size.
    """

    is_image = True

    parameter_constraints = {"image_shape": [tuple, list, None]}
    normalize_constraint = [StrOptions({"dataset", "record"}), None]

    def __init__(self, image_shape=None, image_size=None):
        self.image_shape = image_shape
        self.image_size = image_size

    def validate(self, estimator, X, *, reset):
        """Return the images of X as an array; see `SignalInput.validate`."""
        # A later change of the parameter does not affect a fitted estimator.
        shape = self.image_shape if reset else estimator.image_shape_in_
        return check_images(estimator, X, reset=reset, image_shape=shape, dtype=estimator._dtype)

    def network_size(self, estimator):
        """Return the height and width of the images that the network gets."""
        if self.image_size is None:
            return estimator.image_shape_in_[:2]
        return check_image_size(self.image_size)

    def make_normalizer(self, estimator):
        """Return the unfitted normalization, which resizes the images as well."""
        size = self.network_size(estimator)
        return ImageNormalizer(estimator.normalize, size, estimator.n_channels_in_)

    def n_channels(self, normalizer):
        """Return the number of channels that the network gets."""
        return normalizer.n_channels

    def requirements(self, estimator):
        """Return what a warm start cannot change, by name."""
        return {
            "number of channels": estimator.n_channels_in_,
            "kind of images": estimator.image_kind_in_,
        }

    def check_encoder(self, estimator, encoder):
        """Raise if an estimator and its encoder made images of different shapes from X."""
        given, expected = estimator.image_shape_in_, encoder.image_shape_in_
        if given != expected:
            raise ValueError(
                f"The images of X have the shape {given} for {type(estimator).__name__}, but "
                f"{expected} for its encoder. Pass image_shape to one of them only."
            )

    def make_editable(self, records, normalizer):
        """Return validated records; images have no leads that could be replaced."""
        return ValidatedInput(records, normalizer)


class ValidatedInput:
    """Validated records, which the methods of a fitted estimator accept in place of X.

    Parameters
    ----------
    records : ndarray of shape (n_records, ...)
    normalizer : LeadNormalizer, ImageNormalizer or None
        Applied to each batch. None if the records are normalized already.
    """

    def __init__(self, records, normalizer):
        self.records = records
        self.normalizer = normalizer

    def __len__(self):
        return len(self.records)

    def batch(self, part):
        """Return a slice of the records as a tensor, the input of the network."""
        return self.normalizer(as_tensor(self.records[part]))


class EditableSignals(ValidatedInput):
    """A validated copy of signals, whose leads can be replaced.

    The copy is normalized in advance where leads are normalized one by one. Otherwise each batch
    is normalized when it is needed.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
    normalizer : LeadNormalizer
    """

    def __init__(self, signals, normalizer):
        if normalizer.mode == "record" or normalizer.leads is not None:
            super().__init__(torch.from_numpy(np.array(signals)), normalizer)
        else:
            super().__init__(normalizer.to_training_memory(signals).transpose(1, 2), None)

    def batch(self, part):
        """Return a slice of the records as a tensor, the input of the network."""
        x = self.records[part]
        return x if self.normalizer is None else self.normalizer(x)

    def get_leads(self, leads):
        """Return the leads at these positions, (n_records, len(leads), n_times)."""
        return self.records[:, leads].contiguous().numpy()

    def set_leads(self, leads, values):
        """Replace the leads at these positions."""
        for position, lead in enumerate(leads):
            self.records[:, lead] = torch.from_numpy(values[:, position])

    def restore_leads(self, leads, values):
        """Put the original leads back."""
        self.set_leads(leads, values)


class MappedSignals(ValidatedInput):
    """Validated signals in a file, of which only replaced leads are in memory.

    They have the values and the layout in memory of `EditableSignals`,
    which normalizes all signals in advance.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times) or LazyRecords
    normalizer : LeadNormalizer
    """

    def __init__(self, signals, normalizer):
        super().__init__(signals, normalizer)
        self._normalizes_each_lead = normalizer.mode != "record" and normalizer.leads is None
        self._replaced = {}

    def batch(self, part):
        """Return a slice of the records as a tensor, the input of the network."""
        x = self._read(part)
        for lead, values in self._replaced.items():
            x[:, lead] = values[part]
        return x if self._normalizes_each_lead else self.normalizer(x)

    def get_leads(self, leads):
        """Return the leads at these positions, (n_records, len(leads), n_times)."""
        n_records, _, n_times = self.records.shape
        out = np.empty((n_records, len(leads), n_times), dtype=self.records.dtype)
        for part in array_chunks(self.records, NETWORK):
            out[part] = self._read(part)[:, leads].numpy()
        return out

    def set_leads(self, leads, values):
        """Replace the leads at these positions."""
        for position, lead in enumerate(leads):
            self._replaced[lead] = torch.from_numpy(values[:, position])

    def restore_leads(self, leads, values):
        """Put the original leads back, without storing them."""
        for lead in leads:
            del self._replaced[lead]

    def _read(self, part):
        """Return records from the map, normalized if leads are normalized one by one."""
        x = torch.from_numpy(np.array(self.records[part]))
        if not self._normalizes_each_lead:
            return x
        return self.normalizer.to_training_memory(x).transpose(1, 2)
