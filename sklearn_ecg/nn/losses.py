"""Losses, computed from logits and safe at every magnitude of them."""

import torch
from torch import nn
from torch.nn import functional as F

_TINY = 1e-12


def focal_binary_loss(logits, targets, *, gamma=0.0, class_weight=None):
    """Focal binary cross-entropy of every record and label.

    ``-w_y * (1 - p_y) ** gamma * log(p_y)``, where ``p_y`` is the probability
    that the logit gives to the true value ``y``. Everything is computed from
    ``softplus`` of the logit, so neither the value nor the gradient over- or
    underflows.

    Parameters
    ----------
    logits, targets : tensor of shape (n_records, n_labels)
        Targets are 0 or 1.
    gamma : float, default=0
        Focusing exponent, >= 0. 0 is the plain cross-entropy.
    class_weight : tensor of shape (2, n_labels), default=None
        Weights of the values 0 and 1 of each label: ``(1 - alpha, alpha)`` in the
        notation of the focal loss. None is 1.

    Returns
    -------
    loss : tensor of shape (n_records, n_labels)

    References
    ----------
    Lin et al. (2017). Focal loss for dense object detection. arXiv:1708.02002
    """
    signed = torch.where(targets > 0.5, logits, -logits)
    loss = F.softplus(-signed)
    if gamma != 0:
        loss = loss * torch.exp(-gamma * F.softplus(signed))
    if class_weight is not None:
        loss = loss * torch.where(targets > 0.5, class_weight[1], class_weight[0])
    return loss


def focal_cross_entropy(logits, targets, *, gamma=0.0, class_weight=None):
    """Focal cross-entropy of every record.

    ``-w_y * (1 - p_y) ** gamma * log(p_y)``; ``log(1 - p_y)`` is the
    log-sum-exp of the other classes, so it stays exact where ``p_y`` rounds to 1.

    Parameters
    ----------
    logits : tensor of shape (n_records, n_classes)
    targets : integer tensor of shape (n_records,)
    gamma : float, default=0
        Focusing exponent, >= 0. 0 is the plain cross-entropy.
    class_weight : tensor of shape (n_classes,), default=None
        None is 1.

    Returns
    -------
    loss : tensor of shape (n_records,)
    """
    log_p = F.log_softmax(logits, dim=1)
    is_target = F.one_hot(targets, logits.shape[1]).bool()
    log_p_target = log_p[is_target]
    loss = -log_p_target
    if gamma != 0:
        log_p_others = log_p.masked_fill(is_target, -torch.inf).logsumexp(dim=1)
        loss = loss * torch.exp(gamma * log_p_others)
    if class_weight is not None:
        loss = loss * class_weight[targets]
    return loss


def positive_pairs(targets, dtype=torch.float32):
    """Weights of all pairs as positives: same label, or Jaccard overlap of label sets.

    Parameters
    ----------
    targets : tensor of shape (n_records,) or (n_records, n_labels)
        Class numbers, or a multilabel indicator.
    dtype : torch.dtype, default=torch.float32

    Returns
    -------
    weight : float tensor of shape (n_records, n_records)
        0 on the diagonal. In the multilabel case ``|A & B| / |A | B|``,
        0 for two empty sets.
    """
    if targets.ndim == 1:
        weight = (targets[:, None] == targets[None, :]).to(dtype)
    else:
        targets = targets.to(dtype)
        both = targets @ targets.T
        counts = targets.sum(dim=1)
        either = counts[:, None] + counts[None, :] - both
        weight = both / either.clamp(min=1)
    return weight.fill_diagonal_(0)


