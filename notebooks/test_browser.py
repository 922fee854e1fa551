"""The notebooks in a browser (`make test-browser`): JupyterLab, Chromium, every control moved.

A notebook is healthy when every cell runs, none gives an error or writes to stderr, the console
shows no error, the page asks no host but 127.0.0.1 for anything, and each step of each control
changes the figure beside it. Screenshots are left in out/browser. This file lies outside
pytest's testpaths: it needs JupyterLab, playwright and a browser.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import Error

pytest_plugins = "headless"  # the fixture browser
HERE = Path(__file__).parent
SHOTS = HERE.parent / "out" / "browser"
NOTEBOOKS = sorted(HERE.glob("*.ipynb"))
assert NOTEBOOKS, f"no notebooks in {HERE}"

# seconds until the test gives up; none of them is a promise
MAX_START, MAX_RUN, MAX_REDRAW = 60, 300, 30
SETTINGS = {
    # else cells out of sight are not in the page
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}

KNOWN = (
    ".widget-slider, .widget-dropdown, .widget-checkbox, .widget-toggle-buttons, .widget-radio"
)
CONTROLS = f".jp-OutputArea :is({KNOWN})"
WIDGETS = ".jp-OutputArea :is(.jupyter-widgets, .jupyter-widgets *)"
UNKNOWN = f"{WIDGETS}:is(input, select, textarea, button):not(:is({KNOWN}) *)"
READY = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return panel?.context?.isReady && panel.sessionContext.isReady
        && kernel?.connectionStatus === 'connected' && kernel.status === 'idle'
        && window.finished !== false
        && window.jupyterapp.commands.isEnabled('notebook:run-all-cells');
}"""
RUN = """() => {
    window.finished = false;
    const run = window.jupyterapp.commands.execute('notebook:run-all-cells');
    run.finally(() => { window.finished = true; });
}"""
UNRUN = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code' && !cell.model.executionCount)
    .map(cell => cell.model.sharedModel.getSource().trim().split('\\n')[0])
    .filter(line => line)"""
# pictures in the control's cell as one string; null while one is on its way
FIGURE = """control => {
    const images = [...control.closest('.jp-CodeCell').querySelectorAll('.jp-OutputArea img')];
    const here = images.length && images.every(image => image.complete && image.naturalWidth);
    return here ? images.map(image => image.src).join() : null;
}"""
CHANGED = f"""([control, before]) => {{
    const now = ({FIGURE})(control);
    return now !== null && now !== before;
}}"""
BAD_OUTPUT = ", ".join(
    f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")
)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab with a home of its own: (address, token, folder of notebooks)."""
    home = tmp_path_factory.mktemp("home")
    root = tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS:
        shutil.copy(path, root)
    (home / "config" / "labconfig").mkdir(parents=True)
    (home / "config" / "labconfig" / "default_setting_overrides.json").write_text(
        json.dumps(SETTINGS)
    )
    token = secrets.token_hex()
    foreign = ("JUPYTER", "IPYTHON", "XDG_", "MPL")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(foreign)
    }
    environment |= {
        "HOME": str(home),
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
    }
    # in a new home matplotlib says on stderr that it lists the fonts: not in a first cell
    fonts = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(fonts, env=environment, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
    options += ["--LabApp.expose_app_in_browser=True"]  # window.jupyterapp
    command = [sys.executable, "-m", "jupyterlab", *options]
    log = home / "log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, env=environment, cwd=home, stdout=stream, stderr=stream
        )
    try:
        wait_for(server, port, log)
        yield f"http://127.0.0.1:{port}", token, root
    finally:
        server.terminate()  # it takes its kernels with it
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(server, port, log):
    end = time.monotonic() + MAX_START
    while time.monotonic() < end and server.poll() is None:
        # not urllib: it would ask a proxy
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/api")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def steps(control):
    """What a user can do to a control: functions, each of which makes one step."""
    kind = control.get_attribute("class")
    if "widget-slider" in kind:
        for handle in control.locator(".noUi-handle").all():
            for _ in range(3):
                now, end = (
                    handle.get_attribute(f"aria-value{which}") for which in ("now", "max")
                )
                yield partial(
                    handle.press, "ArrowRight" if float(now) < float(end) else "ArrowLeft"
                )
    elif "widget-dropdown" in kind:
        select = control.locator("select")
        now = select.evaluate("select => select.selectedIndex")
        for index in range(select.locator("option").count()):
            if index != now:
                yield partial(select.select_option, index=index)
    elif "widget-checkbox" in kind:
        yield from [control.locator("input").click] * 2
    elif "widget-toggle-buttons" in kind:
        for button in control.locator("button").all():
            if "mod-active" not in button.get_attribute("class"):
                yield button.click
    elif "widget-radio" in kind:
        for option in control.locator("input").all():
            if not option.is_checked():
                yield option.check


