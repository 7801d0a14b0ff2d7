"""Any torch module as an estimator, with networks of the literature by name."""

import copy
import inspect

import torch
from sklearn.utils._param_validation import StrOptions

from ..nn._inception_time import InceptionTime
from ..nn._recurrent import CNNLSTM, LSTM
from ..nn._resnet import ResNet1dWang, XResNet1d
from ..nn._signal_network import SignalNetwork
from ..nn._supervised_losses import ClassificationLoss
from ..nn._transformer import TransformerEncoder
from ..nn._user_module import UserModule
from ._base import DeepECGClassifier

NETWORKS = {
    "cnn_lstm": CNNLSTM,
    "inception_time": InceptionTime,
    "lstm": LSTM,
    "resnet1d_wang": ResNet1dWang,
    "transformer": TransformerEncoder,
    "xresnet1d101": XResNet1d,
}

# Single arguments of the module are parameters of this prefix, as in skorch.
_PREFIX = "module__"


class ECGNetClassifier(DeepECGClassifier):
    r"""Any torch module as a classifier of multi-lead ECG, and as a transformer.

    The module sees a batch of normalised signals, a tensor (batch, leads, time), and returns
    logits (batch, n_outputs), or a tuple of logits and an embedding (batch, n_features). The
    estimator does the rest: the contract for X, labels of any kind, weights, training,
    probabilities. Networks that the literature compares with are there by name.

    The loss is the cross-entropy of the classes; of a multilabel target, the mean of the binary
    cross-entropies of the labels.

    Parameters
    ----------
    module : str, class or callable, default="resnet1d_wang"
        A `torch.nn.Module` class, or a function that makes a module. It is called as
        ``module(n_leads, n_outputs, **module_params)`` within `fit`, by position, so that its
        arguments may have other names. ``n_outputs`` is 1 for two classes, where a positive logit
        means ``classes_[1]``; otherwise it is the number of classes or labels.

        Or the name of a network of this library, whose page lists its arguments:

        - "resnet1d_wang": `sklearn_ecg.nn.ResNet1dWang`, of the PTB-XL benchmark [1]_;
        - "xresnet1d101": `sklearn_ecg.nn.XResNet1d`, of the PTB-XL benchmark [1]_;
        - "inception_time": `sklearn_ecg.nn.InceptionTime` [2]_;
        - "lstm": `sklearn_ecg.nn.LSTM`, of the PTB-XL benchmark [1]_;
        - "cnn_lstm": `sklearn_ecg.nn.CNNLSTM` [3]_;
        - "transformer": `sklearn_ecg.nn.TransformerEncoder` [4]_, [5]_.

        Not a module that has been made: a clone or a second fit would start from its weights. To
        start from weights of your own, pass a function that makes the module and loads them. A
        lambda, or a class within a function, works until the estimator is pickled.
    module_params : dict or None, default=None
        Further arguments of the module, by name. Each is a parameter of its own as well, as
        in skorch: ``set_params(module__width=64)``, and ``{"module__width": [64, 128]}`` in a
        grid, change that one and keep the others.
    augmentation : callable, list of callables or None, default=None
        Random views of training batches, such as those of `sklearn_ecg.augmentation`: a
        tensor (batch, leads, time) of normalised signals in, one of the same shape out.
        Several are applied in order.
    class_weight : {"balanced"}, dict, list of dict or None, default=None
        Weights of the classes in the loss. "balanced": for two classes, and for each label of a
        multilabel target, the share of the records with the other value; for three classes and
        more, ``n_records / (n_classes * n_records_c)``. A dict maps labels to weights; a
        multilabel target takes a list of dicts ``{0: weight, 1: weight}``. Probabilities of
        weighted losses are not calibrated: see `sklearn.calibration.CalibratedClassifierCV`.
    normalize : {"dataset", "record", "record_lead"} or None, default="dataset"
        z-scores per lead with statistics of the training records; per record over its leads and
        time points; per record and lead; none. The statistics are those of the records given to
        `fit`, less the internal validation part.
    max_epochs : int, default=30
        Passes over the training records; 0 leaves the network at its random start.
    batch_size : int, default=32
        Records in a training batch, at least 2. A trailing batch of one joins the one
        before.
    learning_rate : float, default=1e-3
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
    MSAICNetClassifier : A method with a network and a loss of its own.

    Notes
    -----
    ``transform`` gives the embedding that the module returns. A module that returns logits only
    has no other output that is known, so its logits are its embedding, a single column for two
    classes. The networks by name embed into what their last linear layer sees.

    A new module is tried on two random records before training, in ``eval`` mode: what it returns
    is checked, and lazy layers such as `torch.nn.LazyLinear` take their sizes, the length of the
    records among them. With ``precision="mixed"`` the networks by name predict in bfloat16 up to
    their last layer; other modules predict in float32, for their last layer is not known.

    `sklearn_ecg.inspection.lead_importance` works with every module,
    `sklearn_ecg.inspection.grad_cam` with the networks by name and with subclasses of
    `sklearn_ecg.nn.SignalNetwork`.

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
    >>> from torch import nn
    >>> from sklearn_ecg import ECGNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X, y = make_ecg(80, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    >>> class SmallNet(nn.Module):
    ...     def __init__(self, n_leads, n_outputs, width=8):
    ...         super().__init__()
    ...         self.conv = nn.Conv1d(n_leads, width, 9, padding="same")
    ...         self.linear = nn.Linear(width, n_outputs)
    ...
    ...     def forward(self, x):
    ...         embedding = self.conv(x).relu().mean(2)
    ...         return self.linear(embedding), embedding
    >>> clf = ECGNetClassifier(SmallNet, module_params={"width": 16}, random_state=0)
    >>> clf.fit(X, y).predict_proba(X).shape
    (80, 2)
    >>> clf.transform(X).shape
    (80, 16)

    An argument of the module is a parameter like others, and one that it does not take is told:

    >>> from sklearn.model_selection import GridSearchCV
    >>> search = GridSearchCV(clf, {"module__width": [2, 4]}, cv=2).fit(X, y)
    >>> len(search.cv_results_["params"])
    2
    >>> clf.set_params(module__depth=2).fit(X, y)
    Traceback (most recent call last):
        ...
    ValueError: module SmallNet cannot be called as SmallNet(n_leads, n_outputs, width, depth):
    got an unexpected keyword argument 'depth'. Its signature is
    SmallNet(n_leads, n_outputs, width=8).
    """

    def __init__(
        self,
        module="resnet1d_wang",
        *,
        module_params=None,
        augmentation=None,
        class_weight=None,
        normalize="dataset",
        max_epochs=30,
        batch_size=32,
        learning_rate=1e-3,
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
        self.module = module
        self.module_params = module_params
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
        "module": [StrOptions(set(NETWORKS)), callable],
        "module_params": [dict, None],
    }

    def get_params(self, deep=True):
        """Parameters of the estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to give each of ``module_params`` as ``module__<name>`` as well.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep=deep)
        if deep and isinstance(self.module_params, dict):
            params.update({f"{_PREFIX}{name}": v for name, v in self.module_params.items()})
        return params

    def set_params(self, **params):
        """Set parameters, ``module__<name>`` for one of ``module_params``.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
        """
        ours = {name: v for name, v in params.items() if not name.startswith(_PREFIX)}
        super().set_params(**ours)
        changed = {
            name.removeprefix(_PREFIX): value
            for name, value in params.items()
            if name.startswith(_PREFIX)
        }
        if changed:
            # A new dict: the old one may be another estimator's, too.
            self.module_params = {**(self.module_params or {}), **changed}
        return self

    def _make_network(self, n_outputs):
        n_leads = self.normalizer_.n_leads_out
        # A copy, because fit never changes a parameter, whatever the module does.
        params = copy.deepcopy(self.module_params or {})
        make = NETWORKS[self.module] if isinstance(self.module, str) else self.module
        name = _name(make)
        _check_signature(make, name, params)
        try:
            network = make(n_leads, n_outputs, **params)
        except Exception as error:
            given = "".join(f", {key}={value!r}" for key, value in params.items())
            raise ValueError(
                f"module {name} could not be made by {name}({n_leads}, {n_outputs}{given}): "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(network, torch.nn.Module):
            raise ValueError(
                f"module {name} must make a torch.nn.Module, got {type(network).__name__}."
            )
        checked = UserModule(network, name, n_outputs)
        if type(network) not in NETWORKS.values():
            checked.probe(n_leads, self.n_times_in_, self._torch_dtype)
        return network if isinstance(network, SignalNetwork) else checked

    def _make_loss(self, target_kind, class_weight):
        return ClassificationLoss(target_kind, class_weight=class_weight)

    def _logits(self, module, x):
        if not isinstance(module, UserModule):
            return super()._logits(module, x)
        # In full precision: which of its layers is the last is not known.
        return _finite(module.outputs(x)[0], module.name)

    def _embedding(self, module, x):
        if not isinstance(module, UserModule):
            return super()._embedding(module, x)
        return _finite(module.outputs(x)[1], module.name)


def _name(make):
    """What to call a class, a function or another callable in a message."""
    return getattr(make, "__name__", None) or type(make).__name__


def _check_signature(make, name, params):
    """Hold a callable to ``make(n_leads, n_outputs, **params)``."""
    if isinstance(make, torch.nn.Module):
        name = type(make).__name__
        raise ValueError(
            f"module must be a class or a function that makes a module, got an instance of {name}. "
            f"Pass module={name}, and its arguments as module_params; to start from its weights, "
            "pass a function of (n_leads, n_outputs) that makes the module and loads them."
        )
    try:
        signature = inspect.signature(make)
    except ValueError:  # of what is written in C
        return
    try:
        signature.bind(0, 0, **params)
    except TypeError as error:
        arguments = ", ".join(["n_leads", "n_outputs", *map(str, params)])
        raise ValueError(
            f"module {name} cannot be called as {name}({arguments}): {error}. Its signature is "
            f"{name}{signature}."
        ) from error


def _finite(values, name):
    if not torch.isfinite(values).all():
        raise ValueError(
            f"module {name} returned NaN or infinity for finite signals. A record may have a flat "
            "lead or be constant: a division by its standard deviation must mind that."
        )
    return values
