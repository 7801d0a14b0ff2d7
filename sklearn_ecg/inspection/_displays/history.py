"""Losses, epoch by epoch."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._lead_importance import _parts
from ._style import CATEGORIES, close_if_fails, new_axes, real_array

# Of the whole loss none; of its parts, for print without colours.
_MARKERS = ("", "s", "^", "D", "v")
_SIDES = {"train": ("-", "training"), "valid": ("--", "validation")}


class TrainingHistoryDisplay:
    """Training and validation losses per epoch.

    Make it with `from_estimator`, or from a history. Losses are no predictions: there is no
    ``from_predictions``.

    Parameters
    ----------
    history : mapping of str to array-like of shape (n_epochs,)
        Such as ``history_`` of a fitted network: "epoch", and losses by the names
        "train_loss", "valid_loss" and, for parts of the loss, "train_<part>_loss" and
        "valid_<part>_loss".

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : dict of str to matplotlib Line2D
        The curve of each loss.
    best_ : matplotlib Line2D or None
        The mark of the least validation loss.

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
        """Draw the history of a fitted estimator, or of the network within it.

        Parameters
        ----------
        estimator : estimator
            A network of this package, or a `Pipeline`, a search or another estimator that holds
            a fitted one; of several, the first.
        parts, log_scale, ax
            See `plot`.

        Returns
        -------
        display : TrainingHistoryDisplay
            The figure that was drawn.

        Raises
        ------
        ValueError
            If the estimator is not fitted.
        TypeError
            If no network with a history is in it.
        """
        check_is_fitted(estimator)
        for part in _parts(estimator):
            if hasattr(part, "history_"):
                return cls(part.history_).plot(ax, parts=parts, log_scale=log_scale)
        raise TypeError(
            f"{type(estimator).__name__} holds no network with a history_. Pass a fitted network "
            "of this package, or the history itself: TrainingHistoryDisplay(history)."
        )

    @close_if_fails
    def plot(self, ax=None, *, parts=None, log_scale=False):
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        parts : list of str or None, default=None
            Names of the losses to draw; None draws all. Colours tell parts of the loss apart,
            full and broken lines training and validation.
        log_scale : bool, default=False
            Whether the loss axis is logarithmic.

        Returns
        -------
        display : TrainingHistoryDisplay
            This object.

        Raises
        ------
        TypeError
            If the history is no mapping.
        ValueError
            If there is no loss, or none of a name that was asked for, or losses are no numbers, one
            for each epoch.
        """
        if not hasattr(self.history, "keys"):
            raise TypeError(
                f"history must be a mapping from names to losses, got {self.history!r}. Pass the "
                "history_ of a fitted network, or draw the network: "
                "TrainingHistoryDisplay.from_estimator(network)."
            )
        losses = [name for name in self.history if isinstance(name, str) and name.endswith("_loss")]
        if isinstance(parts, str):
            raise ValueError(f"parts must be a list of names, got {parts!r}. Pass [{parts!r}].")
        names = losses if parts is None else list(parts)
        for name in names:
            if name not in self.history:
                raise ValueError(
                    f"parts: {name!r} is not in the history, which has "
                    f"{', '.join(map(str, self.history))}."
                )
        if not names:
            raise ValueError(
                f"history has no loss, nothing that ends in '_loss': "
                f"{', '.join(map(str, self.history))}."
            )
        curves = {name: self._curve(name) for name in names}
        self.ax_ = ax = new_axes(ax, (5.0, 3.2))
        self.figure_ = ax.figure
        self.lines_, self.best_ = {}, None
        styles = {}
        for name in names:
            side, _, part = name.partition("_")
            style, words = _SIDES.get(side, ("-", side))
            i = len(styles)
            color, marker = styles.setdefault(
                part, (CATEGORIES[i % len(CATEGORIES)], _MARKERS[i % len(_MARKERS)])
            )
            of_part = part.removesuffix("loss").rstrip("_").replace("_", " ")
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
                label=f"{words}, {of_part}" if of_part else words,
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
                    label=f"least, epoch {epochs[best]:.0f}",
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
        """The values of a loss, and their epochs."""
        values = real_array(f"history[{name!r}]", self.history[name])
        epochs = np.arange(1, values.size + 1)
        if "epoch" in self.history:
            epochs = real_array("history['epoch']", self.history["epoch"])
        if values.ndim != 1 or values.shape != epochs.shape:
            raise ValueError(
                f"history[{name!r}] must hold a number for each epoch, got the shape "
                f"{values.shape} with {epochs.size} epochs."
            )
        return values, epochs
