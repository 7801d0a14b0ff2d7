"""Batches cut from one tensor, without a ``Dataset`` and without collating."""

import numpy as np
import torch

from ...utils._warnings import warn


class Batches:
    """Batches of signals or images with their targets and weights.

    Parameters
    ----------
    records : tensor of shape (n_records, n_times, n_leads) or (n_records, height, width, channels)
        Leads, or channels, come last: with them moved to the front, a batch (batch, leads, time)
        or (batch, channels, height, width) is already in the ``channels_last`` memory in
        which the networks convolve.
    targets : tensor with n_records rows
    weights : tensor of shape (n_records,) or None
    batch_size : int
        Records in a batch. A trailing batch of one record joins the batch
        before it: BatchNorm and contrastive losses need two.
    shuffle : bool, default=False
        Draw a new order for every pass, from torch's global generator.
    membership : bool ndarray of shape (n_records, n_classes), default=None
        When given, every batch holds at least two records of every class: classes are
        spread evenly over the batches, and behind a batch's own records come others, drawn at
        random, of the classes of which it holds fewer.
    augmentation : callable, default=None
        Maps a batch to one of the same shape.
    normalizer : LeadNormalizer or ImageNormalizer, default=None
        Its ``to_float`` prepares a batch for the augmentation, its ``normalize_augmented`` for the
        network.
    device : torch.device
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
        normalizer=None,
        device="cpu",
    ):
        self.records = records
        self.targets = targets
        self.weights = weights
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.membership = membership
        if membership is not None:
            self._members = [torch.from_numpy(np.flatnonzero(column)) for column in membership.T]
            if any(len(members) == 1 for members in self._members):
                warn(
                    "A class has a single training record: in a balanced batch it is repeated and "
                    "compared with itself. Pass more records of it, or balanced_batches=False.",
                    UserWarning,
                )
        self.augmentation = augmentation
        self.normalizer = normalizer
        self.device = device

    def __len__(self):
        n_records = len(self.records)
        n_batches = -(-n_records // self.batch_size)
        return n_batches - (n_batches > 1 and n_records % self.batch_size == 1)

    def __iter__(self):
        for index, n_own in self._indices():
            x = self._read(index)
            if self.augmentation is not None:
                x = self.augmentation(x)
            x = self._finish(x)
            weights = None if self.weights is None else self.weights[index].to(self.device)
            yield x, (self.targets[index].to(self.device), weights, n_own)

    def plain(self):
        """The batches' records, in order and without views."""
        for index, _ in self._in_order():
            yield self._finish(self._read(index))

    def _read(self, index):
        x = self.records[index].to(self.device).movedim(-1, 1)
        return x if self.normalizer is None else self.normalizer.to_float(x)

    def _finish(self, x):
        return x if self.normalizer is None else self.normalizer.normalize_augmented(x)

    def _in_order(self):
        n_records, n_batches = len(self.records), len(self)
        stops = [self.batch_size * i for i in range(1, n_batches)] + [n_records]
        starts = [0] + stops[:-1]
        return [(slice(start, stop), stop - start) for start, stop in zip(starts, stops)]

    def _indices(self):
        """Records of every batch, a slice or an index tensor, and how many are its own."""
        in_order = self._in_order()
        if not self.shuffle:
            return in_order
        if self.membership is None:
            order = torch.randperm(len(self.records))
            return [(order[part], n_own) for part, n_own in in_order]
        order = self._spread_order()
        return [(self._fill(order[part]), n_own) for part, n_own in in_order]

    def _spread_order(self):
        """A random order in which every class is spread evenly.

        Of several classes (multilabel), the rarest of a record counts.
        """
        stratum = strata(self.membership)
        position = torch.empty(len(stratum), dtype=torch.float64)
        for value in np.unique(stratum):
            members = torch.from_numpy(np.flatnonzero(stratum == value))
            offset = torch.rand(1, dtype=torch.float64)
            position[members] = (torch.randperm(len(members)) + offset) / len(members)
        return torch.argsort(position, stable=True)

    def _fill(self, index):
        """Add records of the classes of which the batch holds fewer than two."""
        parts = [index]
        for label, members in enumerate(self._members):
            missing = 2 - int(self.membership[index.numpy(), label].sum())
            if missing <= 0 or not len(members):
                continue
            others = members[~torch.isin(members, index)]
            pool = others if len(others) >= missing else members
            if len(pool) >= missing:
                drawn = pool[torch.randperm(len(pool))[:missing]]
            else:
                drawn = pool[torch.randint(len(pool), (missing,))]
            parts.append(drawn)
        return torch.cat(parts)


class PairBatches(Batches):
    """Batches of two random views of every record, for losses that compare them.

    A batch holds the first views of its records, then the second ones, in the same order.

    Parameters
    ----------
    records, batch_size, normalizer, device
        See `Batches`; the order is drawn anew for every pass.
    augmentation : callable
        ``augmentation(x)`` makes views of a batch, and
        ``augmentation(x, peaks)`` views and their R-peaks.
    peaks : tensor of shape (n_records, n_peaks) or None
        R-peaks in time points, ascending, padded with NaN.
    """

    def __init__(
        self, records, *, batch_size, augmentation, peaks=None, normalizer=None, device="cpu"
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
        self.peaks = peaks

    def __iter__(self):
        for index, _ in self._indices():
            x = self._read(index)
            peaks = None if self.peaks is None else self.peaks[index].to(self.device)
            views = [self._view(x, peaks).movedim(1, -1) for _ in range(2)]
            yield self._finish(torch.cat(views).movedim(-1, 1)), ()

    def _view(self, x, peaks):
        return self.augmentation(x) if peaks is None else self.augmentation(x, peaks)[0]


@torch.no_grad()
def settle_batch_norm(part, forward, batches):
    """Take the running statistics of BatchNorm anew: their mean over batches without views.

    Running averages lag behind the weights, and after a few steps they still hold their start.

    Parameters
    ----------
    part : torch.nn.Module
        Holds the BatchNorm layers.
    forward : callable
        ``forward(x)`` runs them on a batch.
    batches : Batches
    """
    layers = [m for m in part.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not layers or len(batches.records) < 2:
        return
    momenta = [layer.momentum for layer in layers]
    part.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches
        layer.train()
    for x in batches.plain():
        forward(x)
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
    part.eval()


def strata(membership):
    """One stratum per record: its rarest class, or ``n_classes`` when it has none.

    Parameters
    ----------
    membership : bool ndarray of shape (n_records, n_classes)

    Returns
    -------
    stratum : integer ndarray of shape (n_records,)
    """
    counts = membership.sum(axis=0)
    rarity = np.where(membership, counts, len(membership) + 1)
    stratum = rarity.argmin(axis=1)
    stratum[~membership.any(axis=1)] = membership.shape[1]
    return stratum
