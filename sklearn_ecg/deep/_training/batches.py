"""Batches that are slices of one tensor, without a ``Dataset`` and a ``DataLoader``.

Records that are larger than the memory are read from a file instead, see `LazyTrainingRecords`.
"""

import copy

import numpy as np
import torch

from ...utils._warnings import warn
from .lazy_records import LazyTrainingRecords

# Share of the free memory of a GPU that records may take.
_MAX_SHARE = 0.5


class Batches:
    """Batches of signals or images with their targets and weights.

    Iterating yields ``x, (targets, weights, n_classified)``. The classification loss uses only the
    first ``n_classified`` records of the batch. The records after them were added for contrastive
    losses, see ``membership``. With two views, ``(targets, weights, n_classified, n_views)`` is
    yielded after x.

    Parameters
    ----------
    records : tensor or LazyTrainingRecords
        Shape (n_records, n_times, n_leads) or (n_records, height, width, channels).
        Leads or channels are the last axis. Moved to the front, they give batches (batch, leads,
        time) or (batch, channels, height, width) in the ``channels_last`` memory format, in which
        the networks convolve.
    targets : tensor with n_records rows
    weights : tensor of shape (n_records,) or None
    batch_size : int
        Number of records in a batch. A last batch of one record joins the batch before it, because
        BatchNorm and contrastive losses need two.
    shuffle : bool, default=False
        Whether to draw a new order for each pass, from torch's global generator.
    membership : bool ndarray of shape (n_records, n_classes), default=None
        If given, each batch contains at least two records of each class. The classes are spread
        evenly over the batches. To a batch with fewer than two records of a class, others are
        added at random.
    augmentation : callable, default=None
        Maps a batch to a batch of the same shape.
    n_views : {1, 2}, default=1
        Number of views of each record. With 2, a batch contains first views of its records, then
        second views in the same order, each with its own draw of the augmentation.
    normalizer : LeadNormalizer or ImageNormalizer, default=None
        Its ``to_float`` is applied before the augmentation, its ``normalize_augmented`` after it.
    device : torch.device
        A GPU gets all records at once if they fit into half of its free memory. Otherwise, each
        batch is copied when it is needed. Everything else is copied once, and the order of the
        records once for each pass.
    """

    def __init__(
        self,
        records,
        targets,
        weights=None,
        *,
        batch_size,
        shuffle=False,
        membership=None,
        augmentation=None,
        n_views=1,
        normalizer=None,
        device="cpu",
    ):
        self.device = torch.device(device)
        self.records = self._place(records)
        self.targets = self._to_device(targets)
        self.weights = self._to_device(weights)
        self.batch_size = int(batch_size)
        self.shuffle = shuffle
        self.membership = membership
        if membership is not None:
            self._members = [torch.from_numpy(np.flatnonzero(column)) for column in membership.T]
            if any(len(members) == 1 for members in self._members):
                warn(
                    "A class has a single training record, which balanced batches repeat and "
                    "compare with itself. Pass more records of it, or balanced_batches=False.",
                    UserWarning,
                )
        self.augmentation = augmentation
        self.n_views = n_views
        self.normalizer = normalizer
        if normalizer is not None and self.device.type != "cpu":
            self.normalizer = copy.deepcopy(normalizer).to(self.device)

    def __len__(self):
        n_records = len(self.records)
        n_batches = -(-n_records // self.batch_size)
        return n_batches - (n_batches > 1 and n_records % self.batch_size == 1)

    def __iter__(self):
        for x, index, n_classified in self._iter_loaded():
            targets = self.targets[index]
            weights = None if self.weights is None else self.weights[index]
            if self.n_views == 1:
                yield self._normalize(self._augment(x)), (targets, weights, n_classified)
            else:
                views = [self._augment(x).movedim(1, -1) for _ in range(self.n_views)]
                x = self._normalize(torch.cat(views).movedim(-1, 1))
                targets = torch.cat([targets] * self.n_views)
                weights = None if weights is None else torch.cat([weights] * self.n_views)
                yield x, (targets, weights, n_classified, self.n_views)

    def _augment(self, x):
        return x if self.augmentation is None else self.augmentation(x)

    def iter_unaugmented(self, seed):
        """Yield the inputs of all batches without augmentation, in a random order of the records.

        The order depends on ``seed`` only, and torch's global generator is left as it is.
        """
        order = torch.randperm(len(self.records), generator=torch.Generator().manual_seed(seed))
        indices = [order[part] for part, _ in self._consecutive_indices()]
        for x in self._load_each(indices, self._place_indices(indices)):
            yield self._normalize(x)

    def replace_records(self, records):
        """Use other inputs for the same targets, which are not normalized again."""
        self.records, self.normalizer = self._place(records), None

    def _place(self, records):
        """Return records on a GPU that has enough free memory, else as they are."""
        if isinstance(records, LazyTrainingRecords):
            return records
        fits = records.nbytes <= _MAX_SHARE * _free_memory(self.device)
        return records.to(self.device) if fits else records

    def _to_device(self, values):
        return None if values is None else values.to(self.device)

    def _place_indices(self, indices):
        """Return the indices of all batches on the device."""
        if self.device.type == "cpu" or not isinstance(indices[0], torch.Tensor):
            return indices
        # One copy for all of them, because each copy waits for the GPU.
        return torch.cat(indices).to(self.device).split([len(index) for index in indices])

    def _iter_loaded(self):
        """Yield the input of each batch, its records on the device, and n_classified."""
        batches = self._batch_indices()
        indices = [index for index, _ in batches]
        placed = self._place_indices(indices)
        inputs = self._load_each(indices, placed)
        for x, index, (_, n_classified) in zip(inputs, placed, batches):
            yield x, index, n_classified

    def _load_each(self, indices, placed):
        """Yield the records at several indices as inputs; see `_to_input`."""
        if isinstance(self.records, LazyTrainingRecords):
            parts = self.records.iter_parts(indices)
        else:
            # "cuda" is not equal to "cuda:0", which it means.
            is_resident = self.records.device.type == self.device.type
            parts = (self.records[index] for index in (placed if is_resident else indices))
        return map(self._to_input, parts)

    def _to_input(self, records):
        """Return records as floating-point numbers on the device, channels first."""
        if self.device.type == "cuda" and records.device.type == "cpu":
            # From memory that the system does not move, they are copied while the GPU computes.
            records = records.pin_memory()
        x = records.to(self.device, non_blocking=self.device.type == "cuda").movedim(-1, 1)
        return x if self.normalizer is None else self.normalizer.to_float(x)

    def _normalize(self, x):
        return x if self.normalizer is None else self.normalizer.normalize_augmented(x)

    def _consecutive_indices(self):
        """Return a slice of the records for each batch, and its length."""
        n_records, n_batches = len(self.records), len(self)
        stops = [self.batch_size * i for i in range(1, n_batches)] + [n_records]
        starts = [0] + stops[:-1]
        return [(slice(start, stop), stop - start) for start, stop in zip(starts, stops)]

    def _batch_indices(self):
        """Return the records of each batch, as a slice or an index tensor, and n_classified."""
        consecutive = self._consecutive_indices()
        if not self.shuffle:
            return consecutive
        if self.membership is None:
            order = torch.randperm(len(self.records))
            return [(order[part], n_classified) for part, n_classified in consecutive]
        order = self._evenly_spread_order()
        return [
            (self._add_missing_classes(order[part]), n_classified)
            for part, n_classified in consecutive
        ]

    def _evenly_spread_order(self):
        """Return a random order of the records in which each class is spread evenly.

        A record of several classes (multilabel) belongs to the rarest of them.
        """
        labels = stratification_labels(self.membership)
        position = torch.empty(len(labels), dtype=torch.float64)
        for label in np.unique(labels):
            members = torch.from_numpy(np.flatnonzero(labels == label))
            offset = torch.rand(1, dtype=torch.float64)
            position[members] = (torch.randperm(len(members)) + offset) / len(members)
        return torch.argsort(position, stable=True)

    def _add_missing_classes(self, index):
        """Add records of the classes of which the batch contains fewer than two."""
        parts = [index]
        for label, members in enumerate(self._members):
            n_missing = 2 - int(self.membership[index.numpy(), label].sum())
            if n_missing <= 0 or not len(members):
                continue
            others = members[~torch.isin(members, index)]
            pool = others if len(others) >= n_missing else members
            if len(pool) >= n_missing:
                drawn = pool[torch.randperm(len(pool))[:n_missing]]
            else:
                drawn = pool[torch.randint(len(pool), (n_missing,))]
            parts.append(drawn)
        return torch.cat(parts)


class PairBatches(Batches):
    """Batches of two views of each record, for losses that compare them.

    A batch contains the first views of its records, then the second views in the same order.

    Parameters
    ----------
    records, batch_size, normalizer, device
        See `Batches`. A new order is drawn for each pass.
    augmentation : callable
        ``augmentation(x)`` returns a view of a batch, and ``augmentation(x, peaks)`` a view and
        its R-peaks.
    peaks : tensor of shape (n_records, n_peaks) or None
        R-peaks in time points, ascending, padded with NaN.
    halves : bool, default=False
        Whether the two views are the halves of one random view instead of two random views. The
        last time point of an odd number is left out.
    """

    def __init__(
        self,
        records,
        *,
        batch_size,
        augmentation,
        peaks=None,
        halves=False,
        normalizer=None,
        device="cpu",
    ):
        super().__init__(
            records,
            None,
            batch_size=batch_size,
            shuffle=True,
            augmentation=augmentation,
            normalizer=normalizer,
            device=device,
        )
        self.peaks = self._to_device(peaks)
        self.halves = halves

    def __iter__(self):
        for x, index, _ in self._iter_loaded():
            peaks = None if self.peaks is None else self.peaks[index]
            views = [view.movedim(1, -1) for view in self._draw_views(x, peaks)]
            yield self._normalize(torch.cat(views).movedim(-1, 1)), ()

    def _draw_views(self, x, peaks):
        if not self.halves:
            return [self._draw_view(x, peaks) for _ in range(2)]
        view, n_half = self._draw_view(x, peaks), x.shape[-1] // 2
        return [view[..., :n_half], view[..., n_half : 2 * n_half]]

    def _draw_view(self, x, peaks):
        return self.augmentation(x) if peaks is None else self.augmentation(x, peaks)[0]


def _free_memory(device):
    """Return the free bytes of a GPU, also those that torch keeps, and 0 for other devices."""
    if device.type != "cuda":
        return 0
    # mem_get_info of torch 2.4 does not accept a device without an index.
    with torch.cuda.device(device):
        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return torch.cuda.mem_get_info()[0] + kept


@torch.no_grad()
def recompute_batch_norm_statistics(module, forward, batches, seed):
    """Set the running statistics of BatchNorm to their mean over unaugmented batches.

    The running averages of training lag behind the weights, and after a few steps still depend on
    their initial values. The records are shuffled: the mean of the variances within batches does
    not contain the variance between batches, which is large if records are sorted, as by patient
    or class.

    Parameters
    ----------
    module : torch.nn.Module
        Contains the BatchNorm layers.
    forward : callable
        ``forward(x)`` runs the layers on a batch.
    batches : Batches
    seed : int
        Seed of the order of the records.
    """
    layers = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not layers or len(batches.records) < 2:
        return
    momenta = [layer.momentum for layer in layers]
    module.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
    counts = dict.fromkeys(layers, 0)

    def average(layer, inputs):
        # The mean of all batches. With None, torch would read the count, for which a GPU waits.
        counts[layer] += 1
        layer.momentum = 1 / counts[layer]

    hooks = [layer.register_forward_pre_hook(average) for layer in layers]
    try:
        for x in batches.iter_unaugmented(seed):
            forward(x)
    finally:
        for hook, layer, momentum in zip(hooks, layers, momenta):
            hook.remove()
            layer.momentum = momentum
    module.eval()


def stratification_labels(membership):
    """Return one label per record: its rarest class, or ``n_classes`` if it has none.

    Parameters
    ----------
    membership : bool ndarray of shape (n_records, n_classes)

    Returns
    -------
    labels : integer ndarray of shape (n_records,)
    """
    counts = membership.sum(axis=0)
    rarity = np.where(membership, counts, len(membership) + 1)
    labels = rarity.argmin(axis=1)
    labels[~membership.any(axis=1)] = membership.shape[1]
    return labels
