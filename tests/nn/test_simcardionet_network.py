import pytest
import torch
from torch.nn import functional as F

from sklearn_ecg.nn.fine_tuning import FineTunedNet
from sklearn_ecg.nn.normalization import ImageNormalizer
from sklearn_ecg.nn.self_supervised import (
    HybridContrastiveLoss,
    hybrid_contrastive_loss,
    nt_xent_loss,
)
from sklearn_ecg.nn.simcardionet import SelfAttention, SimCardioNet


def make_net(**params):
    torch.manual_seed(0)
    defaults = {"filters": (8, 16), "n_heads": 2, "projection_dim": 4}
    return SimCardioNet(1, **{**defaults, **params}).double()


def unit(*shape):
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return F.normalize(vectors, dim=-1)


def slow_hybrid(first, second, weight, temperature):
    """From the formula, one anchor at a time."""
    n, nt_xent, cosine = len(first), 0.0, 0.0
    both = torch.cat([first, second])
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        others = [torch.exp(both[i] @ both[j] / temperature) for j in range(2 * n) if j != i]
        nt_xent += -torch.log(torch.exp(both[i] @ both[partner] / temperature) / sum(others))
    for k in range(n):
        cosine += 1 - first[k] @ second[k]
    return weight * nt_xent / (2 * n) + (1 - weight) * cosine / n


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_hybrid_loss_is_the_formula(weight):
    first, second = unit(2, 6, 5)
    loss, parts = hybrid_contrastive_loss(
        first, second, weight=weight, temperature=0.2, return_parts=True
    )
    torch.testing.assert_close(loss, slow_hybrid(first, second, weight, 0.2))
    torch.testing.assert_close(weight * parts["nt_xent"] + (1 - weight) * parts["cosine"], loss)
    torch.testing.assert_close(parts["alignment"], 2 * parts["cosine"])


def test_hybrid_loss_at_its_ends():
    first, second = unit(2, 6, 5)
    nt_xent = nt_xent_loss(first, second, temperature=0.1)
    torch.testing.assert_close(hybrid_contrastive_loss(first, second, weight=1.0), nt_xent)
    cosine = 1 - F.cosine_similarity(first, second).mean()
    torch.testing.assert_close(hybrid_contrastive_loss(first, second, weight=0.0), cosine)


def test_hybrid_loss_of_one_record_is_its_cosine():
    first, second = unit(2, 1, 5)
    loss = hybrid_contrastive_loss(first, second, weight=0.5)
    torch.testing.assert_close(loss, 0.5 * (1 - first @ second.T).squeeze())


def test_loss_of_a_network_keeps_its_parts():
    loss = HybridContrastiveLoss(0.5, 0.1)
    loss((unit(8, 5), unit(8, 7)))
    assert set(loss.parts) == {"nt_xent", "cosine", "alignment", "uniformity", "effective_rank"}


def test_shapes_and_weights():
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
        branches = width * (width // 4) * (9 + 25 + 49)
        return steps + branches + 3 * (width // 4) * width + 2 * width

    expected = n_weights(3, 32, True) + n_weights(32, 64) + n_weights(64, 128) + n_weights(128, 256)
    attention = 2 * 256 + 4 * (256 * 256 + 256)
    projector = 256 * 256 + 256 + 256 * 128 + 128
    assert sum(p.numel() for p in net.parameters()) == expected + attention + projector


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 7), (33, 64)])
def test_any_size_is_read(size):
    assert make_net().eval().embed(torch.rand(2, 1, *size).double()).shape == (2, 16)


def test_every_pixel_of_a_stage_sees_seven_pixels_around():
    stage = make_net().stages[1].double().eval()
    stage.down = torch.nn.Identity()
    stage.branches = make_net(filters=(8, 8)).stages[1].branches
    stage.fuse = make_net(filters=(8, 8)).stages[1].fuse
    stage.norm = torch.nn.Identity()
    x = torch.rand(1, 8, 15, 15, dtype=torch.float64, requires_grad=True)
    stage(x)[0, :, 7, 7].sum().backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    rows, columns = torch.nonzero(seen, as_tuple=True)
    assert rows.min() == 4 and rows.max() == 10 and columns.min() == 4 and columns.max() == 10


