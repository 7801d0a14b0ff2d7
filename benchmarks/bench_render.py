"""Rendered records compared with Pillow's ImageDraw and with matplotlib, record by record.

    OMP_NUM_THREADS=1 python benchmarks/bench_render.py [--records 200]

Pillow draws the same page, one polyline per panel, on a copy of the same background. Its lines are
not anti-aliased, which would take longer. matplotlib draws anti-aliased lines, and fewer records;
its figure, lines and background are kept from record to record, as for animations, which is its
fastest way.
"""

import argparse

import numpy as np
from _timing import interleave, report
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.paper._background import draw_background
from sklearn_ecg.paper._print_style import read_style
from sklearn_ecg.preprocessing import ECGImageRenderer

GOAL = 3  # times as fast as Pillow, at 500 Hz
MATPLOTLIB = "matplotlib (Agg)"
REASON = (
    "copying the empty page, in the last row, takes about a third of the time, and finding and "
    "coloring the pixels of the lines takes the rest; no limit that rules the target out is known. "
    "Ways that were tried and are not faster: more pages at once, and all channels of a pixel at "
    "once"
)


def blank_page(renderer):
    """Return the page of a fitted renderer without traces."""
    return draw_background(renderer._page, read_style(renderer), color=renderer.color)


def list_panels(renderer):
    """Return the lead, the time points, the columns, the row of 0 mV and the scale of each panel.

    Positions are those of centers of pixels.
    """
    names = list(renderer.lead_names_in_)
    panels = []
    for panel in renderer.panel_table().itertuples():
        start, stop = round(panel.start), round(panel.stop)
        x = panel.x + np.arange(stop - start) * panel.pixels_per_time_point - 0.5
        lead = names.index(panel.lead)
        panels.append((lead, start, stop, x, panel.zero - 0.5, panel.pixels_per_mv))
    return panels


def draw_with_pillow(renderer, X):
    """Draw the page of a fitted renderer with Pillow."""
    blank, panels = Image.fromarray(blank_page(renderer)), list_panels(renderer)
    images = np.empty((len(X), *renderer.image_shape_), dtype=np.uint8)
    for record, signals in enumerate(X):
        image = blank.copy()
        draw = ImageDraw.Draw(image)
        for lead, start, stop, x, zero, scale in panels:
            y = zero - signals[lead, start:stop] * scale
            draw.line(np.stack([x, y], axis=1).ravel().tolist(), fill=0)
        images[record] = np.asarray(image)
    return images


def draw_with_matplotlib(renderer, X):
    """Draw the page of a fitted renderer with matplotlib."""
    page, panels, dpi = blank_page(renderer), list_panels(renderer), 100
    height, width = page.shape[:2]
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    axes.imshow(page, cmap="gray", vmin=0, vmax=255, aspect="auto")
    # A line as wide as a pixel.
    lines = [axes.plot([], [], color="black", linewidth=72 / dpi, animated=True)[0] for _ in panels]
    canvas.draw()
    background = canvas.copy_from_bbox(figure.bbox)
    images = np.empty((len(X), *renderer.image_shape_), dtype=np.uint8)
    for image, signals in zip(images, X):
        canvas.restore_region(background)
        for line, (lead, start, stop, x, zero, scale) in zip(lines, panels):
            line.set_data(x, zero - signals[lead, start:stop] * scale)
            axes.draw_artist(line)
        drawn = np.asarray(canvas.buffer_rgba())
        image[:] = drawn[..., 0] if image.ndim == 2 else drawn[..., :3]
    return images


def copies(page, n_records):
    """Return one copy of a page for each record."""
    images = np.empty((n_records, *page.shape), dtype=np.uint8)
    images[:] = page
    return images


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    for size, color, n_records in (
        (224, "gray", args.records),
        (224, "rgb", args.records),
        ((850, 1100), "rgb", max(1, args.records // 10)),
    ):
        for rate in (100, 500):
            X = make_ecg(n_records, sampling_rate=rate, random_state=0).data
            renderer = ECGImageRenderer(sampling_rate=rate, image_size=size, color=color)
            page = blank_page(renderer.fit(X))
            n_slow = min(40, n_records)
            functions = {
                "Pillow, ImageDraw.line": lambda: draw_with_pillow(renderer, X),
                "ECGImageRenderer": lambda: renderer.transform(X),
                MATPLOTLIB: lambda: draw_with_matplotlib(renderer, X[:n_slow]),
                "copies of the page (upper bound)": lambda: copies(page, len(X)),
            }
            seconds = interleave(functions, repeats=args.repeats)
            seconds[MATPLOTLIB] = [value * n_records / n_slow for value in seconds[MATPLOTLIB]]
            report(
                f"{renderer.image_shape_}, 12 leads of {X.shape[2]} time points",
                seconds,
                n_records=n_records,
                reference="Pillow, ImageDraw.line",
                goals={"ECGImageRenderer": GOAL if rate == 500 else 1},
                not_slower=[MATPLOTLIB],
                reason=REASON,
            )


if __name__ == "__main__":
    main()
