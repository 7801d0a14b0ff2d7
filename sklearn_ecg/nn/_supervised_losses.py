"""Losses for labeled records: focal classification losses and the supervised contrastive loss.

All are computed from logits or normalized projections and stay finite for inputs of any magnitude.
Contrastive losses made for imbalanced classes are in ``_imbalance_losses.py``.
"""

import torch
from torch import nn
from torch.nn import functional as F

_CLAMP_MIN = 1e-12


def focal_binary_loss(logits, targets, *, gamma=0.0, class_weight=None):
    """Compute the focal binary cross-entropy of every record and label.

    The loss is ``-w_y * (1 - p_y) ** gamma * log(p_y)``, where ``p_y`` is the predicted probability
    of the true value ``y``. It is computed from ``softplus`` of the logit, so that neither the
    value nor the gradient overflows or underflows.

    Parameters
    ----------
    logits : tensor of shape (n_records, n_labels)
        Logits.
    targets : tensor of shape (n_records, n_labels)
        Labels, 0 or 1.
    gamma : float, default=0
        Focusing exponent, >= 0. 0 gives the cross-entropy.
    class_weight : tensor of shape (2, n_labels), default=None
        Weights of the values 0 and 1 of each label: ``(1 - alpha, alpha)`` in the notation of the
        focal loss. None gives all values the weight 1.

    Returns
    -------
    loss : tensor of shape (n_records, n_labels)
        Loss of every record and label.

    References
    ----------
    Lin et al. (2017). Focal loss for dense object detection. arXiv:1708.02002

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import focal_binary_loss
    >>> logits, targets = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 1.0]])
    >>> focal_binary_loss(logits, targets, gamma=2.0)
    tensor([[0.0018, 0.7019]])
    """
    signed = torch.where(targets > 0.5, logits, -logits)
    loss = F.softplus(-signed)
    if gamma != 0:
        loss = loss * torch.exp(-gamma * F.softplus(signed))
    if class_weight is not None:
        loss = loss * torch.where(targets > 0.5, class_weight[1], class_weight[0])
    return loss


def focal_cross_entropy(logits, targets, *, gamma=0.0, class_weight=None):
    """Compute the focal cross-entropy of every record.

    The loss is ``-w_y * (1 - p_y) ** gamma * log(p_y)``, where ``p_y`` is the predicted probability
    of the true class ``y``. ``log(1 - p_y)`` is computed as the log-sum-exp of the other classes,
    which is exact even if ``p_y`` rounds to 1.

    Parameters
    ----------
    logits : tensor of shape (n_records, n_classes)
        Logits.
    targets : tensor of shape (n_records,), int64
        Class numbers.
    gamma : float, default=0
        Focusing exponent, >= 0. 0 gives the cross-entropy.
    class_weight : tensor of shape (n_classes,), default=None
        Weights of the classes. None gives all classes the weight 1.

    Returns
    -------
    loss : tensor of shape (n_records,)
        Loss of every record.

    References
    ----------
    Lin et al. (2017). Focal loss for dense object detection. arXiv:1708.02002

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import focal_cross_entropy
    >>> logits = torch.tensor([[2.0, 0.0, -1.0], [2.0, 0.0, -1.0]])
    >>> focal_cross_entropy(logits, torch.tensor([0, 1]), gamma=2.0)
    tensor([0.0041, 1.7026])
    """
    log_p = F.log_softmax(logits, dim=1)
    loss = F.nll_loss(log_p, targets, reduction="none")
    if gamma != 0:
        is_target = F.one_hot(targets, logits.shape[1]).bool()
        log_p_others = log_p.masked_fill(is_target, -torch.inf).logsumexp(dim=1)
        loss = loss * torch.exp(gamma * log_p_others)
    if class_weight is not None:
        loss = loss * class_weight[targets]
    return loss


def adjust_logits(logits, class_prior, *, tau=1.0):
    r"""Add the logarithm of the class priors to logits, the logit adjustment of a loss.

    .. math:: g_c(x) = f_c(x) + \tau \log \pi_c

    A cross-entropy of the adjusted logits g trains logits f that do not contain the prior: with
    :math:`\tau = 1`, the softmax of f estimates the probabilities of the classes in a population in
    which all classes are equally frequent, and its largest value minimizes the balanced error. The
    softmax of g estimates the probabilities at the prevalence of the training records.

    Parameters
    ----------
    logits : tensor of shape (n_records, n_classes) or (n_records, n_labels)
        Logits f.
    class_prior : tensor of shape (n_classes,) or (2, n_labels)
        Shares of the classes :math:`\pi` in the training records, >= 0; for binary and multilabel
        targets, the shares of the values 0 and 1 of each label, with ``n_labels=1`` for binary
        targets. The single logit of a label is the difference of the logits of its values, so that
        :math:`\tau (\log \pi_1 - \log \pi_0)` is added to it. The logits of classes and labels
        with a share of 0 are not adjusted.
    tau : float, default=1.0
        Strength :math:`\tau` of the adjustment, >= 0. 0 leaves the logits as they are.

    Returns
    -------
    adjusted : tensor of the shape of ``logits``
        Adjusted logits g.

    References
    ----------
    Menon et al. (2021). Long-tail learning via logit adjustment. arXiv:2007.07314

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import adjust_logits, focal_cross_entropy
    >>> logits = torch.tensor([[2.0, 0.0, -1.0]])
    >>> adjusted = adjust_logits(logits, torch.tensor([0.8, 0.1, 0.1]))
    >>> adjusted
    tensor([[ 1.7769, -2.3026, -3.3026]])
    >>> focal_cross_entropy(adjusted, torch.tensor([1]))
    tensor([4.1023])
    """
    log_prior = class_prior.log()
    offset = log_prior if class_prior.ndim == 1 else log_prior[1] - log_prior[0]
    return logits + tau * torch.where(torch.isfinite(offset), offset, 0.0)


