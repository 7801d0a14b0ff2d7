"""Fine-tuning of encoders that predict measurements of the beat, and linear probes."""

from numbers import Real

import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval

from ._beat_feature_encoder import BeatFeatureEncoder
from ._inputs import SignalInput
from ._pretraining import FineTunedClassifier


class BeatFeatureClassifier(FineTunedClassifier):
    """Classifier that fine-tunes a `BeatFeatureEncoder`, or fits a linear classifier to it.

    Parameters
    ----------
    encoder : BeatFeatureEncoder, FrozenEstimator or None, default=None
        `fit` pretrains an unfitted encoder on the same records, so that ``encoder__max_epochs`` can
        be searched, and takes ``n_leads``, ``lead_names``, ``sampling_rate``, ``random_state`` and
        ``checkpoint`` from the classifier if they are None. None is a default encoder with the
        ``device``, ``n_threads``, ``precision`` and ``verbose`` of the classifier.
        ``FrozenEstimator(encoder)`` with a fitted encoder uses a copy of it without pretraining. A
        fitted encoder that is not frozen is cloned and pretrained again, as everywhere in
        scikit-learn. A warm start does not pretrain.
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
    head_init : {"probe", "random"}, default="probe"
        Initial weights of the linear layer in fine-tuning: those of the linear probe, or random
        weights. Default of this library. Not used with ``frozen=True``.
    freeze_batch_norm : bool, default=True
        Whether the BatchNorm layers of the encoder keep the statistics of pretraining in
        fine-tuning. With False they are those of the batches, which contain few records. Default of
        this library.
    min_steps : int, default=0
        Smallest number of optimizer steps of fine-tuning: with few records, there are more epochs
        than ``max_epochs``, unless ``early_stopping`` ends the training before. 0 trains
        ``max_epochs`` epochs. Default of this library. Not used with ``frozen=True`` or
        ``max_epochs=0``.
    encoder_learning_rate : float, default=3e-5
        Maximum learning rate of the encoder; ``learning_rate`` is that of the linear layer. Both
        defaults were chosen for a layer that starts from the linear probe: with few labels, larger
        rates lower its AUROC and make its probabilities worse. With many labels, larger ones, such
        as 1e-4 for both, can be better for an encoder with few ``filters``. Training from a random
        start needs still larger ones, such as 1e-3 for both. Not used with ``frozen=True``.
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
    learning_rate : float, default=1e-4
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
    classes_ : ndarray of shape (n_classes,)
        Class labels; for a multilabel target, the numbers of its columns.
    encoder_ : BeatFeatureEncoder
        The encoder before fine-tuning.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``encoder_learning_rate``, ``train_loss``, ``valid_loss`` with
        early stopping, and what callbacks record. ``encoder_.history_`` is that of pretraining.
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
    BeatFeatureEncoder : Pretrained embeddings, for pipelines that end in another classifier.

    Notes
    -----
    Records are normalized as by the encoder. Only labeled records are trained on and set aside for
    validation; an encoder that is pretrained inside `fit` uses all records, without their labels.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_ecg import BeatFeatureClassifier, BeatFeatureEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X, y = make_ecg(60, duration=4, prevalence=0.5, return_X_y=True, random_state=0)
    >>> encoder = BeatFeatureEncoder(
    ...     filters=(8, 16), sampling_rate=100, max_epochs=2, random_state=0
    ... ).fit(X)
    >>> clf = BeatFeatureClassifier(FrozenEstimator(encoder), max_epochs=2, random_state=0)
    >>> clf.fit(X[:20], y[:20]).predict_proba(X).shape
    (60, 2)

    With few labels, the same `fit` can pretrain on the unlabeled records:

    >>> y[20:] = -1
    >>> encoder = BeatFeatureEncoder(filters=(8, 16), sampling_rate=100, max_epochs=2)
    >>> clf = BeatFeatureClassifier(encoder, unlabeled=-1, frozen=True, random_state=0).fit(X, y)
    >>> clf.classes_
    array([0, 1])
    """

    def __init__(
        self,
        encoder=None,
        *,
        frozen=False,
        probe_C=0.01,
        head_init="probe",
        freeze_batch_norm=True,
        min_steps=0,
        encoder_learning_rate=3e-5,
        unlabeled=None,
        augmentation=None,
        class_weight=None,
        max_epochs=30,
        batch_size=32,
        learning_rate=1e-4,
        learning_rate_schedule="cosine",
        weight_decay=1e-2,
        gradient_clip=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
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
        self.encoder = encoder
        self.frozen = frozen
        self.probe_C = probe_C
        self.head_init = head_init
        self.freeze_batch_norm = freeze_batch_norm
        self.min_steps = min_steps
        self.encoder_learning_rate = encoder_learning_rate
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
        **FineTunedClassifier._parameter_constraints,
        **SignalInput.parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "encoder": [BeatFeatureEncoder, FrozenEstimator, None],
    }
    _encoder_class = BeatFeatureEncoder

    def fit(self, X, y, sample_weight=None, groups=None):
        """Pretrain an unfitted encoder, then train on the labeled records.

        If training is interrupted, by Ctrl-C or by an error, the estimator is left unfitted.
        With ``checkpoint``, the next `fit` with the same parameters and data continues.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
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
            If X contains objects that are neither numbers nor signals.
        """
        return self._fit(X, y, sample_weight, groups)
