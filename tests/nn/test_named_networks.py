"""The networks of ECGNetClassifier: shapes, any length, parameters, receptive fields."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from sklearn_ecg.deep._ecg_net_module import NETWORKS
from sklearn_ecg.nn import CNNLSTM, LSTM, InceptionTime, ResNet1dWang, TransformerEncoder, XResNet1d
from sklearn_ecg.nn._transformer import positional_encoding

SMALL = {
    "cnn_lstm": {"filters": (4, 6), "hidden_size": 5, "embedding_dim": 7},
    "inception_time": {"filters": 3, "kernel_sizes": (5, 3)},
    "lstm": {"hidden_size": 4, "embedding_dim": 7},
    "resnet1d_wang": {"width": 6, "embedding_dim": 7},
    "transformer": {"filters": (4, 8), "n_layers": 2, "n_heads": 2, "feedforward_size": 8},
    "xresnet1d101": {"layers": (1, 2, 1), "width": 4, "embedding_dim": 7},
}


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("n_times", [1, 2, 3, 7, 32])
@pytest.mark.parametrize("n_leads", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_length_and_number_of_leads(name, n_leads, n_times):
    net = NETWORKS[name](n_leads, 5, **SMALL[name])
    x = torch.randn(2, n_leads, n_times)
    assert net(x).shape == (2, 5)
    features = net.feature_map(x)
    # Grad-CAM needs one point for every feature_stride time points, rounded up.
    assert features.shape[2:] == (1, -(-n_times // net.feature_stride))
    embedding = net.embed(x)
    assert embedding.shape == (2, net.embedding_dim)
    assert net.classifier(embedding).shape == (2, 5)


@pytest.mark.parametrize("name", NETWORKS)
def test_memory_order_and_gradients_of_all_parameters(name):
    torch.manual_seed(0)
    net = NETWORKS[name](3, 2, **SMALL[name]).to(memory_format=torch.channels_last)
    stored = torch.randn(4, 40, 3)
    net.eval()
    transposed = stored.transpose(1, 2)
    torch.testing.assert_close(net(transposed), net(transposed.contiguous()))
    net.train()
    net(transposed).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_parameters_of_resnet1d_wang():
    """The number equals that of the benchmark, for twelve leads and its 71 statements."""
    stem = 12 * 128 * 7 + 2 * 128
    block = 128 * 128 * (5 + 3) + 2 * 2 * 128
    shortcut = 128 * 128 + 2 * 128
    head = 2 * 256 + (256 * 128 + 128) + 2 * 128 + (128 * 71 + 71)
    assert n_parameters(ResNet1dWang(12, 71)) == stem + 3 * block + 2 * shortcut + head


@pytest.mark.parametrize("layers", [(3, 4, 6, 3), (3, 4, 23, 3)])
def test_parameters_of_xresnet1d(layers):
    """The numbers equal those of xresnet1d50 and xresnet1d101 of the benchmark."""
    stem = 5 * (12 * 32 + 32 * 32 + 32 * 64) + 2 * (32 + 32 + 64)
    block = 256 * 64 + 5 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256)
    # The input of the first block has 64 channels, and only its shortcut has weights.
    first = block - (256 - 64) * 64 + 64 * 256 + 2 * 256
    head = 2 * 512 + (512 * 128 + 128) + 2 * 128 + (128 * 71 + 71)
    expected = stem + first + (sum(layers) - 1) * block + head
    assert n_parameters(XResNet1d(12, 71, layers=layers)) == expected


def test_initial_blocks_of_xresnet1d_equal_their_shortcuts():
    net = XResNet1d(3, 2, **SMALL["xresnet1d101"]).eval()
    x = torch.randn(2, 16, 1, 9)
    torch.testing.assert_close(net.blocks[2](x), x.relu())
    halved = torch.cat([(x[..., :8:2] + x[..., 1::2]) / 2, x[..., 8:]], dim=-1)
    torch.testing.assert_close(net.blocks[1](x), halved.relu())


def test_parameters_of_inception_time():
    """The paper's kernel sizes are larger by one: see the docstring of InceptionTime."""
    first = 32 * (40 + 20 + 10) + 32 + 2 * 128
    module = 128 * 32 + 32 * 32 * (40 + 20 + 10) + 128 * 32 + 2 * 128
    shortcuts = (128 + 2 * 128) + (128 * 128 + 2 * 128)
    paper = first + 5 * module + shortcuts
    assert paper == 420_192
    net = InceptionTime(1, 2)
    assert n_parameters(net) - n_parameters(net.classifier) == paper - 3 * (32 + 5 * 32 * 32)


@pytest.mark.parametrize("bidirectional, directions", [(False, 1), (True, 2)])
def test_parameters_of_lstm(bidirectional, directions):
    """Count four gates with weights of inputs and states and two biases, and the head."""
    states = directions * 256
    layers = directions * 4 * 256 * ((12 + 256 + 2) + (states + 256 + 2))
    head = 2 * 3 * states + (3 * states * 128 + 128) + 2 * 128 + (128 + 1)
    assert n_parameters(LSTM(12, 1, bidirectional=bidirectional)) == layers + head


