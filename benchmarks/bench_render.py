"""Rendered records compared with Pillow's ImageDraw, which is called record by record.

    OMP_NUM_THREADS=1 python benchmarks/bench_render.py [--records 200]

Pillow draws the same page, one polyline per panel, on a copy of the same background. Its lines are
not anti-aliased, which would take longer.
"""

import argparse

import numpy as np
from _timing import interleave, report
from PIL import Image, ImageDraw

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import ECGImageRenderer

GOAL = 3  # times as fast as Pillow, at 500 Hz
REASON = (
    "a copy of the page, in the last row, takes a third of the time, and drawing the lines the rest"
)


def draw_with_pillow(renderer, X):
    """Draw the page of a fitted renderer with Pillow."""
    blank = Image.fromarray(renderer.transform(np.zeros_like(X[:1]))[0])
    scale, rate = renderer.pixels_per_mm_, renderer.sampling_rate
    names = list(renderer.lead_names_in_)
    quarter = X.shape[2] // 4
    panels = [
        (names.index(lead), i // 3 * quarter, (i // 3 + 1) * quarter, box)
        for i, (lead, box) in enumerate(renderer.lead_boxes_.items())
    ]
    panels.append((names.index(renderer.rhythm_lead), 0, X.shape[2], renderer.rhythm_box_))
    parts = []
    for lead, start, stop, (top, bottom, left, _) in panels:
        x = left + np.arange(stop - start) / rate * renderer.speed * scale
        parts.append((lead, start, stop, x, (top + bottom) / 2))
    images = np.empty((len(X), *renderer.image_shape_), dtype=np.uint8)
    for record, signals in enumerate(X):
        image = blank.copy()
        draw = ImageDraw.Draw(image)
        for lead, start, stop, x, zero in parts:
            y = zero - signals[lead, start:stop] * renderer.gain_ * scale
            draw.line(np.stack([x, y], axis=1).ravel().tolist(), fill=0)
        images[record] = np.asarray(image)
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
            page = renderer.fit(X).transform(np.zeros_like(X[:1]))[0]
            functions = {
                "Pillow, ImageDraw.line": lambda: draw_with_pillow(renderer, X),
                "ECGImageRenderer": lambda: renderer.transform(X),
                "copies of the page (upper bound)": lambda: copies(page, len(X)),
            }
            report(
                f"{renderer.image_shape_}, 12 leads of {X.shape[2]} time points",
                interleave(functions, repeats=args.repeats),
                n_records=n_records,
                reference="Pillow, ImageDraw.line",
                goals={"ECGImageRenderer": GOAL if rate == 500 else 1},
                reason=REASON,
            )


if __name__ == "__main__":
    main()
