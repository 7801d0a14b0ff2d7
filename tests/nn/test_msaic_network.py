"""The network of MSAIC-Net and its blocks: shapes, parameters, receptive field, any length."""

import math

import pytest
import torch
from torch import nn

from sklearn_ecg.nn import MSAICNet
from sklearn_ecg.nn._blocks import (
    ConvBlock,
    EfficientChannelAttention,
    SqueezeExcitation,
    conv,
    max_pool,
    mean_over_time,
    to_channels_last,
)


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("n_times", [1, 2, 3, 7, 31, 250])
@pytest.mark.parametrize("n_leads", [1, 2, 12])
def test_any_length_and_number_of_leads(n_leads, n_times):
    net = MSAICNet(n_leads, 5, projection_dim=16)
    logits, projection = net(torch.randn(3, n_leads, n_times))
    assert logits.shape == (3, 5)
    assert projection.shape == (3, 16)
    torch.testing.assert_close(projection.norm(dim=1), torch.ones(3))
    assert net.embed(torch.randn(3, n_leads, n_times)).shape == (3, net.embedding_dim)


def test_parameter_count():
    """Count convolutions, BatchNorm, ECA kernels, projection, classifier and contrastive head."""
    net = MSAICNet(
        12,
        1,
        dilations=(1, 2),
        filters=(8, 16),
        kernel_size=5,
        embedding_dim=32,
        projection_dim=4,
    )
    branch = (12 * 8 * 5 + 2 * 8 + 3) + (8 * 16 * 5 + 2 * 16 + 3)
    projection = 2 * 16 * 32 + 2 * 32
    head = (32 * 32 + 32) + (32 * 4 + 4)
    assert n_parameters(net) == 2 * branch + projection + (32 + 1) + head


def test_ablations_have_fewer_parameters():
    full = n_parameters(MSAICNet(12, 1))
    assert n_parameters(MSAICNet(12, 1, attention=None)) < full
    assert n_parameters(MSAICNet(12, 1, dilations=(1,))) < 2 / 3 * full
    assert MSAICNet(12, 1, projection_dim=None).projector is None


@pytest.mark.parametrize("dilation, kernel_size", [(1, 7), (2, 7), (8, 3), (4, 1)])
def test_receptive_field_of_a_block(dilation, kernel_size):
    """A point depends on kernel_size points, dilation apart, and on no others."""
    layer = conv(1, 1, kernel_size, dilation=dilation)
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 1, 129, requires_grad=True)
    layer(x)[0, 0, 0, 64].backward()
    inputs = x.grad[0, 0, 0].nonzero().flatten().tolist()
    half = kernel_size // 2
    assert inputs == [64 + dilation * k for k in range(-half, half + 1)]


