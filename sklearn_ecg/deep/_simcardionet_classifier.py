"""SimCardioNet: progressive fine-tuning of the encoder, and linear probes."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from ..utils._warnings import warn
from ._inputs import ImageInput
from ._pretraining import FineTunedClassifier
from ._simcardionet import SimCardioNetEncoder
from ._training import ParameterGroup


class SimCardioNetClassifier(FineTunedClassifier):
    """Classifier that fine-tunes a SimCardioNet encoder stage by stage, or trains a linear probe.

    At first only the new linear layer is trained. Then the stages of the encoder are unfrozen one
    after another, from the last to the first, each with a lower learning rate than the one before.
    A stage that is still frozen does not change: neither its weights nor the statistics of its
    BatchNorm.

    The classifier takes images. For signals, put `sklearn_ecg.preprocessing.ECGImageRenderer`
    before it in a `Pipeline`.

    Parameters
    ----------
    encoder : SimCardioNetEncoder, FrozenEstimator or None, default=None
        `fit` pretrains an unfitted encoder on the same images, so that ``encoder__max_epochs`` can
        be searched, and takes ``image_shape``, ``random_state`` and ``checkpoint`` from the
        classifier if they are None. None is a default encoder with the ``device``, ``n_threads``,
        ``precision`` and ``verbose`` of the classifier. ``FrozenEstimator(encoder)`` with a fitted
        encoder uses a copy of it without pretraining. A fitted encoder that is not frozen is cloned
        and pretrained again, as everywhere in scikit-learn. A warm start does not pretrain.
    frozen : bool, default=False
        Whether to keep the encoder unchanged and fit a logistic regression to its embedding (a
        linear probe), one for each label of a multilabel target. The embedding is standardized with
        its mean and SD over the records that the encoder was pretrained on. Its weights become
        those of the linear layer of the network. There are no epochs: the parameters of the
        training, such as ``max_epochs``, are not used, ``augmentation`` must be None and
        ``early_stopping`` False.
    probe_C : float, default=0.01
        Inverse strength of the L2 penalty of the linear probe, > 0, as ``C`` of
        `sklearn.linear_model.LogisticRegression`. Sample weights are scaled to a mean of 1. Default
        of this library.
    head_init : {"probe", "random"}, default="random"
        Initial weights of the linear layer in fine-tuning: those of the linear probe, or random
        weights. Default of this library. Not used with ``frozen=True``.
    freeze_batch_norm : bool, default=False
        Whether the BatchNorm layers of the encoder keep the statistics of pretraining in
        fine-tuning. With False they are those of the batches, which contain few records. Default of
        this library.
    min_steps : int, default=0
        Smallest number of optimizer steps of fine-tuning: with few records, there are more epochs
        than ``max_epochs``, unless ``early_stopping`` ends the training before. 0 trains
        ``max_epochs`` epochs. Default of this library. Not used with ``frozen=True`` or
        ``max_epochs=0``.
    unfreeze : {"all"} or int, default="all"
        Number of stages that are unfrozen in the end; 0 trains the linear layer alone.
    unfreeze_interval : int, default=2
        Number of epochs before the first stage is unfrozen, and from one stage to the next. 0
        trains all of these stages from the start. Default of this library.
    encoder_learning_rate : float, default=3e-4
        Maximum learning rate of the last stage; ``learning_rate`` is that of the new linear layer.
        Default of this library.
    layer_decay : float, default=0.5
        Ratio, in (0, 1], of the learning rate of a stage to that of the stage after it. Default of
        this library.
    unlabeled : int, str or None, default=None
        Value of ``y`` that marks records without a label, which are used for pretraining only. In a
        multilabel target, it marks a row that contains no other value. It is not in ``classes_``.
        None means that all records are labeled.
    augmentation : callable, list of callables or None, default=None
        Random transforms of the training batches, such as those of `sklearn_ecg.augmentation`. Each
        maps a tensor, (batch, leads, time) for signals or (batch, channels, height, width) for
        images, to a tensor of the same shape. The transforms of a list are applied in order. None
        trains on the records as they are.
    class_weight : {"balanced"}, dict, list of dict, dict of dict or None, default=None
        Weights of the classes in the classification loss. "balanced": for two classes, and for each
        label of a multilabel target, the share of the records with the other value; for three or
        more classes, ``n_records / (n_classes * n_records_of_class)``. A dict maps class labels to
        weights; a multilabel target takes a list of dicts ``{0: weight, 1: weight}``, one per
        label, or a dict of such dicts by column, ``{3: {1: 5}}``. None gives all classes the same
        weight. Probabilities of a weighted loss are not calibrated: see
        `sklearn_ecg.PriorCorrectedClassifier` and `sklearn.calibration.CalibratedClassifierCV`.
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
        Fraction of the records that ``early_stopping=True`` sets aside, in (0, 1). The split is
        stratified and keeps ``groups`` together.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which ``early_stopping=True`` stops the training.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the normalization of the previous fit, with a
        new optimizer. Parameters and data must lead to the same network, input and classes as
        before.
    image_shape : tuple of int or None, default=None
        Shape of the images in 2-D rows, (height, width) or (height, width, channels). One of the
        numbers may be -1, and is then inferred. Required for 2-D rows.
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
    encoder_ : SimCardioNetEncoder
        The encoder before fine-tuning.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``train_loss``, ``learning_rate``, the rate of each stage
        (``stage_1_learning_rate`` and so on, 0 while it is frozen), ``open_stages``, the number of
        stages that were trained, ``valid_loss`` with early stopping, and what callbacks record.
        ``encoder_.history_`` is that of pretraining.
    n_iter_ : int
        Number of epochs trained.
    callbacks_ : list
        The trained copies of ``callbacks``.
    normalizer_ : torch.nn.Module
        The fitted normalization, which is applied before the network.
    image_shape_in_ : tuple of int
        Height, width and number of channels of the images in X.
    n_features_in_ : int
        Number of features seen during `fit`: leads for 3-D arrays and lead frames, rows of pixels
        for images, columns for 2-D rows.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X is a DataFrame.

    See Also
    --------
    SimCardioNetEncoder : Pretrained embeddings, for pipelines that end in another classifier.

    Notes
    -----
    Images are resized and normalized as by the encoder, whose ``image_shape`` is used if that of
    the classifier is None. Only labeled images are trained on and set aside for validation; an
    encoder that is pretrained inside `fit` uses all images, without their labels.

    References
    ----------
    .. [1] SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> X, y = make_ecg(20, prevalence=0.5, return_X_y=True, random_state=0)
    >>> images = ECGImageRenderer(sampling_rate=100, image_size=64).fit_transform(X)
    >>> clf = SimCardioNetClassifier(
    ...     SimCardioNetEncoder(image_size=64, filters=(8, 16), max_epochs=1),
    ...     max_epochs=6,
    ...     random_state=0,
    ... )
    >>> clf.fit(images, y).predict_proba(images).shape
    (20, 2)

    The last stage was unfrozen in the third epoch, the first stage in the fifth:

    >>> clf.history_["open_stages"]
    array([0, 0, 1, 1, 2, 2])

    A pipeline takes the signals themselves:

    >>> model = make_pipeline(ECGImageRenderer(sampling_rate=100, image_size=64), clf)
    >>> model.fit(X, y).predict_proba(X).shape
    (20, 2)
    >>> clf.fit(X, y)
    Traceback (most recent call last):
        ...
    ValueError: X has shape (20, 12, 1000), which looks like signals of 12 leads, but ...
    """

    def __init__(
        self,
        encoder=None,
        *,
        frozen=False,
        probe_C=0.01,
        head_init="random",
        freeze_batch_norm=False,
        min_steps=0,
        unfreeze: str | int = "all",
        unfreeze_interval=2,
        encoder_learning_rate=3e-4,
        layer_decay=0.5,
        unlabeled=None,
        augmentation=None,
        class_weight=None,
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
        image_shape=None,
        device: str | torch.device = "auto",
        n_threads: int | None = 1,
        precision="float32",
        callbacks=None,
        checkpoint=None,
        checkpoint_every=1,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.frozen = frozen
        self.probe_C = probe_C
        self.head_init = head_init
        self.freeze_batch_norm = freeze_batch_norm
        self.min_steps = min_steps
        self.unfreeze = unfreeze
        self.unfreeze_interval = unfreeze_interval
        self.encoder_learning_rate = encoder_learning_rate
        self.layer_decay = layer_decay
        self.unlabeled = unlabeled
        self.augmentation = augmentation
        self.class_weight = class_weight
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
        self.image_shape = image_shape
        self.device = device
        self.n_threads = n_threads
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **FineTunedClassifier._parameter_constraints,
        **ImageInput.parameter_constraints,
        "encoder": [SimCardioNetEncoder, FrozenEstimator, None],
        "unfreeze": [StrOptions({"all"}), Interval(Integral, 0, None, closed="left")],
        "unfreeze_interval": [Interval(Integral, 0, None, closed="left")],
        "layer_decay": [Interval(Real, 0, 1, closed="right")],
    }
    _encoder_class = SimCardioNetEncoder

    def fit(self, X, y, sample_weight=None, groups=None):
        """Pretrain an unfitted encoder, then train on the labeled records.

        If training is interrupted, by Ctrl-C or by an error, the estimator is left unfitted.
        With ``checkpoint``, the next `fit` with the same parameters and data continues.

        Parameters
        ----------
        X : array-like or DataFrame
            Images of shape (n_records, height, width) or (n_records, height, width, channels),
            bytes (uint8) or floats, or, with ``image_shape``, rows of pixels.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1; ``unlabeled`` for
            records without a label.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the labeled records in the classification loss. A record of weight 0 is
            ignored in pretraining as well.
        groups : array-like of shape (n_records,), default=None
            Patients. With ``early_stopping=True`` the records of a group are either all in the
            training set or all in the validation set.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the container of X is ambiguous, X contains NaN or infinity, or X does not fit the
            encoder; if labels are missing, continuous or of one class only; if the loss becomes
            non-finite.
        PersistenceError
            If the checkpoint of this fit is damaged. This is a `ValueError`.
        OSError
            If ``checkpoint`` is no writable folder, or its disk is full.
        TypeError
            If X contains objects that are not numbers.

        Warns
        -----
        ConvergenceWarning
            If ``max_epochs`` is too small for all stages to be unfrozen.
        """
        return self._fit(X, y, sample_weight, groups)

    @property
    def _input(self):
        image_shape = self.image_shape
        if image_shape is None:
            encoder = getattr(self.encoder, "estimator", self.encoder)
            image_shape = getattr(encoder, "image_shape", None)
        return ImageInput(image_shape)

    def _encoder_defaults(self):
        return {"image_shape": self.image_shape}

    def _encoder_parameter_groups(self):
        n_stages = len(self.encoder_.filters)
        n_unfrozen = n_stages if self.unfreeze == "all" else int(self.unfreeze)
        if n_unfrozen > n_stages:
            raise ValueError(
                f"unfreeze={n_unfrozen} exceeds the {n_stages} stages of the encoder. Pass a lower "
                "number, or 'all'."
            )
        interval = int(self.unfreeze_interval)
        return [
            ParameterGroup(
                f"encoder.stages.{n_stages - 1 - turn}",
                f"stage_{n_stages - turn}",
                self.encoder_learning_rate * self.layer_decay**turn,
                1 + interval * (turn + 1) if turn < n_unfrozen else None,
            )
            for turn in range(n_stages)
        ]

    def _warn_if_stages_stay_frozen(self, max_epochs):
        groups = self._parameter_groups()
        unfrozen = [group.first_epoch for group in groups if group.first_epoch is not None]
        if unfrozen and max(unfrozen) > max_epochs > 0:
            warn(
                f"The last of {len(unfrozen)} stages would be unfrozen in epoch {max(unfrozen)}, "
                f"but max_epochs={max_epochs}. Increase max_epochs, or lower unfreeze_interval or "
                "unfreeze.",
                ConvergenceWarning,
            )

    def _train(self, network, loss, train_batches, valid_batches, data):
        self._warn_if_stages_stay_frozen(self._count_epochs(train_batches))
        super()._train(network, loss, train_batches, valid_batches, data)
        if not self.frozen:
            open_stages = np.zeros(self.n_iter_, dtype=int)
            for name, rates in self.history_.items():
                if name.startswith("stage_"):
                    open_stages += rates > 0
            self.history_["open_stages"] = open_stages
