"""Imports and files of the package: which room may import which, and how long a file may be."""

import ast
import re
import runpy
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sklearn_ecg

TESTS = Path(__file__).parent
LIBRARY = Path(sklearn_ecg.__file__).parent

# A room imports only rooms that stand before it, inside functions too.
ROOMS = (
    # Warnings, chunks of records, torch helpers.
    "utils",
    "leads",
    "_validation",
    "base",
    "beats",
    "paper",
    "preprocessing",
    "augmentation",
    "model_selection",
    "feature_selection",
    "metrics",
    "calibration",
    "aggregation",
    "imbalance",
    "datasets",
    "nn",
    "deep",
    "inspection",
    "persistence",
    "reporting",
    # The modules of `utils` with "check" in their name: the public checks for estimators.
    "utils (checks)",
    # __init__.py, which imports every room on first use.
    "sklearn_ecg",
)

# Imports against the order, with the reason.
UPWARD = {
    ("datasets", "sklearn_ecg.__version__"): "a new version makes cached records invalid",
    ("deep", "sklearn_ecg.__version__"): "a new version makes checkpoints invalid",
    ("persistence", "sklearn_ecg.__version__"): "files contain the version that wrote them",
    ("reporting", "sklearn_ecg.__version__"): "a model card lists the versions",
}

TORCH_FREE = (
    "leads",
    "_validation",
    "base",
    "beats",
    "paper",
    "preprocessing",
    "imbalance",
    "model_selection",
    "feature_selection",
    "metrics",
    "calibration",
    "aggregation",
    "datasets",
)

# Libraries that only some modules may import.
RESTRICTED = {
    "accelerate": ("sklearn_ecg.deep._training",),
    "onnx": ("sklearn_ecg.persistence._onnx",),
    "onnxruntime": ("sklearn_ecg.persistence._onnx",),
    "safetensors": ("sklearn_ecg.utils._container",),
    "skorch": ("sklearn_ecg.deep._training",),
    "torch": (
        "sklearn_ecg.augmentation",
        "sklearn_ecg.deep",
        "sklearn_ecg.inspection",
        "sklearn_ecg.nn",
        "sklearn_ecg.persistence",
        "sklearn_ecg.utils._module_arrays",
        "sklearn_ecg.utils._torch",
        "sklearn_ecg.utils._torch_threads",
    ),
    "wfdb": ("sklearn_ecg.datasets",),
}

# Rooms without a folder or a file of tests.
UNTESTED = {
    "base": "tested through the transformers of `preprocessing`, `beats` and `paper`",
    "sklearn_ecg": "tested by tests/test_api_docs.py",
    "utils (checks)": "in tests/utils",
}


def modules():
    """Yield the dotted name and the path of every module of the package."""
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(module):
    """Return the dotted names that a module imports anywhere, relative ones resolved."""
    path = MODULES[module]
    package = module.split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) + 1 - node.level] if node.level else []
            origin = [*origin, node.module] if node.module else origin
            names.update(".".join([*origin, alias.name]) for alias in node.names)
    return names


IMPORTS = {module: imports(module) for module in MODULES}


def origin(name):
    """Return the module of the package that an imported name comes from."""
    return name if name in MODULES else name.rpartition(".")[0]


def room(module):
    """Return the room of a module of the package."""
    _, *parts = module.split(".")
    if not parts:
        return "sklearn_ecg"
    if parts[0] == "utils" and "check" in parts[-1]:
        return "utils (checks)"
    return parts[0]


def internal(module):
    """Return what a module imports from the package."""
    return {name for name in IMPORTS[module] if name.split(".")[0] == "sklearn_ecg"}


def is_inside(module, parents):
    return any(f"{module}.".startswith(f"{parent}.") for parent in parents)


def test_every_room_has_a_place_in_the_order():
    assert {room(module) for module in MODULES} == set(ROOMS)


def test_no_room_imports_a_later_one():
    upward = set()
    used = set()
    for module in MODULES:
        for name in internal(module):
            if ROOMS.index(room(origin(name))) > ROOMS.index(room(module)):
                if (room(module), name) in UPWARD:
                    used.add((room(module), name))
                else:
                    upward.add(f"{module} imports {name}")
    assert not upward
    assert used == set(UPWARD)


