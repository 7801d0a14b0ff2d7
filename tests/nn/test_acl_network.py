"""The network of ACL-ECG: shapes, parameters, receptive field, and classifiers on top of it."""

import pytest
import torch

from sklearn_ecg.nn import ACLECGNet, VGG1d
from sklearn_ecg.nn._encoder_classifiers import FineTunedNet, LinearProbe

REGIONS = [[0, 1], [2, 3], [4, 5], [6, 7]]


def make_net(shared_encoder=False, **options):
    torch.manual_seed(0)
    return ACLECGNet(
        8,
        REGIONS,
        make_backbone=VGG1d,
        shared_encoder=shared_encoder,
        projection_dim=16,
        n_times=100,
        dtype=torch.float32,
        **options,
    )


def test_vgg_parameter_count():
    widths, total = [1, 8, 8, 16, 16, 32, 32, 32, 64, 64, 64, 64, 64, 64], 0
    for width_in, width in zip(widths, widths[1:]):
        total += 3 * width_in * width + 2 * width  # a convolution without bias, BatchNorm
    assert sum(weights.numel() for weights in VGG1d().parameters()) == total


def test_vgg_receptive_field():
    """Add up 13 convolutions of kernel size 3 and the pooling between them."""
    net = VGG1d().eval()
    x = torch.zeros(1, 1, 1001, requires_grad=True)
    features = x.unsqueeze(2)
    for block in net.blocks:
        features = torch.nn.functional.avg_pool2d(block(features), (1, 2), ceil_mode=True)
    with torch.no_grad():
        for block in net.blocks:
            for layer in block[0::3]:
                layer.weight.fill_(1.0)
    features = x.unsqueeze(2)
    for block in net.blocks:
        features = torch.nn.functional.avg_pool2d(block(features + 1), (1, 2), ceil_mode=True)
    features[0, 0, 0, 15].backward()
    inputs = x.grad[0, 0].nonzero()[:, 0]
    convolutions = 2 * (2 * 1 + 2 * 2 + 3 * 4 + 3 * 8 + 3 * 16)
    pooling = 1 + 2 + 4 + 8 + 16
    assert inputs.max() - inputs.min() + 1 == 1 + convolutions + pooling


@pytest.mark.parametrize("n_times", [1, 2, 33, 100])
@pytest.mark.parametrize("shared_encoder", [False, True])
def test_shapes(n_times, shared_encoder):
    net = make_net(shared_encoder)
    projections, embedding = net(torch.randn(5, 8, n_times))
    assert projections.shape == (4, 5, 16)
    assert embedding.shape == (5, 8 * 64)
    torch.testing.assert_close(projections.norm(dim=2), torch.ones(4, 5))


def test_projections_of_any_length():
    unit, free = make_net(), make_net(unit_projections=False)
    x = torch.randn(5, 8, 100)
    expected, found = unit(x)[0], free(x)[0]
    assert (found.norm(dim=2) - 1).abs().min() > 1e-3
    torch.testing.assert_close(torch.nn.functional.normalize(found, dim=2), expected)


def test_a_lead_affects_only_its_vector_and_its_region():
    net = make_net().eval()
    x = torch.randn(3, 8, 100)
    other = x.clone()
    other[:, 4] += torch.randn(3, 100)
    with torch.no_grad():
        (before, vectors), (after, moved) = net(x), net(other)
    changed = (vectors != moved).reshape(3, 8, 64).any(2).any(0)
    assert changed.tolist() == [lead == 4 for lead in range(8)]
    assert (before != after).any(2).any(1).tolist() == [False, False, True, False]


def test_shared_projector_maps_equal_regions_to_equal_projections():
    x = torch.randn(6, 2, 100).repeat(1, 4, 1)  # the leads of all regions are equal
    shared = make_net(shared_encoder=True, shared_projector=True)
    projections, _ = shared(x)
    assert len(shared.projectors) == 1 and projections.shape == (4, 6, 16)
    torch.testing.assert_close(projections, projections[:1].expand_as(projections))
    own, _ = make_net(shared_encoder=True)(x)
    assert (own[0] - own[1]).abs().max() > 0.1


def test_shared_projector_normalizes_all_regions_together():
    """BatchNorm of single regions would remove the mean difference between regions."""
    net = make_net(shared_projector=True)
    offset = torch.linspace(-2, 2, 4).repeat_interleave(2)[:, None].expand(8, 64).flatten()
    embedding = torch.randn(32, 512) * 0.1 + offset
    net.embed = lambda x: embedding
    projections, _ = net(None)
    regions = embedding.unflatten(1, (4, 128)).transpose(0, 1)
    rows = net.projectors[0](regions.reshape(-1, 128)).unflatten(0, (4, -1))
    torch.testing.assert_close(projections, torch.nn.functional.normalize(rows, dim=2))
    means = projections.mean(1)
    assert (means[0] - means[3]).norm() > 0.5


def test_shared_projector_requires_regions_of_one_size():
    options = {"projection_dim": 16, "n_times": 100, "shared_projector": True}
    with pytest.raises(ValueError, match=r"same number of leads, but regions have \[2, 1\] leads"):
        ACLECGNet(3, [[0, 1], [2]], **options)


def test_shared_encoder_maps_equal_leads_to_equal_vectors():
    net = make_net(shared_encoder=True).eval()
    x = torch.randn(3, 1, 100).expand(3, 8, 100)
    vectors = net.embed(x).reshape(3, 8, 64)
    torch.testing.assert_close(vectors, vectors[:, :1].expand_as(vectors))
    assert len(net.encoders) == 1


def test_backbone_that_returns_no_vectors():
    with pytest.raises(
        ValueError, match=r"vectors \(batch, n_features\); .* returned \(2, 1, 100\)"
    ):
        ACLECGNet(
            8,
            REGIONS,
            make_backbone=lambda n_leads: torch.nn.Conv1d(n_leads, 1, 3, padding=1),
            shared_encoder=False,
            projection_dim=16,
            n_times=100,
            dtype=torch.float32,
        )


def test_linear_probe_freezes_the_encoder_and_fine_tuning_does_not():
    x = torch.randn(6, 8, 100)
    probe = LinearProbe(make_net(), 2).train()
    before = {name: value.clone() for name, value in probe.encoder.state_dict().items()}
    embedding = probe.embed(x)
    probe(embedding[:, :, None]).sum().backward()
    for name, value in probe.encoder.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(weights.grad is None for weights in probe.encoder.parameters())
    tuned = FineTunedNet(make_net(), 2).train()
    tuned(x).sum().backward()
    assert all(weights.grad is not None for weights in tuned.encoder.parameters())