def move(page, control):
    """Step a control and see the figure change each time: its label, and the seconds taken."""
    labels = control.locator(".widget-label, .widget-label-basic").all_text_contents()
    name = " ".join(labels).strip("\u200b ")
    readout = control.locator(".widget-readout")
    element = control.element_handle()
    page.wait_for_function(
        f"control => ({FIGURE})(control) !== null", arg=element, timeout=MAX_REDRAW * 1000
    )
    seconds = []
    for step in steps(control):
        before, label = element.evaluate(FIGURE), readout.all_text_contents()
        start = time.perf_counter()
        step()
        try:
            page.wait_for_function(CHANGED, arg=[element, before], timeout=MAX_REDRAW * 1000)
        except Error:
            raise AssertionError(f"{name}: the figure did not change") from None
        seconds.append(time.perf_counter() - start)
        assert not label or readout.all_text_contents() != label, (
            f"{name}: its label stays at {label}"
        )
    assert seconds, f"{name}: nothing to choose"
    return name, seconds


def photograph(page, name):
    """The whole notebook, and each cell with a control by itself."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    last = page.locator(".jp-Notebook:visible .jp-Cell").last
    top = ".jp-Notebook .jp-WindowedPanel-outer"
    for _ in range(2):  # the second time the height is that of a page without scrollbar
        page.evaluate(f"document.querySelector('{top}').scrollTop = 0")
        height = last.evaluate("cell => Math.ceil(cell.getBoundingClientRect().bottom)")
        page.set_viewport_size({"width": 1280, "height": height + 60})
    page.locator(".jp-Notebook:visible").screenshot(path=SHOTS / f"{name}.png")
    outputs = (
        page.locator(".jp-CodeCell")
        .filter(has=page.locator(CONTROLS))
        .locator(".jp-Cell-outputArea")
    )
    for number, output in enumerate(outputs.all(), 1):
        output.screenshot(path=SHOTS / f"{name}.control{number}.png")


def visit(lab, browser, name, shots=None):
    """Open a notebook, run it, move its controls: the times taken, or AssertionError."""
    address, token, _ = lab
    problems, found = [], []
    start = time.perf_counter()
    window = {"width": 1280, "height": 1000}
    with contextlib.closing(browser.new_page(viewport=window, service_workers="block")) as page:

        def asked(url):
            parts = urlsplit(url)
            if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
                problems.append(f"asked another host: {url}")

        page.on("request", lambda request: asked(request.url))
        page.on("websocket", lambda websocket: asked(websocket.url))
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on(
            "console",
            lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None,
        )
        try:
            workspace = secrets.token_hex(4)
            page.goto(f"{address}/lab/workspaces/{workspace}/tree/{name}.ipynb?token={token}")
            page.wait_for_function(READY, timeout=MAX_START * 1000)
            ready = time.perf_counter()
            page.evaluate(RUN)
            page.wait_for_function(READY, timeout=MAX_RUN * 1000)
            ran = time.perf_counter()
            problems += [f"did not run: {line}" for line in page.evaluate(UNRUN)]
            controls = page.locator(CONTROLS)
            try:
                controls.first.wait_for(timeout=MAX_REDRAW * 1000)
                while len(found) < controls.count():
                    found.append(move(page, controls.nth(len(found))))
            except (AssertionError, Error) as error:
                problems.append(str(error) if controls.count() else "no control")
            names = "parts => parts.map(part => part.closest('.lm-Widget').className)"
            unknown = page.locator(UNKNOWN).evaluate_all(names)
            problems += [f"a control that this test cannot move: {kind}" for kind in unknown]
            if shots:
                photograph(page, shots)
            problems += [
                f"output: {text[:2000]}"
                for text in page.locator(BAD_OUTPUT).all_text_contents()
            ]
        finally:
            with contextlib.suppress(Error):
                page.evaluate("window.jupyterapp?.serviceManager.sessions.shutdownAll()")
    assert not problems, "\n".join(problems)
    return ready - start, ran - ready, found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(lab, browser, path, capsys):
    opened, ran, found = visit(lab, browser, path.stem, shots=path.stem)
    with capsys.disabled():
        print(f"\n{path.stem}: opened in {opened:.1f} s, ran in {ran:.1f} s")
        for name, seconds in found:
            print(f"  {name:12} {' '.join(f'{s:.2f}' for s in seconds)} s from step to figure")


KINDS = """\
IntSlider(1, 0, 9), FloatLogSlider(1.0, min=-2, max=2), FloatSlider(1.0, min=0.9, max=1.0),
FloatSlider(0.5, orientation="vertical"), IntRangeSlider(value=(1, 2), max=3), Checkbox(),
SelectionSlider(options=[1, 2]), Dropdown(options=[1, 2, 3]), ToggleButtons(options=[1, 2, 3]),
RadioButtons(options=[1, 2, 3])"""
HEALTHY = """\
import matplotlib.pyplot as plt
from ipywidgets import *

