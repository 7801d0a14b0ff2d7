"""The network of SimCardioNet: shapes, parameters, receptive field and attention."""

import pytest
import torch
from torch.nn import functional as F

from sklearn_ecg.nn import SimCardioNet
from sklearn_ecg.nn._encoder_classifiers import FineTunedNet
from sklearn_ecg.nn._simcardionet import SelfAttention


def make_net(**params):
    torch.manual_seed(0)
    defaults = {"filters": (8, 16), "n_heads": 2, "projection_dim": 4}
    return SimCardioNet(1, **{**defaults, **params}).double()


def test_shapes_and_parameter_count():
    net = SimCardioNet(3, filters=(32, 64, 128, 256), n_heads=4, projection_dim=128)
    x = torch.rand(2, 3, 224, 224)
    assert net.feature_map(x).shape == (2, 256, 7, 7)
    assert net.feature_stride * 7 == 224
    projections, embedding = net(x)
    assert projections.shape == (2, 128) and embedding.shape == (2, 256)
    torch.testing.assert_close(projections.norm(dim=1), torch.ones(2))

    def n_weights(width_in, width, is_first=False):
        half = width // 2
        steps = width_in * width * 9 + 2 * width
        if is_first:
            steps = width_in * half * 9 + 2 * half + half * width * 9 + 2 * width
        branches = width * (width // 4) * (9 + 25 + 49) + 3 * 2 * (width // 4)
        return steps + branches + 3 * (width // 4) * width + 2 * width

    expected = n_weights(3, 32, True) + n_weights(32, 64) + n_weights(64, 128) + n_weights(128, 256)
    attention = 2 * 256 + 4 * (256 * 256 + 256)
    projector = 256 * 256 + 256 + 256 * 128 + 128
    assert sum(p.numel() for p in net.parameters()) == expected + attention + projector


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 7), (33, 64)])
def test_any_size(size):
    assert make_net().eval().embed(torch.rand(2, 1, *size).double()).shape == (2, 16)


def make_block(**params):
    """Make the multi-scale block of a stage with 8 channels, without the downsampling."""
    stage = make_net(filters=(8, 8), **params).stages[1]
    stage.down = torch.nn.Identity()
    stage(torch.randn(8, 8, 15, 15).double())  # statistics of BatchNorm
    return stage.eval()


@pytest.mark.parametrize("kernel_sizes", [(3, 5, 7), (1,), (9, 3)])
def test_receptive_field_of_a_stage(kernel_sizes):
    stage = make_block(kernel_sizes=kernel_sizes)
    # Many records, because ReLU may block the gradient of one.
    x = torch.randn(32, 8, 15, 15, dtype=torch.float64, requires_grad=True)
    stage(x)[:, :, 7, 7].sum().backward()
    rows, columns = torch.nonzero(x.grad.abs().sum((0, 1)), as_tuple=True)
    reach = max(kernel_sizes) // 2
    for positions in (rows, columns):
        assert positions.min() == 7 - reach and positions.max() == 7 + reach


def test_block_equals_the_formula():
    stage, x = make_block(), torch.randn(2, 8, 9, 9).double()
    parts = []
    for size, (conv, norm, _) in zip((3, 5, 7), stage.branches, strict=True):
        assert conv.kernel_size == (size, size) and conv.bias is None
        parts.append(norm(F.conv2d(x, conv.weight, padding=size // 2)).clamp(min=0))
    fused = torch.einsum("oc,bchw->bohw", stage.fuse.weight[:, :, 0, 0], torch.cat(parts, dim=1))
    torch.testing.assert_close(stage(x), x + stage.norm(fused).clamp(min=0))


@torch.no_grad()
def share_not_explained_by_one_convolution(stage):
    """Fit the best 7x7 convolution to what a block computes before its last ReLU."""
    x = torch.randn(16, 8, 15, 15, generator=torch.Generator().manual_seed(0)).double()
    parallel = torch.cat([branch(x) for branch in stage.branches], dim=1)
    outputs = stage.norm(stage.fuse(parallel))[:, :, 3:-3, 3:-3].movedim(1, -1).reshape(-1, 8)
    inputs = F.unfold(x, 7).movedim(1, -1).reshape(len(outputs), -1)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1).double()], dim=1)
    assert len(inputs) > 3 * inputs.shape[1]
    rest = outputs - inputs @ torch.linalg.lstsq(inputs, outputs).solution
    return (rest.var(dim=0) / outputs.var(dim=0)).min().item()


def test_no_single_convolution_equals_the_block():
    stage = make_block()
    assert share_not_explained_by_one_convolution(stage) > 0.1
    for branch in stage.branches:
        branch[2] = torch.nn.Identity()  # without ReLU it is one convolution
    assert share_not_explained_by_one_convolution(stage) < 1e-20


@pytest.mark.parametrize("kernel_sizes", [(), (4,), (3, 0), (3, 5.0), (-3,)])
def test_wrong_kernel_sizes_raise(kernel_sizes):
    with pytest.raises(ValueError, match="kernel_sizes must contain .* odd integers >= 1, got"):
        make_net(kernel_sizes=kernel_sizes)


def test_attention_equals_the_formula():
    torch.manual_seed(0)
    block = SelfAttention(6, 2).double()
    x = torch.randn(1, 6, 2, 3, dtype=torch.float64)
    positions = x[0].flatten(1).T
    normed = F.layer_norm(positions, (6,), block.norm.weight, block.norm.bias)
    inner = block.attention
    q, k, v = (normed @ inner.in_proj_weight.T + inner.in_proj_bias).split(6, dim=1)
    heads = []
    for h in range(2):
        part = slice(3 * h, 3 * h + 3)
        weights = (q[:, part] @ k[:, part].T / 3**0.5).softmax(dim=1)
        heads.append(weights @ v[:, part])
    attended = torch.cat(heads, dim=1) @ inner.out_proj.weight.T + inner.out_proj.bias
    torch.testing.assert_close(block(x)[0].flatten(1).T, positions + attended)


def test_attention_belongs_to_the_last_stage():
    names = [name for name, _ in make_net().named_parameters() if "attention" in name]
    assert names and all(name.startswith("stages.1.attention") for name in names)
    assert not [n for n, _ in make_net(n_heads=0).named_parameters() if "attention" in n]


def test_frozen_stages_stay_in_evaluation_mode():
    net = FineTunedNet(make_net(), 2).train()
    assert all(stage.training for stage in net.encoder.stages)
    net.encoder.stages[0].requires_grad_(False)
    net.train()
    assert [stage.training for stage in net.encoder.stages] == [False, True]
    assert not any(m.training for m in net.encoder.stages[0].modules())
