"""Images of records on ECG paper."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import check_image_size, check_signals, read_container
from ..base import fill_lead_names
from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._fit_callbacks import CallbackSupportMixin, as_one_task
from ._background import draw_background
from ._draw_pages import draw_pages
from ._page_contents import PageContentsMixin
from ._paper_layout import LAYOUTS, LAYOUTS_WITH_STRIPS, lay_out_panels
from ._pixel_page import place_panels
from ._print_style import font_errors, ink_of_channels, read_style

_POSITIVE = Interval(Real, 0, None, closed="neither")


class ECGImageRenderer(
    PageContentsMixin,
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
    layout : {"3x4", "3x4+1", "3x4+3", "6x2", "6x2+1", "12x1"}, default="3x4"
        Rows and columns of leads, which run down the columns in standard order. Columns follow
        each other in time: with four columns, each lead is shown for a quarter of the record.
        "12x1" shows the whole record of each lead in a row of its own, for any number of leads
        with any names. "+1" and "+3" require this number of rhythm strips; "3x4" and "6x2" have
        one strip for each lead of ``rhythm_lead``.
    image_size : int or tuple of int, default=224
        Height and width of the images in pixels, as a tuple or as one number for both.
    color : {"gray", "rgb"}, default="gray"
        Whether an image has the shape (height, width) or (height, width, 3).
    rhythm_lead : str, sequence of str or None, default="II"
        The leads that strips below the columns show for the whole record, from the top to the
        bottom. None draws no strip. With the layout "3x4+3", "II" stands for V1, II and V5. The
        layout "12x1" has no strip.
    speed : {25, 50}, default=25
        Paper speed in mm/s.
    gain : {5, 10, 20}, "fill" or "auto", default="auto"
        Amplitude scale in mm/mV. "fill" is the highest gain, in whole mm/mV, for which the rows fit
        in the image, so that the traces are as high and as wide as possible. "auto" is 10, the
        standard gain, if a mm has at least one pixel on a page without names and texts, and "fill"
        on smaller images, which are for networks: a mV would have few pixels. ``gain_`` is the
        resulting gain. Pages that people or `ECGImageDigitizer` read need a standard gain.
    duration : float, default=10.0
        Duration that fits on the page, in seconds, > 0. The panels of a shorter record end with
        empty paper. A longer record raises an error: crop it first.
    grid : bool or "dots", default=True
        Whether to draw lines of 1 mm and of 5 mm. Lines closer than 7 pixels are fainter, and
        lines closer than 2.5 pixels are left out. "dots" draws a dot every 1 mm instead of the
        lines of 1 mm.
    grid_color : str, default="pink"
        Color of the grid: "pink", "red", "orange", "green", "blue" or "gray" as on usual papers,
        or another color that Pillow knows, such as "#a0c0a0", for the lines of 5 mm; those of 1 mm
        are then half as strong. Gray images contain the brightness of the colors.
    grid_width : float, default=0.15
        Width of the lines of 5 mm in mm, > 0 and < 1.5. Lines of 1 mm, and dots, are two thirds as
        wide. All are at least one pixel wide.
    paper_color : str, default="white"
        Color of the paper: a color that Pillow knows.
    trace_color : str, default="black"
        Color of the traces, pulses and texts: a color that Pillow knows.
    trace_width : float, default=0.3
        Width of the traces in mm, > 0. Traces are at least one pixel wide.
    calibration : bool or {"left", "right"}, default=True
        Whether to draw a pulse of 1 mV and 0.2 s for each row, before it (True or "left") or after
        it ("right").
    lead_labels : bool, default=True
        Whether to draw the names of the leads. Names that do not fit on a small image are left out.
    label_position : {"outside", "above", "below"}, default="outside"
        Position of the names. "outside" reserves room for them, so that traces within their row do
        not cover them. "above" and "below" are next to the start of the trace, which may cover
        them.
    label_height : float, default=3.5
        Height of names, header and footer in mm, > 0. They are at least 8 pixels high.
    font : str or None, default=None
        Font of names, header and footer: the path of a TrueType or OpenType file, or the name of
        one in the system's folders of fonts, such as "DejaVuSans.ttf". None is the default font of
        Pillow. The file has to exist wherever pages are drawn: a saved renderer contains its path
        only.
    separators : {"ticks", "lines"} or None, default="ticks"
        What to draw between columns: short ticks on large images with ``lead_labels``, lines
        across the rows, or nothing.
    header, footer : str or None, default=None
        Text above and below the leads, of one or more lines, such as the name of the hospital and
        "25 mm/s 10 mm/mV". The leads have less room then. Lines that are too long are cut off.
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
        The first rhythm strip, as in ``lead_boxes_``. `panel_table` has all strips.
    gain_ : float
        Amplitude scale of the pages in mm/mV.
    pixels_per_mm_ : float
        Scale of the image, horizontally and vertically. A mV has ``gain_ * pixels_per_mm_`` pixels.
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
        amplitudes are implausible in mV, signals have a large offset, a color is unknown, the font
        cannot be read, the number of rhythm leads differs from that of the layout, or the image is
        too small.

    See Also
    --------
    sklearn_ecg.datasets.load_ecg_images : Load images from files.
    sklearn_ecg.inspection.ECGDisplay : Draw one record as a figure.

    Notes
    -----
    The image of a record depends only on the record, the parameters and the file of the font.

    The page has one scale, horizontally and vertically. At the given speed and gain, it is
    ``duration`` plus 0.6 s wide, and each row is at least 2.5 mV high. The scale is the largest one
    for which the page and the labels fit in the image. The remaining height is divided among the
    rows, in squares of 5 mm; the remaining width is left empty on both sides. The zero lines of
    all rows and the start of the first column are on bold lines of the grid. Turning off the grid,
    the pulses or the labels does not move anything else.

    A page with a gain of 10 mm/mV fills the width of most images, but not their height. "fill" then
    raises the gain until the rows fill the height, with 2.5 mV for each row (5 mV with
    ``overflow="clip"``), 2 mV above the first and 1 mV below the last one, so that few traces are
    cut off. In an image of 112 x 112 pixels, a mV has 8.5 pixels instead of 4.2. The grid and the
    pulses have the scale of the page. Names that would take more than a fifth of the height are
    left out.

    Time ``t`` of a panel is in the pixel column ``left + t * speed * pixels_per_mm_``, up to the
    rounding of ``left``; `panel_table` has the exact positions. In each pixel column, a trace
    covers the range from its lowest to its highest point, so that no peak is lost on small images.

    The transforms of images in `sklearn_ecg.augmentation`, such as `RandomScan`, make pages look
    scanned or photographed.

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
    (25, 72, 117, 169)
    >>> large = ECGImageRenderer(sampling_rate=100, image_size=(850, 1100), color="rgb")
    >>> large.fit_transform(X).shape
    (3, 850, 1100, 3)

    A page as other devices print it:

    >>> page = ECGImageRenderer(
    ...     sampling_rate=100,
    ...     layout="3x4+3",
    ...     image_size=(850, 1100),
    ...     color="rgb",
    ...     grid_color="green",
    ...     grid_width=0.3,
    ...     trace_color="#202060",
    ...     calibration="right",
    ...     label_position="above",
    ...     header="Name: Doe, J.",
    ... ).fit(X)
    >>> page.panel_table()[["lead", "strip", "start", "stop", "top", "left"]].tail(4)
       lead  strip  start    stop  top  left
    11   V6  False  750.0  1000.0  311   787
    12   V1   True    0.0  1000.0  436     8
    13   II   True    0.0  1000.0  560     8
    14   V5   True    0.0  1000.0  685     8

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
        "layout": [StrOptions({*LAYOUTS, *LAYOUTS_WITH_STRIPS})],
        "image_size": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "color": [StrOptions({"gray", "rgb"})],
        "rhythm_lead": [str, "array-like", None],
        "speed": [Options(Real, {25, 50})],
        "gain": [Options(Real, {5, 10, 20}), StrOptions({"fill", "auto"})],
        "duration": [_POSITIVE],
        "grid": ["boolean", StrOptions({"dots"})],
        "grid_color": [str],
        # Wider lines of 1 mm would cover the paper.
        "grid_width": [Interval(Real, 0, 1.5, closed="neither")],
        "paper_color": [str],
        "trace_color": [str],
        "trace_width": [_POSITIVE],
        "calibration": ["boolean", StrOptions({"left", "right"})],
        "lead_labels": ["boolean"],
        "label_position": [StrOptions({"outside", "above", "below"})],
        "label_height": [_POSITIVE],
        "font": [str, None],
        "separators": [StrOptions({"ticks", "lines"}), None],
        "header": [str, None],
        "footer": [str, None],
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
        image_size: int | tuple[int, int] = 224,
        color="gray",
        rhythm_lead: str | Sequence[str] | None = "II",
        speed=25,
        gain: int | str = "auto",
        duration=10.0,
        grid: bool | str = True,
        grid_color="pink",
        grid_width=0.15,
        paper_color="white",
        trace_color="black",
        trace_width=0.3,
        calibration: bool | str = True,
        lead_labels=True,
        label_position="outside",
        label_height=3.5,
        font: str | None = None,
        separators: str | None = "ticks",
        header=None,
        footer=None,
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
        self.grid_color = grid_color
        self.grid_width = grid_width
        self.paper_color = paper_color
        self.trace_color = trace_color
        self.trace_width = trace_width
        self.calibration = calibration
        self.lead_labels = lead_labels
        self.label_position = label_position
        self.label_height = label_height
        self.font = font
        self.separators = separators
        self.header = header
        self.footer = footer
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
        style = read_style(self)
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
        with font_errors(self.font):
            page = self._make_page(size, style.font)
            if style.font is not None:
                # Letters of a damaged font may raise errors as late as they are drawn.
                draw_background(page, style, color=self.color)
        self.image_shape_ = size if self.color == "gray" else (*size, 3)
        self.lead_boxes_ = {panel.name: panel.box for panel in page.panels}
        self.rhythm_box_ = None if page.strip is None else page.strip.box
        self.gain_ = page.gain
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
        style = read_style(self)
        with font_errors(self.font):
            background = draw_background(self._page, style, color=self.color)
        images = draw_pages(
            self._page,
            background,
            np.asarray(signals),
            sampling_rate=self.sampling_rate,
            ink=ink_of_channels(style.ink, self.color),
        )
        X, kind, _, _ = read_container(X, name=type(self).__name__, n_leads=self.n_leads_in_)
        if kind not in ("rows", "numeric frame"):
            return images
        rows = images.reshape(len(images), -1)
        if kind == "rows":
            return rows
        return pd.DataFrame(rows, columns=self.get_feature_names_out(), index=X.index)

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

    def _make_page(self, size, font):
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
            gain=self.gain if isinstance(self.gain, str) else float(self.gain),
            duration=float(self.duration),
            overlap=self.overflow == "overlap",
            trace_width=float(self.trace_width),
            label_height=float(self.label_height),
            font=font,
            label_position=self.label_position,
            pulses_after=self.calibration == "right",
            n_text_lines=tuple(
                len((text or "").splitlines()) for text in (self.header, self.footer)
            ),
        )
