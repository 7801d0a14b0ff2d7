"""Callbacks of scikit-learn during `fit`. Versions before 1.9 do not have any."""

from contextlib import nullcontext
from functools import wraps

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Stand-in for the mixin of scikit-learn 1.9, without callbacks."""

        def _init_callback_context(self, *args, **kwargs):
            return _NoContext()

    def with_callbacks(method):
        """Return the method unchanged."""
        return method

    class _NoContext:
        def subcontext(self, *args, **kwargs):
            return self

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False

        def propagate_callback_context(self, sub_estimator):
            return nullcontext()


__all__ = ["CallbackSupportMixin", "FitTasks", "as_one_task", "with_callbacks"]


def as_one_task(fit):
    """Decorate `fit` of a `CallbackSupportMixin` that is a single task.

    Parameters
    ----------
    fit : function
        A method with the arguments X, y=None and possibly others, such as `fit`.

    Returns
    -------
    decorated : function
        It calls the callbacks at its beginning and end.
    """

    @with_callbacks
    @wraps(fit)
    def fit_with_callbacks(self, X, y=None, *args, **params):
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        result = fit(self, X, y, *args, **params)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return result

    return fit_with_callbacks


class FitTasks:
    """The tasks of a `fit` with epochs, for which callbacks are called.

    The root task has one subtask for each epoch. With pretraining it has two, "pretrain" and
    "train", and the epochs are subtasks of the latter. It must be made and ended within a method
    that is decorated with `with_callbacks`.

    Parameters
    ----------
    estimator : CallbackSupportMixin
    X : array-like, DataFrame or lead frame
    y : array-like or None
    sample_weight : array-like or None
    max_epochs : int or None
        None if the number is not known before the data are.
    pretrains : bool
    """

    def __init__(self, estimator, X, y, sample_weight, *, max_epochs, pretrains):
        self._data = {
            "estimator": estimator,
            "X": X,
            "y": y,
            # Scorers take the metadata as arguments, and no scorer takes groups.
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }
        self._max_epochs = max_epochs
        self._root = estimator._init_callback_context(max_subtasks=2 if pretrains else max_epochs)
        self._root.call_on_fit_task_begin(**self._data)
        self._training = None if pretrains else self._root
        self._epoch = None

    def pretrain(self, encoder, X):
        """Fit an encoder, to which the callbacks are passed on, as the first task."""
        task = self._root.subcontext(task_name="pretrain")
        owner = self._data["estimator"]
        with task.propagate_callback_context(encoder):
            task.call_on_fit_task_begin(estimator=owner, X=X)
            encoder.fit(X)
            task.call_on_fit_task_end(estimator=owner, X=X)
        self._training = self._root.subcontext(task_name="train", max_subtasks=self._max_epochs)
        self._training.call_on_fit_task_begin(**self._data)

    def skip_epochs(self, n_epochs):
        """Number the next epochs as if these had been run, without calling callbacks."""
        for _ in range(n_epochs):
            self._training.subcontext(task_name="epoch")

    def begin_epoch(self):
        """Begin the task of an epoch."""
        self._epoch = self._training.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._data)

    def end_epoch(self, fitted_attributes):
        """End the task of an epoch, and return whether a callback stops the training.

        Parameters
        ----------
        fitted_attributes : callable
            Returns the attributes, by name, of the estimator that would result if the training
            stopped now. It is called only if a callback needs that estimator.
        """
        return self._epoch.call_on_fit_task_end(
            **self._data, reconstruction_attributes=fitted_attributes
        )

    def end(self):
        """End the task of the whole `fit`, when the estimator is fitted."""
        if self._training is not self._root:
            self._training.call_on_fit_task_end(**self._data)
        self._root.call_on_fit_task_end(**self._data, reconstruction_attributes={})
