"""SimCardioNet: self-supervised embeddings of ECG images, and progressive fine-tuning."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._validation import check_image_size, check_images, check_noted_rate, check_signals
from ..augmentation import ColorJitter, Compose, RandomResizedCrop, RandomRotation
from ..leads import is_lead_frame
from ..nn._normalizers import ImageNormalizer
from ..nn._self_supervised_losses import HybridContrastiveLoss
from ..nn._simcardionet import SimCardioNet
from ..preprocessing import ECGImageRenderer
from ..utils._torch import as_tensor
from ..utils._warnings import warn
from ._base import Prepared
from ._pretraining import FineTunedClassifier, SelfSupervisedEncoder
from ._training import ParameterGroup


class _ReadsImages:
    """What encoder and classifier share: X are images, or signals that a renderer draws."""

    _reads = "images"

    def _read(self, X, reset):
        if reset:
            self._forget()
        # After fit, what was fitted counts, whatever has become of the parameters.
        if (self._find("renderer") is None) if reset else not hasattr(self, "renderer_"):
            shape = self._find("image_shape") if reset else self.image_shape_in_
            return check_images(self, X, reset=reset, image_shape=shape, dtype=self._dtype)
        signals, names = check_signals(self, X, reset=reset, dtype=self._dtype)
        renderer = self._make_renderer(names, signals.shape[1]) if reset else self.renderer_
        if is_lead_frame(X):
            check_noted_rate(renderer, X)
        if reset:
            self.renderer_ = renderer.fit(signals)
        images = self.renderer_.transform(signals)
        images = images if images.ndim == 4 else images[..., np.newaxis]
        if reset:
            self.image_shape_in_, self.n_channels_in_ = images.shape[1:], images.shape[3]
        return images

    def _prepare(self, X):
        """Check and draw records once."""
        check_is_fitted(self, "net_")
        return Prepared(self._read(X, reset=False), self.normalizer_)

    def _make_renderer(self, names, n_leads):
        """The renderer, which is told what it does not know of the signals."""
        renderer = clone(self._find("renderer"))
        for name in ("n_leads", "lead_names"):
            if getattr(renderer, name) is not None:
                raise ValueError(
                    f"{name}={getattr(renderer, name)!r} of the renderer is not read here. Pass "
                    f"{name} to {type(self).__name__}."
                )
        renderer.set_params(lead_names=names, n_leads=n_leads)
        rate = self._find("sampling_rate")
        if renderer.sampling_rate is None:
            renderer.set_params(sampling_rate=rate)
        elif rate not in (None, renderer.sampling_rate):
            raise ValueError(
                f"sampling_rate={rate!r} differs from that of the renderer, "
                f"{renderer.sampling_rate!r}. Pass one of them only."
            )
        return renderer

    def _find(self, name):
        """A parameter that says how X is to be read."""
        return getattr(self, name)

    def _forget(self):
        """Drop what tells how the X of a previous fit was read."""
        for name in ("renderer_", "image_kind_in_", "n_leads_in_", "n_times_in_", "lead_names_in_"):
            vars(self).pop(name, None)


class SimCardioNetEncoder(_ReadsImages, SelfSupervisedEncoder):
    r"""SimCardioNet: embeddings of unlabelled ECG images, learnt by contrast of random views.

    Two random views of every image are compared [1]_. Those of one image attract each other and
    other images repel (NT-Xent), and the cosine of the two views is raised beside:
    :math:`L = \lambda L_\text{NT-Xent} + (1 - \lambda) L_\text{cosine}`. The network has
    residual stages of parallel 3x3, 5x5 and 7x7 convolutions, and multi-head self-attention over
    the last map. The embedding is the mean over its places, before the projection. Labels are not
    used.

    Parameters
    ----------
    renderer : ECGImageRenderer or None, default=None
        None: X are images. A renderer: X are signals, in any container, which it draws; leads and,
        where it has none, the sampling rate are those of this estimator.
    image_shape : tuple of int or None, default=None
        Shape of the images in 2-D rows, (height, width) or (height, width, channels); one of
        the numbers may be -1, what is left. Needed for rows only.
    image_size : int, tuple of int or None, default=224
        Height and width that images are resized to, one number for both; proportions are not kept.
        None: as they come.
    filters : sequence of int, default=(32, 64, 128, 256)
        Channels of the stages. The first works at a quarter of the image's height and width, each
        further one at half of those before it. Default of this library, as is that each of
        the three parallel convolutions makes a quarter of a stage's channels.
    n_heads : int, default=4
        Heads of the self-attention, which divide the last of ``filters``; 0 is no attention.
        Default of this library.
    projection_dim : int, default=128
        Length of the projections. Default of this library.
    contrastive_weight : float, default=0.5
        :math:`\lambda` in [0, 1]: 1 is NT-Xent alone, 0 the cosine alone, with which nothing
        keeps all images from becoming alike. Default of this library.
    temperature : float, default=0.1
        Temperature > 0 of NT-Xent. Default of this library.
    augmentation : {"paper"}, callable or list of callables, default="paper"
        The random views. "paper": `RandomRotation`, `RandomResizedCrop` and `ColorJitter` of
        `sklearn_ecg.augmentation`, whose ranges are defaults of this library. The paper's flips are
        left out: a heart does not beat backwards.
    normalize : {"dataset", "record"} or None, default="dataset"
        "dataset": mean and SD of each channel over the training images. "record": mean and SD of
        each image. None: bytes as shares of 255, floats as they are.
    max_epochs : int, default=50
        Passes over the training images. Default of this library.
    batch_size : int, default=64
        Images in a batch, at least 2; each has two views. A trailing batch of one joins the one
        before.
    learning_rate : float, default=1e-3
        Largest learning rate of AdamW.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine": linear warm-up over the first tenth of the steps, then half a cosine to 0.
    weight_decay : float, default=1e-4
        Decoupled weight decay of AdamW, >= 0.
    warm_start : bool, default=False
        Go on from the weights and the normalisation of the previous fit; the optimizer starts
        anew.
    n_leads : int or None, default=None
        With a renderer, the number of leads of 2-D rows, ``(n_records, n_leads * n_times)``.
    lead_names : array-like of str or None, default=None
        With a renderer, the names of leads. None takes the columns of a lead frame; twelve
        unnamed leads are taken to be in standard order (I, II, III, aVR, aVL, aVF, V1-V6).
    sampling_rate : float or None, default=None
        In Hz, for a renderer that has none.
    device : str or torch.device, default="auto"
        Where to train and embed; "auto" is CUDA where there is one, else the CPU.
    precision : {"float32", "float64", "mixed"}, default="float32"
        "mixed" runs the network in bfloat16 where that is safe, for GPUs; losses stay in float32.
    callbacks : list of skorch callbacks or None, default=None
        Copied before training; the copies are in ``callbacks_``.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, batches and views. Two fits with the same int, on a CPU with the same number
        of threads, are equal bit by bit.
    verbose : int, default=0
        Print a line per epoch.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The fitted net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss`` and, as means over the batches, its parts
        ``train_nt_xent`` and ``train_cosine``; ``train_alignment``, the mean squared distance of
        two views (lower is better), which is twice ``train_cosine``; ``train_uniformity``, from 0
        (all vectors equal) down (spread over the sphere); ``train_effective_rank``, the number of
        directions that the embeddings of a batch use, at most ``batch_size - 1``.
    callbacks_ : list
        The fitted callbacks.
    normalizer_ : torch.nn.Module
        The fitted resizing and normalisation.
    image_shape_in_ : tuple of int
        Height, width and channels of the images, as they came or were drawn.
    n_features_in_ : int
        Of images, their height; of rows, the number of columns; of signals, that of leads.
    feature_names_in_ : ndarray of str
        Columns of X, when X was a frame.
    renderer_ : ECGImageRenderer
        The renderer, with the leads of X. Only with ``renderer``, as are the next two.
    n_leads_in_, n_times_in_ : int
        Leads of the records and time points of a lead.
    lead_names_in_ : tuple of str
        Names of the leads in standard spelling.

    See Also
    --------
    SimCardioNetClassifier : Fine-tunes an encoder, or trains a linear classifier on it.
    sklearn_ecg.preprocessing.ECGImageRenderer : Draws signals.
    sklearn_ecg.datasets.load_ecg_images : Reads folders of images.

    Notes
    -----
    What the paper leaves open is a default of this library: the sizes of the network, the weight
    and the temperature of the loss, the ranges of the views, the schedule. After training, the
    statistics of BatchNorm are taken anew over the training images without views. Judge an
    embedding beside that of ``max_epochs=0``: random encoders are a strong baseline.

    References
    ----------
    .. [1] SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.

    Examples
    --------
    >>> from sklearn_ecg import SimCardioNetEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> X, y = make_ecg(20, return_X_y=True, random_state=0)
    >>> renderer = ECGImageRenderer(sampling_rate=100, image_size=64)
    >>> images = renderer.fit_transform(X)
    >>> images.shape
    (20, 64, 64)
    >>> encoder = SimCardioNetEncoder(image_size=64, filters=(8, 16), max_epochs=1, random_state=0)
    >>> encoder.fit(images).transform(images).shape
    (20, 16)

    Signals are drawn by a renderer that the encoder is given:

    >>> encoder.set_params(renderer=renderer).fit(X).transform(X).shape
    (20, 16)
    """

    def __init__(
        self,
        *,
        renderer=None,
        image_shape=None,
        image_size=224,
        filters=(32, 64, 128, 256),
        n_heads=4,
        projection_dim=128,
        contrastive_weight=0.5,
        temperature=0.1,
        augmentation="paper",
        normalize="dataset",
        max_epochs=50,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=1e-4,
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
        self.renderer = renderer
        self.image_shape = image_shape
        self.image_size = image_size
        self.filters = filters
        self.n_heads = n_heads
        self.projection_dim = projection_dim
        self.contrastive_weight = contrastive_weight
        self.temperature = temperature
        self.augmentation = augmentation
        self.normalize = normalize
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
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
        **SelfSupervisedEncoder._parameter_constraints,
        "renderer": [ECGImageRenderer, None],
        "image_shape": [tuple, list, None],
        "image_size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "filters": [tuple, list],
        "n_heads": [Interval(Integral, 0, None, closed="left")],
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "contrastive_weight": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "augmentation": [StrOptions({"paper"}), callable, list, tuple],
        "normalize": [StrOptions({"dataset", "record"}), None],
    }
    _against_collapse = "contrastive_weight"

    def fit(self, X, y=None):
        """Pretrain the network.

        Interrupted by Ctrl-C or by an error, the estimator is left unfitted.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Images of shape (n_images, height, width) or (n_images, height, width, channels), bytes
            (uint8) or floats; with ``image_shape``, rows of them. With a renderer, signals of
            shape (n_records, n_leads, n_times), a lead frame, an object array of signals or,
            with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored; present for pipelines.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For images or signals that cannot be read without guessing, hold NaN or infinity;
            for a non-finite loss.

        Warns
        -----
        ConvergenceWarning
            For a single image, which has nothing to be compared with, and an embedding that
            has collapsed.
        """
        return self._fit(X)

    def _size(self):
        """Height and width that the network reads."""
        size = self.image_size
        if size is None:
            return self.image_shape_in_[:2]
        return check_image_size(size)

    def _fit_normalizer(self, records):
        normalizer = ImageNormalizer(self.normalize, self._size(), self.n_channels_in_)
        return normalizer.to(self._torch_dtype).fit(as_tensor(records))

    def _check_warm_start(self, before):
        super()._check_warm_start(before)
        size, previous = self._size(), before["normalizer_"].size
        if size != previous:
            raise ValueError(
                f"warm_start=True cannot go on: the image_size {previous} of the previous fit "
                f"became {size}. Set warm_start=False to start anew."
            )

    def _make_views(self):
        if not isinstance(self.augmentation, str):
            return Compose(self.augmentation)
        return Compose([RandomRotation(), RandomResizedCrop(), ColorJitter()])

    def _make_network(self):
        filters = list(self.filters)
        if not filters or not all(isinstance(f, Integral) and f >= 2 for f in filters):
            raise ValueError(
                "filters must hold at least one number, all of them integers >= 2, got "
                f"{self.filters!r}."
            )
        if self.n_heads and filters[-1] % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} must divide the last of filters={self.filters!r}; 0 is no "
                "attention."
            )
        return SimCardioNet(
            self.n_channels_in_,
            filters=filters,
            n_heads=self.n_heads,
            projection_dim=self.projection_dim,
        )

    def _make_loss(self):
        return HybridContrastiveLoss(weight=self.contrastive_weight, temperature=self.temperature)


class SimCardioNetClassifier(_ReadsImages, FineTunedClassifier):
    """Fine-tune a SimCardioNet encoder stage by stage, or train a linear classifier on it.

    The new linear layer is trained first. Then one stage after the other is opened, from the
    last to the first, each at a lower learning rate. A stage that is still closed does not change:
    neither its weights nor the statistics of its BatchNorm.

    Parameters
    ----------
    encoder : SimCardioNetEncoder, FrozenEstimator or None, default=None
        None: a default encoder, and an unfitted encoder, is pretrained inside `fit` on the same
        images, so that ``encoder__max_epochs`` can be searched. ``FrozenEstimator(encoder)`` with
        a fitted encoder: a copy of it is used, and nothing is pretrained. A fitted encoder that
        is not frozen is cloned unfitted, as everywhere in scikit-learn.
    frozen : bool, default=False
        Leave the encoder as it is and train a linear classifier on its standardised
        embedding: a linear probe.
    unfreeze : {"all"} or int, default="all"
        How many stages are opened in the end; 0 trains the linear layer alone.
    unfreeze_interval : int, default=2
        Epochs from one opening to the next, and before the first. 0: all that are opened are open
        from the start. Default of this library.
    encoder_learning_rate : float, default=3e-4
        Largest learning rate of the last stage; that of the new linear layer is ``learning_rate``.
        Default of this library.
    layer_decay : float, default=0.5
        Factor in (0, 1] from a stage's learning rate to that of the stage before it. Default
        of this library.
    unlabeled : int, str or None, default=None
        The label that marks images which are pretrained on, but not trained on. In a multilabel
        target, a row that holds nothing else. It is not one of ``classes_``. None: all
        images have labels.
    augmentation : callable, list of callables or None, default=None
        Random views of training batches, such as those of images in `sklearn_ecg.augmentation`, in
        fine-tuning. Not with ``frozen=True``.
    class_weight : {"balanced"}, dict, list of dict or None, default=None
        As of `MSAICNetClassifier`.
    max_epochs : int, default=30
        Passes over the labelled images.
    batch_size : int, default=32
        Labelled images in a batch, at least 2. A trailing batch of one joins the one before.
    learning_rate : float, default=1e-3
        Largest learning rate of AdamW, of the linear layer.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine": linear warm-up over the first tenth of the steps, then half a cosine to 0.
    weight_decay : float, default=1e-2
        Decoupled weight decay of AdamW, >= 0.
    early_stopping : bool, default=False
        Set a part of the labelled images aside, stop when its loss has not improved for
        ``n_iter_no_change`` epochs, and keep the weights of the best epoch. An encoder that is
        pretrained inside `fit` sees these images, without labels.
    validation_fraction : float, default=0.1
        Share of the labelled images set aside with ``early_stopping=True``, in (0, 1).
    n_iter_no_change : int, default=10
        Epochs without improvement that stop the training, with ``early_stopping=True``.
    warm_start : bool, default=False
        Go on from the previous fit's weights, encoder included; nothing is pretrained. Stages are
        opened anew.
    renderer, image_shape, sampling_rate
        As of `SimCardioNetEncoder`. An encoder that has none is given these. Where these are None,
        those of the encoder hold.
    n_leads, lead_names, device, precision
        As of `SimCardioNetEncoder`. An encoder of ``encoder=None`` is given these.
    callbacks : list of skorch callbacks or None, default=None
        Copied before training; the copies are in ``callbacks_``.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, batches, views and the validation split, and an unfitted encoder
        that has no ``random_state``.
    verbose : int, default=0
        Print a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for a multilabel target, the numbers of its columns.
    encoder_ : SimCardioNetEncoder
        The encoder as it was before fine-tuning.
    net_ : skorch.NeuralNet
        The fitted net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``train_loss``, ``learning_rate``, for each stage ``stage_1_learning_rate`` and
        so on, 0 while it is closed, ``open_stages``, how many were open, with early
        stopping ``valid_loss``, and what callbacks record. That of pretraining is
        ``encoder_.history_``.
    callbacks_ : list
        The fitted callbacks.
    normalizer_ : torch.nn.Module
        Resizing and normalisation, which are the encoder's.
    image_shape_in_, n_features_in_, feature_names_in_, renderer_, n_leads_in_, n_times_in_, \
