"""Networks and losses of torch: finite results of the documented shapes for any sizes.

They take tensors, as torch does: these tests vary sizes, values and parameters, not types.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from strategies import examples, make_signals, seeds

from sklearn_ecg.nn import (
    CNNLSTM,
    LSTM,
    ACLECGNet,
    BeatFeatureLoss,
    BeatFeatureNet,
    ClassificationLoss,
    InceptionTime,
    MSAICLoss,
    MSAICNet,
    ResNet1dWang,
    SignalNetwork,
    SimCardioNet,
    StridedCNN,
    TransformerEncoder,
    VGG1d,
    XResNet1d,
    adjust_logits,
    balanced_contrastive_loss,
    class_contrastive_loss,
    clocs_loss,
    focal_binary_loss,
    focal_cross_entropy,
    hybrid_contrastive_loss,
    lfbt_loss,
    nt_xent_loss,
    prototype_contrastive_loss,
    region_contrastive_loss,
    supervised_contrastive_loss,
)

NETWORKS = {
    CNNLSTM: {"filters": (4,), "hidden_size": 4, "embedding_dim": 4},
    InceptionTime: {"filters": 4, "depth": 2, "kernel_sizes": (5, 3)},
    LSTM: {"hidden_size": 4, "n_layers": 1, "embedding_dim": 4},
    MSAICNet: {"filters": (4,), "dilations": (1, 2), "embedding_dim": 4, "projection_dim": 4},
    ResNet1dWang: {"width": 4, "n_blocks": 1, "embedding_dim": 4},
    TransformerEncoder: {"filters": (4,), "n_layers": 1, "n_heads": 2, "feedforward_size": 8},
    XResNet1d: {"layers": (1, 1), "width": 8, "embedding_dim": 4},
}


class OneConvolution(SignalNetwork):
    """The smallest network of a user."""

    def __init__(self, n_leads, n_outputs):
        super().__init__()
        self.convolution = torch.nn.Conv1d(n_leads, 4, 3, padding=1)
        self.head = torch.nn.Linear(4, n_outputs)
        self.embedding_dim = 4

    def embed(self, x):
        return self.convolution(x).mean(dim=2)


def draw_signals(data):
    n_leads = data.draw(st.sampled_from((3, 1, 12)))
    n_times = data.draw(st.sampled_from((50, 1, 2, 3, 7, 100)))
    n_records = data.draw(st.sampled_from((3, 1)))
    values = data.draw(st.sampled_from(("beats", "zeros", "uV", "tiny")))
    x = make_signals(values, n_records, n_leads, n_times, data.draw(seeds))
    return torch.as_tensor(x, dtype=torch.float32)


@covers(*NETWORKS)
@pytest.mark.parametrize("covered", NETWORKS, ids=lambda c: c.__name__)
@examples(6)
@given(data=st.data())
def test_network(covered, data):
    x = draw_signals(data)
    n_outputs = data.draw(st.sampled_from((1, 4)))
    torch.manual_seed(0)
    network = attempt(covered, x.shape[1], n_outputs, **NETWORKS[covered])
    network.eval()
    with torch.no_grad():
        logits = attempt(network, x)
        first = attempt(network, x[:1])
    logits = logits[0] if isinstance(logits, tuple) else logits
    first = first[0] if isinstance(first, tuple) else first
    assert logits.shape == (len(x), n_outputs) and logits.isfinite().all()
    np.testing.assert_allclose(first, logits[:1], rtol=1e-3, atol=1e-4)


@covers(SignalNetwork, StridedCNN, BeatFeatureNet, VGG1d, ACLECGNet, SimCardioNet)
@examples(8)
@given(data=st.data())
def test_encoders(data):
    x = draw_signals(data)
    vgg = attempt(VGG1d, x.shape[1], filters=(4,), n_convs=(1,)).eval()
    regions = [[0], list(range(x.shape[1]))]
    acl = attempt(
        ACLECGNet,
        x.shape[1],
        regions,
        make_backbone=lambda n_leads: VGG1d(n_leads, filters=(4,), n_convs=(1,)),
        projection_dim=3,
        n_times=x.shape[2],
    )
    acl = acl.eval()
    strided = attempt(StridedCNN, x.shape[1], filters=(4, 3)).eval()
    options = {"n_leads": x.shape[1], "n_times": x.shape[2]}
    features = attempt(BeatFeatureNet, strided, 3, data.draw(st.sampled_from((0, 2))), **options)
    features = features.eval()
    images = torch.rand(len(x), 1, *data.draw(st.sampled_from(((8, 8), (1, 1), (3, 9)))))
    simcardio = attempt(SimCardioNet, 1, filters=(4,), n_heads=0, projection_dim=3).eval()
    attempt(SignalNetwork)
    attempt(OneConvolution, x.shape[1], 2)
    with torch.no_grad():
        for network, batch in (
            (vgg, x),
            (strided, x),
            (features, x),
            (acl, x),
            (simcardio, images),
        ):
            out = attempt(network, batch)
            parts = (
                out.values() if isinstance(out, dict) else out if isinstance(out, tuple) else [out]
            )
            for part in parts:
                assert len(part) in (len(x), 2) and part.isfinite().all()


def draw_projections(data, n_records):
    """L2-normalized projections; ``degenerate`` ones are equal or opposite."""
    rng = torch.Generator().manual_seed(data.draw(seeds))
    kind = data.draw(st.sampled_from(("random", "equal", "opposite")))
    z = torch.randn(n_records, data.draw(st.sampled_from((4, 1, 16))), generator=rng)
    if kind == "equal":
        z = z[:1].expand(n_records, -1).clone()
    elif kind == "opposite":
        z = torch.cat([z[:1], -z[:1].expand(n_records - 1, -1)]) if n_records else z
    return torch.nn.functional.normalize(z, dim=1).requires_grad_()


def check_loss(loss, z, lowest=0.0):
    assert not isinstance(loss, Refused), loss
    assert loss.ndim == 0 and loss.isfinite() and loss >= lowest - 1e-4
    (gradient,) = torch.autograd.grad(loss, z, retain_graph=True)
    assert gradient.isfinite().all()


TEMPERATURES = st.sampled_from((0.1, 1.0, 0.01))


@covers(
    supervised_contrastive_loss,
    class_contrastive_loss,
    balanced_contrastive_loss,
    prototype_contrastive_loss,
)
@examples(30)
@given(data=st.data())
def test_contrastive_losses_of_classes(data):
    n_records = data.draw(st.sampled_from((6, 2, 1, 12)))
    z = draw_projections(data, n_records)
    n_classes = data.draw(st.sampled_from((2, 3)))
    targets = torch.arange(n_records) % data.draw(st.sampled_from((n_classes, 1)))
    weight = data.draw(st.sampled_from((None, torch.ones(n_records), torch.zeros(n_records))))
    options = {"temperature": data.draw(TEMPERATURES), "sample_weight": weight}
    check_loss(attempt(supervised_contrastive_loss, z, targets, **options), z)
    check_loss(attempt(supervised_contrastive_loss, z, targets, gamma=2.0, **options), z)
    n_views = 2 if n_records % 2 == 0 and data.draw(st.booleans()) else 1
    for number in range(n_classes):
        loss = attempt(class_contrastive_loss, z, targets, number, n_views=n_views, **options)
        check_loss(loss, z)
    prototypes = torch.nn.functional.normalize(torch.eye(n_classes, z.shape[1]) + 0.1, dim=1)
    check_loss(attempt(balanced_contrastive_loss, z, targets, prototypes, **options), z)
    prototypes = prototypes[: 2 if n_classes == 2 else n_classes]
    loss = attempt(prototype_contrastive_loss, z, targets, prototypes, n_views=n_views, **options)
    if not isinstance(loss, Refused):
        assert loss.isfinite()


@covers(nt_xent_loss, hybrid_contrastive_loss, region_contrastive_loss, clocs_loss, lfbt_loss)
@examples(30)
@given(data=st.data())
def test_contrastive_losses_of_views(data):
    n_records = data.draw(st.sampled_from((4, 2, 1)))
    first, second = draw_projections(data, n_records), draw_projections(data, n_records)
    width = min(first.shape[1], second.shape[1])
    first, second = first[:, :width], second[:, :width]
    temperature = data.draw(TEMPERATURES)
    check_loss(attempt(nt_xent_loss, first, second, temperature=temperature), first)
    weight = data.draw(st.sampled_from((0.5, 0.0, 1.0)))
    loss = attempt(hybrid_contrastive_loss, first, second, weight=weight, temperature=temperature)
    check_loss(loss, first, lowest=-np.inf)
    projections = torch.stack([first, second]).expand(3, -1, -1, -1)
    for inter in ("align", "separate"):
        out = attempt(region_contrastive_loss, projections, inter=inter, temperature=temperature)
        check_loss(out, first, lowest=-np.inf)
    check_loss(attempt(clocs_loss, projections, temperature=temperature), first, lowest=-np.inf)
    check_loss(attempt(lfbt_loss, projections), first, lowest=-np.inf)


LOGITS = st.sampled_from((1.0, 0.0, 100.0, 1e4))


@covers(BeatFeatureLoss)
@examples(8)
@given(data=st.data())
def test_loss_of_beat_features(data):
    n_records = data.draw(st.sampled_from((6, 1, 12)))
    rng = torch.Generator().manual_seed(data.draw(seeds))
    features = torch.randn(n_records, 3, generator=rng, requires_grad=True)
    targets = torch.randn(n_records, 3, generator=rng)
    targets[:, 0] = data.draw(st.sampled_from((torch.nan, 0.0, 5.0)))
    columns = torch.tensor(data.draw(st.sampled_from(([0], [0, 2], []))), dtype=torch.int64)
    loss = attempt(BeatFeatureLoss, columns, data.draw(st.sampled_from((0.2, 0.0))))
    logits = torch.zeros(n_records, len(columns), requires_grad=True)
    check_loss(attempt(loss, (features, logits), targets), features)


@covers(ClassificationLoss, MSAICLoss, focal_binary_loss, focal_cross_entropy, adjust_logits)
@examples(40)
@given(data=st.data())
def test_classification_losses(data):
    n_records = data.draw(st.sampled_from((6, 1, 12)))
    n_classes = data.draw(st.sampled_from((3, 2)))
    rng = torch.Generator().manual_seed(data.draw(seeds))
    logits = torch.randn(n_records, n_classes, generator=rng) * data.draw(LOGITS)
    logits.requires_grad_()
    gamma = data.draw(st.sampled_from((0.0, 2.0, 0.5)))
    weight = data.draw(st.sampled_from((None, [1.0, 2.0, 0.5], [1.0, 0.0, 1.0])))
    weight = None if weight is None else torch.tensor(weight[:n_classes])
    numbers = torch.arange(n_records) % n_classes
    indicator = torch.nn.functional.one_hot(numbers, n_classes).to(logits.dtype)
    for loss in (
        attempt(focal_cross_entropy, logits, numbers, gamma=gamma, class_weight=weight),
        attempt(focal_binary_loss, logits, indicator, gamma=gamma),
    ):
        losses = loss if loss.ndim == 0 else loss.mean()
        check_loss(losses, logits)
    prior = torch.full((n_classes,), 1 / n_classes)
    tau = data.draw(st.sampled_from((0.0, 1.0)))
    adjusted = attempt(adjust_logits, logits, prior, tau=tau)
    assert adjusted.shape == logits.shape and adjusted.isfinite().all()
    loss = attempt(ClassificationLoss, "multiclass", class_weight=weight, focal_gamma=gamma)
    check_loss(attempt(loss, logits, numbers), logits)
    msaic = attempt(
        MSAICLoss,
        "multiclass",
        focal_gamma=gamma,
        contrastive_loss=data.draw(st.sampled_from(("focal_supcon", "supcon"))),
    )
    if isinstance(msaic, Refused):
        return
    z = draw_projections(data, n_records)
    check_loss(attempt(msaic, (logits, z), numbers), logits)
