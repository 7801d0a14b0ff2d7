"""Draw records on the pages that the renderer has laid out."""

import numpy as np

from ..utils._chunks import RENDER, record_chunks
from ._background import draw_background
from ._print_style import ink_of_channels
from ._rasterize import draw_traces


def drawn_panels(page, n_times):
    """Return each panel that is not empty, with the time span that it shows."""
    return [
        (panel, *panel.time_span(n_times)) for panel in page.all_panels if panel.lead is not None
    ]


def draw_pages(page, style, signals, *, sampling_rate, color):
    """Draw records, one per page.

    Parameters
    ----------
    page : PixelPage
    style : PrintStyle
    signals : ndarray of shape (n_records, n_leads, n_times)
        In mV.
    sampling_rate : float
    color : {"gray", "rgb"}

    Returns
    -------
    images : ndarray of shape (n_records, height, width) or (n_records, height, width, 3), uint8
    """
    background = draw_background(page, style, color=color)
    ink = ink_of_channels(style.ink, color)
    images = np.empty((len(signals), *background.shape), dtype=np.uint8)
    # Panels with the same time axis are drawn together, but only every third row, because the
    # panels of one call must not have pixels in common.
    groups = {}
    for panel, first, last in drawn_panels(page, signals.shape[2]):
        key = (panel.column, panel.row % 3, first, last)
        groups.setdefault(key, []).append(panel)
    largest = max(signals[0].size, background.size)
    for part in record_chunks(len(signals), largest, RENDER):
        images[part] = background
        for (_, _, first, last), panels in groups.items():
            _draw_panels(
                images[part], page, signals[part], panels, (first, last), sampling_rate, ink
            )
    return images


def _draw_panels(images, page, signals, panels, span, sampling_rate, ink):
    """Draw panels that show the same time span."""
    (first, last), n_times = span, signals.shape[2]
    left, right = panels[0].box[2:]
    points_per_pixel = sampling_rate / page.per_second
    edges = first + (np.arange(left, right + 1) - panels[0].x) * points_per_pixel
    # A record may end before its panel, but at least one column of pixels is drawn.
    edges = edges[: max(2, np.searchsorted(edges, last) + 1)]
    edges[0], edges[-1] = first, min(edges[-1], last)
    if len(edges) - 1 == right - left:
        edges[-1] = last
    # Each time point lasts until the next one; so does the last one.
    edges = np.clip(edges, 0, n_times - 1)
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
        ink=ink,
    )
