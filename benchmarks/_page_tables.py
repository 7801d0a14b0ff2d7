"""Tables that studies write between two comments of a page of the documentation."""

from pathlib import Path

REPRODUCTION = Path(__file__).parent.parent / "docs" / "reproduction"


def list_table(header, rows, *, title="", widths=None):
    """Return a table as lines of reStructuredText.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
    title : str, default=""
    widths : sequence of int or None, default=None

    Returns
    -------
    lines : str
    """
    lines = ["", f".. list-table:: {title}".rstrip(), "   :header-rows: 1"]
    if widths is not None:
        lines.append(f"   :widths: {' '.join(map(str, widths))}")
    lines.append("")
    for row in [header, *rows]:
        lines += [f"   {'  ' if i else '* '}- {cell}".rstrip() for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def write_between_comments(page, name, text):
    """Replace the part of a page of `docs/reproduction` between two comments.

    Parameters
    ----------
    page : str
        Name of the page, such as "simcardio".
    name : str
        The comments are ``.. begin <name>`` and ``.. end <name>``.
    text : str
    """
    path = REPRODUCTION / f"{page}.rst"
    content = path.read_text(encoding="utf-8")
    begin, end = f".. begin {name}\n", f".. end {name}\n"
    before, found_begin, rest = content.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{path} has no lines {begin.strip()!r} and {end.strip()!r}.")
    path.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