def test_parameters_of_cnn_lstm():
    stem = 7 * (12 * 64 + 64 * 128 + 128 * 128) + 2 * (64 + 128 + 128)
    lstm = 2 * 4 * 128 * (128 + 128 + 2)
    head = 2 * 768 + (768 * 128 + 128) + 2 * 128 + (128 + 1)
    assert n_parameters(CNNLSTM(12, 1)) == stem + lstm + head


def test_parameters_of_transformer():
    stem = 7 * (12 * 64 + 64 * 128 + 128 * 128) + 2 * (64 + 128 + 128)
    attention = 4 * (128 * 128 + 128)
    feedforward = (128 * 256 + 256) + (256 * 128 + 128)
    layer = attention + feedforward + 2 * 2 * 128
    assert n_parameters(TransformerEncoder(12, 1)) == stem + 4 * layer + 2 * 128 + (128 + 1)


def test_documented_numbers_of_parameters():
    """The table of the user guide, for twelve leads and one logit."""
    page = Path(__file__).parents[2] / "docs" / "methods" / "ecg_net.rst"
    rows = re.findall(r'"``(\w+)``","([\d,]+)"', page.read_text(encoding="utf-8"))
    documented = {name: int(number.replace(",", "")) for name, number in rows}
    assert documented == {name: n_parameters(net(12, 1)) for name, net in NETWORKS.items()}


def receptive_field(net, n_times, point):
    """Return the time points on which a point of the feature map depends."""
    net.eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.1)  # all values are positive, so ReLU passes them
    x = torch.rand(1, 1, n_times, dtype=torch.float64, requires_grad=True)
    net.double().feature_map(x)[0, :, 0, point].sum().backward()
    return x.grad[0, 0].nonzero().flatten().tolist()


def test_receptive_field_of_resnet1d_wang():
    """Kernel sizes: stem 7, blocks 5 and 3; steps 1 and 1, 1 and 2, 2 and 4."""
    field = 1 + 6 + (4 + 2) + (4 + 2 * 2) + (2 * 4 + 4 * 2)
    points = receptive_field(ResNet1dWang(1, 1, width=2), 160, point=20)
    assert points == list(range(80 - field // 2, 80 + field // 2 + 1))


def test_center_of_the_first_point_of_xresnet1d():
    """It is between that of the shortcuts, 2 + 4 + 8, and that of the strided convolutions, 0."""
    torch.manual_seed(0)
    net = XResNet1d(1, 1, layers=(1, 1, 1, 1), width=4).double().eval()
    x = torch.randn(20, 1, 640, dtype=torch.float64, requires_grad=True)
    centers = []
    for gamma in (0.0, 100.0):
        for norm in (block.convs[-1] for block in net.blocks):
            nn.init.constant_(norm.weight, gamma)
        (gradient,) = torch.autograd.grad(net.feature_map(x)[:, :, 0, 10].sum(), x)
        weight = gradient.square().sum((0, 1))
        centers.append(float(weight @ torch.arange(640.0).double() / weight.sum()) - 320)
    assert centers[1] < net.feature_offset == 7 < centers[0]


def test_receptive_field_of_inception_time():
    points = receptive_field(InceptionTime(1, 1, filters=1), 401, point=200)
    assert points == list(range(200 - 6 * 19, 200 + 6 * 19 + 1))


def test_receptive_field_of_lstm():
    assert receptive_field(LSTM(1, 1, hidden_size=3), 20, point=12) == list(range(13))
    both = LSTM(1, 1, hidden_size=3, bidirectional=True)
    assert receptive_field(both, 20, point=12) == list(range(20))


def test_last_states_of_both_directions():
    """The last state of the backward direction is at the first time point."""
    net = LSTM(1, 1, hidden_size=2, n_layers=1, bidirectional=True).eval()
    x = torch.randn(3, 1, 9)
    _, (last, _) = net.lstm(x.transpose(1, 2))
    head_inputs = []
    net.head.register_forward_pre_hook(lambda module, args: head_inputs.append(args[0]))
    net(x)
    torch.testing.assert_close(head_inputs[0][:, -4:], torch.cat([last[0], last[1]], dim=1))


def test_positional_encoding_equals_the_formula_of_the_paper():
    table = positional_encoding(torch.zeros(1, 50, 6))
    for position in (0, 1, 49):
        for i in range(3):
            angle = torch.tensor(position / 10_000 ** (2 * i / 6))
            expected = torch.stack([angle.sin(), angle.cos()])
            torch.testing.assert_close(table[position, 2 * i : 2 * i + 2], expected)


def test_layers_of_the_transformer_have_different_initial_weights():
    first, second = TransformerEncoder(1, 1, **SMALL["transformer"]).encoder.layers
    for (name, weight), other in zip(first.named_parameters(), second.parameters()):
        assert weight.ndim == 1 or not torch.equal(weight, other), name


def test_invalid_width_of_the_transformer():
    with pytest.raises(ValueError, match="even and a multiple of n_heads=8, got 12"):
        TransformerEncoder(1, 1, filters=(12,))
