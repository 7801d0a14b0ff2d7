"""Contrastive losses of two views, and what tells whether they work."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def nt_xent_loss(first, second, *, temperature=0.1):
    """NT-Xent, the contrastive loss of SimCLR.

    Each of the 2 N vectors is an anchor. Its positive is the other view of its record; the vectors
    of other records in both views are negatives. The loss is the mean of
    ``-log(exp(sim(anchor, positive) / t) / sum_a exp(sim(anchor, a) / t))`` over the anchors, where
    ``a`` runs over all vectors but the anchor.

    Parameters
    ----------
    first, second : tensor of shape (n_records, n_features)
        L2-normalised vectors of the two views. A single record has no negatives: its loss is 0.
    temperature : float, default=0.1
        > 0.

    Returns
    -------
    loss : scalar tensor

    References
    ----------
    Chen et al. (2020). A simple framework for contrastive learning of visual representations.
    arXiv:2002.05709
    """
    vectors = torch.cat([first, second])
    similarity = vectors @ vectors.T / temperature
    if len(first) == 1:
        return 0.0 * similarity.sum()
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(first))
    return F.cross_entropy(similarity.fill_diagonal_(-torch.inf), partner)


def hybrid_contrastive_loss(first, second, *, weight=0.5, temperature=0.1, return_parts=False):
    """The loss of SimCardioNet: NT-Xent, and the distance of the two views.

    ``weight * L_nt_xent + (1 - weight) * L_cosine``, where ``L_nt_xent`` is `nt_xent_loss` and
    ``L_cosine`` the mean of 1 less the cosine of a record's two views.

    Parameters
    ----------
    first, second : tensor of shape (n_records, n_features)
        L2-normalised vectors of the two views.
    weight : float, default=0.5
        In [0, 1]. With 0 nothing keeps all vectors from becoming equal.
    temperature : float, default=0.1
        > 0.
    return_parts : bool, default=False

    Returns
    -------
    loss : scalar tensor
    parts : dict of scalar tensors without a gradient
        ``nt_xent`` and ``cosine``, the two terms; ``alignment`` and ``uniformity`` as of
        `region_contrastive_loss`. Only with ``return_parts``.

    References
    ----------
    SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.
    """
    similarity = _Similarity(torch.stack([first, second])[None], temperature)
    nt_xent = similarity.intra()
    cosine = (1 - (first * second).sum(1)).mean()
    loss = weight * nt_xent + (1 - weight) * cosine
    if not return_parts:
        return loss
    parts = {"nt_xent": nt_xent, "cosine": cosine, **similarity.alignment_and_uniformity()}
    return loss, {name: value.detach() for name, value in parts.items()}


def region_contrastive_loss(
    projections, *, gamma=0.5, inter="align", temperature=0.1, return_parts=False
):
    """The loss of ACL-ECG: views of a region attract, and regions of a record.

    ``gamma * L_intra + (1 - gamma) * L_inter``, of which

    - ``L_intra`` is the sum over regions of `nt_xent_loss` of the region's two views;
    - ``L_inter`` with ``inter="align"`` is the sum over ordered pairs of different regions of
      `nt_xent_loss` of the one's first and the other's second view, divided by the
      number of regions less one. Negatives are other records only: regions of one record never
      repel each other;
    - ``L_inter`` with ``inter="separate"`` is ``L_intra`` with the other regions of the
      same record, in both views, among the negatives of every anchor.

    With one region the loss is ``L_intra``.

    Parameters
    ----------
    projections : tensor of shape (n_regions, 2, n_records, n_features)
        L2-normalised vectors of both views. A single record has no negatives: its loss is 0.
    gamma : float, default=0.5
        In [0, 1].
    inter : {"align", "separate"}, default="align"
    temperature : float, default=0.1
        > 0.
    return_parts : bool, default=False

    Returns
    -------
    loss : scalar tensor
    parts : dict of scalar tensors without a gradient
        ``intra`` and ``inter``, the two terms; ``alignment``, the mean squared distance of
        the two views of a region, and ``uniformity``, the logarithm of the mean of
        ``exp(-2 * squared distance)`` over pairs of records [2]_. Only with ``return_parts``.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3), 1080.
    .. [2] Wang, Isola (2020). Understanding contrastive representation learning through alignment
       and uniformity on the hypersphere. ICML. arXiv:2005.10242
    """
    similarity = _Similarity(projections, temperature)
    intra = similarity.intra() if gamma > 0 or similarity.n_regions == 1 or return_parts else 0.0
    if similarity.n_regions == 1:
        loss, across = intra, torch.zeros_like(intra)
    else:
        across = similarity.inter() if inter == "align" else similarity.separate()
        loss = gamma * intra + (1 - gamma) * across
    if not return_parts:
        return loss
    parts = {"intra": intra, "inter": across, **similarity.alignment_and_uniformity()}
    return loss, {name: value.detach() for name, value in parts.items()}


class _Similarity:
    """All similarities of a batch, and the losses that are read off them.

    A *view* here is a region in one of the two views: the views 2 d and 2 d + 1 are those of
    region d.

    - ``positive[a, b, k]`` compares record k in view a with itself in view b;
    - ``others[a, k, b]`` is the log-sum-exp of record k in view a against all records in view b;
      where a is b, without itself.
    """

    def __init__(self, projections, temperature):
        self.n_regions, _, self.n_records, _ = projections.shape
        self.temperature = temperature
        n_views = 2 * self.n_regions
        vectors = projections.flatten(0, 2) / math.sqrt(temperature)
        self.matrix = (vectors @ vectors.T).view(n_views, self.n_records, n_views, self.n_records)
        self.positive = self.matrix.diagonal(dim1=1, dim2=3)
        itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
        masked = self.matrix.masked_fill(itself.view_as(self.matrix), -torch.inf)
        if self.n_records > 1:
            self.others = masked.logsumexp(dim=3)
        self.view = torch.arange(n_views, device=vectors.device)

    def _none(self):
        return 0.0 * self.matrix.sum()

    def intra(self):
        if self.n_records == 1:
            return self._none()
        a, b = self.view, self.view ^ 1
        denominator = torch.logaddexp(self.others[a, :, a], self.others[a, :, b])
        return self.n_regions * (denominator - self.positive[a, b]).mean()

    def inter(self):
        if self.n_records == 1:
            return self._none()
        a, b = torch.cartesian_prod(self.view, self.view).T
        pairs = (a // 2 != b // 2) & (a % 2 != b % 2)
        a, b = a[pairs], b[pairs]
        denominator = torch.logaddexp(self.others[a, :, a], self.others[a, :, b])
        return self.n_regions * (denominator - self.positive[a, b]).mean()

    def separate(self):
        if self.n_records == 1:
            return self._none()
        a, b = self.view, self.view ^ 1
        same = self.view[:, None] // 2 == self.view // 2
        regions = self.positive.masked_fill(same[:, :, None], -torch.inf).logsumexp(dim=1)
        denominator = torch.logaddexp(self.others[a, :, a], self.others[a, :, b])
        denominator = torch.logaddexp(denominator, regions)
        return self.n_regions * (denominator - self.positive[a, b]).mean()

    @torch.no_grad()
    def alignment_and_uniformity(self):
        a, b = self.view, self.view ^ 1
        alignment = (2 - 2 * self.temperature * self.positive[a, b]).mean()
        if self.n_records == 1:
            return {"alignment": alignment, "uniformity": torch.zeros_like(alignment)}
        cosine = self.temperature * self.matrix[a, :, a]
        apart = ~torch.eye(self.n_records, dtype=torch.bool, device=cosine.device)
        uniformity = (4 * cosine[:, apart] - 4).exp().mean(dim=1).log().mean()
        return {"alignment": alignment, "uniformity": uniformity}


@torch.no_grad()
def effective_rank(vectors):
    """Exponential of the entropy of the normalised singular values of centred vectors.

    It is between 1 and the smaller of ``n_records - 1`` and ``n_features``; near 1 all records
    lie on a line. Vectors that are all equal have rank 0, those that are not finite NaN.

    Parameters
    ----------
    vectors : tensor of shape (n_records, n_features)

    Returns
    -------
    rank : scalar tensor

    References
    ----------
    Roy, Vetterli (2007). The effective rank: a measure of effective dimensionality. EUSIPCO.
    """
    if not torch.isfinite(vectors).all():
        return vectors.new_full((), torch.nan)
    values = torch.linalg.svdvals((vectors - vectors.mean(0)).double())
    scale = vectors.double().norm() * torch.finfo(vectors.dtype).eps
    values = values[values > scale]
    share = values / values.sum()
    if not len(values):
        return share.new_zeros(())
    return (-(share * share.log()).sum()).exp()


def _in_full(x):
    """Values of half precision, as mixed precision makes them, in float32."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class ACLECGLoss(nn.Module):
    """`region_contrastive_loss` of a network's output, which keeps the parts of the last batch.

    Parameters
    ----------
    gamma, inter, temperature
        See `region_contrastive_loss`.
    """

    def __init__(self, gamma, inter, temperature):
        super().__init__()
        self.gamma = gamma
        self.inter = inter
        self.temperature = temperature
        self.parts = {}

    def forward(self, output):
        """Loss of projections (n_regions, 2 * n_records, n_features) and embeddings.

        The first half of the records is the first view, the second half the second.
        """
        projections, embedding = map(_in_full, output)
        projections = projections.unflatten(1, (2, -1))
        loss, self.parts = region_contrastive_loss(
            projections,
            gamma=self.gamma,
            inter=self.inter,
            temperature=self.temperature,
            return_parts=True,
        )
        first_view = embedding[: len(embedding) // 2].detach()
        self.parts["effective_rank"] = effective_rank(first_view)
        return loss


class HybridContrastiveLoss(nn.Module):
    """`hybrid_contrastive_loss` of a network's output, which keeps the parts of the last batch.

    Parameters
    ----------
    weight, temperature
        See `hybrid_contrastive_loss`.
    """

    def __init__(self, weight, temperature):
        super().__init__()
        self.weight = weight
        self.temperature = temperature
        self.parts = {}

    def forward(self, output):
        """Loss of projections (2 * n_records, n_features) and embeddings, first views first."""
        projections, embedding = map(_in_full, output)
        first, second = projections.chunk(2)
        loss, self.parts = hybrid_contrastive_loss(
            first, second, weight=self.weight, temperature=self.temperature, return_parts=True
        )
        first_view = embedding[: len(embedding) // 2].detach()
        self.parts["effective_rank"] = effective_rank(first_view)
        return loss
