"""Draw records on the pages that the renderer has laid out."""

import numpy as np

from ..utils._chunks import RENDER, record_chunks
from ._rasterize import Trace, TraceGroup


def drawn_panels(page, n_times):
    """Return each panel that is not empty, with the time span that it shows."""
    return [
        (panel, *panel.time_span(n_times)) for panel in page.all_panels if panel.lead is not None
    ]


def draw_pages(page, background, signals, *, sampling_rate, ink):
    """Draw records, one per page.

    Parameters
    ----------
    page : PixelPage
    background : ndarray of shape (height, width) or (height, width, 3), uint8
        The page without traces.
    signals : ndarray of shape (n_records, n_leads, n_times)
        In mV.
    sampling_rate : float
    ink : tuple of int
        Color of the traces, in each channel of the background.

    Returns
    -------
    images : ndarray of shape (n_records, height, width) or (n_records, height, width, 3), uint8
    """
    images = np.empty((len(signals), *background.shape), dtype=np.uint8)
    groups = _group_panels(page, signals.shape[2], sampling_rate)
    largest = max(signals[0].size, background.size)
    for part in record_chunks(len(signals), largest, RENDER):
        images[part] = background
        for shown, traces in groups:
            of_group = [signals[part, lead, begin:end] for lead, begin, end in shown]
            traces.draw(images[part], np.concatenate(of_group, axis=1), ink)
    return images


def _group_panels(page, n_times, sampling_rate):
    """Group the panels that are drawn together.

    The panels of a group must not have pixels in common: only every third row is drawn at once.

    Returns
    -------
    groups : list of (list of (int, int, int), TraceGroup)
        The lead, the first time point and the last one + 1 of each trace, and the traces.
    """
    groups = {}
    for panel, first, last in drawn_panels(page, n_times):
        key = (panel in page.strips, panel.row % 3)
        edges = _column_edges(page, panel, (first, last), n_times, sampling_rate)
        # Only the signals that the panel shows.
        begin, end = int(edges[0]), int(np.ceil(edges[-1])) + 1
        trace = Trace(edges - begin, end - begin, panel.box[2], panel.zero, panel.limits)
        groups.setdefault(key, []).append(((panel.lead, begin, end), trace))
    scale = {"per_millivolt": page.per_millivolt, "line_width": page.line_width}
    return [
        ([shown for shown, _ in group], TraceGroup([trace for _, trace in group], **scale))
        for group in groups.values()
    ]


def _column_edges(page, panel, span, n_times, sampling_rate):
    """Return the edges of the pixel columns of a panel, in time points of the record."""
    first, last = span
    left, right = panel.box[2:]
    points_per_pixel = sampling_rate / page.per_second
    edges = first + (np.arange(left, right + 1) - panel.x) * points_per_pixel
    # A record may end before its panel, but at least one column of pixels is drawn.
    edges = edges[: max(2, np.searchsorted(edges, last) + 1)]
    edges[0], edges[-1] = first, min(edges[-1], last)
    if len(edges) - 1 == right - left:
        edges[-1] = last
    # Each time point lasts until the next one; so does the last one.
    return np.clip(edges, 0, n_times - 1)
