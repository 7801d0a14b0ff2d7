"""What is done with callbacks before the training: copies, checks, the schedule."""

import copy
import math

from skorch.callbacks import BatchScoring, Checkpoint, EarlyStopping, EpochScoring


def warmup_cosine(n_steps):
    """Return the factor of the learning rate: linear warm-up over a tenth of the steps, cosine."""
    n_steps = max(1, n_steps)
    n_warmup = max(1, n_steps // 10)

    def factor(step):
        warmup = min(1.0, (step + 1) / n_warmup)
        return warmup * 0.5 * (1 + math.cos(math.pi * min(step / n_steps, 1.0)))

    return factor


def copy_callback(callback):
    """Return a deep copy; attributes that cannot be copied, such as open files, are shared."""
    if isinstance(callback, tuple):
        name, callback = callback
        return name, copy_callback(callback)
    try:
        return copy.deepcopy(callback)
    except TypeError:  # such as a SummaryWriter of TensorBoard, which has threads
        copied = copy.copy(callback)
        for name, value in vars(callback).items():
            try:
                setattr(copied, name, copy.deepcopy(value))
            except TypeError:
                setattr(copied, name, value)
        return copied


def writes_output(callback):
    """Return whether a callback of skorch prints or writes files, which one process does."""
    callback = callback[1] if isinstance(callback, tuple) else callback
    is_log = type(callback).__module__ == "skorch.callbacks.logging"
    return isinstance(callback, Checkpoint) or is_log


def check_callbacks(callbacks, has_validation):
    """Raise for callbacks that need a data set of skorch, or validation records if there are none.

    Callbacks of the user's own, which may not be of skorch's class, are not checked.
    """
    for callback in callbacks:
        callback = callback[1] if isinstance(callback, tuple) else callback
        monitor = getattr(callback, "monitor", None)
        if (
            isinstance(callback, (Checkpoint, EarlyStopping))
            and not has_validation
            and isinstance(monitor, str)
            and monitor.startswith("valid_")
        ):
            raise ValueError(
                f"callbacks contains {type(callback).__name__}(monitor={monitor!r}), but there are "
                "no validation records. Classifiers set them aside with early_stopping=True. "
                "Pass that, or monitor='train_loss' (train_loss_best for Checkpoint)."
            )
        if isinstance(callback, (BatchScoring, EpochScoring)):
            name = type(callback).__name__
            raise ValueError(
                f"callbacks contains {name}, which scores a data set of skorch, but the networks "
                "train on batches of arrays. With early_stopping=True, history_ has the loss on "
                "validation records. For scores of the training records, use the ScoringMonitor "
                "of scikit-learn 1.9: clf.set_callbacks(ScoringMonitor(scoring=...)). For other "
                "scores, use cross_validate(scoring=...), or a callback of your own whose "
                "on_epoch_end computes and records them."
            )
