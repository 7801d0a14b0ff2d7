"""Configuration of the documentation: ``make docs`` builds it into docs/_build/html."""

import ast
import importlib
import inspect
import re
import shutil
import sys
from pathlib import Path

import matplotlib
from docutils import nodes

matplotlib.use("agg")

from sphinx.errors import ExtensionError  # noqa: E402
from sphinx.ext import intersphinx  # noqa: E402
from sphinx.pycode import ModuleAnalyzer  # noqa: E402
from sphinx.util import logging  # noqa: E402

import sklearn_ecg  # noqa: E402

DOCS = Path(__file__).parent
ROOT = DOCS.parent
GENERATED = DOCS / "generated"
sys.path.insert(0, str(DOCS / "extensions"))

import drawings  # noqa: E402
import inventories  # noqa: E402

project = "sklearn_ecg"
author = "The sklearn_ecg developers"
copyright = f"2026, {author}"
version = release = sklearn_ecg.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "forest_plots",
    "formulas",
    "line_breaks",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
exclude_patterns = ["_build", "generated/examples", "**sg_execution_times.rst"]
# Docstrings put names in single backticks: a link where the name is documented here.
default_role = "py:obj"
# Quotes and dots in names such as "auto" and Pipeline(memory=...) stay as they are.
smartquotes = False

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_ecg {release}"
html_show_sourcelink = False
html_math_renderer = "mathml"
html_favicon = "generated/assets/favicon.svg"
html_static_path = ["assets", "generated/assets"]
html_css_files = ["site.css"]
html_theme_options = {
    "logo": {
        "text": "sklearn_ecg",
        "alt_text": "sklearn_ecg, home",
        "image_light": "generated/assets/logo_light.svg",
        "image_dark": "generated/assets/logo_dark.svg",
    },
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Pages without other pages below them have no sidebar.
html_sidebars = {"index": [], "install": [], "changes": []}

# The prompts are not copied, nor is what is printed.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

toc_object_entries_show_parents = "hide"
# Signatures without types: the docstrings have them.
autodoc_typehints = "none"
autosummary_generate = True
# Methods are documented on the page of their class, without a table that repeats them.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "generated/examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "gallery_order.position",
    # Figures and printed lines; not what the last line of a block evaluates to.
    "capture_repr": (),
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    # This page would load scripts from elsewhere.
    "write_computation_times": False,
}

# The modules whose ``__all__`` is documented. A name that several of them list is documented once,
# in the first.
API_MODULES = (
    "sklearn_ecg",
    "sklearn_ecg.leads",
    "sklearn_ecg.datasets",
    "sklearn_ecg.preprocessing",
    "sklearn_ecg.feature_selection",
    "sklearn_ecg.beats",
    "sklearn_ecg.paper",
    "sklearn_ecg.augmentation",
    "sklearn_ecg.nn",
    "sklearn_ecg.deep",
    "sklearn_ecg.inspection",
    "sklearn_ecg.model_selection",
    "sklearn_ecg.imbalance",
    "sklearn_ecg.calibration",
    "sklearn_ecg.aggregation",
    "sklearn_ecg.metrics",
    "sklearn_ecg.persistence",
    "sklearn_ecg.reporting",
    "sklearn_ecg.base",
    "sklearn_ecg.utils.estimator_checks",
)


def heading(text, underline="="):
    return [text, underline * len(text), ""]


def constant(module_name, name):
    """Return a constant with the ``#:`` comment above it in the file that defines it."""
    value = getattr(importlib.import_module(module_name), name)
    for path in sorted(Path(sklearn_ecg.__file__).parent.rglob("*.py")):
        origin = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        comment = ModuleAnalyzer.for_module(origin).find_attr_docs().get(("", name))
        if comment:
            return [f".. py:data:: {module_name}.{name}", f"   :value: {value!r}", ""] + [
                f"   {line}" for line in comment
            ]
    raise ExtensionError(f"{module_name}.{name} has no comment that starts with '#:'")