def supervised_contrastive_loss(z, targets, *, temperature=0.1, gamma=0.0, sample_weight=None):
    r"""Supervised contrastive loss, plain or focal ("imbalance-aware").

    .. math:: L = -\frac{1}{|I|} \sum_{i \in I} \frac{1}{|P(i)|} \sum_{p \in P(i)}
              (1 - \eta_{ip})^\gamma \log \eta_{ip}, \qquad
              \eta_{ip} = \frac{\exp(z_i z_p / \tau)}{\sum_{a \ne i} \exp(z_i z_a / \tau)}

    I holds the anchors that have a positive. In the multilabel case a pair weighs
    the Jaccard overlap of its label sets, and the mean over P(i) is the weighted mean.
    The weight ``(1 - eta) ** gamma`` takes part in the gradient.

    Parameters
    ----------
    z : tensor of shape (n_records, n_features)
        Rows of length 1.
    targets : tensor of shape (n_records,) or (n_records, n_labels)
        Class numbers, or a multilabel indicator.
    temperature : float, default=0.1
        :math:`\tau` > 0.
    gamma : float, default=0
        Focusing exponent >= 0. 0 is SupCon exactly.
    sample_weight : tensor of shape (n_records,), default=None
        Weights of the anchors, of mean 1 over the training records. The sum over I is divided by
        the number of anchors, not by their weights: batches would count alike otherwise, however
        light their records.

    Returns
    -------
    loss : scalar tensor
        0, still connected to ``z``, when no record has a positive.

    References
    ----------
    Khosla et al. (2020). Supervised contrastive learning. arXiv:2004.11362
    Lei et al. (2026). MSAIC-Net. arXiv:2606.06718
    """
    if z.dtype in (torch.float16, torch.bfloat16):
        z = z.float()
    pairs = positive_pairs(targets, z.dtype)
    weight_of_anchor = pairs.sum(dim=1)
    has_positive = weight_of_anchor > 0
    if not has_positive.any():
        return z.sum() * 0.0
    similarity = z @ z.T / temperature
    log_norm = similarity.masked_fill(
        torch.eye(len(z), dtype=torch.bool, device=z.device), -torch.inf
    ).logsumexp(dim=1, keepdim=True)
    log_eta = similarity - log_norm
    if gamma != 0:
        # 1 - eta; rounding may give 0, where a power below 1 has an infinite slope.
        misaligned = -torch.expm1(log_eta)
        log_eta = log_eta * misaligned.clamp(min=_TINY) ** gamma
    loss = -(pairs * log_eta).sum(dim=1) / weight_of_anchor.clamp(min=_TINY)
    anchor_weight = has_positive.to(z.dtype)
    n_anchors = anchor_weight.sum()
    if sample_weight is not None:
        anchor_weight = anchor_weight * sample_weight
    return (loss * anchor_weight).sum() / n_anchors


class ClassificationLoss(nn.Module):
    """Cross-entropy of classes, or binary cross-entropy of each label, plain or focal.

    Parameters
    ----------
    target_type : {"binary", "multiclass", "multilabel"}
    class_weight : tensor, default=None
        Of shape (2, n_labels) for binary (``n_labels = 1``) and multilabel targets, of
        shape (n_classes,) for multiclass ones.
    focal_gamma : float, default=0
        Focusing exponent, >= 0. 0 is the plain cross-entropy.
    """

    def __init__(self, target_type, *, class_weight=None, focal_gamma=0.0):
        super().__init__()
        self.target_type = target_type
        self.focal_gamma = focal_gamma
        self.register_buffer("class_weight", class_weight)

    def forward(self, logits, targets, sample_weight=None, n_own=None):
        """Mean loss of a batch from logits (batch, n_outputs).

        The first ``n_own`` records are the batch's own. Those behind them were added as partners
        for a contrastive loss: this loss does not see them, or they would be a second weight of
        rare classes.
        """
        own = slice(n_own)
        focal = {"gamma": self.focal_gamma, "class_weight": self.class_weight}
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        if self.target_type == "multiclass":
            loss = focal_cross_entropy(logits[own], targets[own], **focal)
        else:
            labels = targets.reshape(logits.shape)
            loss = focal_binary_loss(logits[own], labels[own], **focal).mean(dim=1)
        if sample_weight is not None:
            loss = loss * sample_weight[own]
        return loss.mean()


class MSAICLoss(ClassificationLoss):
    """Focal classification loss plus ``contrastive_weight`` times the contrastive loss.

    Parameters
    ----------
    target_type, class_weight
        See `ClassificationLoss`.
    focal_gamma, contrastive_weight, contrastive_gamma, temperature : float
        See `sklearn_ecg.MSAICNetClassifier`.
    """

    def __init__(
        self,
        target_type,
        *,
        class_weight=None,
        focal_gamma,
        contrastive_weight,
        contrastive_gamma,
        temperature,
    ):
        super().__init__(target_type, class_weight=class_weight, focal_gamma=focal_gamma)
        self.contrastive_weight = contrastive_weight
        self.temperature = temperature
        self.contrastive_gamma = contrastive_gamma

    def forward(self, output, targets, sample_weight=None, n_own=None):
        """Mean loss of a batch from the network's ``(logits, projection)``."""
        logits, projection = output
        loss = super().forward(logits, targets, sample_weight, n_own)
        if self.contrastive_weight == 0:
            return loss
        contrast = supervised_contrastive_loss(
            projection,
            targets,
            temperature=self.temperature,
            gamma=self.contrastive_gamma,
            sample_weight=sample_weight,
        )
        return loss + self.contrastive_weight * contrast
