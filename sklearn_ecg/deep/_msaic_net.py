"""MSAIC-Net: multi-scale atrous branches, channel attention, imbalance-aware contrastive loss."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from ..nn._msaic_loss import MSAICLoss
from ._classifier import DeepECGClassifier
from ._msaic_net_module import NETWORK_CONSTRAINTS, make_msaic_net
from ._target import class_shares


class MSAICNetClassifier(DeepECGClassifier):
    r"""MSAIC-Net classifier of multi-lead ECG for imbalanced outcomes.

    Parallel branches of atrous (dilated) convolutions process the signals at several time scales,
    and channel attention weights their features. The loss is the sum of a focal cross-entropy and
    a supervised contrastive loss in which poorly aligned pairs of a class have a higher weight
    [1]_. The fitted network is a transformer as well: `transform` returns the embedding of a
    record.

    The paper is about binary targets; multiclass and multilabel targets are an extension of this
    library.

    Parameters
    ----------
    dilations : array-like of int, default=(1, 2, 4, 8)
        Dilation of each branch. ``(1,)`` is the single-scale ablation of the paper. The values are
        defaults of this library, not of the paper.
    filters : array-like of int, default=(8, 16, 32)
        Number of channels of the successive blocks of a branch. Default of this library.
    kernel_size : int, default=3
        Length of the convolution kernels, an odd number. Default of this library, chosen together
        with `filters` on records of 100 Hz, of which the branches see 0.4 to 2.2 s: resample other
        records, or adapt `dilations`.
    stride : int, default=2
        Stride of the first convolution of each branch, which reduces the cost of all later layers
        to ``1 / stride``. The network at full resolution (``stride=1``) takes half as long again
        to train. Default of this library.
    pool_size : int or array-like of int, default=2
        Size of the max-pooling after each block, or one size for each block. ``stride=1``,
        ``pool_size=1`` and ``kernel_size=7`` are the network of the paper. Default of this library.
    attention : {"eca", "se"} or None, default="eca"
        Channel attention: "eca" is a convolution across channels [2]_, "se" is
        squeeze-and-excitation, None is no attention.
    lead_attention : {"eca", "se"} or None, default=None
        Attention on the leads, before the branches. It is computed from the root mean square of
        each lead, because the mean of a filtered lead is about 0. Addition of this library: the
        abstract of the paper calls its attention lead-wise.
    dropout : float, default=0.1
        Probability that a block drops a channel, in [0, 1). Default of this library.
    embedding_dim : int, default=128
        Length of the embedding, the vector after global average pooling. Default of this library.
    projection_dim : int, default=64
        Length of the vectors that the contrastive loss compares. An MLP computes them from the
        embedding. Default of this library.
    focal_gamma : float, default=2.0
        Focusing exponent :math:`\gamma \geq 0` of the classification loss; 0 is the cross-entropy.
        Default of this library.
    logit_adjustment : float, default=0.0
        Strength :math:`\tau \geq 0` of the logit adjustment [4]_, an alternative to
        ``class_weight``: the classification loss is that of the logits plus :math:`\tau` times the
        logarithm of the shares of the classes, ``class_prior_``. 1 is the value of the theory, 0 is
        no adjustment. `decision_function`, `predict` and `predict_proba` use the logits without the
        logarithms. With 1 their probabilities are those of a population in which all classes are
        equally frequent, or in which half of the records have a label; see Notes.
        ``class_weight="balanced"`` would correct for the shares a second time and is refused.
    contrastive_loss : str, default="focal_supcon"
        Contrastive loss:

        - "focal_supcon": supervised contrastive loss in which poorly aligned pairs have a higher
          weight, as in [1]_. For a multilabel target, the weight of a pair is the Jaccard index of
          its label sets.
        - "balanced": the classes have the same weight in the comparison, and the prototype of each
          class is part of every batch [5]_. For binary and multiclass targets.
        - "class_supcon": the records of ``contrastive_class`` attract each other; other records are
          attracted to a second view of themselves only [6]_. For binary targets.
        - "prototype": records are attracted to a fixed prototype of their class, and to a second
          view of themselves [6]_. For binary targets.

        The last two train on two views of each record, each with its own draw of ``augmentation``
        and dropout, which doubles the training time. The classification loss uses the first views.
    contrastive_class : label or None, default=None
        Class that "class_supcon" supervises, one of ``classes_``. None is the class with fewer
        records of positive weight, and ``classes_[1]`` if both have the same number. Not used by
        the other losses.
    contrastive_weight : float, default=0.03
        Weight :math:`\lambda \geq 0` of the contrastive loss; 0 removes the loss and its projection
        head. Default of this library.
    contrastive_gamma : float, default=2.0
        Focusing exponent of "focal_supcon", >= 0; 0 is SupCon [3]_. Not used by the other
        contrastive losses. Default of this library.
    temperature : float, default=0.1
        Temperature :math:`\tau > 0` of the contrastive loss. Default of this library.
    balanced_batches : bool, default=True
        Whether each batch contains at least two records of each class, so that each record has a
        positive pair. The classes are spread evenly over the batches, and randomly drawn records
        are added to batches with fewer than two of a class. Only the contrastive loss uses the
        added records. Without the contrastive loss, the batches are not balanced.
    augmentation : callable, list of callables or None, default=None
        Random transforms of the training batches, such as those of `sklearn_ecg.augmentation`. Each
        maps a tensor, (batch, leads, time) for signals or (batch, channels, height, width) for
        images, to a tensor of the same shape. The transforms of a list are applied in order. None
        trains on the records as they are.
    class_weight : {"balanced"}, dict, list of dict, dict of dict or None, default="balanced"
        Weights of the classes in the classification loss. "balanced": for two classes, and for each
        label of a multilabel target, the share of the records with the other value; for three or
        more classes, ``n_records / (n_classes * n_records_of_class)``. A dict maps class labels to
        weights; a multilabel target takes a list of dicts ``{0: weight, 1: weight}``, one per
        label, or a dict of such dicts by column, ``{3: {1: 5}}``. None gives all classes the same
        weight. Probabilities of a weighted loss are not calibrated: see
        `sklearn_ecg.PriorCorrectedClassifier` and `sklearn.calibration.CalibratedClassifierCV`.
    normalize : {"dataset", "record", "record_lead"} or None, default="dataset"
        Standardization of the signals to mean 0 and SD 1. "dataset" takes the mean and SD of each
        lead over the training records, without the validation records of ``early_stopping``;
        "record" those of each record over its leads and time points, which keeps the ratios between
        leads; "record_lead" those of each lead of each record. None leaves the signals unchanged.
    max_epochs : int, default=30
        Number of passes over the training records. 0 leaves the network at its random
        initialization.
    batch_size : int, default=32
        Number of records in a training batch, at least 2. A last batch of one record joins the
        batch before it.
    learning_rate : float, default=3e-3
        Maximum learning rate of the AdamW optimizer.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" increases the learning rate linearly over the first tenth of the steps, and then
        decreases it to 0 along half a cosine until ``max_epochs``. "constant" keeps it.
    weight_decay : float, default=1e-2
        Decoupled weight decay of AdamW, >= 0.
    gradient_clip : float or None, default=None
        Largest total norm of the gradient, > 0. In each step, a gradient with a larger norm is
        scaled down to it, and the mean norm before that is in ``history_["gradient_norm"]``. None
        does not clip.
    early_stopping : bool, default=False
        Whether to set aside a part of the records for validation, stop when the validation loss has
        not improved for ``n_iter_no_change`` epochs, and restore the weights of the best epoch.
    validation_fraction : float, default=0.1
        Fraction of the records that ``early_stopping=True`` sets aside, in (0, 1). The split is
        stratified and keeps ``groups`` together.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which ``early_stopping=True`` stops the training.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the normalization of the previous fit, with a
        new optimizer. Parameters and data must lead to the same network, input and classes as
        before.
    n_leads : int or None, default=None
        Number of leads. Required for 2-D rows of shape (n_records, n_leads * n_times).
    lead_names : array-like of str or None, default=None
        Names of the leads. None takes the column names of a lead frame, and assumes the standard
        order (I, II, III, aVR, aVL, aVF, V1-V6) for twelve unnamed leads.
    device : str or torch.device, default="auto"
        Device for training and prediction. "auto" is CUDA if it is available, otherwise the CPU.
    n_threads : int or None, default=1
        Number of threads of the CPU that `fit` and predictions use, whatever torch or a worker of
        joblib is set to. Results with different numbers are not equal bit for bit. None is the
        number that torch is set to.
    precision : {"float32", "float64", "mixed"}, default="float32"
        Floating-point precision of the network. "mixed" runs it in bfloat16 where this is safe,
        which is meant for GPUs, and computes losses in float32.
    callbacks : list of skorch callbacks or None, default=None
        Callbacks of the training. They are copied; the copies are in ``callbacks_``.
    checkpoint : str, path-like or None, default=None
        Folder in which `fit` saves the state of the training, so that a killed `fit` continues when
        it is called again with the same parameters and data. It is created if necessary. Several
        fits can share it, because each has a file of its own. A complete fit is loaded from its
        file and not trained again. ``random_state`` must be an int. None saves nothing.
    checkpoint_every : int, default=1
        Number of epochs after which the state is saved to ``checkpoint``, >= 1.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random: initial weights, batches, dropout, augmentation and the
        validation split. Two fits with the same int and the same ``n_threads`` on a CPU are equal
        bit for bit.
    verbose : int, default=0
        Whether to print a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for a multilabel target, the numbers of its columns.
    class_prior_ : ndarray of shape (n_classes,) or (n_labels,)
        Shares of the classes, or prevalence of each label, in the training records, weighted by
        ``sample_weight`` and without the validation records of ``early_stopping``.
    contrastive_class_ : label or None
        The class that "class_supcon" supervised; None for the other contrastive losses.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss`` and whether it was the lowest so far
        (``train_loss_best``), ``valid_loss`` and ``valid_loss_best`` with early stopping, and what
        callbacks record. ``pandas.DataFrame(history_)`` is a table.
    n_iter_ : int
        Number of epochs trained.
    callbacks_ : list
        The trained copies of ``callbacks``.
    normalizer_ : torch.nn.Module
        The fitted normalization, which is applied before the network.
    n_features_in_ : int
        Number of features seen during `fit`: leads for 3-D arrays and lead frames, rows of pixels
        for images, columns for 2-D rows.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X is a DataFrame.
    n_leads_in_, n_times_in_ : int
        Number of leads of the records, and of time points of a lead.
    lead_names_in_ : tuple of str or None
        Standardized names of the leads; None if they are unknown.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.

    See Also
    --------
    sklearn_ecg.to_lead_frame : Make lead frames, in which each lead is a named feature.

    Notes
    -----
    ``class_weight`` is the weighting of the focal loss: for two classes, and for each label of a
    multilabel target, the weights are :math:`(1 - \alpha, \alpha)`, and "balanced" takes the share
    of negatives for :math:`\alpha`. Focal losses give probabilities that are not calibrated, even
    without weights.

    With ``logit_adjustment=1``, ``class_weight=None`` and ``focal_gamma=0``, adding
    ``np.log(class_prior_)`` to the logarithms of the probabilities, and normalizing, gives the
    probabilities at the prevalence of the training records. For a multilabel target, add the logit
    of the prevalence, ``scipy.special.logit(class_prior_)``, to `decision_function`.

    The defaults were chosen on folds 1-6 of a subset of PTB-XL.

    As far as the text of the paper is known, this implementation differs from it: convolutions have
    a stride, and pooling comes before dropout and attention, both for speed; dropout drops whole
    channels; the contrastive head is an addition of this library. The ablations of the paper are
    available as parameters: ``dilations=(1,)``, ``attention=None``, ``contrastive_weight=0``,
    ``contrastive_gamma=0``; with ``stride=1, pool_size=1`` at the time scales of the paper. On
    folds 7-9, the full network with default parameters was better than its single branch for five
    superclasses, and level with it for infarction.

    References
    ----------
    .. [1] Lei et al. (2026). MSAIC-Net. arXiv:2606.06718
    .. [2] Wang et al. (2020). ECA-Net: efficient channel attention for deep convolutional
       neural networks. arXiv:1910.03151
    .. [3] Khosla et al. (2020). Supervised contrastive learning. arXiv:2004.11362
    .. [4] Menon et al. (2021). Long-tail learning via logit adjustment. arXiv:2007.07314
    .. [5] Zhu et al. (2022). Balanced contrastive learning for long-tailed visual recognition.
       arXiv:2207.09052
    .. [6] Mildenberger et al. (2025). A tale of two classes: adapting supervised contrastive
       learning to binary imbalanced datasets. arXiv:2503.17024

    Examples
    --------
    >>> from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> ecg = make_ecg(80, duration=2.5, prevalence=0.5, random_state=0)
    >>> ecg.data.shape
    (80, 12, 250)
    >>> clf = MSAICNetClassifier(filters=(16, 16), max_epochs=10, random_state=0)
    >>> cv = StratifiedGroupKFold(n_splits=2)
    >>> scores = cross_val_score(
    ...     clf, ecg.data, ecg.target, groups=ecg.groups, cv=cv, scoring="roc_auc"
    ... )
    >>> bool(scores.min() > 0.7)
    True
    >>> clf.fit(ecg.data, ecg.target).transform(ecg.data).shape
    (80, 128)

    Two-dimensional rows require the number of leads:

    >>> clf.fit(ecg.data.reshape(80, -1), ecg.target)
    Traceback (most recent call last):
        ...
    ValueError: X has shape (80, 3000). If its rows are records in lead-major order, ...
    """

    def __init__(
        self,
        *,
        dilations: ArrayLike = (1, 2, 4, 8),
        filters: ArrayLike = (8, 16, 32),
        kernel_size=3,
        stride=2,
        pool_size: ArrayLike = 2,
        attention: str | None = "eca",
        lead_attention=None,
        dropout=0.1,
        embedding_dim=128,
        projection_dim=64,
        focal_gamma=2.0,
        logit_adjustment=0.0,
        contrastive_loss="focal_supcon",
        contrastive_class=None,
        contrastive_weight=0.03,
        contrastive_gamma=2.0,
        temperature=0.1,
        balanced_batches=True,
        augmentation=None,
        class_weight: Any = "balanced",
        normalize: str | None = "dataset",
        max_epochs=30,
        batch_size=32,
        learning_rate=3e-3,
        learning_rate_schedule="cosine",
        weight_decay=1e-2,
        gradient_clip=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        device: str | torch.device = "auto",
        n_threads: int | None = 1,
        precision="float32",
        callbacks=None,
        checkpoint=None,
        checkpoint_every=1,
        random_state=None,
        verbose=0,
    ):
        self.dilations = dilations
        self.filters = filters
        self.kernel_size = kernel_size
        self.stride = stride
        self.pool_size = pool_size
        self.attention = attention
        self.lead_attention = lead_attention
        self.dropout = dropout
        self.embedding_dim = embedding_dim
        self.projection_dim = projection_dim
        self.focal_gamma = focal_gamma
        self.logit_adjustment = logit_adjustment
        self.contrastive_loss = contrastive_loss
        self.contrastive_class = contrastive_class
        self.contrastive_weight = contrastive_weight
        self.contrastive_gamma = contrastive_gamma
        self.temperature = temperature
        self.balanced_batches = balanced_batches
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.normalize = normalize
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.device = device
        self.n_threads = n_threads
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **DeepECGClassifier._parameter_constraints,
        **NETWORK_CONSTRAINTS,
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "logit_adjustment": [Interval(Real, 0, None, closed="left")],
        "contrastive_loss": [StrOptions({"focal_supcon", "balanced", "class_supcon", "prototype"})],
        "contrastive_class": "no_validation",
        "contrastive_weight": [Interval(Real, 0, None, closed="left")],
        "contrastive_gamma": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "balanced_batches": ["boolean"],
    }

    def _set_method_attributes(self, data):
        if self.logit_adjustment > 0 and self.class_weight == "balanced":
            raise ValueError(
                f"logit_adjustment={self.logit_adjustment:g} and class_weight='balanced' both "
                "correct for the shares of the classes, and together they correct twice. Set "
                "class_weight=None, or logit_adjustment=0."
            )
        self.contrastive_class_ = None
        if self._uses("class_supcon") and data.target.kind == "binary":
            self.contrastive_class_ = self._find_contrastive_class(data)

    def _find_contrastive_class(self, data):
        """Return the class that the contrastive loss supervises: by default, the rarer class."""
        if self.contrastive_class is None:
            counts = np.bincount(data.target.values[data.train], minlength=2)
            return self.classes_[int(counts[1] <= counts[0])]
        for label in self.classes_:
            if label == self.contrastive_class:
                return label
        raise ValueError(
            f"contrastive_class={self.contrastive_class!r} is not a class of y. Pass one of "
            f"{self.classes_.tolist()}, or None for the class with fewer records."
        )

    def _split(self, data):
        super()._split(data)
        weights = None if data.sample_weight is None else data.sample_weight[data.train]
        self.class_prior_ = class_shares(data.target.take(data.train), weights)

    def _uses(self, *contrastive_losses):
        """Return whether one of these contrastive losses is computed."""
        return self.contrastive_weight > 0 and self.contrastive_loss in contrastive_losses

    def _make_network(self, data):
        return make_msaic_net(
            self,
            data,
            projection_dim=self.projection_dim if self.contrastive_weight > 0 else None,
            class_prototypes=self._uses("balanced"),
        )

    def _make_loss(self, data):
        class_prior = contrastive_class = None
        if self.logit_adjustment > 0:
            share = torch.as_tensor(self.class_prior_, dtype=self._torch_dtype)
            if data.target.kind == "binary":
                share = share[1:]
            is_multiclass = data.target.kind == "multiclass"
            class_prior = share if is_multiclass else torch.stack([1 - share, share])
        if self._uses("class_supcon") and data.target.kind == "binary":
            contrastive_class = int(self.contrastive_class_ == self.classes_[1])
        return MSAICLoss(
            data.target.kind,
            class_weight=data.class_weight,
            focal_gamma=self.focal_gamma,
            logit_adjustment=self.logit_adjustment,
            class_prior=class_prior,
            contrastive_loss=self.contrastive_loss,
            contrastive_class=contrastive_class,
            contrastive_weight=self.contrastive_weight,
            contrastive_gamma=self.contrastive_gamma,
            temperature=self.temperature,
        )

    def _needs_balanced_batches(self):
        return self.balanced_batches and self.contrastive_weight > 0

    def _n_views(self):
        return 2 if self._uses("class_supcon", "prototype") else 1
