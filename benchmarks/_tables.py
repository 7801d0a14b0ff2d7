"""Tables of the documentation, which the studies write themselves.

A page has two comments for each group of tables::

    .. begin table NAME
    .. end table NAME

`write_tables` replaces what is between them, and notes the command and a checksum in the first
comment. `find_edited_tables` finds tables that were changed by hand; a test runs it on every page.

``python benchmarks/_tables.py`` lists the tables of all pages with their commands.
"""

import csv
import hashlib
import io
import re
from pathlib import Path
from typing import NamedTuple

from _results import atomic_file

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"^\.\. begin table (?P<name>[\w-]+)(?: \((?P<command>.*), sha256 (?P<checksum>\w+)\))?\n"
    r"(?P<text>.*?)^\.\. end table (?P=name)\n",
    re.DOTALL | re.MULTILINE,
)


class Table(NamedTuple):
    """A table of a page.

    Parameters
    ----------
    title : str
        Caption, in reStructuredText.
    header : sequence of str
        Names of the columns.
    rows : list of sequences of str
        The cells, in reStructuredText. None is an empty cell.
    widths : sequence of int, default=()
        Relative widths of the columns. By default, they follow from the cells.
    forest : str, default=""
        Draw the columns whose cells are a score with an interval as a forest plot with this text
        for readers who do not see it, and fold the table up.
    folded : bool or str, default=False
        Fold the table up without a figure, under its title or under this text.
    """

    title: str
    header: tuple
    rows: list
    widths: tuple = ()
    forest: str = ""
    folded: bool | str = False


def drop_zeros(text):
    """Return numbers or an interval of sklearn_ecg.metrics as text, without zeros before points."""
    return re.sub(r"(?<!\d)0\.", ".", str(text))


def make_rst(table):
    """Return a table as a directive."""
    n_columns = len(table.header)
    for row in table.rows:
        if len(row) != n_columns:
            raise ValueError(
                f"Each row of {table.title!r} must have {n_columns} cells, as its header, got "
                f"{len(row)}: {row!r}."
            )
    lines = [f".. {'forest-plot' if table.forest else 'csv-table'}:: {table.title}".rstrip()]
    lines.append(f"   :header: {format_row(table.header)}")
    if table.widths:
        lines.append(f"   :widths: {', '.join(map(str, table.widths))}")
    if table.forest:
        lines.append(f"   :alt: {table.forest}")
    lines += ["", *(f"   {format_row(row)}" for row in table.rows), ""]
    if table.folded and not table.forest:
        title = table.folded if isinstance(table.folded, str) else table.title
        lines = [f".. dropdown:: {title}", "", *(f"   {line}".rstrip() for line in lines)]
    return "\n".join(lines) + "\n"


def format_row(cells):
    """Return cells as a line of a CSV file, all of them quoted."""
    line = io.StringIO()
    texts = ["" if cell is None else str(cell) for cell in cells]
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(texts)
    return line.getvalue()


def write_tables(page, name, tables, command):
    """Replace the tables between two comments of a page.

    Parameters
    ----------
    page : str or Path
        File in docs, such as "reproduction/imbalance.rst".
    name : str
        Name of the comments.
    tables : list of Table or str
        Texts are paragraphs between the tables, in reStructuredText.
    command : str
        The command that computed the tables.
    """
    path = DOCS / page
    text = path.read_text(encoding="utf-8")
    found = [match for match in BLOCK.finditer(text) if match["name"] == name]
    if len(found) != 1:
        raise ValueError(
            f"{path} must have the comments '.. begin table {name}' and '.. end table {name}' "
            f"once, got {len(found)} such pairs. Add them where the tables belong."
        )
    parts = [f"{part.strip()}\n\n" if isinstance(part, str) else make_rst(part) for part in tables]
    content = "\n" + "".join(parts)
    command = " ".join(command.split())
    first = f".. begin table {name} ({command}, sha256 {checksum(command, content)})\n"
    start, end = found[0].span()
    with atomic_file(path) as temporary:
        temporary.write_text(
            f"{text[:start]}{first}{content}.. end table {name}\n{text[end:]}", encoding="utf-8"
        )


def checksum(command, content):
    return hashlib.sha256(f"{command}\n{content}".encode()).hexdigest()[:16]


def find_edited_tables(text):
    """Return the names of the tables of a page that are not as they were written.

    Tables that have not been computed yet are empty.
    """
    names = re.findall(r"^\.\. (?:begin|end) table ([\w-]+)", text, re.MULTILINE)
    intact = [
        match["name"]
        for match in BLOCK.finditer(text)
        if match["checksum"] == checksum(match["command"], match["text"])
        or (match["checksum"] is None and not match["text"].strip())
    ]
    return [
        name for name in dict.fromkeys(names) if intact.count(name) != 1 or names.count(name) != 2
    ]


def main():
    for path in sorted(DOCS.rglob("*.rst")):
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            state = "  EDITED BY HAND" if match["name"] in find_edited_tables(text) else ""
            print(f"{path.relative_to(DOCS)}: {match['name']}, {match['command']}{state}")


if __name__ == "__main__":
    main()
