"""Writes NN-title.en.ipynb and NN-title.vi.ipynb from source/NN-title.py (`make notebooks`).

A source is in jupytext's percent format. Cells without lang= go into both languages, those with
it into one. After a cell tagged "exercise" stand cells tagged "solution" and "wrong", which go
into no notebook: they are what the tests put in its place.
"""

import functools
import hashlib
import sys
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("source/[0-9]*.py"))
LANGUAGES = ("en", "vi")
ANSWERS = ("exercise", "solution", "wrong")


@functools.cache
def parsed(source: Path) -> list:
    """Every cell of a source, read once."""
    return jupytext.read(source, fmt="py:percent").cells


def cells(source: Path, language: str, answer: str = "exercise") -> list:
    """The cells of one language, with the answer asked for in the exercise's place."""
    found = [cell for cell in parsed(source) if cell.metadata.get("lang", language) == language]
    return [
        cell for cell in found if not ({*ANSWERS} - {answer}) & {*cell.metadata.get("tags", ())}
    ]


def target(source: Path, language: str) -> Path:
    return HERE / f"{source.stem}.{language}.ipynb"


def notebook(source: Path, language: str) -> str:
    """The text of a notebook, without outputs."""
    made = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in cells(source, language):
        new = (
            nbformat.v4.new_markdown_cell
            if cell.cell_type == "markdown"
            else nbformat.v4.new_code_cell
        )
        metadata = {
            key: value for key, value in cell.metadata.items() if key in ("name", "tags")
        }
        name = hashlib.sha256(cell.source.encode()).hexdigest()[
            :12
        ]  # the same cell keeps its id
        made.cells.append(new(cell.source, metadata=metadata, id=name))
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def main() -> None:
    wanted = {
        target(source, language): (source, language)
        for source in SOURCES
        for language in LANGUAGES
    }
    for path in set(HERE.glob("*.ipynb")) - set(wanted):
        path.unlink()
    for path, (source, language) in wanted.items():
        path.write_text(notebook(source, language), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
