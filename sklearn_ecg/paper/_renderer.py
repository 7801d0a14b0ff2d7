"""Images of records on ECG paper."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import check_image_size, check_signals, read_container
from ..base import fill_lead_names
from ..utils._chunks import RENDER, record_chunks
from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._fit_callbacks import CallbackSupportMixin, as_one_task
from ._background import draw_background
from ._paper_layout import LAYOUTS, lay_out_panels
from ._pixel_page import place_panels
from ._rasterize import draw_traces

_POSITIVE = Interval(Real, 0, None, closed="neither")


class ECGImageRenderer(
    CallbackSupportMixin,
    DocumentationLinkMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Draw each record as an image of ECG paper.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz). Required.
    layout : {"3x4", "6x2", "12x1"}, default="3x4"
        Rows and columns of leads, which run down the columns in standard order. Columns follow
        each other in time: with four columns, each lead is shown for a quarter of the record.
        "12x1" shows the whole record of each lead in a row of its own, for any number of leads
        with any names.
    image_size : int or tuple of int, default=224
        Height and width of the images in pixels, as a tuple or as one number for both.
    color : {"gray", "rgb"}, default="gray"
        Whether an image has the shape (height, width) or (height, width, 3).
    rhythm_lead : str or None, default="II"
        The lead that a strip below the columns shows for the whole record. None draws no strip.
        The layout "12x1" has no strip.
    speed : {25, 50}, default=25
        Paper speed in mm/s.
    gain : {5, 10, 20}, default=10
        Amplitude scale in mm/mV.
    duration : float, default=10.0
        Duration that fits on the page, in seconds, > 0. The panels of a shorter record end with
        empty paper. A longer record raises an error: crop it first.
    grid : bool, default=True
        Whether to draw lines of 1 mm and of 5 mm. Lines closer than 7 pixels are fainter, and
        lines closer than 2.5 pixels are left out.
    calibration : bool, default=True
        Whether to draw a pulse of 1 mV and 0.2 s before each row.
    lead_labels : bool, default=True
        Whether to draw the names of the leads and, on large images, ticks between columns. Names
        that do not fit on a small image are left out.
    overflow : {"overlap", "clip"}, default="overlap"
        Where to cut off traces that are higher than their row. With "overlap" they extend through
        the adjacent row, as on paper. With "clip" they stay in their own row, so that rows never
        overlap. Values beyond the limit are drawn at the limit; `report` counts them.
    missing_leads : {"raise", "empty"}, default="raise"
        Whether to raise an error for a lead that is in the layout or in the strip but not in X, or
        to leave its panel empty, with its name.
    n_leads : int or None, default=None
        Number of leads. Required for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads. None takes the columns of a lead frame; twelve unnamed leads are taken
        to be in standard order. "12x1" numbers other unnamed leads.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of an image: (height, width) or (height, width, 3).
    lead_boxes_ : dict of str to tuple of int
        The panel of each lead: ``top, bottom, left, right`` in pixels, such that
        ``image[top:bottom, left:right]`` is the panel. The rhythm strip is not included.
    rhythm_box_ : tuple of int or None
        The rhythm strip, as in ``lead_boxes_``.
    pixels_per_mm_ : float
        Scale of the image, horizontally and vertically.
    max_amplitude_ : float
        Amplitude in mV for which every panel has room, upward and downward.
    n_features_in_, n_leads_in_, n_times_in_ : int
        Number of features, of leads, and of time points seen during `fit`.
    lead_names_in_ : tuple of str or None
        Names of the leads in standard spelling.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns of X, only if X has named columns.

    Raises
    ------
    ValueError
        In `fit`, if ``sampling_rate`` is missing, records are longer than the page, a lead is
        missing or has no panel, leads have no names, a frame notes another unit than mV,
        amplitudes are implausible in mV, signals have a large offset, or the image is too small.

    See Also
    --------
    sklearn_ecg.datasets.load_ecg_images : Load images from files.
    sklearn_ecg.inspection.ECGDisplay : Draw one record as a figure.

    Notes
    -----
    The image of a record depends only on the record and the parameters.

    The page has one scale, horizontally and vertically. At the given speed and gain, it is
    ``duration`` plus 0.6 s wide, and each row is at least 2.5 mV high. The scale is the largest one
    for which the page and the labels fit in the image. The remaining height is divided among the
    rows, in squares of 5 mm; the remaining width is left empty on both sides. The zero lines of
    all rows and the start of the first column are on bold lines of the grid. Turning off the grid,
    the pulses or the labels does not move anything else.

    Time ``t`` of a panel is in the pixel column ``left + t * speed * pixels_per_mm_``, up to the
    rounding of ``left``. In each pixel column, a trace covers the range from its lowest to its
    highest point, so that no peak is lost on small images.

    Arrays of signals, lead frames and object arrays are transformed to arrays of images. Rows are
    transformed to rows of pixels and numeric frames to numeric frames, for estimators that only
    accept tables; ``image_shape_`` is the shape of each image.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> X = make_ecg(3, random_state=0).data
    >>> renderer = ECGImageRenderer(sampling_rate=100).fit(X)
    >>> images = renderer.transform(X)
    >>> images.shape, images.dtype
    ((3, 224, 224), dtype('uint8'))
    >>> renderer.lead_boxes_["V1"]
    (2, 57, 117, 169)
    >>> large = ECGImageRenderer(sampling_rate=100, image_size=(850, 1100), color="rgb")
    >>> large.fit_transform(X).shape
    (3, 850, 1100, 3)

    Missing leads and records that do not fit on the page raise an error:

    >>> ECGImageRenderer(sampling_rate=100, lead_names=["I", "II"]).fit(X[:, :2])
    Traceback (most recent call last):
        ...
    ValueError: layout='3x4' has panels for the twelve standard leads, but III, aVR, aVL, ...
    >>> ECGImageRenderer(sampling_rate=50).fit(X)
    Traceback (most recent call last):
        ...
    ValueError: The records have 20 s, but the page has room for duration=10.0 s. ...
    """

    _parameter_constraints = {
        "sampling_rate": [_POSITIVE, None],
        "layout": [StrOptions(set(LAYOUTS))],
        "image_size": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "color": [StrOptions({"gray", "rgb"})],
        "rhythm_lead": [str, None],
        "speed": [Options(Real, {25, 50})],
        "gain": [Options(Real, {5, 10, 20})],
        "duration": [_POSITIVE],
        "grid": ["boolean"],
        "calibration": ["boolean"],
        "lead_labels": ["boolean"],
        "overflow": [StrOptions({"overlap", "clip"})],
        "missing_leads": [StrOptions({"raise", "empty"})],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }
    # Of such signals, pages show nothing.
    _needs_millivolts = True
    _scale_errors = ("unit", "offset")

    def __init__(
        self,
        sampling_rate=None,
        *,
        layout="3x4",
        image_size=224,
        color="gray",
        rhythm_lead="II",
        speed=25,
        gain=10,
        duration=10.0,
        grid=True,
        calibration=True,
        lead_labels=True,
        overflow="overlap",
        missing_leads="raise",
        n_leads=None,
        lead_names=None,
    ):
        self.sampling_rate = sampling_rate
        self.layout = layout
        self.image_size = image_size
        self.color = color
        self.rhythm_lead = rhythm_lead
        self.speed = speed
        self.gain = gain
        self.duration = duration
        self.grid = grid
        self.calibration = calibration
        self.lead_labels = lead_labels
        self.overflow = overflow
        self.missing_leads = missing_leads
        self.n_leads = n_leads
        self.lead_names = lead_names

    @as_one_task
    def fit(self, X, y=None):
        """Check the signals and lay out the page.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times) in mV, a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted renderer.

        Raises
        ------
        ValueError
            See the class; also if the shape of X is ambiguous, or X contains NaN or infinity.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        self._validate_params()
        # If fit fails, the renderer is left unfitted.
        vars(self).pop("_page", None)
        size = check_image_size(self.image_size)
        if self.sampling_rate is None:
            raise ValueError(
                "ECGImageRenderer needs sampling_rate, the time points per second of the records "
                "(Hz), which is None. Pass it, as in ECGImageRenderer(sampling_rate=100)."
            )
        check_signals(self, X, reset=True)
        seconds = self.n_times_in_ / self.sampling_rate
        # Allow for rounding: 10 s at 100 / 3 Hz may be slightly more than 10 s.
        if seconds > self.duration * (1 + 1e-9):
            raise ValueError(
                f"The records have {seconds:g} s, but the page has room for "
                f"duration={self.duration} s. Crop them first (Cropper, windows), or pass "
                f"duration={seconds:g}."
            )
        page = self._make_page(size)
        self.image_shape_ = size if self.color == "gray" else (*size, 3)
        self.lead_boxes_ = {panel.name: panel.box for panel in page.panels}
        self.rhythm_box_ = None if page.strip is None else page.strip.box
        self.pixels_per_mm_ = page.scale
        self.max_amplitude_ = page.max_amplitude
        self._page = page
        return self

    def transform(self, X):
        """Draw records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        images : ndarray of shape (n_records, height, width) or (n_records, height, width, 3), uint8
            For rows, an array of shape (n_records, n_pixels); for a numeric frame, a numeric frame.
        """
        check_is_fitted(self, "_page")
        signals, _ = check_signals(self, X, reset=False)
        images = self._draw_images(np.asarray(signals))
        X, kind, _, _ = read_container(X, name=type(self).__name__, n_leads=self.n_leads_in_)
        if kind not in ("rows", "numeric frame"):
            return images
        rows = images.reshape(len(images), -1)
        if kind == "rows":
            return rows
        return pd.DataFrame(rows, columns=self.get_feature_names_out(), index=X.index)

    def report(self, X):
        """Count the time points that do not fit in their panel and are drawn at its limit.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        report : DataFrame of n_records rows
            With the index of X. One column for each lead that is drawn, with the number of its
            visible time points that are drawn at the limit; the column ``rhythm`` is for the
            rhythm strip, if there is one.
        """
        check_is_fitted(self, "_page")
        signals, _ = check_signals(self, X, reset=False)
        columns = {}
        for panel, first, last in self._drawn_panels():
            part = signals[:, panel.lead, int(np.ceil(first)) : int(np.ceil(last))]
            name = "rhythm" if panel is self._page.strip else panel.name
            low, high = self._page.amplitude_range(panel)
            columns[name] = ((part < low) | (part > high)).sum(axis=1)
        return pd.DataFrame(columns, index=X.index if hasattr(X, "iloc") else None)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the pixels, row by row: ``y3_x17``, with colors ``y3_x17_red``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Compared with the feature names seen during `fit`.

        Returns
        -------
        names : ndarray of str objects
            One name for each value of an image.
        """
        check_is_fitted(self, "_page")
        _check_feature_names_in(self, input_features)
        height, width = self._page.size
        colors = [""] if len(self.image_shape_) == 2 else ["_red", "_green", "_blue"]
        names = [f"y{y}_x{x}{c}" for y in range(height) for x in range(width) for c in colors]
        return np.asarray(names, dtype=object)

    def set_output(self, *, transform=None):
        """Do nothing: images are always returned as arrays.

        With this method, a Pipeline can set the output of all its steps.

        Parameters
        ----------
        transform : any
            Ignored.

        Returns
        -------
        self : object
            This renderer.
        """
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_page")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _make_page(self, size):
        names = self.lead_names_in_
        if self.layout != "12x1" and names is None:
            raise ValueError(
                f"layout={self.layout!r} needs the names of the {self.n_leads_in_} leads. Pass a "
                "lead frame (see to_lead_frame), lead_names, or layout='12x1'."
            )
        layout = lay_out_panels(
            self.layout,
            fill_lead_names(names, self.n_leads_in_),
            rhythm_lead=self.rhythm_lead,
            missing_leads=self.missing_leads,
        )
        return place_panels(
            layout,
            size=size,
            speed=float(self.speed),
            gain=float(self.gain),
            duration=float(self.duration),
            overlap=self.overflow == "overlap",
        )

    def _drawn_panels(self):
        """Return each panel that is not empty, with the time span that it shows."""
        return [
            (panel, *panel.time_span(self.n_times_in_))
            for panel in self._page.all_panels
            if panel.lead is not None
        ]

    def _draw_images(self, signals):
        page = self._page
        background = draw_background(
            page,
            grid=self.grid,
            calibration=self.calibration,
            labels=self.lead_labels,
            color=self.color,
        )
        images = np.empty((len(signals), *self.image_shape_), dtype=np.uint8)
        # Panels with the same time axis are drawn together, but only every third row, because the
        # panels of one call must not have pixels in common.
        groups = {}
        for panel, first, last in self._drawn_panels():
            key = (panel.column, panel.row % 3, first, last)
            groups.setdefault(key, []).append(panel)
        largest = max(signals[0].size, background.size)
        for part in record_chunks(len(signals), largest, RENDER):
            images[part] = background
            for (_, _, first, last), panels in groups.items():
                self._draw_panels(images[part], signals[part], panels, first, last)
        return images

    def _draw_panels(self, images, signals, panels, first, last):
        """Draw panels that show the same time span."""
        page = self._page
        left, right = panels[0].box[2:]
        points_per_pixel = self.sampling_rate / page.per_second
        edges = first + (np.arange(left, right + 1) - panels[0].x) * points_per_pixel
        # A record may end before its panel, but at least one column of pixels is drawn.
        edges = edges[: max(2, np.searchsorted(edges, last) + 1)]
        edges[0], edges[-1] = first, min(edges[-1], last)
        if len(edges) - 1 == right - left:
            edges[-1] = last
        # Each time point lasts until the next one; so does the last one.
        edges = np.clip(edges, 0, self.n_times_in_ - 1)
        # Only the signals that the panels show.
        begin, end = int(edges[0]), int(np.ceil(edges[-1])) + 1
        draw_traces(
            images,
            signals[:, [panel.lead for panel in panels], begin:end],
            edges - begin,
            left,
            zeros=[panel.zero for panel in panels],
            limits=[panel.limits for panel in panels],
            per_millivolt=page.per_millivolt,
            line_width=page.line_width,
        )