def api_names():
    """Return ``{module: the names that are documented on its page}``."""
    homes = {}
    for module_name in API_MODULES:
        # A test reports a module without __all__.
        for name in getattr(importlib.import_module(module_name), "__all__", ()):
            homes.setdefault(name, module_name)
    return {
        module_name: sorted(name for name, home in homes.items() if home == module_name)
        for module_name in API_MODULES
    }


def api_page(module_name, names):
    """Return a page for these names of a module."""
    module = importlib.import_module(module_name)
    kinds = {"Classes": [], "Functions": [], "Constants": []}
    for name in names:
        value = getattr(module, name)
        kind = "Classes" if inspect.isclass(value) else "Functions"
        kinds[kind if callable(value) else "Constants"].append(name)
    lines = heading(module_name)
    lines += [inspect.getdoc(module), "", f".. currentmodule:: {module_name}", ""]
    for kind in ("Classes", "Functions"):
        if kinds[kind]:
            lines += [*heading(kind, "-"), ".. autosummary::", "   :toctree: ../objects", ""]
            lines += [f"   {name}" for name in kinds[kind]] + [""]
    if kinds["Constants"]:
        lines += heading("Constants", "-")
        for name in kinds["Constants"]:
            lines += [*constant(module_name, name), ""]
    return "\n".join(lines)


def api_tables(pages):
    """Return a table of the names of each module, below the first sentence about the module."""
    lines = []
    for module_name, names in pages.items():
        summary = inspect.getdoc(importlib.import_module(module_name)).split("\n\n")[0]
        lines += heading(module_name, "-")
        lines += [f"{summary} :doc:`More <generated/api/{module_name}>`".replace("\n", " "), ""]
        lines += [
            f".. currentmodule:: {module_name}",
            "",
            ".. autosummary::",
            "   :nosignatures:",
            "",
        ]
        constants = [
            name for name in names if not callable(getattr(sys.modules[module_name], name))
        ]
        lines += [f"   {name}" for name in names if name not in constants] + [""]
        if constants:
            lines += ["Constants: " + ", ".join(f"`{name}`" for name in constants), ""]
    return "\n".join(lines)


def tools_table(columns):
    """Return what tests/test_tools.py says about these containers or kinds of target, as a table.

    A table of targets has the tools that do not work with all of them.
    """
    tree = ast.parse((ROOT / "tests" / "test_tools.py").read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)
    }
    table = ast.literal_eval(constants["TABLE"])
    containers, columns = (ast.literal_eval(constants[name]) for name in ("CONTAINERS", columns))
    lines = [".. list-table::", "   :header-rows: 1", "   :stub-columns: 1", ""]
    lines += ["   * - Tool", *(f"     - {column}" for column in columns)]
    for tool, exceptions in table.items():
        cells = dict.fromkeys(columns, "yes")
        for where, instead in exceptions.items():
            for column in containers if where == "any container" else where.split(", "):
                if column in columns:
                    cells[column] = f"*{instead}*"
        if columns == containers or set(cells.values()) != {"yes"}:
            lines += [f"   * - {tool}", *(f"     - {cell}" for cell in cells.values())]
    return "\n".join(lines) + "\n"


def changes():
    """Return CHANGES.md in reStructuredText, from below its title."""
    _, text = (ROOT / "CHANGES.md").read_text(encoding="utf-8").split("\n", 1)
    text = re.sub(r"`([^`]+)`", r"``\1``", text)
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"`\1 <\2>`__", text)
    for marks, underline in (("## ", "-"), ("### ", "~")):
        text = re.sub(
            f"^{marks}(.*)$", lambda m: f"{m[1]}\n{underline * len(m[1])}", text, flags=re.M
        )
    return text


