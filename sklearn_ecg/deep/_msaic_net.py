"""MSAIC-Net: multi-scale atrous branches, channel attention, imbalance-aware contrastive loss."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from ..nn._msaic_net import MSAICNet
from ..nn._supervised_losses import MSAICLoss
from ._base import DeepECGClassifier


class MSAICNetClassifier(DeepECGClassifier):
    r"""MSAIC-Net: a classifier of multi-lead ECG for unbalanced outcomes.

    Parallel branches of atrous (dilated) convolutions read the signals at several time scales;
    channel attention weighs their features; the loss is the sum of a focal cross-entropy and a
    supervised contrastive loss in which badly aligned pairs of a class weigh more [1]_. The
    fitted network is a transformer too: `transform` gives the embedding of a record.

    The paper is binary; multiclass and multilabel targets are this library's extension.

    Parameters
    ----------
    dilations : array-like of int, default=(1, 2, 4, 8)
        Dilation of each branch. ``(1,)`` is the paper's single-scale ablation.
        The values are a default of this library, not of the paper.
    filters : array-like of int, default=(32, 64, 64)
        Channels of the successive blocks of a branch. Default of this library.
    kernel_size : int, default=7
        Odd number of taps of the convolutions. Default of this library.
    stride : int, default=2
        Stride of each branch's first convolution. Everything after it costs ``1 / stride``;
        a literal network at full resolution (``stride=1``) trains about half as fast. Default of
        this library.
    pool_size : int, default=2
        Max-pooling after each block. Default of this library.
    attention : {"eca", "se"} or None, default="eca"
        Channel attention: a convolution across channels [2]_, squeeze-and-excitation,
        or none.
    dropout : float, default=0.1
        Probability with which a block drops a channel, in [0, 1). Default of this library.
    embedding_dim : int, default=128
        Length of the embedding, the vector after global average pooling. Default of
        this library.
    projection_dim : int, default=64
        Length of the vectors that the contrastive loss compares; they come from the embedding
        through an MLP. Default of this library.
    focal_gamma : float, default=2.0
        Focusing exponent :math:`\gamma \geq 0` of the classification loss; 0 is the plain
        cross-entropy. Default of this library.
    contrastive_weight : float, default=0.1
        Weight :math:`\lambda \geq 0` of the contrastive loss; 0 leaves it and its head out.
        Default of this library.
    contrastive_gamma : float, default=2.0
        Focusing exponent of the contrastive loss, >= 0; 0 is SupCon [3]_. Default of this library.
    temperature : float, default=0.1
        Temperature :math:`\tau > 0` of the contrastive loss. Default of this library.
    balanced_batches : bool, default=True
        Give every class at least two records in each batch, so that the contrastive loss has
        positives: classes are spread evenly over the batches, and to a batch with fewer of a
        class others are added at random. These count in the contrastive loss only. Without
        that loss, batches are plain.
    augmentation : callable, list of callables or None, default=None
        Random views of training batches, such as those of `sklearn_ecg.augmentation`: a
        tensor (batch, leads, time) of normalised signals in, one of the same shape out.
        Several are applied in order.
    class_weight : {"balanced"}, dict, list of dict or None, default="balanced"
        Weights of the classes in the classification loss; with two classes, and for each label of
        a multilabel target, they are ``(1 - alpha, alpha)`` of the focal loss. "balanced":
        ``alpha`` is the share of negatives; the weights of three classes and more are
        ``n_records / (n_classes * n_records_c)``. A dict maps labels to weights; a multilabel
        target takes a list of dicts ``{0: weight, 1: weight}``. Default of this library. Weighted
        and focal losses give probabilities that are not calibrated: see
        `sklearn.calibration.CalibratedClassifierCV`.
    normalize : {"dataset", "record", "record_lead"} or None, default="dataset"
        z-scores per lead with statistics of the training records; per record over its leads and
        time points; per record and lead; none. The statistics are those of the records given to
        `fit`, less the internal validation part.
    max_epochs : int, default=30
        Passes over the training records; 0 leaves the network at its random start.
    batch_size : int, default=32
        Records in a training batch, at least 2. A trailing batch of one joins the one
        before.
    learning_rate : float, default=3e-3
        Largest learning rate of AdamW.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine": linear warm-up over the first tenth of the steps, then half a cosine to 0 at
        ``max_epochs``.
    weight_decay : float, default=1e-2
        Decoupled weight decay of AdamW, >= 0.
    early_stopping : bool, default=False
        Set a part of the records aside, stop when its loss has not improved for
        ``n_iter_no_change`` epochs, and keep the weights of the best epoch.
    validation_fraction : float, default=0.1
        Share of the records set aside with ``early_stopping=True``, in (0, 1). The split
        is stratified and keeps ``groups`` together.
    n_iter_no_change : int, default=10
        Epochs without improvement that stop the training, with ``early_stopping=True``.
    warm_start : bool, default=False
        Go on from the weights and the normalisation of the previous fit; the optimizer starts
        anew. The network, ``normalize``, the leads and the classes must be those of that fit.
    n_leads : int or None, default=None
        Number of leads. Needed for 2-D rows, ``(n_records, n_leads * n_times)``.
    lead_names : array-like of str or None, default=None
        Names of the leads. None takes the columns of a lead frame; twelve unnamed leads are
        taken to be in standard order (I, II, III, aVR, aVL, aVF, V1-V6).
    sampling_rate : float or None, default=None
        In Hz. Not used by this method; part of the common vocabulary.
    device : str or torch.device, default="auto"
        Where to train and predict; "auto" is CUDA where there is one, else the CPU.
    precision : {"float32", "float64", "mixed"}, default="float32"
        "mixed" runs the network in bfloat16 where that is safe, for GPUs; losses stay in float32.
    callbacks : list of skorch callbacks or None, default=None
        Copied before training; the copies are in ``callbacks_``.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, batches, dropout, views and the validation split. Two fits with the same
        int, on a CPU with the same number of threads, are equal bit by bit.
    verbose : int, default=0
        Print a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for a multilabel target, the numbers of its columns.
    net_ : skorch.NeuralNet
        The fitted net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss``, whether it was the lowest yet
        (``train_loss_best``), with early stopping ``valid_loss`` and ``valid_loss_best``, and
        what callbacks record.
        ``pandas.DataFrame(history_)`` is a table.
    callbacks_ : list
        The fitted callbacks.
    normalizer_ : torch.nn.Module
        The fitted normalisation.
    n_features_in_ : int
        Columns of X: leads, or time points of all leads for 2-D rows.
    feature_names_in_ : ndarray of str
        Columns of X, when X was a frame.
    n_leads_in_, n_times_in_ : int
        Leads of the records and time points of a lead.
    lead_names_in_ : tuple of str or None
        Names of the leads in standard spelling, where known.

    See Also
    --------
    sklearn_ecg.to_lead_frame : Makes lead frames, in which every lead is a named feature.

    Notes
    -----
    Defaults were chosen on folds 1-6 of a subset of PTB-XL.

    Departures from the paper's text, as far as it is known: convolutions have a stride, and
    pooling stands before dropout and attention, both for
    speed; dropout drops whole channels; the contrastive head is this library's. Ablations of the
    paper are reachable by parameters: ``dilations=(1,)``, ``attention=None``,
    ``contrastive_weight=0``, ``contrastive_gamma=0``.

    References
    ----------
    .. [1] Lei et al. (2026). MSAIC-Net. arXiv:2606.06718
    .. [2] Wang et al. (2020). ECA-Net: efficient channel attention for deep convolutional
       neural networks. arXiv:1910.03151
    .. [3] Khosla et al. (2020). Supervised contrastive learning. arXiv:2004.11362

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
    >>> bool(scores.min() > 0.9)
    True
    >>> clf.fit(ecg.data, ecg.target).transform(ecg.data).shape
    (80, 128)

    Two-dimensional rows need the number of leads:

    >>> clf.fit(ecg.data.reshape(80, -1), ecg.target)
    Traceback (most recent call last):
        ...
    ValueError: X has shape (80, 3000). If its rows are records in lead-major order, ...
    """

    def __init__(
        self,
        *,
        dilations=(1, 2, 4, 8),
        filters=(32, 64, 64),
        kernel_size=7,
        stride=2,
        pool_size=2,
        attention="eca",
        dropout=0.1,
        embedding_dim=128,
        projection_dim=64,
        focal_gamma=2.0,
        contrastive_weight=0.1,
        contrastive_gamma=2.0,
        temperature=0.1,
        balanced_batches=True,
        augmentation=None,
        class_weight="balanced",
        normalize="dataset",
        max_epochs=30,
        batch_size=32,
        learning_rate=3e-3,
        learning_rate_schedule="cosine",
        weight_decay=1e-2,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        sampling_rate=None,
        device="auto",
        precision="float32",
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.dilations = dilations
        self.filters = filters
        self.kernel_size = kernel_size
        self.stride = stride
        self.pool_size = pool_size
        self.attention = attention
        self.dropout = dropout
        self.embedding_dim = embedding_dim
        self.projection_dim = projection_dim
        self.focal_gamma = focal_gamma
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
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.sampling_rate = sampling_rate
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **DeepECGClassifier._parameter_constraints,
        "dilations": ["array-like"],
        "filters": ["array-like"],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "pool_size": [Interval(Integral, 1, None, closed="left")],
        "attention": [StrOptions({"eca", "se"}), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "contrastive_weight": [Interval(Real, 0, None, closed="left")],
        "contrastive_gamma": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "balanced_batches": ["boolean"],
    }

    def _make_network(self, n_outputs):
        n_leads = self.normalizer_.n_leads_out
        for name in ("dilations", "filters"):
            values = getattr(self, name)
            if not len(values) or any(not isinstance(v, Integral) or v < 1 for v in values):
                raise ValueError(
                    f"{name} must hold at least one number, all of them integers >= 1, got "
                    f"{values!r}."
                )
        return MSAICNet(
            n_leads,
            n_outputs,
            dilations=self.dilations,
            filters=self.filters,
            kernel_size=self.kernel_size,
            stride=self.stride,
            pool_size=self.pool_size,
            attention=self.attention,
            dropout=self.dropout,
            embedding_dim=self.embedding_dim,
            projection_dim=self.projection_dim if self.contrastive_weight > 0 else None,
        )

    def _needs_partners(self):
        return self.balanced_batches and self.contrastive_weight > 0

    def _make_loss(self, target_kind, class_weight):
        return MSAICLoss(
            target_kind,
            class_weight=class_weight,
            focal_gamma=self.focal_gamma,
            contrastive_weight=self.contrastive_weight,
            contrastive_gamma=self.contrastive_gamma,
            temperature=self.temperature,
        )