def redraw(height):
    plt.figure(figsize=(2, 2)).add_subplot().set_title(height)
    plt.show()

for control in [IntSlider(1, 0, 9)]:
    interact(redraw, height=control)
"""
SHOW = "from IPython.display import HTML, Javascript; "
FAULTS = {
    "an error": (HEALTHY, "1 / 0", "output: .*ZeroDivisionError"),
    "cells after an error": ("1 / 0", HEALTHY, "did not run: import matplotlib"),
    "a warning": (HEALTHY, "import warnings; warnings.warn('careful')", "output: .*careful"),
    "an error in a control": (
        HEALTHY.replace("show()", "show(); height < 3 or 1 / 0"),
        "output: .*ZeroDivision",
    ),
    "a control that does nothing": (
        HEALTHY.replace("title(height)", "title(1)"),
        "height: the figure did not change",
    ),
    "a strange control": (HEALTHY, "Text('no test for this')", "cannot move: .*widget-text"),
    "no control": ("1 + 1", "no control"),
    "another host": (
        HEALTHY,
        SHOW + "HTML('<img src=http://example.invalid/a.png>')",
        "asked another host: http://ex",
    ),
    "a console error": (HEALTHY, SHOW + "Javascript('console.error(\"oh\")')", "console: oh"),
    "a page error": (HEALTHY, SHOW + "HTML('<img src=data:, onerror=oh()>')", "page error: oh"),
}


def make(folder, *sources):
    made = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, sources)])
    made.metadata.kernelspec = {"display_name": "Python 3", "name": "python3"}
    nbformat.write(made, folder / "made.ipynb")


def test_every_kind_of_control(lab, browser):
    make(lab[2], HEALTHY.replace("IntSlider(1, 0, 9)", KINDS), "Label('not a control')")
    assert [name for name, _ in visit(lab, browser, "made")[2]] == ["height"] * 10


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_seen(lab, browser, fault, monkeypatch):
    """The checks above can fail: each of these notebooks has one fault."""
    *sources, message = FAULTS[fault]
    make(lab[2], *sources)
    monkeypatch.setitem(globals(), "MAX_REDRAW", 5)
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        visit(lab, browser, "made")