lead_names_in_
        As of `SimCardioNetEncoder`.

    See Also
    --------
    SimCardioNetEncoder : Pretrains, for pipelines that end in another classifier.

    References
    ----------
    .. [1] SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.

    Examples
    --------
    >>> from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> X, y = make_ecg(20, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = SimCardioNetClassifier(
    ...     SimCardioNetEncoder(image_size=64, filters=(8, 16), max_epochs=1),
    ...     renderer=ECGImageRenderer(sampling_rate=100, image_size=64),
    ...     max_epochs=6,
    ...     random_state=0,
    ... )
    >>> clf.fit(X, y).predict_proba(X).shape
    (20, 2)

    The last stage opened in the third epoch, the first one in the fifth:

    >>> clf.history_["open_stages"]
    array([0, 0, 1, 1, 2, 2])
    """

    def __init__(
        self,
        encoder=None,
        *,
        frozen=False,
        unfreeze="all",
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
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        warm_start=False,
        renderer=None,
        image_shape=None,
        n_leads=None,
        lead_names=None,
        sampling_rate=None,
        device="auto",
        precision="float32",
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.frozen = frozen
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
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.renderer = renderer
        self.image_shape = image_shape
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.sampling_rate = sampling_rate
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **FineTunedClassifier._parameter_constraints,
        "encoder": [SimCardioNetEncoder, FrozenEstimator, None],
        "renderer": [ECGImageRenderer, None],
        "image_shape": [tuple, list, None],
        "unfreeze": [StrOptions({"all"}), Interval(Integral, 0, None, closed="left")],
        "unfreeze_interval": [Interval(Integral, 0, None, closed="left")],
        "layer_decay": [Interval(Real, 0, 1, closed="right")],
    }
    _encoder_class = SimCardioNetEncoder
    _passed_on = ("renderer", "image_shape", "n_leads", "lead_names", "sampling_rate")

    def fit(self, X, y, sample_weight=None, groups=None):
        """Pretrain an encoder that is not fitted, then train on the labelled images.

        Interrupted by Ctrl-C or by an error, the estimator is left unfitted.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Images or, with a renderer, signals: see `SimCardioNetEncoder.fit`.
        y : array-like of shape (n_images,) or (n_images, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1; ``unlabeled`` where
            there is none.
        sample_weight : array-like of shape (n_images,), default=None
            Weights >= 0 of the labelled images in the classification loss. An image of weight
            0 counts as removed, from pretraining too.
        groups : array-like of shape (n_images,), default=None
            Patients: with ``early_stopping=True`` the images of one group are either all
            trained on or all validated on.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For images or signals that cannot be read without guessing, hold NaN or infinity, or do
            not fit the encoder; for labels that are missing, of one class only or continuous; for
            a non-finite loss.

        Warns
        -----
        ConvergenceWarning
            When ``max_epochs`` is too small for all stages to be opened.
        """
        return self._fit_on_encoder(X, y, sample_weight, groups)

    def _find(self, name):
        own, encoder = getattr(self, name), self._given_encoder()
        return getattr(encoder, name) if own is None and encoder is not None else own

    def _check_same_reading(self):
        super()._check_same_reading()
        encoder = self.encoder_
        ours, its = (
            {
                "images of shape": e.image_shape_in_,
                "bytes or floats": getattr(e, "image_kind_in_", None),
                "renderer": repr(getattr(e, "renderer_", None)),
            }
            for e in (self, encoder)
        )
        for name, value in ours.items():
            if value != its[name]:
                raise ValueError(
                    f"{type(self).__name__} and its encoder read X in two ways, {name}: {value} "
                    f"and {its[name]}. Pass what tells them how to one of them only."
                )

    def _groups(self):
        n_stages = len(self.encoder_.filters)
        n_opened = n_stages if self.unfreeze == "all" else self.unfreeze
        if n_opened > n_stages:
            raise ValueError(
                f"unfreeze={n_opened} is more than the encoder's {n_stages} stages. Pass 'all'."
            )
        last_opening = 1 + self.unfreeze_interval * n_opened
        if last_opening > self.max_epochs > 0:
            warn(
                f"The last of the {n_opened} stages would be opened in epoch {last_opening}, but "
                f"max_epochs={self.max_epochs}. Raise it, or lower unfreeze_interval or unfreeze.",
                ConvergenceWarning,
            )
        return [
            ParameterGroup(
                f"encoder.stages.{n_stages - 1 - turn}",
                f"stage_{n_stages - turn}",
                self.encoder_learning_rate * self.layer_decay**turn,
                1 + self.unfreeze_interval * (turn + 1) if turn < n_opened else None,
            )
            for turn in range(n_stages)
        ]

    def _train(self, module, loss, batches, valid_batches=None, **options):
        super()._train(module, loss, batches, valid_batches, **options)
        if not self.frozen:
            n_open = np.zeros(len(self.history_.get("epoch", ())), dtype=int)
            for name, rates in self.history_.items():
                if name.startswith("stage_"):
                    n_open += rates > 0
            self.history_["open_stages"] = n_open