def positive_pair_weights(targets, dtype=torch.float32):
    """Compute the weights of all pairs of records as positives.

    Parameters
    ----------
    targets : tensor of shape (n_records,) or (n_records, n_labels)
        Class numbers, or a multilabel indicator.
    dtype : torch.dtype, default=torch.float32
        Type of the weights.

    Returns
    -------
    weight : tensor of shape (n_records, n_records)
        1 for two records of the same class, otherwise 0; for multilabel targets the Jaccard index
        ``|A & B| / |A | B|`` of the label sets, which is 0 for two empty sets. The diagonal is 0.
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
    r"""Compute the supervised contrastive loss, with an optional focal weight.

    .. math:: L = -\frac{1}{|I|} \sum_{i \in I} \frac{1}{|P(i)|} \sum_{p \in P(i)}
              (1 - \eta_{ip})^\gamma \log \eta_{ip}, \qquad
              \eta_{ip} = \frac{\exp(z_i z_p / \tau)}{\sum_{a \ne i} \exp(z_i z_a / \tau)}

    I is the set of anchors that have a positive. For multilabel targets the weight of a pair is the
    Jaccard index of its label sets, and the mean over P(i) is weighted accordingly. The focal
    weight ``(1 - eta) ** gamma`` is part of the gradient.

    Parameters
    ----------
    z : tensor of shape (n_records, n_features)
        L2-normalized projections.
    targets : tensor of shape (n_records,) or (n_records, n_labels)
        Class numbers, or a multilabel indicator.
    temperature : float, default=0.1
        Temperature :math:`\tau` > 0.
    gamma : float, default=0
        Focusing exponent, >= 0. 0 gives the loss of Khosla et al. [1]_.
    sample_weight : tensor of shape (n_records,), default=None
        Weights of the anchors. Their mean over all training records should be 1: the sum over I is
        divided by the number of anchors, not by the sum of their weights, so that batches of
        records with small weights have a small loss.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. If no record has a positive it is 0, with a gradient of 0.

    References
    ----------
    .. [1] Khosla et al. (2020). Supervised contrastive learning. arXiv:2004.11362
    .. [2] Lei et al. (2026). MSAIC-Net. arXiv:2606.06718

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import supervised_contrastive_loss
    >>> z = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> supervised_contrastive_loss(z, torch.tensor([0, 0, 1, 1]), temperature=0.5)
    tensor(0.4302)
    """
    z = without_half_precision(z)
    pair_weights = positive_pair_weights(targets, z.dtype)
    return contrast_pairs(
        z, pair_weights, temperature=temperature, gamma=gamma, sample_weight=sample_weight
    )


def without_half_precision(x):
    """Return float16 and bfloat16 tensors as float32, and others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def contrast_pairs(z, pair_weights, *, temperature, gamma=0.0, sample_weight=None):
    """Compute the supervised contrastive loss of given positive pairs.

    Parameters
    ----------
    z, temperature, gamma, sample_weight
        See `supervised_contrastive_loss`.
    pair_weights : tensor of shape (n_records, n_records)
        Weight >= 0 of each pair (anchor, other record) as positives, with a diagonal of 0.

    Returns
    -------
    loss : scalar tensor
        The mean over the anchors that have a positive; 0 without anchors.
    """
    if len(z) < 2:
        return z.sum() * 0.0
    weight_of_anchor = pair_weights.sum(dim=1)
    has_positive = weight_of_anchor > 0
    similarity = z @ z.T / temperature
    is_self = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_norm = similarity.masked_fill(is_self, -torch.inf).logsumexp(dim=1, keepdim=True)
    log_eta = similarity - log_norm
    if gamma != 0:
        # Of an anchor with itself, exp(log_eta) may be infinite, and its gradient NaN. Of other
        # pairs, log_eta may be rounded to more than 0.
        log_eta = log_eta.masked_fill(is_self, 0.0).clamp(max=0)
        # 1 - eta may round to 0, where a power below 1 has an infinite slope.
        misaligned = -torch.expm1(log_eta)
        log_eta = log_eta * misaligned.clamp(min=_CLAMP_MIN) ** gamma
    loss = -(pair_weights * log_eta).sum(dim=1) / weight_of_anchor.clamp(min=_CLAMP_MIN)
    anchor_weight = has_positive.to(z.dtype)
    # Whether there are any is not read, for which a GPU would be waited for.
    n_anchors = anchor_weight.sum().clamp(min=1)
    if sample_weight is not None:
        anchor_weight = anchor_weight * sample_weight
    return (loss * anchor_weight).sum() / n_anchors


