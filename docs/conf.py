"""Sphinx's settings. Nothing is fetched, neither when the site is built nor when it is read."""

import importlib.util
import json
import os
import re
from pathlib import Path

import fastinit
import numpy as np

HERE = Path(__file__).parent

project = "fastinit"
version = release = fastinit.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
extensions += ["sphinx.ext.mathjax", "sphinx-mathjax-offline"]  # MathJax is copied into the site
exclude_patterns = ["_*"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore = [("py:obj", "make ulp")]  # a command, named in the docstrings of the C code

html_theme = "furo"
html_title = f"fastinit {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["../out/live"]  # live.en.html, live.vi.html: `make live`
html_copy_source = False
html_show_copyright = False

# ---- Markdown and notebooks ------------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the kernels: on a busy machine threads wait for each other
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_ipywidgets_js = {}  # its default is a script from elsewhere; cells with controls carry the tag remove-output

# ---- docstrings ------------------------------------------------------------------------------------------------------

default_role = "py:obj"
add_module_names = False
autodoc_typehints = "none"  # numpydoc's sections say it in words
autodoc_mock_imports = [] if importlib.util.find_spec("torch") else ["torch"]
autosummary_generate = True
# a file system may not tell Probe from probe
autosummary_filename_map = {f"fastinit.{name}": f"fastinit.{name}-class" for name in ("Probe", "Theory")}
numpydoc_show_class_members = False


# ---- the notebooks, beside the pages ---------------------------------------------------------------------------------

_OTHER = {"en": ("vi", "Tiếng Việt"), "vi": ("en", "English")}


def _with_links(path: Path) -> str:
    """The notebook, with a line under its title: the other language, and the file to run."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    title, language, _ = path.name.split(".")
    links = []
    if language in _OTHER and path.with_name(f"{title}.{_OTHER[language][0]}.ipynb").exists():
        other, name = _OTHER[language]
        links.append(f"[{name}]({title}.{other}.ipynb)")
    links.append(f"{{download}}`{path.name} <../../notebooks/{path.name}>`")
    first = notebook["cells"][0]
    text = "".join(first["source"])
    notebook["cells"] += _live_figure(title, language)
    first["source"] = re.sub(r"\A(# .*\n?)", lambda m: f"{m[1].rstrip()}\n\n{' · '.join(links)}\n", text)
    return json.dumps(notebook, ensure_ascii=False, indent=1)


_LIVE = {"01": "zero", "02": "vanishing", "03": "exploding", "05": "sigmoid_5", "06": "xavier", "07": "he"}


def _live_figure(title: str, language: str) -> list[dict]:
    """The cell that ends a chapter on the site: the live page, set to the chapter's example, if it has one."""
    preset = _LIVE.get(title[:2])
    if preset is None:
        return []
    heading = {"en": "Live", "vi": "Trực tiếp"}[language]
    address = f"../live.{language}.html#embed&preset={preset}"
    frame = f'<iframe class="live" src="{address}" title="{heading}" loading="lazy"></iframe>'
    return [{"cell_type": "markdown", "id": "live", "metadata": {}, "source": [f"## {heading}\n", "\n", frame]}]


def _copy_notebooks() -> None:
    """notebooks/*.ipynb and *.md into docs/notebooks, where Sphinx looks."""
    source, target = HERE.parent / "notebooks", HERE / "notebooks"
    target.mkdir(exist_ok=True)
    wanted = {}
    for path in sorted(source.glob("*.ipynb")):
        wanted[path.name] = _with_links(path)
    for path in sorted(source.glob("*.md")):
        wanted[path.name] = path.read_text(encoding="utf-8")
    for path in target.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = target / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


_copy_notebooks()


def _language_of_page(app, pagename, templatename, context, doctree):
    if pagename.endswith(".vi"):
        context["language"] = "vi"


# ---- ufuncs, as functions of the same signature and docstring: autodoc takes them for data ---------------------------


def _as_function(ufunc):
    inputs = "z" if ufunc.nin == 1 else "grad, z"
    scope = {}
    exec(f"def {ufunc.__name__}({inputs}, /, out=None, *, where=True, **kwargs): pass", scope)
    function = scope[ufunc.__name__]
    function.__module__, function.__doc__ = "fastinit", ufunc.__doc__.partition("\n\n")[2]
    return function


for _name in fastinit.__all__:
    if isinstance(getattr(fastinit, _name), np.ufunc):
        setattr(fastinit, _name, _as_function(getattr(fastinit, _name)))


def setup(app):
    app.connect("html-page-context", _language_of_page)
