"""What each step of the digitizer finds on a page."""

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.utils import Bunch

from .._validation import list_images
from ._digitizing import INK, find_lines, open_and_digitize
from ._page_report import report_row


class PageStepsMixin:
    """The method of `ECGImageDigitizer` that shows its steps."""

    def inspect(self, image):
        """Return what each step finds on one image, also if it is refused.

        `sklearn_ecg.inspection.DigitizedPageDisplay` draws it.

        Parameters
        ----------
        image : array-like, Image or path
            One image, of a kind that `transform` takes: an array of shape (height, width) or
            (height, width, n_channels), an image of Pillow, or the path of a file.

        Returns
        -------
        bunch : :class:`~sklearn.utils.Bunch`
            Entries of steps that were not reached are None. Positions are x and y in pixels of the
            image, of which the upper left corner is (0, 0), unless stated otherwise.

            ``report`` : Series
                The row of `report`.
            ``image`` : ndarray of shape (height, width) or (height, width, 3), uint8
                The image as it was read. Large JPEG files are decoded at a part of their size.
            ``grid_lines`` : tuple of two lists of ndarray of shape (n_points, 2)
                The vertical and the horizontal lines of the grid, 5 mm apart, to about 0.2 mm: they
                show rotation, perspective and bends of the paper. Without a grid, they show only
                the scale and the rotation.
            ``ink`` : ndarray of shape (upright_height, upright_width), uint8
                The page turned upright, without the grid: 0 is paper, 255 is ink.
            ``traces`` : ndarray of the shape of ``ink``, uint8
                The same with stronger faint strokes, and without thick areas and lines between
                columns.
            ``upright_scale`` : float
                Pixels per mm of ``ink`` and ``traces``.
            ``rows`` : ndarray of shape (n_rows,)
                Heights of the baselines of the rows of leads, in pixels of ``ink``.
            ``paths`` : ndarray of shape (n_rows, upright_width, 2)
                Upper and lower end of the stroke that the path of each row takes in each column,
                in pixels of ``ink``. NaN in gaps. Texts are on no path, and calibration pulses are
                at the end of one.
            ``lead_lines`` : dict of str to ndarray of shape (n_points, 2)
                The digitized signal of each lead where it is printed in its column, at the time
                points of the signals.
            ``signals`` : ndarray of shape (12, n_times), float32
                In mV; NaN if the image is refused.

        Raises
        ------
        ValueError
            If a parameter is invalid, or the image has a wrong shape.
        TypeError
            If it is neither one image nor a path.

        Examples
        --------
        >>> from sklearn_ecg.datasets import make_ecg
        >>> from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer
        >>> X = make_ecg(1, random_state=0).data
        >>> page = ECGImageRenderer(100, image_size=(850, 1100), color="rgb").fit_transform(X)[0]
        >>> steps = ECGImageDigitizer(sampling_rate=100).inspect(page)
        >>> steps.report["status"], steps.paths.shape, steps.rows.round().tolist()
        ('digitized', (4, 1100, 2), [120.0, 328.0, 534.0, 742.0])
        >>> x, y = steps.lead_lines["V1"].T
        >>> round(float(x[0]))
        575
        """
        options = self._make_options()
        if isinstance(image, (list, tuple)) or getattr(image, "ndim", 2) not in (2, 3):
            raise TypeError(
                "image must be one array of shape (height, width) or (height, width, n_channels), "
                f"one image of Pillow or one path, got {type(image).__name__}. Pass several images "
                "to digitize."
            )
        images, _ = list_images([image], type(self).__name__)
        found = {}
        reading = open_and_digitize(images[0], options, Image.MAX_IMAGE_PIXELS, found)
        steps = Bunch(
            report=pd.DataFrame([report_row(images[0], 0, reading)]).iloc[0],
            image=None,
            grid_lines=None,
            ink=None,
            traces=None,
            upright_scale=None,
            rows=None,
            paths=None,
            lead_lines=found.get("lead_lines"),
            signals=reading.signals,
        )
        if "image" in found:
            steps.image = np.asarray(found["image"])
        if "grid" in found:
            page = found["page"]
            lines = find_lines(found["grid"], *page.darkest.size)
            steps.grid_lines = tuple([line * page.reduction for line in part] for part in lines)
        if "upright" in found:
            upright = found["upright"]
            steps.ink, steps.traces = _to_gray(upright.ink), _to_gray(upright.strength)
            steps.upright_scale = upright.scale
        if "rows" in found:
            steps.rows = np.array([row.baseline for row in found["rows"]])
        if "paths" in found:
            steps.paths = np.stack([[path.top, path.bottom] for path in found["paths"]])
            steps.paths = steps.paths.transpose(0, 2, 1)
        return steps


def _to_gray(ink):
    """Return strengths of ink as gray values, of which 255 is the middle of a trace."""
    return np.minimum(ink * (255.0 / INK), 255).astype(np.uint8)
