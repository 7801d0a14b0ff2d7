"""Training records that are read from a file batch by batch."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ...leads import LazyRecords


def to_training_records(normalizer, records):
    """Return records of which batches can be cut, normalized as far as possible in advance.

    Parameters
    ----------
    normalizer : LeadNormalizer or ImageNormalizer
    records : ndarray, object with a shape and slices that are arrays, or LazyRecords

    Returns
    -------
    records : tensor or LazyTrainingRecords
    """
    if isinstance(records, LazyRecords):
        return LazyTrainingRecords(records, normalizer)
    return normalizer.to_training_memory(records)


class LazyTrainingRecords:
    """Lazy records that are normalized when they are read.

    They have the shape of the tensor that the normalizer makes of records in memory, and indexing
    them returns a part of that tensor.

    Parameters
    ----------
    records : LazyRecords
    normalizer : LeadNormalizer
    """

    def __init__(self, records, normalizer):
        self._records = records
        self._normalizer = normalizer
        n_records, _, n_times = records.shape
        self.shape = (n_records, n_times, normalizer.n_leads_out)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        return self._normalize(self._read(index))

    def iter_parts(self, indices):
        """Yield the records at several indices, of which the next ones are read meanwhile.

        The thread only reads the file. Random numbers and the network are those of this thread.
        """
        indices = list(indices)
        with ThreadPoolExecutor(1) as reader:
            reads = (reader.submit(self._read, index) for index in indices)
            pending = list(itertools.islice(reads, 1))
            while pending:
                signals = pending.pop().result()
                pending.extend(itertools.islice(reads, 1))
                yield self._normalize(signals)

    def _read(self, index):
        if isinstance(index, torch.Tensor):
            index = index.numpy()
        return np.asarray(self._records[index])

    def _normalize(self, signals):
        return self._normalizer.to_training_memory(torch.from_numpy(signals))