class ClassificationLoss(nn.Module):
    """Cross-entropy of classes or binary cross-entropy of labels, with an optional focal weight.

    Parameters
    ----------
    target_type : {"binary", "multiclass", "multilabel"}
        Type of the targets.
    class_weight : tensor of shape (2, n_labels) or (n_classes,), default=None
        Class weights of shape (n_classes,) for multiclass targets, otherwise weights of the values
        0 and 1 of each label, with ``n_labels=1`` for binary targets.
    focal_gamma : float, default=0
        Focusing exponent, >= 0. 0 gives the cross-entropy.
    logit_adjustment : float, default=0
        Strength of the logit adjustment, >= 0. The loss is that of ``adjust_logits(logits,
        class_prior, tau=logit_adjustment)``. With 0 the logits are not adjusted.
    class_prior : tensor of shape (2, n_labels) or (n_classes,), default=None
        Shares of the classes in the training records, in the shape of ``class_weight``. Required
        for ``logit_adjustment > 0``.

    Raises
    ------
    ValueError
        If ``logit_adjustment`` is positive and ``class_prior`` is None.

    See Also
    --------
    adjust_logits : The logit adjustment.
    focal_binary_loss : The loss of binary and multilabel targets.
    focal_cross_entropy : The loss of multiclass targets.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import ClassificationLoss
    >>> loss = ClassificationLoss("multiclass")
    >>> loss(torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0]))
    tensor(0.1698)
    """

    def __init__(
        self,
        target_type,
        *,
        class_weight=None,
        focal_gamma=0.0,
        logit_adjustment=0.0,
        class_prior=None,
    ):
        super().__init__()
        if logit_adjustment != 0 and class_prior is None:
            raise ValueError(
                f"logit_adjustment={logit_adjustment:g} requires class_prior, the shares of the "
                "classes in the training records, but class_prior is None. Pass the shares, or "
                "logit_adjustment=0."
            )
        self.target_type = target_type
        self.focal_gamma = focal_gamma
        self.logit_adjustment = logit_adjustment
        self.register_buffer("class_weight", class_weight)
        self.register_buffer("class_prior", class_prior)

    def forward(self, logits, targets, sample_weight=None, n_classified=None):
        """Compute the mean loss of a batch.

        Parameters
        ----------
        logits : tensor of shape (batch, n_outputs)
            Logits, with ``n_outputs=1`` for binary targets.
        targets : tensor of shape (batch,) or (batch, n_outputs)
            Class numbers, or a multilabel indicator.
        sample_weight : tensor of shape (batch,), default=None
            Weights of the records.
        n_classified : int, default=None
            Number of records to use. Records after the first ``n_classified`` were added to balance
            the batch for a contrastive loss, and are ignored here: including them would increase
            the weight of rare classes. None uses all records.

        Returns
        -------
        loss : scalar tensor
            Mean loss.
        """
        own = slice(n_classified)
        focal = {"gamma": self.focal_gamma, "class_weight": self.class_weight}
        logits = without_half_precision(logits)
        if self.logit_adjustment != 0:
            logits = adjust_logits(logits, self.class_prior, tau=self.logit_adjustment)
        if self.target_type == "multiclass":
            loss = focal_cross_entropy(logits[own], targets[own], **focal)
        else:
            labels = targets.reshape(logits.shape)
            loss = focal_binary_loss(logits[own], labels[own], **focal).mean(dim=1)
        if sample_weight is not None:
            loss = loss * sample_weight[own]
        return loss.mean()


class SquaredErrorLoss(nn.Module):
    """Squared error of standardized targets, averaged over targets and records."""

    def forward(self, output, targets, sample_weight=None, n_classified=None):
        """Compute the mean loss of a batch.

        Parameters
        ----------
        output : tensor of shape (batch, n_targets), or a tuple that starts with it
        targets : tensor of shape (batch, n_targets)
        sample_weight : tensor of shape (batch,), default=None
            Weights of the records.
        n_classified : int, default=None
            Not used: batches of regressors are not balanced.

        Returns
        -------
        loss : scalar tensor
        """
        output = output[0] if isinstance(output, tuple) else output
        loss = (without_half_precision(output) - targets).square().mean(dim=1)
        if sample_weight is not None:
            loss = loss * sample_weight
        return loss.mean()
