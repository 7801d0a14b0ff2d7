"""The encoder of strided convolutions."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_ecg import ACLECGEncoder
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn import StridedCNN


@pytest.mark.parametrize("n_times", [1, 2, 7, 250])
def test_equals_convolutions_step_by_step(n_times):
    net = StridedCNN(2, filters=(4, 6), kernel_size=5).eval()
    x = torch.randn(3, 2, n_times)
    hidden = x
    for i in (0, 3):
        convolution, norm = net.layers[i], net.layers[i + 1]
        norm.running_mean.normal_()
        hidden = F.conv1d(hidden, convolution.weight[:, :, 0], stride=2, padding=2)
        hidden = F.relu((hidden - norm.running_mean[:, None]) / (1 + norm.eps) ** 0.5)
    expected = torch.cat([hidden.mean(2), hidden.amax(2)], dim=1)
    torch.testing.assert_close(net(x), expected)
    assert net.embedding_dim == expected.shape[1]


@pytest.mark.parametrize("filters", [(), (8.5,), (8, 0), np.array([8.0])], ids=str)
def test_wrong_filters(filters):
    with pytest.raises(ValueError, match="filters must contain an integer > 0 for each"):
        StridedCNN(filters=filters)
    StridedCNN(filters=np.array([8, 4]))


def test_number_of_parameters():
    convolutions = 7 * (1 * 16 + 16 * 32 + 32 * 64 + 64 * 64)
    expected = convolutions + 2 * (16 + 32 + 64 + 64)
    assert sum(p.numel() for p in StridedCNN().parameters()) == expected == 47_056


def test_backbone_of_acl_ecg():
    ecg = make_ecg(8, duration=1, random_state=0)
    encoder = ACLECGEncoder(backbone="strided", sampling_rate=100, max_epochs=1, random_state=0)
    assert encoder.fit(ecg.data).transform(ecg.data).shape == (8, 8 * 128)
    assert isinstance(encoder.net_.module_.encoders[0], StridedCNN)
