"""SimCardioNet: self-supervised embeddings of ECG images."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from ..augmentation import ColorJitter, Compose, RandomResizedCrop, RandomRotation
from ..nn._self_supervised_losses import HybridContrastiveLoss
from ..nn._simcardionet import SimCardioNet
from ._inputs import ImageInput
from ._pretraining import SelfSupervisedEncoder


class SimCardioNetEncoder(SelfSupervisedEncoder):
    r"""SimCardioNet encoder: embeddings of unlabeled ECG images, from the contrast of random views.

    Two random views of each image are compared [1]_. Views of the same image attract and views of
    different images repel each other (NT-Xent), and in addition the cosine similarity of the two
    views is maximized: :math:`L = \lambda L_\text{NT-Xent} + (1 - \lambda) L_\text{cosine}`. The
    network has residual stages of parallel convolutions with different kernel sizes, and multi-head
    self-attention over the last feature map. The embedding is the spatial mean of that map, before
    the projection. Labels are not used.

    The encoder takes images. For signals, put `sklearn_ecg.preprocessing.ECGImageRenderer` before
    it in a `Pipeline`.

    Parameters
    ----------
    image_shape : tuple of int or None, default=None
        Shape of the images in 2-D rows, (height, width) or (height, width, channels). One of the
        numbers may be -1, and is then inferred. Required for 2-D rows.
    image_size : int, tuple of int or None, default=224
        Height and width to which images are resized; an int is used for both. The aspect ratio is
        not preserved. None keeps the size of the images.
    filters : sequence of int, default=(32, 64, 128, 256)
        Number of channels of the stages. The first stage works at a quarter of the height and width
        of the image, and each further stage at half of those before it. Each of the parallel
        convolutions returns a quarter of the channels of its stage. Defaults of this library.
    kernel_sizes : sequence of int, default=(3, 5, 7)
        Kernel sizes of the parallel convolutions of each stage, odd and at least 1. A single one
        makes the network single-scale.
    n_heads : int, default=4
        Number of heads of the self-attention, which must divide the last of ``filters``; 0 is no
        attention. Default of this library.
    projection_dim : int, default=128
        Length of the projections. Default of this library.
    contrastive_weight : float, default=0.5
        Weight :math:`\lambda` in [0, 1] of NT-Xent. 1 is NT-Xent alone. 0 is the cosine alone, with
        which the embeddings of all images may become equal. Default of this library.
    temperature : float, default=0.1
        Temperature > 0 of NT-Xent. Default of this library.
    augmentation : {"paper"}, callable or list of callables, default="paper"
        Random transforms that make the two views of each image. "paper": `RandomRotation`,
        `RandomResizedCrop` and `ColorJitter` of `sklearn_ecg.augmentation`, whose ranges are
        defaults of this library. The flips of the paper are left out, because they would reverse
        time.
    normalize : {"dataset", "record"} or None, default="dataset"
        Standardization of the images to mean 0 and SD 1. "dataset" takes the mean and SD of each
        channel over the training images, "record" those of each image. None keeps the values:
        bytes divided by 255, floats as they are.
    max_epochs : int, default=50
        Number of passes over the training records. 0 leaves the network at its random
        initialization.
    batch_size : int, default=64
        Number of records in a training batch, at least 2. A last batch of one record joins the
        batch before it.
    learning_rate : float, default=1e-3
        Maximum learning rate of the AdamW optimizer.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" increases the learning rate linearly over the first tenth of the steps, and then
        decreases it to 0 along half a cosine until ``max_epochs``. "constant" keeps it.
    weight_decay : float, default=1e-4
        Decoupled weight decay of AdamW, >= 0.
    gradient_clip : float or None, default=None
        Largest total norm of the gradient, > 0. In each step, a gradient with a larger norm is
        scaled down to it, and the mean norm before that is in ``history_["gradient_norm"]``. None
        does not clip.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the normalization of the previous fit, with a
        new optimizer. Parameters and data must lead to the same network, input and classes as
        before.
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
    embedding_mean_, embedding_scale_ : ndarray of shape (n_features_out,)
        Mean and SD of the embedding over the training records. The scale is 1 where all records
        have the same value.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss`` and, as means over the batches, its parts
        ``train_nt_xent`` and ``train_cosine``; ``train_alignment``, the mean squared distance of
        two views (lower is better), which is twice ``train_cosine``; ``train_uniformity``, from 0
        (all vectors equal) to negative values (vectors spread over the sphere);
        ``train_effective_rank``, the number of directions that the embeddings of a batch use, at
        most ``batch_size - 1``.
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
    SimCardioNetClassifier : Fine-tune an encoder, or train a linear classifier on it.
    sklearn_ecg.preprocessing.ECGImageRenderer : Render signals as images.
    sklearn_ecg.datasets.load_ecg_images : Load folders of images.

    Notes
    -----
    The defaults of this library fill in what the paper leaves open: the sizes of the network, the
    weight and the temperature of the loss, the ranges of the augmentation, the schedule. After
    training, the statistics of BatchNorm are recomputed over the training images without
    augmentation. Always compare an embedding with that of ``max_epochs=0``: random encoders are a
    strong baseline.

    References
    ----------
    .. [1] SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
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

    A pipeline takes the signals themselves:

    >>> make_pipeline(renderer, encoder).fit(X).transform(X).shape
    (20, 16)
    """

    def __init__(
        self,
        *,
        image_shape=None,
        image_size: int | tuple[int, int] | None = 224,
        filters: Sequence[int] = (32, 64, 128, 256),
        kernel_sizes: Sequence[int] = (3, 5, 7),
        n_heads=4,
        projection_dim=128,
        contrastive_weight=0.5,
        temperature=0.1,
        augmentation: str | Callable | Sequence[Callable] = "paper",
        normalize: str | None = "dataset",
        max_epochs=50,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=1e-4,
        gradient_clip=None,
        warm_start=False,
        device: str | torch.device = "auto",
        n_threads: int | None = 1,
        precision="float32",
        callbacks=None,
        checkpoint=None,
        checkpoint_every=1,
        random_state=None,
        verbose=0,
    ):
        self.image_shape = image_shape
        self.image_size = image_size
        self.filters = filters
        self.kernel_sizes = kernel_sizes
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
        self.gradient_clip = gradient_clip
        self.warm_start = warm_start
        self.device = device
        self.n_threads = n_threads
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **SelfSupervisedEncoder._parameter_constraints,
        **ImageInput.parameter_constraints,
        "normalize": ImageInput.normalize_constraint,
        "image_size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "filters": [tuple, list],
        "kernel_sizes": [tuple, list],
        "n_heads": [Interval(Integral, 0, None, closed="left")],
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "contrastive_weight": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "augmentation": [StrOptions({"paper"}), callable, list, tuple],
    }
    _collapse_remedy = (
        "Lower learning_rate or temperature, increase batch_size or contrastive_weight, use a "
        "weaker augmentation"
    )

    def fit(self, X, y=None):
        """Pretrain the network.

        If training is interrupted, by Ctrl-C or by an error, the estimator is left unfitted.
        With ``checkpoint``, the next `fit` with the same parameters and data continues.

        Parameters
        ----------
        X : array-like or DataFrame
            Images of shape (n_records, height, width) or (n_records, height, width, channels),
            bytes (uint8) or floats, or, with ``image_shape``, rows of pixels.
        y : None
            Ignored; present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X contains signals, NaN or infinity, or rows without ``image_shape``; if the loss
            becomes non-finite.
        PersistenceError
            If the checkpoint of this fit is damaged. This is a `ValueError`.
        OSError
            If ``checkpoint`` is no writable folder, or its disk is full.
        TypeError
            If X contains objects that are not numbers.

        Warns
        -----
        ConvergenceWarning
            If X contains a single image, or the embedding has collapsed.
        """
        return self._fit(X)

    @property
    def _input(self):
        return ImageInput(self.image_shape, self.image_size)

    def _make_augmentation(self):
        if not isinstance(self.augmentation, str):
            return Compose(self.augmentation)
        return Compose([RandomRotation(), RandomResizedCrop(), ColorJitter()])

    def _make_network(self, data):
        filters = list(self.filters)
        if not filters or not all(isinstance(f, Integral) and f >= 2 for f in filters):
            raise ValueError(
                "filters must contain at least one number, all of them integers >= 2, got "
                f"{self.filters!r}."
            )
        if self.n_heads and filters[-1] % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} must divide the last of filters={self.filters!r}. Pass "
                "n_heads=0 for no attention."
            )
        return SimCardioNet(
            data.n_channels,
            filters=filters,
            kernel_sizes=self.kernel_sizes,
            n_heads=self.n_heads,
            projection_dim=self.projection_dim,
        )

    def _make_loss(self, data):
        return HybridContrastiveLoss(weight=self.contrastive_weight, temperature=self.temperature)

    def _requirements(self):
        return {**super()._requirements(), "image_size": self._input.network_size(self)}