def test_receptive_field_of_a_branch():
    """It is 1 plus the sum over blocks of ((k - 1) d + pool - 1) * (stride so far)."""
    kernel_size, dilation, pool_size = 3, 4, 2
    blocks = nn.Sequential(
        *[
            ConvBlock(
                1,
                1,
                kernel_size=kernel_size,
                dilation=dilation,
                pool_size=pool_size,
                attention=None,
            )
            for _ in range(2)
        ]
    ).eval()
    for block in blocks:
        nn.init.ones_(block.conv.weight)
    # In a rising signal the last point of each pool is the maximum, in a falling one the first.
    reached = set()
    for sign in (1, -1):
        x = (2.0 + sign * torch.linspace(-1, 1, 256)).reshape(1, 1, 1, -1).requires_grad_()
        y = blocks(x)
        y[0, 0, 0, y.shape[-1] // 2].backward()
        reached |= set(x.grad.flatten().nonzero().flatten().tolist())
    field, step = 1, 1
    for _ in range(2):
        field += (kernel_size - 1) * dilation * step + (pool_size - 1) * step
        step *= pool_size
    assert max(reached) - min(reached) + 1 == field


def reached_points(branch, n_leads, n_times):
    """Return the distance of the outermost time points that the central point depends on."""
    for module in branch.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    reached = set()
    for sign in (1, -1):
        x = (2.0 + sign * torch.linspace(-1, 1, n_times)).repeat(1, n_leads, 1, 1)
        x = x.requires_grad_()
        y = branch.double()(x.double())
        y[0, 0, 0, y.shape[-1] // 2].backward()
        reached |= set(x.grad.sum((0, 1, 2)).nonzero().flatten().tolist())
    return max(reached) - min(reached) + 1


@pytest.mark.parametrize(
    "params, expected",
    [
        # The network of the paper.
        ({"kernel_size": 7, "stride": 1, "pool_size": 1}, [19, 37, 73, 145]),
        ({"kernel_size": 3, "stride": 2, "pool_size": (2, 1, 2)}, None),
        (
            {"kernel_size": 7, "stride": 3, "pool_size": (1, 1, 1), "dilations": (1, 5)},
            [43, 211],
        ),
        ({}, None),
    ],
)
def test_receptive_fields_of_the_branches(params, expected):
    net = MSAICNet(2, 1, filters=(4, 4, 4), attention=None, dropout=0, **params).eval()
    found = [reached_points(branch, 2, 2400) for branch in net.branches]
    assert net.receptive_fields == found
    assert expected is None or found == expected


def test_receptive_fields_of_the_default_differ():
    """In seconds at 100 Hz, the sampling rate for which the default was chosen."""
    seconds = [field / 100 for field in MSAICNet(12, 1).receptive_fields]
    assert all(wide > 1.4 * narrow for narrow, wide in zip(seconds, seconds[1:]))


def test_parameter_counts_of_the_default():
    """The numbers are in the tables of the documentation."""
    branch = (12 * 8 * 3 + 16 + 3) + (8 * 16 * 3 + 32 + 3) + (16 * 32 * 3 + 64 + 3)
    projection, head = 128 * 128 + 256, (128 * 128 + 128) + (128 * 64 + 64)
    assert n_parameters(MSAICNet(12, 1)) == 4 * branch + projection + 129 + head == 50_853
    single = MSAICNet(12, 1, dilations=(1,), attention=None, projection_dim=None)
    assert n_parameters(single) == branch - 9 + 32 * 128 + 256 + 129 == 6_801


def test_lead_attention():
    """The gates are those of attention on the root mean squares of the leads."""
    net = MSAICNet(12, 1, lead_attention="eca")
    assert n_parameters(net) == n_parameters(MSAICNet(12, 1)) + 3
    x = torch.randn(4, 12, 1, 100) * torch.arange(12).reshape(1, 12, 1, 1)
    gates = net.lead_attention.attention(x.square().mean((2, 3)).sqrt())
    expected = x * gates[:, :, None, None]
    torch.testing.assert_close(net.lead_attention(x), expected, rtol=0, atol=1e-4)
    other = MSAICNet(12, 1, lead_attention="se")
    net(torch.zeros(4, 12, 100))[0].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
    assert n_parameters(other) == n_parameters(MSAICNet(12, 1)) + 12 * 4 + 4 + 4 * 12 + 12


def test_pool_sizes_of_the_blocks():
    net = MSAICNet(2, 1, stride=2, pool_size=(3, 1, 2))
    assert net.feature_stride == 12
    # Of the points of the map after the pools: the middles of 3, 1 and 2 points, 2 and 6 apart.
    assert net.feature_offset == 2 * 1 + 6 * 0.5
    assert (
        MSAICNet(2, 1, pool_size=2).feature_offset
        == MSAICNet(2, 1, pool_size=(2,) * 3).feature_offset
    )
    with pytest.raises(ValueError, match="pool_size has 2 sizes, but filters has 3 blocks"):
        MSAICNet(2, 1, pool_size=(2, 2))


def test_strides_and_pools_round_up():
    x = torch.randn(1, 2, 1, 11)
    assert conv(2, 3, 7, stride=2)(x).shape[-1] == 6
    assert max_pool(x, 4).shape[-1] == 3
    assert max_pool(x, 1) is x
    for n_times in (1, 2, 7, 8):
        signal = torch.randn(2, 3, 1, n_times)
        expected = torch.nn.functional.max_pool2d(signal, (1, 2), ceil_mode=True)
        with torch.inference_mode():
            assert torch.equal(max_pool(signal, 2), expected)


def test_even_kernel_size_raises():
    with pytest.raises(ValueError, match="kernel_size must be odd, got 4"):
        conv(1, 1, 4)


@pytest.mark.parametrize("n_leads", [1, 3])
def test_convolutions_keep_channels_last(n_leads):
    """One lead, too, whose memory may be read in either layout."""
    x = torch.randn(4, n_leads, 50)
    layer = conv(n_leads, 8, 3)
    for signals in (x, x.mT.contiguous().mT, torch.cat([x, x], dim=1)[:, n_leads:]):
        found = to_channels_last(signals)
        torch.testing.assert_close(found[:, :, 0], x, rtol=0, atol=0)
        assert layer(found).is_contiguous(memory_format=torch.channels_last)
        assert not layer(found).is_contiguous()


def test_gradient_of_the_mean_over_time_stays_channels_last():
    x = torch.randn(4, 3, 1, 50).contiguous(memory_format=torch.channels_last).requires_grad_()
    torch.testing.assert_close(mean_over_time(x), x.mean((2, 3)))
    weights = torch.randn(4, 3)
    (gradient,) = torch.autograd.grad((mean_over_time(x) * weights).sum(), x)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(gradient, (weights / 50)[:, :, None, None].expand(4, 3, 1, 50))


def test_to_channels_last_copies_no_data():
    stored = torch.randn(4, 100, 12)
    x = to_channels_last(stored.transpose(1, 2))
    assert x.shape == (4, 12, 1, 100)
    assert x.data_ptr() == stored.data_ptr()


def test_conv_equals_conv1d():
    x = torch.randn(2, 3, 40)
    layer = conv(3, 5, 7, dilation=3)
    expected = nn.functional.conv1d(x, layer.weight[:, :, 0], padding=9, dilation=3)
    torch.testing.assert_close(layer(to_channels_last(x))[:, :, 0], expected)


def test_eca_convolves_across_channels(monkeypatch):
    eca = EfficientChannelAttention(64)
    assert eca.conv.kernel_size == (3,) and eca.conv.bias is None
    assert EfficientChannelAttention(256).conv.kernel_size == (5,)
    means = torch.randn(2, 64)
    weight = eca.conv.weight.flatten()
    padded = nn.functional.pad(means, (1, 1))
    expected = torch.sigmoid(sum(weight[k] * padded[:, k : k + 64] for k in range(3)))
    torch.testing.assert_close(eca(means), expected)
    # The way of GPUs and of exported files.
    program = torch.export.export(eca, (means,))
    assert "conv1d" in str(program.graph) and "unfold" not in str(program.graph)
    torch.testing.assert_close(program.module()(means), expected)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(eca(means), expected)
    assert eca.to("meta")(means.to("meta")).shape == means.shape


def test_se_has_a_bottleneck():
    se = SqueezeExcitation(64)
    assert n_parameters(se) == 64 * 4 + 4 + 4 * 64 + 64
    gates = se(torch.randn(2, 64))
    assert gates.shape == (2, 64) and ((gates > 0) & (gates < 1)).all()


@pytest.mark.parametrize("attention", ["eca", "se"])
def test_gates_commute_with_pooling(attention):
    """The block gives the same as convolution, norm, ReLU, gates, and then max-pooling."""
    block = ConvBlock(3, 8, dilation=2, pool_size=2, attention=attention).eval()
    x = torch.randn(4, 3, 1, 50)
    y = nn.functional.relu(block.norm(block.conv(x)))
    gates = block.attention(max_pool(y, 2).mean((2, 3)))
    torch.testing.assert_close(block(x), max_pool(y * gates[:, :, None, None], 2))


def test_dropout_drops_whole_channels_in_training_only():
    block = ConvBlock(3, 64, dropout=0.5, attention=None)
    x = torch.randn(2, 3, 1, 50)
    torch.manual_seed(0)
    dropped = (block(x).abs().sum((2, 3)) == 0).float().mean()
    assert 0.3 < dropped < 0.7
    block.eval()
    assert (block(x).abs().sum((2, 3)) > 0).all()


@pytest.mark.parametrize(
    "channels, size", [(1, 1), (4, 1), (8, 3), (64, 3), (128, 5), (256, 5), (2048, 7)]
)
def test_eca_kernel_size_is_rounded_up_to_an_odd_number(channels, size):
    rounded_down = int(math.log2(channels) / 2 + 0.5)
    assert size == (rounded_down if rounded_down % 2 else rounded_down + 1)
    attention = EfficientChannelAttention(channels)
    assert attention.conv.kernel_size == (size,)
    assert attention(torch.rand(2, channels)).shape == (2, channels)
