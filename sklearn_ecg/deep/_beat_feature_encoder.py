"""Knowledge-guided pretraining: an encoder that predicts what `BeatFeatures` measures."""

from collections.abc import Callable
from numbers import Real

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from ..augmentation import Compose
from ..beats import BeatFeatures
from ..beats._rhythm import check_sampling_rate
from ..nn._beat_feature_net import BeatFeatureLoss, BeatFeatureNet
from ..nn._msaic_net import MSAICNet
from ..nn._strided_cnn import StridedCNN
from ..utils._warnings import warn
from ._base import DeepECG
from ._inputs import SignalInput
from ._pretraining import set_embedding_statistics
from ._training import Batches, recompute_batch_norm_statistics, to_training_records

# Standardized features are limited to this range, because ratios can be very large.
_MAX_DEVIATION = 5.0

# Shorter records need not have a beat.
_MIN_SECONDS = 2.0


class BeatFeatureEncoder(DeepECG):
    r"""Encoder that is pretrained to predict what `BeatFeatures` measures in each record.

    A network learns to predict the measurements of the beat and the rhythm (amplitudes, durations,
    axes) from the signals, without labels. Measurements of absent waves are masked, and the network
    also predicts which waves are present. The embedding, the input of the linear layers that
    predict them, represents the knowledge in these measurements together with details of the
    signals that they do not contain. The method is one of this library.

    Parameters
    ----------
    backbone : {"strided", "msaic_net"} or callable, default="strided"
        Network that computes the embedding. "strided" is `sklearn_ecg.nn.StridedCNN` with
        ``filters``, and "msaic_net" the branches of `sklearn_ecg.nn.MSAICNet` with its defaults. A
        callable is called as ``backbone(n_leads)`` and returns a module that maps signals (batch,
        n_leads, time) to vectors (batch, n_features), by its method ``embed`` if it has one.
    filters : array-like of int, default=(64, 128, 128, 128)
        Number of channels of each convolution of "strided".
    presence_weight : float, default=0.2
        Weight >= 0 of the prediction of the presence of waves in the loss.
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
    batch_size : int, default=64
        Number of records in a training batch, at least 2. A last batch of one record joins the
        batch before it.
    learning_rate : float, default=1e-3
        Maximum learning rate of the AdamW optimizer.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" increases the learning rate linearly over the first tenth of the steps, and then
        decreases it to 0 along half a cosine until ``max_epochs``. "constant" keeps it.
    weight_decay : float, default=0
        Decoupled weight decay of AdamW, >= 0.
    gradient_clip : float or None, default=None
        Largest total norm of the gradient, > 0. In each step, a gradient with a larger norm is
        scaled down to it, and the mean norm before that is in ``history_["gradient_norm"]``. None
        does not clip.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the normalization of the previous fit, with a
        new optimizer. Parameters and data must lead to the same network, input and classes as
        before.
    n_leads : int or None, default=None
        Number of leads. Required for 2-D rows of shape (n_records, n_leads * n_times).
    lead_names : array-like of str or None, default=None
        Names of the leads. None takes the column names of a lead frame, and assumes the standard
        order (I, II, III, aVR, aVL, aVF, V1-V6) for twelve unnamed leads.
    sampling_rate : float or None, default=None
        Number of time points per second (Hz), from 100 to 1000. Required to measure the records.
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
    measured_features_ : ndarray of str, shape (n_features,)
        Names of the features that the network learned to predict.
    feature_mean_, feature_scale_ : ndarray of shape (n_features,)
        Mean and SD of each feature over the training records in which it is present.
    embedding_mean_, embedding_scale_ : ndarray of shape (n_features_out,)
        Mean and SD of the embedding over the training records. The scale is 1 where all records
        have the same value.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss`` and its parts, as means over the batches:
        ``train_features``, the smooth L1 loss of the features, and ``train_presence``, the
        cross-entropy of their presence.
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
    BeatFeatureClassifier : Fine-tune an encoder, or fit a linear classifier to it.
    sklearn_ecg.preprocessing.BeatFeatures : The measurements themselves.

    Notes
    -----
    X must be in mV. Each feature is standardized with its mean and SD over the training records in
    which it is present, and limited to 5 SD. The loss is the smooth L1 loss of the features that
    are present, plus ``presence_weight`` times the cross-entropy of the presence of the features
    that are present in some records only. Records in which no beat can be measured contribute to
    the presences and to the reliability of R-peaks only.

    The default of ``normalize`` keeps differences in amplitude between records, which are among the
    features. After training, the statistics of BatchNorm are recomputed over the training records
    without augmentation.

    Examples
    --------
    >>> from sklearn_ecg import BeatFeatureEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X, y = make_ecg(60, duration=4, prevalence=0.5, return_X_y=True, random_state=0)
    >>> encoder = BeatFeatureEncoder(filters=(16, 32), sampling_rate=100, max_epochs=5)
    >>> encoder.set_params(random_state=0).fit(X).transform(X).shape
    (60, 64)
    >>> "V2__st_level" in encoder.measured_features_
    True
    >>> bool(encoder.history_["train_features"][-1] < encoder.history_["train_features"][0])
    True
    """

    def __init__(
        self,
        *,
        backbone: str | Callable = "strided",
        filters: ArrayLike = (64, 128, 128, 128),
        presence_weight=0.2,
        augmentation=None,
        normalize: str | None = "dataset",
        max_epochs=30,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=0.0,
        gradient_clip=None,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        sampling_rate=None,
        device: str | torch.device = "auto",
        n_threads: int | None = 1,
        precision="float32",
        callbacks=None,
        checkpoint=None,
        checkpoint_every=1,
        random_state=None,
        verbose=0,
    ):
        self.backbone = backbone
        self.filters = filters
        self.presence_weight = presence_weight
        self.augmentation = augmentation
        self.normalize = normalize
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.sampling_rate = sampling_rate
        self.device = device
        self.n_threads = n_threads
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **DeepECG._parameter_constraints,
        **SignalInput.parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "normalize": SignalInput.normalize_constraint,
        "backbone": [StrOptions({"strided", "msaic_net"}), callable],
        "filters": ["array-like"],
        "presence_weight": [Interval(Real, 0, None, closed="left")],
        "augmentation": [callable, list, tuple, None],
    }
    _needs_millivolts = True
    _scale_errors = ("unit",)

    def fit(self, X, y=None):
        """Measure the records, and train the network to predict the measurements.

        If training is interrupted, by Ctrl-C or by an error, the estimator is left unfitted.
        With ``checkpoint``, the next `fit` with the same parameters and data continues.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored; present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the container of X is ambiguous, X contains NaN or infinity, or X is not in mV; if
            ``sampling_rate`` is missing or out of range; if the loss becomes non-finite.
        PersistenceError
            If the checkpoint of this fit is damaged. This is a `ValueError`.
        OSError
            If ``checkpoint`` is no writable folder, or its disk is full.
        TypeError
            If X contains objects that are neither numbers nor signals.

        Warns
        -----
        ConvergenceWarning
            If X has records of two seconds or more, and no beat can be measured in any of them.
        """
        return self._fit(X)

    def _make_augmentation(self):
        return None if self.augmentation is None else Compose(self.augmentation)

    def _set_method_attributes(self, data):
        """Measure the records, and find the features to predict."""
        check_sampling_rate(self.sampling_rate)
        measure = BeatFeatures(
            self.sampling_rate,
            drop_empty=False,
            n_leads=self.n_leads_in_,
            lead_names=self.lead_names_in_,
        )
        table = measure.fit_transform(data.records).astype(np.float64)
        present = np.isfinite(table)
        share = present.mean(axis=0)
        kept = share > 0
        self.measured_features_ = measure.get_feature_names_out()[kept].astype(str)
        table, present = table[:, kept], present[:, kept]
        self._presences = np.flatnonzero(share[kept] < 1)
        n_beats = table[:, self.measured_features_ == "global__n_beats"]
        if not n_beats.any() and self.n_times_in_ >= _MIN_SECONDS * self.sampling_rate:
            warn(
                "No beat can be measured in any record of X, so that nothing is learned. Check "
                f"that X is in mV and has {self.sampling_rate:g} time points per second.",
                ConvergenceWarning,
            )
        counts = present.sum(axis=0)
        mean = np.where(present, table, 0).sum(axis=0) / counts
        deviation = table - mean
        scale = np.sqrt(np.where(present, deviation**2, 0).sum(axis=0) / counts)
        constant = scale <= 1e-6 * np.maximum(1, np.abs(mean))
        scale = np.where(constant, 1.0, scale)
        data.features = np.clip(deviation / scale, -_MAX_DEVIATION, _MAX_DEVIATION)
        self.feature_mean_, self.feature_scale_ = mean, scale

    def _requirements(self):
        return {**super()._requirements(), "features": self.measured_features_.tolist()}

    def _make_network(self, data):
        n_leads = data.n_channels
        make = self.backbone
        if isinstance(make, str):
            makers = {
                "strided": lambda n: StridedCNN(n, filters=self.filters),
                "msaic_net": lambda n: MSAICNet(n, 1, projection_dim=None),
            }
            make = makers[make]
        return BeatFeatureNet(
            make(n_leads),
            len(self.measured_features_),
            len(self._presences),
            n_leads=n_leads,
            n_times=self.n_times_in_,
            dtype=self._torch_dtype,
        )

    def _make_loss(self, data):
        return BeatFeatureLoss(torch.from_numpy(self._presences), float(self.presence_weight))

    def _make_batches(self, data, network, is_new):
        batches = Batches(
            to_training_records(self.normalizer_, data.records),
            torch.as_tensor(data.features, dtype=self._torch_dtype),
            batch_size=self.batch_size,
            shuffle=True,
            augmentation=data.augmentation,
            normalizer=self.normalizer_,
            device=data.device,
        )
        return batches, None

    def _train(self, network, loss, train_batches, valid_batches, data):
        super()._train(network, loss, train_batches, valid_batches, data)
        recompute_batch_norm_statistics(network.trunk, network.embed, train_batches, data.seed)
        set_embedding_statistics(self, network, train_batches, data.seed, data.processes)
