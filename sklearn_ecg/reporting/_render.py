"""Sections of a report as Markdown and as HTML. Everything that is given is escaped."""

import html
import re
from base64 import b64encode
from typing import Any, NamedTuple

# What has a meaning in Markdown within a line.
_MARKDOWN = re.compile(r"([\\`*|~$]|(?<!\w)_|_(?!\w)|\](?=[(\[:]))")
# What has a meaning at the start of a line.
_LINE_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+=#:])")

STYLE = """
.ecg-card { background: #fff; color: #222; font: 15px/1.5 system-ui, sans-serif; max-width: 62rem;
  margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
.ecg-card h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
.ecg-card h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem; border-bottom: 1px solid #ccc; }
.ecg-card table { border-collapse: collapse; margin: .6rem 0; font-size: .9rem; }
.ecg-card th, .ecg-card td { border: 1px solid #ddd; padding: .2rem .5rem; text-align: left;
  vertical-align: top; }
.ecg-card th { background: #f3f3f3; }
.ecg-card .warning { border-left: 4px solid #D55E00; padding-left: .6rem; }
.ecg-card img { max-width: 100%; }
"""


class Section(NamedTuple):
    """A heading and what is below it: instances of the other classes of this module, or str."""

    title: str
    blocks: list


class Warned(NamedTuple):
    """A paragraph that a reader must not miss."""

    text: str


class Items(NamedTuple):
    """A list of str."""

    items: list


class Table(NamedTuple):
    """A table of values, which are converted to str."""

    header: list
    rows: list


class Figure(NamedTuple):
    """An image in the PNG format. Markdown has its description only."""

    png: Any
    description: str


def to_markdown(title, sections):
    """Return a report in Markdown."""
    parts = [f"# {_markdown(title)}"]
    for section in sections:
        parts.append(f"## {_markdown(section.title)}")
        parts += map(_markdown_block, section.blocks)
    return "\n\n".join(parts) + "\n"


def to_html_fragment(title, sections):
    """Return a report as an HTML element with its style."""
    parts = [f"<style>{STYLE}</style>", '<div class="ecg-card">', f"<h1>{_html(title)}</h1>"]
    for section in sections:
        parts.append(f"<h2>{_html(section.title)}</h2>")
        parts += map(_html_block, section.blocks)
    return "\n".join([*parts, "</div>"])


def to_html_document(title, sections):
    """Return a report as an HTML document."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_html(title)}</title>\n</head>\n<body>\n"
        f"{to_html_fragment(title, sections)}\n</body>\n</html>\n"
    )


def _markdown(text):
    """Return text on one line in which nothing has a meaning in Markdown."""
    text = html.escape(" ".join(str(text).split()), quote=False)
    return _MARKDOWN.sub(r"\\\1", text)


def _markdown_line(text):
    """Return text as a line of its own."""
    return _LINE_START.sub(
        lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", _markdown(text)
    )


def _markdown_block(block):
    if isinstance(block, Warned):
        return f"**{_markdown_line(block.text)}**"
    if isinstance(block, Items):
        return "\n".join(f"- {_markdown_line(item)}" for item in block.items)
    if isinstance(block, Table):
        rows = [block.header, ["---"] * len(block.header), *block.rows]
        lines = [
            [cell if i == 1 else _markdown(cell) for cell in row] for i, row in enumerate(rows)
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if isinstance(block, Figure):
        return f"{_markdown_line(block.description)} The HTML version of this card has the figure."
    return _markdown_line(block)


def _html(text):
    return html.escape(str(text), quote=True)


def _html_block(block):
    if isinstance(block, Warned):
        return f'<p class="warning"><strong>{_html(block.text)}</strong></p>'
    if isinstance(block, Items):
        return f"<ul>{''.join(f'<li>{_html(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Table):
        header = "".join(f"<th>{_html(cell)}</th>" for cell in block.header)
        rows = "\n".join(
            f"<tr>{''.join(f'<td>{_html(cell)}</td>' for cell in row)}</tr>" for row in block.rows
        )
        return f"<table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    if isinstance(block, Figure):
        data = b64encode(block.png).decode("ascii")
        return f'<img src="data:image/png;base64,{data}" alt="{_html(block.description)}">'
    return f"<p>{_html(block)}</p>"