def test_attention_is_that_of_the_formula():
    torch.manual_seed(0)
    block = SelfAttention(6, 2).double()
    x = torch.randn(1, 6, 2, 3, dtype=torch.float64)
    places = x[0].flatten(1).T
    normed = F.layer_norm(places, (6,), block.norm.weight, block.norm.bias)
    inner = block.attention
    q, k, v = (normed @ inner.in_proj_weight.T + inner.in_proj_bias).split(6, dim=1)
    heads = []
    for h in range(2):
        part = slice(3 * h, 3 * h + 3)
        weights = (q[:, part] @ k[:, part].T / 3**0.5).softmax(dim=1)
        heads.append(weights @ v[:, part])
    attended = torch.cat(heads, dim=1) @ inner.out_proj.weight.T + inner.out_proj.bias
    torch.testing.assert_close(block(x)[0].flatten(1).T, places + attended)


def test_attention_belongs_to_the_last_stage():
    names = [name for name, _ in make_net().named_parameters() if "attention" in name]
    assert names and all(name.startswith("stages.1.attention") for name in names)
    assert not [n for n, _ in make_net(n_heads=0).named_parameters() if "attention" in n]


def test_closed_stages_stay_in_the_mode_of_prediction():
    net = FineTunedNet(make_net(), 2).train()
    assert all(stage.training for stage in net.encoder.stages)
    net.encoder.stages[0].requires_grad_(False)
    net.train()
    assert [stage.training for stage in net.encoder.stages] == [False, True]
    assert not any(m.training for m in net.encoder.stages[0].modules())


class TestImageNormalizer:
    def test_bytes_are_shares_of_255(self):
        x = torch.randint(0, 256, (5, 4, 6, 3), dtype=torch.uint8)
        normalizer = ImageNormalizer(None, (4, 6), 3)
        torch.testing.assert_close(normalizer(x), x.permute(0, 3, 1, 2) / 255)

    def test_dataset(self):
        x = torch.rand(100, 4, 6, 2, dtype=torch.float64) * torch.tensor([1.0, 5.0]) + 3
        normalizer = ImageNormalizer("dataset", (4, 6), 2).double().fit(x)
        out = normalizer(x)
        torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(2).double())
        torch.testing.assert_close(out.var((0, 2, 3), correction=0), torch.ones(2).double())

    def test_record(self):
        x = torch.rand(5, 4, 6, 2, dtype=torch.float64) * 7
        out = ImageNormalizer("record", (4, 6), 2).double()(x)
        torch.testing.assert_close(out.mean((1, 2, 3)), torch.zeros(5).double())
        torch.testing.assert_close(out.var((1, 2, 3), correction=0), torch.ones(5).double())

    def test_constant_images_are_centred_only(self):
        x = torch.full((3, 4, 6, 1), 0.7)
        for mode in ("dataset", "record"):
            out = ImageNormalizer(mode, (4, 6), 1).fit(x)(x)
            torch.testing.assert_close(out, torch.zeros(3, 1, 4, 6), atol=1e-6, rtol=0)

    def test_resizing_keeps_bytes(self):
        x = torch.randint(0, 256, (70, 40, 60, 1), dtype=torch.uint8)
        stored = ImageNormalizer(None, (10, 15), 1).stored(x)
        assert stored.dtype == torch.uint8 and stored.shape == (70, 10, 15, 1)
        exact = F.interpolate(
            x.permute(0, 3, 1, 2).double(), (10, 15), mode="bilinear", antialias=True
        )
        assert (stored.permute(0, 3, 1, 2) - exact).abs().max() <= 1

    def test_images_of_the_right_size_are_not_copied(self):
        x = torch.rand(3, 4, 6, 1)
        assert ImageNormalizer(None, (4, 6), 1).stored(x) is x
