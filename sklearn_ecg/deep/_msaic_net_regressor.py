"""The network of MSAIC-Net as a regressor."""

import torch
from numpy.typing import ArrayLike

from ._msaic_net_module import NETWORK_CONSTRAINTS, make_msaic_net
from ._regressor import DeepECGRegressor


class MSAICNetRegressor(DeepECGRegressor):
    r"""Regressor of multi-lead ECG with the network of MSAIC-Net.

    Parallel branches of atrous (dilated) convolutions process the signals at several time scales,
    and channel attention weights their features [1]_. The loss is the squared error, averaged over
    the targets; the paper is about classification, and its loss is not used. The network is trained
    on targets that are standardized to mean 0 and SD 1, so that their unit and offset do not
    matter; `predict` returns values in the unit of y. The fitted network is a transformer as well:
    `transform` returns the embedding of a record.

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
    augmentation : callable, list of callables or None, default=None
        Random transforms of the training batches, such as those of `sklearn_ecg.augmentation`. Each
        maps a tensor, (batch, leads, time) for signals or (batch, channels, height, width) for
        images, to a tensor of the same shape. The transforms of a list are applied in order. None
        trains on the records as they are.
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
        Fraction of the records that ``early_stopping=True`` sets aside, in (0, 1). The split keeps
        ``groups`` together.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which ``early_stopping=True`` stops the training.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the normalization of the previous fit, with a
        new optimizer. Parameters and data must lead to the same network, input and number of
        targets as before. The standardization of the targets is kept as well.
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
    target_mean_, target_scale_ : ndarrays of shape (n_targets,)
        Mean and SD of the targets of the training records, weighted by ``sample_weight``. The
        network is trained on targets with mean 0 and SD 1. The scale of a constant target is 0, and
        its constant is predicted.
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
    ECGNetRegressor : Regressor with any torch module.
    MSAICNetClassifier : Classifier with the same network.

    Notes
    -----
    The defaults are those of `MSAICNetClassifier`, which were chosen for classification.
    `sklearn_ecg.inspection.grad_cam` and `sklearn_ecg.persistence.export_onnx` require classes and
    do not support regressors.

    References
    ----------
    .. [1] Lei et al. (2026). MSAIC-Net. arXiv:2606.06718
    .. [2] Wang et al. (2020). ECA-Net: efficient channel attention for deep convolutional
       neural networks. arXiv:1910.03151

    Examples
    --------
    The interval between heart beats of simulated records, in seconds:

    >>> from sklearn_ecg import MSAICNetRegressor, detect_r_peaks
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X = make_ecg(80, duration=5, random_state=0).data
    >>> y = 60 / detect_r_peaks(X, sampling_rate=100).heart_rate()
    >>> reg = MSAICNetRegressor(random_state=0)
    >>> reg.fit(X[:60], y[:60]).predict(X[60:]).shape
    (20,)
    >>> bool(reg.score(X[60:], y[60:]) > 0.5)
    True
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
        augmentation=None,
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
        self.augmentation = augmentation
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

    _parameter_constraints = {**DeepECGRegressor._parameter_constraints, **NETWORK_CONSTRAINTS}

    def _make_network(self, data):
        return make_msaic_net(self, data)