def test_no_circle_of_imports():
    upward = {name for _, name in UPWARD}
    graph = {
        module: {origin(name) for name in internal(module) - upward} - {module}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("circle of imports: " + " -> ".join(error.args[1]))


@pytest.mark.parametrize("library", RESTRICTED)
def test_library_is_imported_only_where_it_belongs(library):
    importers = {
        module
        for module, names in IMPORTS.items()
        if library in {name.split(".")[0] for name in names}
    }
    assert importers, f"nothing imports {library}: remove it from RESTRICTED"
    assert not {module for module in importers if not is_inside(module, RESTRICTED[library])}


@pytest.mark.parametrize("name", ["leads", "nn"])
def test_room_does_not_import_sklearn(name):
    """Leads are plain arrays and tables, and networks are plain torch."""
    libraries = {
        imported.split(".")[0]
        for module in MODULES
        if room(module) == name
        for imported in IMPORTS[module]
    }
    assert not libraries & {"sklearn", "skorch", "imblearn"}


def test_networks_use_nothing_of_the_package_but_utils():
    rooms = {
        room(origin(name))
        for module in MODULES
        if room(module) == "nn"
        for name in internal(module)
    }
    assert rooms <= {"nn", "utils"}


def test_methods_do_not_import_each_other():
    """What two methods share is in `nn`, `deep._base`, `deep._pretraining` or `deep._training`."""
    methods = ("_acl_ecg", "_ecg_net", "_msaic_net", "_simcardionet")
    prefixes = [f"sklearn_ecg.deep.{method}" for method in methods]
    assert all(prefix in MODULES for prefix in prefixes)
    for module in MODULES:
        # The encoder and the classifier of a method have names that start alike.
        others = tuple(prefix for prefix in prefixes if not module.startswith(prefix))
        if room(module) == "deep" and module != "sklearn_ecg.deep":
            assert not [name for name in internal(module) if name.startswith(others)], module


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "rooms, libraries",
    [
        (("leads",), ("torch", "skorch", "sklearn")),
        (TORCH_FREE, ("torch", "skorch")),
        # Only Grad-CAM needs torch, when it is called.
        (("inspection", "reporting"), ("torch", "skorch", "matplotlib")),
    ],
    ids=["leads", "torch-free rooms", "inspection"],
)
def test_import_does_not_load(rooms, libraries):
    code = f"""
import importlib, sys
for room in {rooms!r}:
    importlib.import_module("sklearn_ecg." + room)
    loaded = [name for name in {libraries!r} if name in sys.modules]
    if loaded:
        sys.exit(f"sklearn_ecg.{{room}} loads {{loaded}}")
"""
    process = run_python(code)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("module", MODULES)
def test_file_is_short_or_says_why_not(module):
    text = MODULES[module].read_text(encoding="utf-8")
    n_lines = len(text.splitlines())
    if n_lines > 500:
        reason = ast.get_docstring(ast.parse(text)) or ""
        assert re.search(r"\blines\b", reason), (
            f"{module} has {n_lines} lines. Split it, or give the reason for more than 500 lines "
            "in its first docstring"
        )


def test_tests_mirror_the_rooms():
    # Properties are those of all rooms, and studies are scripts that use them.
    folders = {path.parent.name for path in TESTS.glob("*/test_*.py")} - {"properties", "studies"}
    files = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    rooms = {name.removeprefix("_") for name in ROOMS}
    assert folders <= rooms
    assert rooms - folders - files == {name.removeprefix("_") for name in UNTESTED}


def test_marked_tests_exist():
    """A renamed test would lose its marker silently."""
    lists = runpy.run_path(str(TESTS / "conftest.py"))
    missing = []
    for entry in lists["SLOW"] + lists["SLOW_CASES"] + lists["LONG"] + lists["NEWEST"]:
        path, _, name = entry.partition("::")
        path = TESTS.parent / path
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if f"def {name.partition('[')[0]}" not in text:
            missing.append(entry)
    assert not missing, f"tests/conftest.py marks tests that do not exist: {missing}"
