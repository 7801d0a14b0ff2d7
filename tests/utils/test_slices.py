"""Tests of how many records a pass takes at a time."""

import numpy as np
import pytest

from sklearn_ecg.utils._torch import slices_of


@pytest.mark.parametrize("shape, largest", [((2, 50), 512), ((12, 1000), 166), ((3000, 3000), 16)])
@pytest.mark.parametrize("n_records", [1, 15, 167, 500, 1025])
def test_every_record_is_in_one_slice_of_a_fit_size(n_records, shape, largest):
    records = np.broadcast_to(np.float32(0), (n_records, *shape))
    parts = slices_of(records)
    taken = [np.arange(n_records)[part] for part in parts]
    np.testing.assert_array_equal(np.concatenate(taken), np.arange(n_records))
    sizes = list(map(len, taken))
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= 1.5 * largest
    assert len(parts) == 1 or min(sizes) >= largest // 2