def write(path, text):
    """Write a file unless it has this text already, so that Sphinx builds only what changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


pages = {module_name: names for module_name, names in api_names().items() if names}
# Remove pages of an earlier build whose names are no longer public or have moved.
objects = {f"{module_name}.{name}" for module_name, names in pages.items() for name in names}
for folder, kept in (("api", pages), ("objects", objects)):
    for path in (GENERATED / folder).glob("*.rst"):
        if path.stem not in kept:
            path.unlink()
for module_name, names in pages.items():
    write(GENERATED / "api" / f"{module_name}.rst", api_page(module_name, names))
write(GENERATED / "api_tables.inc", api_tables(pages))
write(GENERATED / "tools_and_containers.inc", tools_table("CONTAINERS"))
write(GENERATED / "tools_and_targets.inc", tools_table("TARGETS"))
write(GENERATED / "changes.inc", changes())
drawings.draw(GENERATED / "assets")
intersphinx_mapping = inventories.write_inventories(GENERATED / "inventories")
SHORT_NAMES = inventories.find_short_names()
# Sphinx-gallery wants a header among the examples.
shutil.rmtree(GENERATED / "examples", ignore_errors=True)
shutil.copytree(ROOT / "examples", GENERATED / "examples")
shutil.copy(DOCS / "gallery_header.txt", GENERATED / "examples" / "GALLERY_HEADER.txt")


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out what a class inherits from elsewhere."""
    if what != "class" or skip:
        return skip
    module = getattr(getattr(obj, "fget", obj), "__module__", None) or ""
    return not module.startswith("sklearn_ecg")


def list_inherited(app, what, name, obj, options, lines):
    """List the methods that a class inherits from elsewhere, with links."""
    if what != "class" or not hasattr(obj, "get_params"):
        return
    found = []
    for method in sorted(set(dir(obj))):
        value = inspect.getattr_static(obj, method)
        home = next((base for base in obj.__mro__ if method in vars(base)), object)
        is_method = callable(getattr(obj, method, None)) and not isinstance(value, type)
        if method.startswith("_") or not is_method or home.__module__.startswith("sklearn_ecg"):
            continue
        summary = (inspect.getdoc(getattr(obj, method)) or "").split("\n\n")[0].replace("\n", " ")
        # Roles refer to labels of the other library.
        summary = re.sub(r":[\w:]+:`~?([^`<]+?)(?: <[^>]*>)?`", r"\1", summary)
        # Classes of private modules are documented where they are imported from.
        library = home.__module__.split("._")[0]
        found.append((f":py:meth:`{method} <{library}.{home.__name__}.{method}>`", summary))
    if found:
        lines += ["", ".. rubric:: Methods of base classes of scikit-learn", ""]
        lines += [".. list-table::", "   :widths: 30 70", ""]
        for method, summary in found:
            lines += [f"   * - {method}", f"     - {summary}"]
        lines += [""]


def resolve_short_name(app, env, node, contnode):
    """Resolve a name of another library that is given without its module."""
    full = SHORT_NAMES.get(node.get("reftarget"))
    if full is None or node.get("refdomain") != "py":
        return None
    node["reftarget"] = full
    return intersphinx.missing_reference(app, env, node, contnode)


def require_alternative_texts(app, doctree, docname):
    """Warn of images without a text for readers who do not see them."""
    for image in doctree.findall(nodes.image):
        if image.get("alt") is None:
            logging.getLogger(__name__).warning(
                "image %s has no :alt: text", image["uri"], location=image
            )


def default_role_of(name, rawtext, text, lineno, inliner, options=None, content=()):
    """``:default:`Class.parameter``` is the parameter with its default, read from the code."""
    class_name, parameter = text.split(".")
    signature = inspect.signature(getattr(sklearn_ecg, class_name))
    return [nodes.literal(rawtext, f"{parameter}={signature.parameters[parameter].default!r}")], []


def setup(app):
    app.add_role("default", default_role_of)
    app.connect("autodoc-skip-member", skip_foreign)
    # After numpydoc.
    app.connect("autodoc-process-docstring", list_inherited, priority=900)
    # After intersphinx.
    app.connect("missing-reference", resolve_short_name, priority=900)
    app.connect("doctree-resolved", require_alternative_texts)
