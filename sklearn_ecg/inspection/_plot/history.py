"""Display of the losses of each epoch."""

from collections.abc import Iterable

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._unwrap import known_history
from ._plot_style import CATEGORIES, as_real_array, close_if_fails, figure_of, new_axes

# The total loss has no markers. Those of its parts are for print without colors.
_PART_MARKERS = ("", "s", "^", "D", "v")
_LINE_STYLES = {"train": ("-", "training"), "valid": ("--", "validation")}


class TrainingHistoryDisplay:
    """Display of the training and validation losses per epoch.

    Use `from_estimator` for a fitted network, or the constructor and `plot` for a history. Losses
    are not predictions, so that there is no ``from_predictions``.

    Parameters
    ----------
    history : mapping of str to array-like of shape (n_epochs,)
        Such as ``history_`` of a fitted network: "epoch", the losses "train_loss" and
        "valid_loss", and parts of the loss, "train_<part>_loss" and "valid_<part>_loss".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the curves.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : dict of str to matplotlib Line2D
        The curve of each loss.
    best_ : matplotlib Line2D or None
        The mark of the lowest validation loss.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_ecg.inspection import TrainingHistoryDisplay
    >>> history = {"epoch": [1, 2, 3], "train_loss": [0.7, 0.5, 0.4], "valid_loss": [0.7, 0.6, 0.7]}
    >>> display = TrainingHistoryDisplay(history).plot()
    >>> list(display.lines_)
    ['train_loss', 'valid_loss']
    >>> plt.close("all")
    """

    def __init__(self, history):
        self.history = history

    @classmethod
    def from_estimator(cls, estimator, *, parts=None, log_scale=False, ax=None):
        """Draw the history of a fitted estimator, or of the network inside it.

        Parameters
        ----------
        estimator : estimator
            A fitted network of this package, or a `Pipeline`, a search or another meta-estimator
            with a fitted network inside. If there are several networks, the first one is used.
        parts : list of str or None, default=None
            Names of the losses to draw. None draws all. Each part of the loss has its own color.
            Solid lines are training losses, dashed lines validation losses.
        log_scale : bool, default=False
            Whether the loss axis is logarithmic.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : TrainingHistoryDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the estimator is not fitted.
        TypeError
            If there is no network with a history inside.
        """
        check_is_fitted(estimator)
        history = known_history(estimator)
        if history is None:
            raise TypeError(
                f"{type(estimator).__name__} contains no network with a history_. Pass a fitted "
                "network of this package, or the history itself: TrainingHistoryDisplay(history)."
            )
        return cls(history).plot(ax, parts=parts, log_scale=log_scale)

    @close_if_fails
    def plot(self, ax=None, *, parts=None, log_scale=False):
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        parts : list of str or None, default=None
            Names of the losses to draw. None draws all. Each part of the loss has its own color.
            Solid lines are training losses, dashed lines validation losses.
        log_scale : bool, default=False
            Whether the loss axis is logarithmic.

        Returns
        -------
        display : TrainingHistoryDisplay
            This display.

        Raises
        ------
        TypeError
            If the history is not a mapping.
        ValueError
            If the history has no loss or not the requested ones, or a loss is not a sequence of
            numbers, one for each epoch.
        """
        if not hasattr(self.history, "keys"):
            raise TypeError(
                f"history must be a mapping from names to losses, got {self.history!r}. Pass the "
                "history_ of a fitted network, or pass the network to "
                "TrainingHistoryDisplay.from_estimator."
            )
        losses = [name for name in self.history if isinstance(name, str) and name.endswith("_loss")]
        if isinstance(parts, str):
            raise ValueError(f"parts must be a list of names, got {parts!r}. Pass [{parts!r}].")
        if not isinstance(parts, (Iterable, type(None))):
            raise ValueError(f"parts must be a list of names, got {parts!r}.")
        names = losses if parts is None else list(parts)
        for name in names:
            if not isinstance(name, str) or name not in self.history:
                raise ValueError(
                    f"parts: {name!r} is not in the history, which has "
                    f"{', '.join(map(str, self.history))}."
                )
        if not names:
            raise ValueError(
                "history has no loss, which is a name that ends in '_loss'. Its names are "
                f"{', '.join(map(str, self.history))}."
            )
        curves = {name: self._curve(name) for name in names}
        self.ax_ = ax = new_axes(ax, (5.0, 3.2))
        self.figure_ = figure_of(ax)
        self.lines_, self.best_ = {}, None
        styles = {}
        for name in names:
            side, _, part = name.partition("_")
            style, label = _LINE_STYLES.get(side, ("-", side))
            i = len(styles)
            color, marker = styles.setdefault(
                part, (CATEGORIES[i % len(CATEGORIES)], _PART_MARKERS[i % len(_PART_MARKERS)])
            )
            part_label = part.removesuffix("loss").rstrip("_").replace("_", " ")
            values, epochs = curves[name]
            (self.lines_[name],) = ax.plot(
                epochs,
                values,
                linestyle=style,
                color=color,
                linewidth=1.6,
                marker="o" if len(values) == 1 else marker,
                markersize=5,
                markevery=max(1, len(values) // 8),
                label=f"{label}, {part_label}" if part_label else label,
            )
            if name == "valid_loss" and np.isfinite(values).any():
                best = int(np.nanargmin(values))
                (self.best_,) = ax.plot(
                    epochs[best],
                    values[best],
                    "o",
                    color=color,
                    markerfacecolor="white",
                    markersize=7,
                    label=f"lowest, epoch {epochs[best]:.0f}",
                )
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="Epoch", ylabel="Loss")
        if log_scale:
            ax.set_yscale("log")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        if len(names) > 1:
            ax.legend(frameon=False)
        else:
            ax.set_ylabel(f"{self.lines_[names[0]].get_label().capitalize()} loss")
        return self

    def _curve(self, name):
        """Return the values of a loss, and their epochs."""
        values = as_real_array(f"history[{name!r}]", self.history[name])
        epochs = np.arange(1, values.size + 1)
        if "epoch" in self.history:
            epochs = as_real_array("history['epoch']", self.history["epoch"])
        if values.ndim != 1 or values.shape != epochs.shape:
            raise ValueError(
                f"history[{name!r}] must have one number for each epoch, got shape "
                f"{values.shape} with {epochs.size} epochs."
            )
        return values, epochs
