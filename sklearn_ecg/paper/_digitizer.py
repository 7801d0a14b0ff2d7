"""Signals from images of ECG pages."""

import os
from numbers import Integral, Real

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, Options, StrOptions

from .._validation import is_path, list_images
from ..leads import STANDARD_LEADS, to_lead_frame
from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._fit_callbacks import CallbackSupportMixin, as_one_task
from ._digitizing import READABLE_LAYOUTS, PageOptions, open_and_digitize
from ._page_report import report_row
from ._page_steps import PageStepsMixin

_POSITIVE = Interval(Real, 0, None, closed="neither")


class ECGImageDigitizer(
    PageStepsMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Turn images of 12-lead ECG pages into signals.

    Scans, screenshots and photographs of pages on a square grid of 1 mm and 5 mm are read: the grid
    gives the scale, the rotation and the perspective, each trace is followed by dynamic
    programming, and the layout gives the leads. Without a grid, calibration pulses give the scale.
    A page whose signals would be doubtful is refused, with a reason.

    Parameters
    ----------
    sampling_rate : float
        Time points per second of the signals (Hz). Required.
    layout : {"auto", "3x4", "3x4+1", "3x4+2", "3x4+3", "6x2", "6x2+1", "12x1"}, default="auto"
        Rows and columns of leads, which run down the columns in standard order, and the number of
        rhythm strips below. "auto" takes the layout with as many rows as the page that agrees with
        the identities of the limb leads. A page with another number of rows is refused.
    paper_speed : {25, 50}, default=25
        Paper speed in mm/s. A page whose calibration pulses are those of 50 mm/s is refused at 25.
    gain : {5, 10, 20}, default=10
        Amplitude scale in mm/mV, of all leads. A page whose calibration pulses have another height
        is refused.
    duration : float, default=10.0
        Length of the signals in seconds, > 0. Time 0 is where the rows begin. Later parts of a row
        are cut off, and the signals of shorter rows end with NaN.
    rhythm_strip : {"fill", "ignore"}, default="fill"
        Whether a rhythm strip whose lead is recognized adds its further seconds to that lead.
    on_error : {"raise", "nan"}, default="raise"
        What to do with an image that is refused or cannot be opened: raise an error that names it,
        or return NaN and list it in the report.
    output : {"array", "frame"}, default="array"
        Whether signals are returned as an array or as a lead frame.
    n_jobs : int, default=None
        Number of processes; None means 1 unless in a ``joblib.parallel_config`` context, -1 means
        all processors.

    See Also
    --------
    ECGImageRenderer : Draw signals as images.
    sklearn_ecg.datasets.load_ecg_images : Load images of one size, for networks.
    sklearn_ecg.inspection.DigitizedPageDisplay : Draw what each step finds.

    Notes
    -----
    The steps are as follows. None of them is random, and nothing is learned in `fit`.

    1. Files are read as by :func:`~sklearn_ecg.datasets.load_ecg_images`, within the same limits.
       Images of Pillow are treated like files: EXIF turns them, and several pages are refused.
       Of an image with more than 9 million pixels, blocks of pixels are averaged; a page of 300
       pixels per inch has fewer. A PDF page is rendered with 200 pixels per inch.
    2. The smallest of the three colors shows the grid, whatever its color. The mean spectrum of
       tiles of the page gives pitch and rotation. The phases of the grid in all parts of the page
       then give a homography, and cubic polynomials and a net of cells for smooth bends of the
       paper; lines are followed from place to place. If more than 45 % of the grid disagree with
       them, or more than 15 % on a page in perspective, the page is refused. A page that is
       upright to 0.02 degrees is not resampled.
    3. The largest of the three colors shows black ink, but no lines of colored grids. Brightness
       relative to the surrounding paper removes shadows. What repeats every 5 mm is subtracted,
       which leaves little of a gray grid. On lines that are about as dark as the traces, ink is
       restored where it continues on both sides. On pages that are not upright, creases are
       subtracted: straight, nearly vertical lines over most of the page that are fainter than
       traces.
    4. Dark areas of 2 mm or more, such as the borders of scans, are removed. Rows are heights at
       which wide components of ink are, unless they are straight lines. In each pixel column, ink
       forms vertical strokes; a path through them with small gaps is found for each row [1]_.
       Letters above and below a trace are not on this path.
    5. Between two pixel columns, a trace is where both strokes overlap; at a peak, it reaches to
       the end of the stroke, less half the width of the line.
    6. A rectangle at the end of a row is the calibration pulse; its foot is 0 mV. Without a
       pulse, the median of each lead is 0 mV.
    7. Rows have to show 85 % to 106 % of the time of the layout. Columns have equal widths. If rows
       are shorter or longer by more than 0.1 s, the limb leads must not agree much better when
       time 0 is elsewhere, as on a page whose left side is cut off.
    8. Leads are assigned by their position; names are not read. Therefore, the identities II = I +
       III and aVR + aVL + aVF = 0 have to hold, up to 30 % of the energy of these leads. A page in
       another order, a rotated page, or traces that were confused contradict them. Of two columns,
       the second one must not agree with them, too: the rows of the chest leads would be missing.
    9. Of no lead, limb or chest, more than 30 % of the energy may be in strokes that the trace of
       another row shares. No trace may jump by more than 11 mm without ink, and all of them
       together by no more than 25 mm. No trace may reach the border of the image or, on pages that
       are not upright, of the grid.

    In the first and the last 5 mm of a row, what is beyond a jump of more than 1.5 mm is NaN: it
    may be something else. So is what a vertical line across the rows covers, unless the trace is
    level there. Leads of a page with columns are NaN outside of their column, because
    they are not printed there, and within one pixel and half the width of a line of the next
    column, where the ink of both leads overlaps. The signals of limb leads are given as printed:
    they are not corrected by the identities.

    A page without a grid is read if at least half of its rows, and at least two, have calibration
    pulses of the same size, of 1 mV and 0.2 s. They give the scale, and the directions of the rows
    and of the line through the pulses give the rotation. The rows have to show 10 s to about 1 %,
    which then gives the scale of time. Perspective cannot be corrected: if the rows, or their ends,
    are not parallel, the page is refused.

    Images in color, in gray, and of two levels are read. An image of two levels that is not upright
    is refused if lines of its grid are left, or if it has less than 5.5 pixels per mm. So are pages
    on folded paper, or turned by more than 8 degrees. The limits of accuracy are in the
    documentation.

    References
    ----------
    .. [1] Fortune, J. D., et al. (2022). Digitizing ECG image: A new method and open-source
       software code. Computer Methods and Programs in Biomedicine, 221, 106890.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer
    >>> X = make_ecg(1, random_state=0).data
    >>> pages = ECGImageRenderer(100, image_size=(850, 1100), color="rgb").fit_transform(X)
    >>> digitizer = ECGImageDigitizer(sampling_rate=100)
    >>> signals = digitizer.fit_transform(pages)
    >>> signals.shape
    (1, 12, 1000)

    Lead V1 is printed from 5 s to 7.5 s only. Next to other leads, it is unknown, too. Lead II is
    also in the rhythm strip:

    >>> import numpy as np
    >>> np.flatnonzero(~np.isnan(signals[0, 6]))[[0, -1]]
    array([502, 748])
    >>> bool(np.abs(signals[0, 1] - X[0, 1]).mean() < 0.02)
    True
    >>> report = digitizer.report(pages)
    >>> report.loc[0, ["status", "layout", "rhythm_leads"]].tolist()
    ['digitized', '3x4+1', ['II']]

    Images that are not ECG pages are refused:

    >>> digitizer.transform(np.full((1, 850, 1100), 255, dtype=np.uint8))
    Traceback (most recent call last):
        ...
    ValueError: Image 0 of X is refused: the page is blank or has hardly any contrast. ...
    """

    _parameter_constraints = {
        "sampling_rate": [_POSITIVE, None],
        "layout": [StrOptions({"auto", *READABLE_LAYOUTS})],
        "paper_speed": [Options(Real, {25, 50})],
        "gain": [Options(Real, {5, 10, 20})],
        "duration": [_POSITIVE],
        "rhythm_strip": [StrOptions({"fill", "ignore"})],
        "on_error": [StrOptions({"raise", "nan"})],
        "output": [StrOptions({"array", "frame"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        sampling_rate=None,
        *,
        layout="auto",
        paper_speed=25,
        gain=10,
        duration=10.0,
        rhythm_strip="fill",
        on_error="raise",
        output="array",
        n_jobs=None,
    ):
        self.sampling_rate = sampling_rate
        self.layout = layout
        self.paper_speed = paper_speed
        self.gain = gain
        self.duration = duration
        self.rhythm_strip = rhythm_strip
        self.on_error = on_error
        self.output = output
        self.n_jobs = n_jobs

    @as_one_task
    def fit(self, X, y=None):
        """Check the parameters and the kind of X. Nothing is learned.

        Parameters
        ----------
        X : array-like or sequence
            Images, as in `transform`.
        y : None
            Ignored.

        Returns
        -------
        self : object
            This digitizer.

        Raises
        ------
        ValueError
            If a parameter is invalid, or X does not contain images.
        TypeError
            If X is a single path, or contains objects that are neither images nor paths.
        """
        self._make_options()
        list_images(X, type(self).__name__)
        return self

    def transform(self, X):
        """Digitize images.

        Parameters
        ----------
        X : array-like or sequence
            Images: an array of shape (n_images, height, width) or (n_images, height, width,
            n_channels), or a sequence of images of any sizes, each of which is an array, an image
            of Pillow, or the path of a PNG, JPEG, TIFF or BMP file, or of a PDF file with one page.
            Arrays are booleans, integers from 0 to 255, uint16 from 0 to 65535, or floats in [0, 1]
            or [0, 255].

        Returns
        -------
        signals : ndarray of shape (n_images, 12, n_times), float32, or lead frame
            In mV, in standard order, with ``n_times = round(duration * sampling_rate)``. NaN where
            a lead is not printed. A frame has the index of X.

        Raises
        ------
        ValueError
            If a parameter is invalid, X does not contain images, or, with ``on_error="raise"``, an
            image is refused or cannot be opened.
        TypeError
            If X is a single path, or contains objects that are neither images nor paths.
        """
        return self.digitize(X).signals

    def report(self, X):
        """Report what is found on images, and why images are refused.

        `digitize` returns this report together with the signals. No image raises an error here.

        Parameters
        ----------
        X : array-like or sequence
            Images, as in `transform`.

        Returns
        -------
        report : DataFrame of n_images rows
            With the index of X, and these columns:

            ``image``
                The path of a file, otherwise the position in X.
            ``status``
                "digitized", "refused", or "failed" if the file cannot be opened.
            ``reason_kind``, ``reason``
                A word and a sentence, empty for digitized images. The word is "file", "size",
                "blank", "grid", "perspective", "traces", "layout", "scale", "time" or "leads".
            ``height``, ``width``, ``reduction``
                Size of the image in pixels, after a file was turned according to EXIF, and how many
                pixels were averaged in each direction.
            ``scale_from``
                "grid", or "pulses" on a page without a grid.
            ``pixels_per_mm_x``, ``pixels_per_mm_y``
                Scale in the middle of the image, horizontally and vertically.
            ``rotation``
                Degrees of the horizontal lines, positive clockwise.
            ``perspective``
                Largest ratio of the pitch in two corners, minus 1.
            ``grid_share``
                Share of the grid that agrees with a sheet that is plane or bent smoothly. This and
                the perspective are NaN on pages without a grid.
            ``layout``, ``lead_order``, ``rhythm_leads``
                The layout; "standard, by position"; and the lead of each rhythm strip, None where
                it is not recognized.
            ``seconds``, ``start_spread``
                Printed seconds of the rows, and the upper quartile of the distances of their starts
                from the median start, in mm. Pages above 1.5 mm are refused.
            ``n_pulses``, ``pulse_height``
                Number of rows with a calibration pulse, and its median height in mm.
            ``limb_residual``
                Share of the energy of the limb leads, at 100 Hz, that contradicts their identities:
                about 0 for consistent leads and about 1 for independent signals. Pages above 0.3
                are refused.
            ``shared_energy``
                Largest share of the energy of a lead in strokes that another row shares. Pages
                above 0.3 are refused.
            ``largest_jump``, ``total_jumps``
                Largest vertical gap of a trace in mm, and sum of those from 0.5 mm. Pages above
                11 mm and 25 mm are refused.
            ``cut_off``
                Largest share of the columns of a lead in which it touches the border of the image
                or, on pages that are not upright, of the grid. Pages above 0.01 are refused.
            ``confidence``
                From 0 to 1: the smallest of ``grid_share``, ``1 - limb_residual``, the smallest
                share of a lead that is recovered, and ``1 - start_spread / 10``. It is no
                probability.
            ``lead_boxes``
                The trace of each lead as top, bottom, left and right in pixels of the image.
            ``recovered_I`` to ``recovered_V6``
                Share of the printed part of the lead that was recovered.

            Columns of what was not reached before an image was refused are None or NaN.

        Raises
        ------
        ValueError
            If a parameter is invalid, or X does not contain images.
        TypeError
            If X is a single path, or contains objects that are neither images nor paths.
        """
        return self._digitize(X, on_error="nan").report

    def digitize(self, X):
        """Return signals and report of images at once.

        Parameters
        ----------
        X : array-like or sequence
            Images, as in `transform`.

        Returns
        -------
        bunch : :class:`~sklearn.utils.Bunch`
            With ``signals``, as from `transform`, and ``report``, as from `report`.

        Raises
        ------
        ValueError
            As in `transform`.
        TypeError
            As in `transform`.
        """
        return self._digitize(X, on_error=self.on_error)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the leads.

        Parameters
        ----------
        input_features : any
            Ignored.

        Returns
        -------
        names : ndarray of str objects
            The twelve standard leads.
        """
        return np.asarray(STANDARD_LEADS, dtype=object)

    def set_output(self, *, transform=None):
        """Do nothing: ``output`` chooses the container of the signals.

        With this method, a Pipeline can set the output of all its steps.

        Parameters
        ----------
        transform : any
            Ignored.

        Returns
        -------
        self : object
            This digitizer.
        """
        return self

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _make_options(self):
        self._validate_params()
        if self.sampling_rate is None:
            raise ValueError(
                "ECGImageDigitizer needs sampling_rate, the time points per second of the signals "
                "(Hz), which is None. Pass it, as in ECGImageDigitizer(sampling_rate=100)."
            )
        n_times = round(self.duration * self.sampling_rate)
        if n_times < 1:
            raise ValueError(
                f"duration={self.duration} s at sampling_rate={self.sampling_rate} Hz has no time "
                "point. Pass a longer duration."
            )
        return PageOptions(
            sampling_rate=float(self.sampling_rate),
            n_times=n_times,
            layout=self.layout,
            paper_speed=float(self.paper_speed),
            gain=float(self.gain),
            rhythm_strip=self.rhythm_strip,
        )

    def _digitize(self, X, on_error):
        options = self._make_options()
        images, index = list_images(X, type(self).__name__)
        signals = np.full((len(images), len(STANDARD_LEADS), options.n_times), np.nan, np.float32)
        rows = []
        # Worker processes have a limit of their own.
        limit = Image.MAX_IMAGE_PIXELS
        calls = (delayed(open_and_digitize)(image, options, limit) for image in images)
        readings = Parallel(n_jobs=self.n_jobs, return_as="generator")(calls)
        for i, reading in enumerate(readings):
            if reading.status != "digitized" and on_error == "raise":
                name = (
                    f"Image {os.fspath(images[i])!r}" if is_path(images[i]) else f"Image {i} of X"
                )
                verb = "is refused" if reading.status == "refused" else "cannot be opened"
                raise ValueError(
                    f"{name} {verb}: {reading.reason}. Leave it out, or pass on_error='nan' to "
                    "get NaN for such images; report names all of them."
                )
            signals[i] = reading.signals
            rows.append(report_row(images[i], i, reading))
        report = pd.DataFrame(rows, index=index)
        if self.output == "frame":
            signals = to_lead_frame(
                signals,
                STANDARD_LEADS,
                index=index,
                sampling_rate=float(self.sampling_rate),
                units="mV",
            )
        return Bunch(signals=signals, report=report)
