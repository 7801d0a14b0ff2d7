"""Display of the steps that turn an image of a page into signals."""

from textwrap import fill

import numpy as np

from ._plot_style import (
    CATEGORIES,
    SKY_BLUE,
    VERMILION,
    check_option,
    close_if_fails,
    figure_of,
    new_axes,
)

# What has to be known for each step.
_NEEDED = {
    "image": "image",
    "grid": "grid_lines",
    "ink": "ink",
    "traces": "traces",
    "paths": "paths",
    "signals": "lead_lines",
}
_LINE_LENGTH = 90


class DigitizedPageDisplay:
    """Display of a step that turns an image of a page into signals.

    Use `from_estimator` for an image, or the constructor and `plot` for several steps of one image.

    Parameters
    ----------
    steps : Bunch
        As from `ECGImageDigitizer.inspect`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the step, in pixels of the image, or of the upright page for "ink", "traces" and
        "paths".
    figure_ : matplotlib Figure
        Figure of the axes.
    image_ : matplotlib AxesImage
        The image or the page.
    lines_ : list of matplotlib Line2D or LineCollection
        The lines of the grid, the paths of the rows, or the signals of the leads.

    See Also
    --------
    sklearn_ecg.preprocessing.ECGImageDigitizer : Turns images of pages into signals.
    ECGDisplay : Draws the signals on paper.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import DigitizedPageDisplay
    >>> from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer
    >>> X = make_ecg(1, random_state=0).data
    >>> page = ECGImageRenderer(100, image_size=(850, 1100), color="rgb").fit_transform(X)[0]
    >>> digitizer = ECGImageDigitizer(sampling_rate=100)
    >>> display = DigitizedPageDisplay.from_estimator(digitizer, page)
    >>> len(display.lines_)
    12

    All steps of one image:

    >>> figure, axes = plt.subplots(2, 2, figsize=(12, 10))
    >>> for ax, step in zip(axes.flat, ["grid", "ink", "paths", "signals"]):
    ...     display = display.plot(ax, step=step)
    >>> axes[0, 0].get_title()
    'grid: 4.15 pixels per mm, rotation 0.0 degrees'
    >>> plt.close("all")
    """

    def __init__(self, steps):
        self.steps = steps

    @classmethod
    def from_estimator(cls, estimator, image, *, step="signals", ax=None):
        """Digitize an image, and draw what a step finds.

        Parameters
        ----------
        estimator : ECGImageDigitizer
            It needs no `fit`.
        image : array-like, Image or path
            One image, as in `ECGImageDigitizer.inspect`.
        step : {"image", "grid", "ink", "traces", "paths", "signals"}, default="signals"
            See `plot`.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : DigitizedPageDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the step is unknown, or the image is refused before it.
        TypeError
            If the estimator is no digitizer.
        """
        if not hasattr(estimator, "inspect"):
            raise TypeError(
                f"estimator must be an ECGImageDigitizer, got {type(estimator).__name__}. Take the "
                "digitizer of a pipeline by its name, such as pipeline['ecgimagedigitizer']."
            )
        return cls(estimator.inspect(image)).plot(ax, step=step)

    @close_if_fails
    def plot(self, ax=None, *, step="signals"):
        """Draw what a step finds.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        step : {"image", "grid", "ink", "traces", "paths", "signals"}, default="signals"
            "grid" draws the lines of 5 mm over the image. "ink" is the page turned upright, without
            the grid, and "traces" is without thick areas and lines between columns, too. "paths"
            are the traces that were followed, in one color per row. "signals" are the digitized
            leads over the image.

        Returns
        -------
        display : DigitizedPageDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If the step is unknown, or the image is refused before it.
        TypeError
            If `ax` is not matplotlib Axes.
        """
        check_option("step", step, _NEEDED)
        if not hasattr(self.steps, "report"):
            raise TypeError(
                "steps must be what ECGImageDigitizer.inspect returns, got "
                f"{type(self.steps).__name__}."
            )
        report = self.steps.report
        if self.steps[_NEEDED[step]] is None:
            reached = [name for name, needed in _NEEDED.items() if self.steps[needed] is not None]
            raise ValueError(
                f"The image is {report['status']} before step={step!r}: {report['reason']}. Draw "
                f"one of {reached} instead."
                if reached
                else f"The image cannot be opened: {report['reason']}."
            )
        ax = new_axes(ax, (9, 7))
        self.lines_ = []
        if step in ("ink", "traces", "paths"):
            page = self.steps["traces" if step == "paths" else step]
            self.image_ = ax.imshow(255 - page, cmap="gray", vmin=0, vmax=255)
            if step == "paths":
                self._draw_paths(ax)
        else:
            # Large files are read at a part of their size.
            extent = (0, report["width"], report["height"], 0)
            self.image_ = ax.imshow(self.steps.image, cmap="gray", vmin=0, vmax=255, extent=extent)
            if step == "grid":
                self._draw_grid(ax)
            elif step == "signals":
                for line in self.steps.lead_lines.values():
                    self.lines_ += ax.plot(*line.T, color=VERMILION, linewidth=0.8)
        ax.set_title(self._describe(step), fontsize="medium")
        ax.set_axis_off()
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self

    def _draw_grid(self, ax):
        from matplotlib.collections import LineCollection

        for lines in self.steps.grid_lines:
            collection = LineCollection(lines, colors=SKY_BLUE, linewidths=0.5)
            self.lines_.append(ax.add_collection(collection, autolim=False))

    def _draw_paths(self, ax):
        for i, path in enumerate(self.steps.paths):
            top, bottom = path.T
            # A vertical line in each column, with a gap after it.
            x = np.repeat(np.arange(len(top)) + 0.0, 3)
            y = np.stack([top, bottom, np.full(len(top), np.nan)], axis=1) - 0.5
            color = CATEGORIES[i % len(CATEGORIES)]
            self.lines_ += ax.plot(x, y.ravel(), color=color, linewidth=0.8)

    def _describe(self, step):
        report = self.steps.report
        if step == "grid":
            found = (
                f"{report['pixels_per_mm_x']:.2f} pixels per mm, rotation "
                f"{round(report['rotation'], 1) + 0.0:.1f} degrees"
            )
            text = f"{'grid' if report['scale_from'] == 'grid' else 'scale of pulses'}: {found}"
        else:
            text = step
        if report["status"] != "digitized":
            text += f"; {report['status']}: {report['reason']}"
        elif step == "signals":
            text += f": layout {report['layout']}, confidence {report['confidence']:.2f}"
        return fill(text, _LINE_LENGTH)
