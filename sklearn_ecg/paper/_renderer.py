"""Records as pictures of ECG paper."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import check_image_size, check_signals, read_container
from ..base import fill_lead_names
from ..leads import normalize_lead_names
from ..utils._chunks import RENDER, record_chunks
from ._paper_layout import LAYOUTS, choose_places, draw_background, lay_out
from ._rasterize import draw_traces

_POSITIVE = Interval(Real, 0, None, closed="neither")
# Values handled by one step.


class ECGImageRenderer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Draw each record as a picture of ECG paper.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz). It must be given.
    layout : {"3x4", "6x2", "12x1"}, default="3x4"
        Rows and columns of leads, which are in standard order down the columns. Columns follow
        each other in time: of a lead, one of four columns shows a quarter of the record. "12x1"
        gives each lead a row, which shows all of it, however many leads there are and whatever
        they are called.
    image_size : int or (int, int), default=224
        Height and width of the pictures in pixels, or both in one.
    color : {"grey", "rgb"}, default="grey"
        Whether a picture has the shape (height, width) or (height, width, 3).
    rhythm_lead : str or None, default="II"
        The lead that a strip below the columns shows in full. None draws no strip; "12x1" has none.
    speed : {25, 50}, default=25
        Of the paper, in mm/s.
    gain : {5, 10, 20}, default=10
        In mm/mV.
    duration : float, default=10.0
        What the page has room for, in seconds, > 0. Of shorter records each panel holds its part,
        and paper after it. Longer ones are an error: cut them before.
    grid : bool, default=True
        Whether the paper has lines of 1 mm and of 5 mm. Lines that would be closer than 7 pixels
        are fainter, and those closer than 2.5 are left out.
    calibration : bool, default=True
        Whether a pulse of 1 mV and 0.2 s stands before each row.
    lead_labels : bool, default=True
        Whether leads are named, and large pictures have ticks between columns. Names that a small
        picture has no room for are left out.
    overflow : {"overlap", "clip"}, default="overlap"
        Where a trace ends that is higher than its row: at the far border of the row above or below,
        through which it goes as on paper, or at the border of its own row, so that no two rows ever
        meet. What is beyond is drawn there, and `report` counts it.
    missing_leads : {"raise", "empty"}, default="raise"
        What to do about a lead of the layout, or for the strip, that X does not have: raise an
        error, or leave its panel empty, with its name.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads. Lead frames bring their own; twelve unnamed leads are in standard
        order. "12x1" numbers others that have no names.

    Attributes
    ----------
    image_shape_ : tuple of int
        Of a picture: (height, width) or (height, width, 3).
    lead_boxes_ : dict of str to (int, int, int, int)
        Where the panel of each lead is: ``top, bottom, left, right`` in pixels, so that
        ``image[top:bottom, left:right]`` is the panel. The strip is not among them.
    rhythm_box_ : (int, int, int, int) or None
        Where the strip is.
    pixels_per_mm_ : float
        Both across and down.
    max_amplitude_ : float
        How far from 0 mV every panel can show its lead, upwards as well as downwards.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None
    feature_names_in_ : ndarray of str
        Only if X had named columns.

    Raises
    ------
    ValueError
        In `fit`, when ``sampling_rate`` is missing, records are longer than the page, a lead is
        missing or has no panel, leads have no names, a lead frame notes another unit than mV, or
        the picture is too small.

    See Also
    --------
    sklearn_ecg.datasets.load_ecg_images : Pictures from files.
    sklearn_ecg.inspection.ECGDisplay : One record as a figure, for the eye.

    Notes
    -----
    A record's picture depends on nothing but the record and the parameters.

    The page is scaled as a whole, so that squares are square: it is ``duration`` and 0.6 s wide at
    the speed given, and a row is at least 2.5 mV high at the gain given. The largest scale at which
    this, with the names, is inside the picture is taken. What is left in height is shared by the
    rows, in whole squares of 5 mm; what is left in width is on both sides. The lines of zero of all
    rows are on bold lines of the grid, and so is the beginning of the first column. Turning off the
    grid, the pulse or the names moves nothing.

    Time ``t`` of a panel is in the pixel column ``left + t * speed * pixels_per_mm_`` (its part
    before the point, as far as ``left`` is rounded). A column of pixels is inked from the lowest to
    the highest point of the trace in it: no peak is lost, however small the picture is.

    Arrays of signals, lead frames and object arrays become pictures. Rows become rows of pixels,
    and numeric frames such frames, for tools that know nothing but tables; ``image_shape_`` is
    their shape.

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

    Nothing is left out without a word:

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
        "color": [StrOptions({"grey", "rgb"})],
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

    def __init__(
        self,
        sampling_rate=None,
        *,
        layout="3x4",
        image_size=224,
        color="grey",
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

    def fit(self, X, y=None):
        """Check the signals, and lay out the page.

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

        Raises
        ------
        ValueError
            See the class; and for signals that cannot be read without guessing, or hold NaN or
            infinity.
        """
        self._validate_params()
        # A failed fit leaves an unfitted estimator, not one of two halves.
        vars(self).pop("_page", None)
        size = check_image_size(self.image_size)
        if self.sampling_rate is None:
            raise ValueError(
                "ECGImageRenderer needs sampling_rate, the time points per second of the records "
                "(Hz), which is None. Pass it, as in ECGImageRenderer(sampling_rate=100)."
            )
        check_signals(self, X, reset=True)
        units = getattr(X, "attrs", {}).get("units", "mV")
        if units != "mV":
            raise ValueError(
                f"X notes its unit in X.attrs['units'], {units!r}, but ECGImageRenderer draws mV. "
                "Convert the signals (1 mV is 1000 uV), and note the new unit."
            )
        seconds = self.n_times_in_ / self.sampling_rate
        # Not for what 10 s at 100 / 3 Hz are more than 10 by rounding.
        if seconds > self.duration * (1 + 1e-9):
            raise ValueError(
                f"The records have {seconds:g} s, but the page has room for "
                f"duration={self.duration} s. Cut them before (Cropper, windows), or pass "
                f"duration={seconds:g}."
            )
        page = self._lay_out(size)
        self.image_shape_ = size if self.color == "grey" else (*size, 3)
        self.lead_boxes_ = {panel.name: panel.box for panel in page.panels}
        self.rhythm_box_ = None if page.strip is None else page.strip.box
        self.pixels_per_mm_ = page.scale
        self.max_amplitude_ = page.amplitudes
        self._page = page
        return self

    def transform(self, X):
        """Draw records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those given to `fit`, in mV.

        Returns
        -------
        images : ndarray of shape (n_records, height, width) or (n_records, height, width, 3), uint8
            Of rows, rows of shape (n_records, n_pixels); of a numeric frame, a frame of them.
        """
        check_is_fitted(self, "_page")
        signals, _ = check_signals(self, X, reset=False)
        images = self._draw(np.asarray(signals))
        X, kind, _, _ = read_container(X, name=type(self).__name__, n_leads=self.n_leads_in_)
        if kind not in ("rows", "numeric frame"):
            return images
        rows = images.reshape(len(images), -1)
        if kind == "rows":
            return rows
        return pd.DataFrame(rows, columns=self.get_feature_names_out(), index=X.index)

    def report(self, X):
        """Count what no panel has room for, and what is thus drawn where traces end.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those given to `fit`, in mV.

        Returns
        -------
        report : DataFrame of n_records rows
            With the index of X. For each lead that is drawn the number of its time points that are
            shown, but at another height than theirs; in the column ``rhythm`` those of the strip,
            if there is one.
        """
        check_is_fitted(self, "_page")
        signals, _ = check_signals(self, X, reset=False)
        columns = {}
        for panel, first, last in self._parts():
            part = signals[:, panel.lead, int(np.ceil(first)) : int(np.ceil(last))]
            name = "rhythm" if panel is self._page.strip else panel.name
            low, high = self._page.room(panel)
            columns[name] = ((part < low) | (part > high)).sum(axis=1)
        return pd.DataFrame(columns, index=X.index if hasattr(X, "iloc") else None)

    def get_feature_names_out(self, input_features=None):
        """Names of the pixels, row after row: ``y3_x17``, with colours ``y3_x17_red``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Held against the names seen in `fit`, as everywhere in scikit-learn.

        Returns
        -------
        names : ndarray of str objects
            Those of a picture as a row.
        """
        check_is_fitted(self, "_page")
        _check_feature_names_in(self, input_features)
        height, width = self._page.size
        colors = [""] if len(self.image_shape_) == 2 else ["_red", "_green", "_blue"]
        names = [f"y{y}_x{x}{c}" for y in range(height) for x in range(width) for c in colors]
        return np.asarray(names, dtype=object)

    def set_output(self, *, transform=None):
        """Do nothing: pictures are arrays, whatever is asked for.

        A Pipeline can so set the output of all its steps.

        Parameters
        ----------
        transform : any
            Ignored.

        Returns
        -------
        self : object
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

    def _lay_out(self, size):
        names = self.lead_names_in_
        if self.layout != "12x1" and names is None:
            raise ValueError(
                f"layout={self.layout!r} needs the names of the {self.n_leads_in_} leads. Pass a "
                "lead frame (see to_lead_frame), lead_names, or layout='12x1'."
            )
        names = fill_lead_names(names, self.n_leads_in_)
        places, n_rows = choose_places(self.layout, names, self.missing_leads)
        strip = None
        if self.rhythm_lead is not None and self.layout != "12x1":
            (lead,) = normalize_lead_names([self.rhythm_lead], strict=False)
            if lead not in names and self.missing_leads == "raise":
                raise ValueError(
                    f"rhythm_lead={self.rhythm_lead!r} is not among the leads "
                    f"{', '.join(names)}. Pass one of them, or None."
                )
            strip = (lead, names.index(lead) if lead in names else None)
        return lay_out(
            places,
            n_rows,
            strip,
            size=size,
            speed=float(self.speed),
            gain=float(self.gain),
            duration=float(self.duration),
            overlap=self.overflow == "overlap",
        )

    def _parts(self):
        """Each panel that is drawn, and from where to where it shows its lead, in time points."""
        page = self._page
        length = self.n_times_in_ / page.n_columns
        parts = [
            (panel, panel.column * length, (panel.column + 1) * length) for panel in page.panels
        ]
        if page.strip is not None:
            parts.append((page.strip, 0.0, float(self.n_times_in_)))
        return [part for part in parts if part[0].lead is not None]

    def _draw(self, signals):
        page = self._page
        background = draw_background(
            page,
            grid=self.grid,
            calibration=self.calibration,
            labels=self.lead_labels,
            color=self.color,
        )
        images = np.empty((len(signals), *self.image_shape_), dtype=np.uint8)
        # Panels of one time axis are drawn at once, every third row, so that none share a pixel.
        groups = {}
        for panel, first, last in self._parts():
            key = (panel.column, panel.row % 3, first, last)
            groups.setdefault(key, []).append(panel)
        largest = max(signals[0].size, background.size)
        for part in record_chunks(len(signals), largest, RENDER):
            images[part] = background
            for (_, _, first, last), panels in groups.items():
                self._draw_group(images[part], signals[part], panels, first, last)
        return images

    def _draw_group(self, images, signals, panels, first, last):
        page = self._page
        left, right = panels[0].box[2:]
        per_pixel = self.sampling_rate / page.per_second  # time points
        edges = first + (np.arange(left, right + 1) - panels[0].x) * per_pixel
        # A record may end before its panel does, and what is drawn is one pixel wide at least.
        edges = edges[: max(2, np.searchsorted(edges, last) + 1)]
        edges[0], edges[-1] = first, min(edges[-1], last)
        if len(edges) - 1 == right - left:
            edges[-1] = last
        # Each time point lasts until the next, the last one as well.
        edges = np.clip(edges, 0, self.n_times_in_ - 1)
        # Of all that the group shows, and of nothing more.
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
