"""Parts of documentation pages that the benchmarks write."""


def write_part(page, name, text):
    """Replace the part of a page between the comments ``.. begin NAME`` and ``.. end NAME``.

    Parameters
    ----------
    page : Path
    name : str
    text : str
        reStructuredText without the empty lines around it.

    Raises
    ------
    ValueError
        If the page does not have each comment once, in this order.
    """
    begin, end = f".. begin {name}\n", f".. end {name}\n"
    content = page.read_text(encoding="utf-8")
    before, _, rest = content.partition(begin)
    _, _, after = rest.partition(end)
    if content.count(begin) != 1 or rest.count(end) != 1:
        raise ValueError(f"{page} must have the lines {begin.strip()!r} and {end.strip()!r} once.")
    page.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


def make_csv_table(title, header, rows, widths):
    """Return the lines of a ``csv-table``, all of whose cells are quoted.

    Parameters
    ----------
    title : str
        Empty for none.
    header : sequence of str
    rows : list of sequences of str
    widths : sequence of int
    """
    lines = [f".. csv-table:: {title}".rstrip(), f"   :header: {_quote(header)}"]
    lines += [f"   :widths: {', '.join(map(str, widths))}", ""]
    return lines + [f"   {_quote(row)}" for row in rows]


def make_dropdown(title, lines):
    """Return the lines of a ``dropdown`` around other lines."""
    return [f".. dropdown:: {title}", "", *(f"   {line}".rstrip() for line in lines)]


def _quote(cells):
    return ", ".join('"' + cell.replace('"', '""') + '"' for cell in cells)
