"""Tests of how many records are processed at once."""

import numpy as np
import pytest

from sklearn_ecg.utils._chunks import NETWORK, ChunkBudget, array_chunks, record_chunks


@pytest.mark.parametrize("shape, largest", [((2, 50), 512), ((12, 1000), 166), ((3000, 3000), 16)])
@pytest.mark.parametrize("n_records", [1, 15, 167, 500, 1025])
def test_every_record_is_in_one_chunk_of_a_suitable_size(n_records, shape, largest):
    records = np.broadcast_to(np.float32(0), (n_records, *shape))
    parts = array_chunks(records, NETWORK)
    taken = [np.arange(n_records)[part] for part in parts]
    np.testing.assert_array_equal(np.concatenate(taken), np.arange(n_records))
    sizes = list(map(len, taken))
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= 1.5 * largest
    assert len(parts) == 1 or min(sizes) >= largest // 2


def test_no_records_and_small_budgets():
    assert record_chunks(0, 10, NETWORK) == []
    assert record_chunks(3, 10, ChunkBudget(1)) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert record_chunks(3, 0, ChunkBudget(3)) == [slice(0, 3)]
