"""Tables as aligned text and as HTML."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

Cell = str | int | float | None


def number(x: Cell) -> str:
    """Three digits; nothing for None."""
    if x is None:
        return ""
    if isinstance(x, str):
        return x
    if isinstance(x, int):
        return str(x)
    return f"{x:.3g}" if x == x else "nan"


def as_text(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 88) -> str:
    """Columns aligned, the first one to the left and cut from its left end where the line would be too wide."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    widths[0] = min(widths[0], max(width - sum(widths[1:]) - 2 * (len(header) - 1), 8))

    def fit(text: str) -> str:
        return text if len(text) <= widths[0] else "…" + text[len(text) - widths[0] + 1 :]

    def aligned(line: Sequence[str]) -> str:
        right = (cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))
        return "  ".join([fit(line[0]).ljust(widths[0]), *right]).rstrip()[:width]

    return "\n".join(map(aligned, lines))


def as_html(header: Sequence[str], rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    """rows: the style of each row, and its cells as (style, markup). Only the first column is to the left."""

    def cell(tag: str, i: int, style: str, markup: str) -> str:
        return f'<{tag} style="padding:2px 6px;text-align:{"right" if i else "left"}{style}">{markup}</{tag}>'

    head = "".join(cell("th", i, "", html.escape(h)) for i, h in enumerate(header))
    body = "".join(
        f'<tr style="{style}">' + "".join(cell("td", i, *one) for i, one in enumerate(cells)) + "</tr>"
        for style, cells in rows
    )
    return f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


class Table:
    """Rows under a header: indexed by number, shown as aligned text or, in a notebook, as HTML.

    Examples
    --------
    >>> from fastinit import Table
    >>> Table(["what", "size"], [["a", 1.0], ["b", 20.5]])
    what  size
    a        1
    b     20.5
    """

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        self.header: list[str] = list(header)
        self.rows: list[list[Cell]] = [list(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> list[Cell]:
        return self.rows[i]

    def column(self, name: str) -> list[Any]:  # Any: a column is of one type, which its reader knows
        """The values of one column."""
        return [row[self.header.index(name)] for row in self.rows]

    def to_pandas(self) -> "pandas.DataFrame":
        """A pandas DataFrame."""
        import pandas

        return pandas.DataFrame(self.rows, columns=self.header)

    def __repr__(self) -> str:
        return as_text(self.header, [[number(x) for x in row] for row in self.rows], 120)

    def _repr_html_(self) -> str:
        return as_html(self.header, [("", [("", html.escape(number(x))) for x in row]) for row in self.rows])
