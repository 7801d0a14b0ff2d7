"""Display of a heat map over a record or an image."""

import numpy as np
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._grad_cam import as_labels, grad_cam
from .._unwrap import displayed_images, final_step, takes_images
from ._ecg_checks import select_record, select_row
from ._plot_style import (
    as_real_array,
    check_option,
    close_if_fails,
    figure_of,
    heat_colors,
    make_room_right,
    new_axes,
)
from .ecg import ECGDisplay


class GradCAMDisplay:
    """Display of a heat map over a record or an image.

    Use `from_estimator` for a record or an image and its network. Use the constructor and `plot`
    for a map that is already computed.

    Parameters
    ----------
    data : array-like of shape (n_leads, n_times), (height, width) or (height, width, channels)
        The record in mV, or the image with 1 (gray), 3 (RGB) or 4 (RGBA) channels.
    heat_map : array-like
        Of shape (n_points,) or (n_leads, n_points) for a record, and of shape (rows, columns) for
        an image. The points are evenly spaced over the time of the record or over the image.
    kind : {"signal", "image"}, default="signal"
        Whether `data` is a record or an image.
    sampling_rate : float or None, default=None
        Time points per second (Hz). Required for a record.
    lead_names : sequence of str or None, default=None
        Names of the leads of a record.
    target : str or None, default=None
        The class that the map explains, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the record or image.
    figure_ : matplotlib Figure
        Figure of the axes.
    heat_ : list of matplotlib AxesImage
        The heat map, one image for each panel of a record.
    colorbar_ : matplotlib Colorbar
        Color bar from 0 to 1, the largest value of the map, or from -1 if there are negative
        values. 0 is transparent.
    ecg_ : ECGDisplay or None
        Display of the record; None for an image.

    See Also
    --------
    grad_cam : Computes the maps.

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

    If a pipeline draws the records and passes the images to a network, the map is drawn over the
    page of ECG paper:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> X, y = make_ecg(20, prevalence=0.5, return_X_y=True, random_state=0)
    >>> encoder = SimCardioNetEncoder(image_size=64, filters=(8, 16), max_epochs=1)
    >>> pipeline = make_pipeline(
    ...     ECGImageRenderer(sampling_rate=100, image_size=(96, 128)),
    ...     SimCardioNetClassifier(encoder, frozen=True, max_epochs=1, random_state=0),
    ... )
    >>> display = GradCAMDisplay.from_estimator(pipeline.fit(X, y), X, record=3)
    >>> display.kind, display.data.shape, display.heat_map.shape
    ('image', (96, 128, 1), (96, 128))
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
        *,
        sampling_rate=None,
        record=0,
        target=None,
        n_leads=None,
        layout=None,
        rhythm_lead: str | None = "II",
        max_amplitude: float | None = 5.0,
        ax=None,
    ):
        """Explain one record or image with `grad_cam`, and draw it.

        Parameters
        ----------
        estimator : estimator
            See `grad_cam`. For a network of signals, the map is drawn over the record. For a
            network of images, it is drawn over the image. If an
            `~sklearn_ecg.preprocessing.ECGImageRenderer` is among the steps of a pipeline, this is
            the page that the fitted renderer draws, unless later steps change its height or width.
        X : array-like, DataFrame or lead frame
            Signals in mV, in any container, or images, as the estimator takes them.
        sampling_rate : float or None, default=None
            Time points per second (Hz). Required for a network of signals.
        record : int, default=0
            Position of the record or image in X.
        target : label, array-like of shape (n_records,) or None, default=None
            See `grad_cam`. Of an array, the class of the record is used.
        n_leads : int or None, default=None
            Number of leads of rows.
        layout : {"3x4", "6x2", "12x1"} or None, default=None
            Rows and columns of the twelve standard leads. "12x1" draws each lead in its own row,
            for any number of leads. In columns, each lead is shown for a quarter or a half of the
            time, which must be at least 0.5 s. For the standard leads, None chooses the first
            layout that shows at least 1 s of each lead: "3x4" from 4 s, "6x2" from 2 s, and "12x1"
            for shorter records. For other leads, None is "12x1".
        rhythm_lead : str or None, default="II"
            Lead of the rhythm strip below the columns, which shows the whole record. The layout
            "12x1" has no strip.
        max_amplitude : float or None, default=5.0
            Largest amplitude that is drawn, in mV, so that an artifact does not make the page
            very high. Values beyond it are drawn at this amplitude and marked in red, a note above
            the first row names the leads, and ``cut_`` counts the time points. None draws
            everything.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. Their proportion is set to that of ECG paper, and they become narrower
            to make room for a color bar. None makes a figure to scale.

        Returns
        -------
        display : GradCAMDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            As `grad_cam` and `ECGDisplay.from_record`.
        """
        check_is_fitted(estimator)
        target = _target_of_record(target, X, record)
        if takes_images(final_step(estimator)):
            row = select_row(X, record)
            heat_map, targets = grad_cam(estimator, row, target, return_targets=True)
            image = displayed_images(estimator, row)[0]
            return cls(image, heat_map[0], kind="image", target=str(targets[0])).plot(ax)
        signals, row, names = select_record(
            "GradCAMDisplay.from_estimator", X, record, n_leads, sampling_rate
        )
        heat_map, targets = grad_cam(estimator, row, target, return_targets=True)
        if heat_map.shape[-1] != signals.shape[-1]:
            raise ValueError(
                f"The record has {signals.shape[-1]} time points, but the network is given "
                f"{heat_map.shape[-1]} of them, and it is unknown which. Pass the network, "
                "estimator[-1], and the output of the steps before it, "
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
    def plot(
        self,
        ax=None,
        *,
        layout=None,
        rhythm_lead: str | None = "II",
        max_amplitude: float | None = 5.0,
    ):
        """Draw the record or the image with the map over it.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        layout : {"3x4", "6x2", "12x1"} or None, default=None
            Rows and columns of the twelve standard leads. "12x1" draws each lead in its own row,
            for any number of leads. In columns, each lead is shown for a quarter or a half of the
            time, which must be at least 0.5 s. For the standard leads, None chooses the first
            layout that shows at least 1 s of each lead: "3x4" from 4 s, "6x2" from 2 s, and "12x1"
            for shorter records. For other leads, None is "12x1".
        rhythm_lead : str or None, default="II"
            Lead of the rhythm strip below the columns, which shows the whole record. The layout
            "12x1" has no strip.
        max_amplitude : float or None, default=5.0
            Largest amplitude that is drawn, in mV, so that an artifact does not make the page
            very high. Values beyond it are drawn at this amplitude and marked in red, a note above
            the first row names the leads, and ``cut_`` counts the time points. None draws
            everything.

        Returns
        -------
        display : GradCAMDisplay
            This display.

        Raises
        ------
        ValueError
            If shapes are invalid, the map is not finite, or a record has no sampling rate.
        """
        check_option("kind", self.kind, ("signal", "image"))
        heat = as_real_array("heat_map", self.heat_map)
        if not heat.size or not np.isfinite(heat).all():
            raise ValueError("heat_map is empty, or contains NaN or infinity.")
        # The colors compare parts of one map; the unit of the values has no simple meaning.
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
            self.ax_, self.heat_ = self.ecg_.ax_, self.ecg_.heat_
            self.colorbar_ = self.ecg_.colorbar_
        else:
            self.ecg_ = None
            self._plot_image(ax, heat, title)
        self.figure_ = figure_of(self.ax_)
        return self

    def _plot_image(self, ax, heat, title):
        image = np.asarray(self.data)
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[:, :, 0]
        is_image = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))
        if not is_image or not image.size or image.dtype.kind not in "fiub":
            raise ValueError(
                "An image must hold numbers and have the shape (height, width) or (height, width, "
                f"channels) with 1, 3 or 4 channels, got {np.shape(self.data)} and dtype "
                f"{image.dtype}."
            )
        if heat.ndim != 2:
            raise ValueError(
                f"heat_map of an image must have the shape (rows, columns), got {heat.shape}."
            )
        height, width = image.shape[:2]
        self.ax_ = ax = new_axes(ax, (5.6, float(np.clip(4.6 * height / width, 1.6, 9)) + 0.4))
        extent = (0, width, height, 0)
        ax.imshow(image, cmap="gray", extent=extent)
        colormap, low, high = heat_colors(heat)
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
        bar_axes = ax.inset_axes([1.03, 0.0, 0.035, 1.0])
        self.colorbar_ = ax.figure.colorbar(
            self.heat_[0], cax=bar_axes, label="share of the largest"
        )
        make_room_right(ax, bar_axes)
        ax.set(xticks=[], yticks=[], title=title)


def _target_of_record(target, X, record):
    """Return the target of a record, if there is one for each record."""
    if target is None or np.ndim(target) == 0:
        return target
    if np.ndim(target) != 1 or len(target) != _num_samples(X):
        raise ValueError(
            f"target must be a label or have one label for each of the {_num_samples(X)} records, "
            f"got shape {np.shape(target)}."
        )
    return select_row(as_labels(target), record)[0]
