"""How long does a notebook's control take from a new value to a new picture? (Under 100 ms it feels immediate.)

Runs each notebook's code, then calls its redraw as its slider would and makes the PNG as Jupyter's inline backend does.
"""

import importlib.util
import io
import statistics
import time
from contextlib import redirect_stdout
from pathlib import Path

import ipywidgets
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from IPython.core.pylabtools import print_figure

from .common import table

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def values(control) -> list:
    """The options of a dropdown; seven places of a slider, both ends among them."""
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    low, high = control.min, control.max
    places = [low + (high - low) * i / 6 for i in range(7)]
    if hasattr(control, "base"):
        places = [control.base**x for x in places]
    return [round(x) if isinstance(control, ipywidgets.IntSlider) else x for x in places]


def time_control(namespace: dict, source: str) -> tuple[float, float]:
    """Median and worst of milliseconds, over the values of each control with the others at rest."""
    found = {}

    def interact(redraw, **controls):
        found.update(redraw=redraw, controls=controls)

    original, ipywidgets.interact = ipywidgets.interact, interact
    try:
        exec(source, namespace)
    finally:
        ipywidgets.interact = original
    times, rest = [], {name: control.value for name, control in found["controls"].items()}
    found["redraw"](**rest)  # fonts and caches
    plt.close("all")
    for name, control in found["controls"].items():
        for value in values(control):
            start = time.perf_counter()
            found["redraw"](**{**rest, name: value})
            figures = plt.get_fignums()
            assert figures, "a control draws a figure"
            for number in figures:
                assert print_figure(plt.figure(number), "png", base64=True)
            times.append(1e3 * (time.perf_counter() - start))
            plt.close("all")
    return statistics.median(times), max(times)


def main() -> None:
    spec = importlib.util.spec_from_file_location("build", NOTEBOOKS / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    rows = []
    for source in build.SOURCES:
        namespace = {}
        for cell in build.cells(source, "en"):
            if cell.cell_type == "code" and cell.metadata.get("name") == "control":
                with redirect_stdout(io.StringIO()):
                    median, worst = time_control(namespace, cell.source)
                rows.append((source.stem, f"{median:.0f}", f"{worst:.0f}"))
            elif cell.cell_type == "code":
                with redirect_stdout(io.StringIO()):
                    exec(cell.source, namespace)
                plt.close("all")
    table(["ms from a new value to the PNG", "median", "worst"], rows)


if __name__ == "__main__":
    main()
