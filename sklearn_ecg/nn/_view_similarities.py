"""Similarities of two views of the regions of records, from which contrastive losses follow."""

import math

import torch


class ViewSimilarities:
    """Similarities of all vectors of a batch, and the losses computed from them.

    A *region view* is a region in one of the two views: the region views 2 d and 2 d + 1 belong to
    region d.

    - ``positive[a, b, k]`` compares record k in region view a with itself in region view b;
    - ``others[a, k, b]`` is the log-sum-exp of record k in region view a compared with all records
      in region view b, excluding itself if a equals b.
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
        self.views = torch.arange(n_views, device=vectors.device)

    def _zero_loss(self):
        """Return 0 with a gradient, the loss of a single record."""
        return 0.0 * self.matrix.sum()

    def intra_loss(self):
        if self.n_records == 1:
            return self._zero_loss()
        a, b = self.views, self.views ^ 1
        denominator = torch.logaddexp(self.others[a, :, a], self.others[a, :, b])
        return self.n_regions * (denominator - self.positive[a, b]).mean()

    def align_loss(self):
        if self.n_records == 1:
            return self._zero_loss()
        # The other view of each other region.
        a = self.views[:, None].expand(-1, self.n_regions - 1)
        others = torch.arange(self.n_regions - 1, device=self.views.device)
        b = 2 * (others + (others >= a // 2)) + 1 - a % 2
        a, b = a.flatten(), b.flatten()
        denominator = torch.logaddexp(self.others[a, :, a], self.others[a, :, b])
        return self.n_regions * (denominator - self.positive[a, b]).mean()

    def pair_loss(self, a, b):
        """Compute the mean loss of vectors that find themselves among those of all records.

        ``a`` and ``b`` are different region views.
        """
        if self.n_records == 1:
            return self._zero_loss()
        return (self.others[a, :, b] - self.positive[a, b]).mean()

    def separate_loss(self):
        if self.n_records == 1:
            return self._zero_loss()
        a, b = self.views, self.views ^ 1
        same = self.views[:, None] // 2 == self.views // 2
        regions = self.positive.masked_fill(same[:, :, None], -torch.inf).logsumexp(dim=1)
        denominator = torch.logaddexp(self.others[a, :, a], self.others[a, :, b])
        denominator = torch.logaddexp(denominator, regions)
        return self.n_regions * (denominator - self.positive[a, b]).mean()

    @torch.no_grad()
    def alignment_and_uniformity(self):
        a, b = self.views, self.views ^ 1
        alignment = (2 - 2 * self.temperature * self.positive[a, b]).mean()
        if self.n_records == 1:
            return {"alignment": alignment, "uniformity": torch.zeros_like(alignment)}
        cosine = self.temperature * self.matrix[a, :, a]
        # Without its first value, a matrix has its diagonal in the last column of wider rows.
        n_others = self.n_records - 1
        different = cosine.flatten(1)[:, 1:].unflatten(1, (n_others, -1))[:, :, :-1].flatten(1)
        uniformity = (4 * different - 4).exp().mean(dim=1).log().mean()
        return {"alignment": alignment, "uniformity": uniformity}

    def describe(self, **terms):
        """Return the terms of a loss and the measures of embedding quality, without gradient."""
        parts = {**terms, **self.alignment_and_uniformity()}
        return {name: value.detach() for name, value in parts.items()}
