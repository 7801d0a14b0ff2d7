"""The directive ``forest-plot``: scores with intervals as a figure, and as a table below it."""

import csv
import hashlib
import re
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList

NUMBER = r"[-+]?\d*\.\d+"
INTERVAL = re.compile(rf"\**({NUMBER})\**\s+\[({NUMBER})(?:-|, | )({NUMBER})\]\**")
FOLDER = Path(__file__).parents[1] / "generated" / "forest_plots"
# Colors of the theme, for the light and the dark version.
STYLES = {"light": ("#333333", "#d9d9d9", "#3b6ea8"), "dark": ("#e6e6e6", "#48484d", "#8ab4e0")}


def parse_interval(cell):
    """Return (score, low, high) of a cell such as ``.905 [.858-.942]``, or NaN."""
    match = INTERVAL.match(cell.strip())
    return np.array(match.groups() if match else [np.nan] * 3, dtype=float)


def plain_text(cell):
    """Return a cell without the marks of reStructuredText."""
    cell = re.sub(r":[\w:]+:`~?([^`<]+?)(?: <[^>]*>)?`", r"\1", cell)
    return re.sub(r"`+|\*\*?", "", cell).strip()


def draw_forest(header, rows, path, style):
    """Draw the columns that have intervals next to each other, with one row per estimator."""
    values = np.array([[parse_interval(cell) for cell in row[1:]] for row in rows])
    columns = [i for i in range(values.shape[1]) if np.isfinite(values[:, i]).any()]
    ink, faint, color = STYLES[style]
    names = [textwrap.fill(plain_text(row[0]), 38) for row in rows]
    title_width = {1: 60, 2: 30, 3: 22, 4: 16}.get(len(columns), 13)
    n_lines = sum(max(name.count("\n") + 1, 1.4) for name in names)
    context = {
        "text.color": ink,
        "axes.labelcolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "font.size": 10,
        "svg.hashsalt": "forest",
    }
    with plt.rc_context(context):
        figure, axes = plt.subplots(
            1,
            len(columns),
            sharey=True,
            squeeze=False,
            figsize=(9.5, 1 + 0.2 * n_lines),
            layout="constrained",
        )
        positions = np.arange(len(rows))
        for ax, column in zip(axes[0], columns):
            score, low, high = values[:, column].T
            if np.nanmin(low) < 0 or "difference" in header[column + 1]:
                ax.axvline(0, color=ink, linewidth=1)
            ax.hlines(positions, low, high, color=color, linewidth=1.8)
            ax.plot(score, positions, "o", color=color, markersize=5)
            ax.set_title(textwrap.fill(plain_text(header[column + 1]), title_width), fontsize=10)
            ax.grid(axis="x", color=faint)
            ax.grid(axis="y", color=faint, linewidth=0.4)
            ax.set_axisbelow(True)
            ax.margins(x=0.08)
            ax.tick_params(length=0)
            ax.locator_params(axis="x", nbins=3 if len(columns) > 4 else 4)
            ax.xaxis.set_major_formatter(lambda x, _: f"{x:.4g}".replace("0.", ".", 1))
            for spine in ax.spines.values():
                spine.set_visible(False)
        axes[0, 0].set_yticks(positions, names)
        axes[0, 0].invert_yaxis()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(figure)


class ForestPlot(Directive):
    """A table in CSV, whose columns with intervals are drawn."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {
        "header": directives.unchanged_required,
        "widths": directives.unchanged,
        "alt": directives.unchanged_required,
    }

    def run(self):
        header, *rows = csv.reader([self.options["header"], *self.content], skipinitialspace=True)
        if not any(np.isfinite(parse_interval(cell)).all() for row in rows for cell in row[1:]):
            raise self.error("forest-plot: no cell is a score with an interval")
        key = hashlib.sha256("\n".join([*map(str, rows), str(header)]).encode()).hexdigest()[:16]
        lines = [f".. rubric:: {self.arguments[0]}", ""]
        for style in STYLES:
            path = FOLDER / f"{key}_{style}.svg"
            if not path.is_file():
                draw_forest(header, rows, path, style)
            lines += [f".. image:: /generated/forest_plots/{path.name}", f"   :class: only-{style}"]
            lines += [f"   :alt: {self.options['alt']}", ""]
        lines += [".. dropdown:: Table", ""]
        lines += [
            f"   .. csv-table:: {self.arguments[0]}",
            f"      :header: {self.options['header']}",
        ]
        if self.options.get("widths"):
            lines.append(f"      :widths: {self.options['widths']}")
        lines += ["", *(f"      {line}" for line in self.content)]
        node = nodes.container(classes=["forest-plot"])
        source = self.state_machine.get_source(self.lineno)
        self.state.nested_parse(StringList(lines, source), self.content_offset, node)
        return [node]


def setup(app):
    app.add_directive("forest-plot", ForestPlot)
    return {"parallel_read_safe": True}
