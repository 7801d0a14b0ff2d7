"""A heat map over the record or the image that it explains."""

import numpy as np
from sklearn.utils import _safe_indexing

from .._grad_cam import grad_cam, last_step, network_and_input
from ._style import (
    check_option,
    close_if_fails,
    heat_scale,
    keep_inside,
    new_axes,
    real_array,
)
from .ecg import ECGDisplay, read_record

_KINDS = ("signal", "image")


class GradCAMDisplay:
    """A heat map laid over a record or an image.

    Make it with `from_estimator` for a record or an image and its network, or from any map:
    ``plot`` of an object made of the map is what scikit-learn's ``from_predictions`` would be.

    Parameters
    ----------
    data : array-like of shape (n_leads, n_times), (height, width) or (height, width, channels)
        The record in mV, or the image: channels are RGB or RGBA; one channel is grey.
    heat_map : array-like
        For a record of shape (n_points,) or (n_leads, n_points), for an image of shape (rows,
        columns). Its points are spread evenly over the record's time or over the image.
    kind : {"signal", "image"}, default="signal"
        What `data` is.
    sampling_rate : float or None, default=None
        Time points per second (Hz), for a record.
    lead_names : sequence of str or None, default=None
        Names of the record's leads.
    target : str or None, default=None
        The class that the map speaks for, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    heat_ : list of matplotlib AxesImage
        The heat map, part by part for a record.
    colorbar_ : matplotlib Colorbar
        From 0 to 1, the map's largest value; from -1 where some are negative. 0 has no colour.
    ecg_ : ECGDisplay or None
        The record.

    See Also
    --------
    grad_cam : Makes the maps.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from sklearn_ecg.inspection import GradCAMDisplay
    >>> image = np.random.RandomState(0).rand(32, 32)
    >>> display = GradCAMDisplay(image, np.eye(4), kind="image", target="MI").plot()
    >>> display.ax_.get_title()
    'Grad-CAM: MI'
    >>> GradCAMDisplay(image, np.eye(4)).plot()
    Traceback (most recent call last):
        ...
    ValueError: kind='signal' needs the sampling_rate of the record, in Hz.
    >>> plt.close("all")
    """

    def __init__(
        self, data, heat_map, *, kind="signal", sampling_rate=None, lead_names=None, target=None
    ):
        self.data = data
        self.heat_map = heat_map
        self.kind = kind
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names
        self.target = target

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        sampling_rate=None,
        *,
        record=0,
        target=None,
        n_leads=None,
        layout=None,
        rhythm_lead="II",
        max_amplitude=5.0,
        ax=None,
    ):
        """Explain one record or image with `grad_cam`, and draw it.

        Parameters
        ----------
        estimator : estimator
            See `grad_cam`. Where it reads images, the image is drawn that it reads: of signals,
            what its renderer made of them.
        X : array-like, DataFrame or lead frame
            Signals in mV, in any container, or images.
        sampling_rate : float or None, default=None
            Time points per second (Hz) of signals.
        record : int, default=0
            Position of the record or image in X.
        target : label or None, default=None
            See `grad_cam`.
        n_leads : int or None, default=None
            Number of leads of rows.
        layout, rhythm_lead, max_amplitude, ax
            See `plot`.

        Returns
        -------
        display : GradCAMDisplay
            The figure that was drawn.

        Raises
        ------
        ValueError
            As `grad_cam` and `ECGDisplay.from_record`.
        """
        network_input = getattr(last_step(estimator), "_input", None)
        if network_input is not None and network_input.is_image:
            if not 0 <= record < len(X):
                raise ValueError(f"record={record} is not in X, which holds {len(X)} records.")
            row = _safe_indexing(X, [record])
            heat_map, targets = grad_cam(estimator, row, target, return_targets=True)
            network, row = network_and_input(estimator, row)
            image = network._validate_input(row).records[0]
            return cls(image, heat_map[0], kind="image", target=str(targets[0])).plot(ax)
        signals, row, names = read_record("GradCAMDisplay", X, record, n_leads)
        heat_map, targets = grad_cam(estimator, row, target, return_targets=True)
        if heat_map.shape[-1] != signals.shape[-1]:
            raise ValueError(
                f"The record has {signals.shape[-1]} time points, but the network sees "
                f"{heat_map.shape[-1]}, and which of them is not known. Pass the network, "
                "estimator[-1], and what the steps before it make of X, "
                "estimator[:-1].transform(X)."
            )
        display = cls(
            signals,
            heat_map[0],
            sampling_rate=sampling_rate,
            lead_names=names,
            target=str(targets[0]),
        )
        return display.plot(ax, layout=layout, rhythm_lead=rhythm_lead, max_amplitude=max_amplitude)

    @close_if_fails
    def plot(self, ax=None, *, layout=None, rhythm_lead="II", max_amplitude=5.0):
        """Draw the record or the image, and the map over it.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        layout, rhythm_lead, max_amplitude
            Of a record, see `ECGDisplay.plot`.

        Returns
        -------
        display : GradCAMDisplay
            This object.

        Raises
        ------
        ValueError
            If shapes do not fit, the map is not finite, or a record has no sampling rate.
        """
        check_option("kind", self.kind, _KINDS)
        heat = real_array("heat_map", self.heat_map)
        if not heat.size or not np.isfinite(heat).all():
            raise ValueError("heat_map is empty, or holds NaN or infinity.")
        # Colours compare places of one map; what their unit is, few would know.
        largest = np.abs(heat).max()
        heat = heat / largest if largest > 0 else heat
        title = "Grad-CAM" if self.target is None else f"Grad-CAM: {self.target}"
        if self.kind == "signal":
            if self.sampling_rate is None:
                raise ValueError("kind='signal' needs the sampling_rate of the record, in Hz.")
            self.ecg_ = ECGDisplay(
                self.data,
                sampling_rate=self.sampling_rate,
                lead_names=self.lead_names,
                heat_map=heat,
            )
            self.ecg_.plot(
                ax,
                layout=layout,
                rhythm_lead=rhythm_lead,
                max_amplitude=max_amplitude,
                title=title,
                heat_label="share of the largest",
            )
            self.ax_, self.heat_, self.colorbar_ = (
                self.ecg_.ax_,
                self.ecg_.heat_,
                self.ecg_.colorbar_,
            )
        else:
            self.ecg_ = None
            self._plot_image(ax, heat, title)
        self.figure_ = self.ax_.figure
        return self

    def _plot_image(self, ax, heat, title):
        image = np.asarray(self.data)
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[:, :, 0]
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
            raise ValueError(
                "An image must have the shape (height, width) or (height, width, channels) with 1, "
                f"3 or 4 channels, got {np.shape(self.data)}."
            )
        if heat.ndim != 2:
            raise ValueError(
                f"heat_map of an image must have the shape (rows, columns), got {heat.shape}."
            )
        height, width = image.shape[:2]
        self.ax_ = ax = new_axes(ax, (5.6, float(np.clip(4.6 * height / width, 1.6, 9)) + 0.4))
        extent = (0, width, height, 0)
        ax.imshow(image, cmap="gray", extent=extent)
        colormap, low, high = heat_scale(heat)
        self.heat_ = [
            ax.imshow(
                heat,
                cmap=colormap,
                vmin=low,
                vmax=high,
                extent=extent,
                interpolation="bilinear",
            )
        ]
        beside = ax.inset_axes([1.03, 0.0, 0.035, 1.0])
        self.colorbar_ = ax.figure.colorbar(self.heat_[0], cax=beside, label="share of the largest")
        keep_inside(ax, beside)
        ax.set(xticks=[], yticks=[], title=title)
