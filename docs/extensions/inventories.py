"""Inventories for links into the documentation of other libraries, made from the installed ones.

The build needs no network: the names of a library are those of its installed modules, and their
pages are at the addresses that its documentation uses.
"""

import importlib
import inspect
import zlib
from importlib.metadata import version

# Library: address of its documentation, page of a name, and the modules whose names are listed.
LIBRARIES = {
    "sklearn": (
        "https://scikit-learn.org/stable/",
        "modules/generated/{}.html",
        (
            "sklearn",
            "sklearn.base",
            "sklearn.calibration",
            "sklearn.compose",
            "sklearn.decomposition",
            "sklearn.dummy",
            "sklearn.ensemble",
            "sklearn.feature_selection",
            "sklearn.frozen",
            "sklearn.impute",
            "sklearn.inspection",
            "sklearn.linear_model",
            "sklearn.manifold",
            "sklearn.metrics",
            "sklearn.model_selection",
            "sklearn.multiclass",
            "sklearn.multioutput",
            "sklearn.neighbors",
            "sklearn.neural_network",
            "sklearn.pipeline",
            "sklearn.preprocessing",
            "sklearn.svm",
            "sklearn.utils",
        ),
    ),
    "imblearn": (
        "https://imbalanced-learn.org/stable/",
        "references/generated/{}.html",
        (
            "imblearn.combine",
            "imblearn.ensemble",
            "imblearn.over_sampling",
            "imblearn.pipeline",
            "imblearn.under_sampling",
        ),
    ),
    "numpy": ("https://numpy.org/doc/stable/", "reference/generated/{}.html", ("numpy",)),
    "pandas": ("https://pandas.pydata.org/docs/", "reference/api/{}.html", ("pandas",)),
    "scipy": (
        "https://docs.scipy.org/doc/scipy/",
        "reference/generated/{}.html",
        ("scipy.signal",),
    ),
    "torch": ("https://docs.pytorch.org/docs/stable/", "generated/{}.html", ("torch.nn",)),
}


def inventory(library):
    """Return the content of an ``objects.inv`` file for a library."""
    _, page, modules = LIBRARIES[library]
    lines = set()
    for module_name in modules:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name, None)
            if not callable(value):
                continue
            full = f"{module_name}.{name}"
            role = "class" if inspect.isclass(value) else "function"
            lines.add(f"{full} py:{role} 1 {page.format(full)}#{full} -")
            if library in ("sklearn", "imblearn") and inspect.isclass(value):
                lines |= {
                    f"{full}.{method} py:method 1 {page.format(full)}#{full}.{method} -"
                    for method in dir(value)
                    if not method.startswith("_") and callable(getattr(value, method, None))
                }
    header = (
        "# Sphinx inventory version 2\n"
        f"# Project: {library}\n# Version: {version(DISTRIBUTIONS.get(library, library))}\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    body = "\n".join(sorted(lines)) + "\n"
    return header.encode() + zlib.compress(body.encode())


DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}


def write_inventories(folder):
    """Write the inventories, and return the value of ``intersphinx_mapping``."""
    folder.mkdir(parents=True, exist_ok=True)
    for library in LIBRARIES:
        (folder / f"{library}.inv").write_bytes(inventory(library))
    return {
        library: (address, str(folder / f"{library}.inv"))
        for library, (address, _, _) in LIBRARIES.items()
    }


def find_short_names():
    """Return ``{name: full name}`` of names such as ``FrozenEstimator`` that only one page has."""
    found = {}
    for _, _, modules in LIBRARIES.values():
        for module_name in modules:
            for name in getattr(importlib.import_module(module_name), "__all__", ()):
                found.setdefault(name, set()).add(f"{module_name}.{name}")
    return {name: full.pop() for name, full in found.items() if len(full) == 1}
