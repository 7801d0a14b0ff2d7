"""Any torch module as a regressor, and networks of the literature by name."""

from collections.abc import Callable

import torch

from ._ecg_net_module import ModuleMixin
from ._regressor import DeepECGRegressor


class ECGNetRegressor(ModuleMixin, DeepECGRegressor):
    r"""Regressor of multi-lead ECG with any torch module: age, ejection fraction, intervals.

    The module receives batches of normalized signals, tensors (batch, leads, time), and returns
    a tensor (batch, n_outputs), or a tuple of it and an embedding (batch, n_features), with one
    output for each target. The networks that the literature compares with are available by name.
    The estimator is a transformer as well: `transform` returns the embedding.

    The loss is the squared error, averaged over the targets. The network is trained on targets that
    are standardized to mean 0 and SD 1, so that their unit and offset do not matter; `predict`
    returns values in the unit of y.

    Parameters
    ----------
    module : str, class or callable, default="resnet1d_wang"
        A `torch.nn.Module` class, or a function that returns a module. `fit` calls it as
        ``module(n_leads, n_outputs, **module_params)``, by position, so the first two arguments may
        have other names. ``n_outputs`` is the number of targets.

        Or the name of a network of this library, whose page lists its arguments:

        - "resnet1d_wang": `sklearn_ecg.nn.ResNet1dWang`, of the PTB-XL benchmark [1]_;
        - "xresnet1d101": `sklearn_ecg.nn.XResNet1d`, of the PTB-XL benchmark [1]_;
        - "inception_time": `sklearn_ecg.nn.InceptionTime` [2]_;
        - "lstm": `sklearn_ecg.nn.LSTM`, of the PTB-XL benchmark [1]_;
        - "cnn_lstm": `sklearn_ecg.nn.CNNLSTM` [3]_;
        - "transformer": `sklearn_ecg.nn.TransformerEncoder` [4]_, [5]_.

        A module instance is not accepted, because a clone or a second fit would start from its
        trained weights. To start from given weights, pass a function that makes the module and
        loads them. A lambda, or a class defined in a function, works until the estimator is
        pickled.
    module_params : dict or None, default=None
        Further arguments of the module, by name. As in skorch, each of them is also a parameter
        ``module__<name>``: ``set_params(module__width=64)``, or ``{"module__width": [64, 128]}``
        in a grid, changes one argument and keeps the others.
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
    learning_rate : float, default=1e-3
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
    MSAICNetRegressor : Regressor with the network of MSAIC-Net.
    ECGNetClassifier : Classifier with the same modules.

    Notes
    -----
    `transform` returns the embedding that the module returns. If the module returns no embedding,
    its output is the embedding. The embedding of the networks by name is the input of their last
    linear layer.

    A new module is tried out on two random records before training, in ``eval`` mode. Its output is
    checked, and lazy layers such as `torch.nn.LazyLinear` get their sizes, which may depend on the
    length of the records. With ``precision="mixed"`` the networks by name predict in bfloat16 up to
    their last layer. Other modules predict in float32, because their last layer is not known.

    `sklearn_ecg.inspection.lead_importance` works with every module.
    `sklearn_ecg.inspection.grad_cam` and `sklearn_ecg.persistence.export_onnx` require classes and
    do not support regressors.

    References
    ----------
    .. [1] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE J Biomed Health Inform 25(5), 1519-1528. arXiv:2004.13701
    .. [2] Ismail Fawaz et al. (2020). InceptionTime: finding AlexNet for time series
       classification. Data Min Knowl Disc 34, 1936-1962. arXiv:1909.04939
    .. [3] Oh et al. (2018). Automated diagnosis of arrhythmia using combination of CNN and LSTM
       techniques with variable length heart beats. Comput Biol Med 102, 278-287.
    .. [4] Vaswani et al. (2017). Attention is all you need. NeurIPS. arXiv:1706.03762
    .. [5] Natarajan et al. (2020). A wide and deep transformer neural network for 12-lead ECG
       classification. Computing in Cardiology 47.

    Examples
    --------
    The height of the R-waves in lead II of simulated records, in mV:

    >>> import numpy as np
    >>> from sklearn_ecg import ECGNetRegressor
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X = make_ecg(80, duration=2.5, random_state=0).data
    >>> y = X[:, 1].max(axis=1)
    >>> params = {"width": 16, "n_blocks": 1}
    >>> reg = ECGNetRegressor(module_params=params, max_epochs=25, random_state=0)
    >>> reg.fit(X[:60], y[:60]).predict(X[60:]).shape
    (20,)
    >>> bool(reg.score(X[60:], y[60:]) > 0.5)
    True

    Several targets are columns of y:

    >>> reg.fit(X, np.column_stack([y, X[:, 0].max(axis=1)])).predict(X).shape
    (80, 2)
    """

    def __init__(
        self,
        module: str | Callable = "resnet1d_wang",
        *,
        module_params=None,
        augmentation=None,
        normalize: str | None = "dataset",
        max_epochs=30,
        batch_size=32,
        learning_rate=1e-3,
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
        self.module = module
        self.module_params = module_params
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

    _parameter_constraints = {
        **DeepECGRegressor._parameter_constraints,
        **ModuleMixin._module_constraints,
    }
