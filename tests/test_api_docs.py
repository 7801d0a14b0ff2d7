"""The public names: one home for each in the documentation, and complete docstrings."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

import sklearn_ecg

ROOT = Path(__file__).parents[1]
LIBRARY = Path(sklearn_ecg.__file__).parent

# Checks of numpydoc that are left out, the first three as in scikit-learn.
IGNORED = {
    "GL01": "a summary starts on the line of the quotes",
    "GL02": "a short docstring ends on that line",
    "RT02": "returned values have names",
    "ES01": "a short summary may say it all",
    "SA01": "the text links what is related",
}
# Methods have their example in the class.
IGNORED_FOR_METHODS = {"EX01"}

RESULT = "returned by functions, which have the example; its fields are under Attributes"
ABSTRACT = "an abstract class; docs/extending.rst has the example"
TEMPLATE = ABSTRACT + "; the estimators document its parameters, in one wording"
SLOW = "fits many estimators; docs/extending.rst has the example"
EXCEPTIONS = {
    "sklearn_ecg.base.SignalTransformer": (("EX01",), ABSTRACT),
    "sklearn_ecg.base.SignalToSignalTransformer": (("EX01",), ABSTRACT),
    "sklearn_ecg.metrics.DeLongResult": (("PR01", "EX01"), RESULT),
    "sklearn_ecg.metrics.ScoreInterval": (("PR01", "EX01"), RESULT),
    "sklearn_ecg.deep.DeepECG": (("EX01",), ABSTRACT),
    "sklearn_ecg.deep.DeepECGClassifier": (("EX01", "PR01"), TEMPLATE),
    "sklearn_ecg.deep.FineTunedClassifier": (("EX01", "PR01"), TEMPLATE),
    "sklearn_ecg.deep.SelfSupervisedEncoder": (("EX01",), ABSTRACT),
    "sklearn_ecg.utils.estimator_checks.check_ecg_estimator": (("EX01",), SLOW),
    "sklearn_ecg.utils.estimator_checks.ecg_checks": (("EX01",), SLOW),
    "sklearn_ecg.utils.estimator_checks.parametrize_with_ecg_checks": (("EX01",), SLOW),
}


def api_modules():
    """Return the modules that the documentation lists, as docs/conf.py names them."""
    tree = ast.parse((ROOT / "docs" / "conf.py").read_text(encoding="utf-8"))
    (names,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "API_MODULES"
    ]
    return {name: importlib.import_module(name) for name in names}


API = api_modules()

# The module where the documentation has a name: the first that lists it.
HOMES = {}
for module_name, module in API.items():
    for name in getattr(module, "__all__", ()):
        HOMES.setdefault(name, module_name)


def public_objects():
    """Return ``{path: object}`` of the public classes, functions and their methods."""
    objects = {}
    for name, home in HOMES.items():
        value = getattr(API[home], name)
        if callable(value):
            objects[f"{home}.{name}"] = value
        if inspect.isclass(value):
            for attribute in dir(value):
                method = getattr(value, attribute)
                defined_in = getattr(getattr(method, "fget", method), "__module__", None) or ""
                if attribute.startswith("_") or not defined_in.startswith("sklearn_ecg"):
                    continue
                # A method without a docstring may inherit that of a base class.
                if method.__doc__ or not inspect.getdoc(method):
                    objects[f"{home}.{name}.{attribute}"] = method
    return objects


OBJECTS = public_objects()


def public_modules():
    """Yield the modules of the package with an ``__all__`` and no underscore in their path."""
    yield "sklearn_ecg"
    for info in pkgutil.walk_packages(sklearn_ecg.__path__, "sklearn_ecg."):
        if "._" not in info.name and hasattr(importlib.import_module(info.name), "__all__"):
            yield info.name


def test_every_public_module_is_documented():
    assert set(public_modules()) == set(API)


@pytest.mark.parametrize("module_name", API)
def test_module_lists_its_names(module_name):
    names = API[module_name].__all__
    assert len(names) == len(set(names))
    for name in names:
        assert not name.startswith("_")
        # A name stands for one thing, whichever module it is imported from.
        assert getattr(API[module_name], name) is getattr(API[HOMES[name]], name)


def test_type_checkers_see_the_names_that_are_imported_on_first_use():
    """``__init__.pyi`` lists the names and the modules of the tables in ``__init__.py``."""
    tree = ast.parse((LIBRARY / "__init__.pyi").read_text(encoding="utf-8"))
    imported = {
        alias.name: (node.module, alias.asname)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    expected = dict.fromkeys(sklearn_ecg._SUBPACKAGES) | sklearn_ecg._MODULE_OF_NAME
    # Without `as`, an imported name is private to a stub file.
    assert imported == {name: (module, name) for name, module in expected.items()}
    (names,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    ]
    assert names == sklearn_ecg.__all__
    folders = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert {name for name in folders if not name.startswith("_")} | {"base"} == set(
        sklearn_ecg._SUBPACKAGES
    )


def documents():
    """Yield the path and the text of all that users read."""
    generated = {"generated", "auto_examples", "_build"}
    paths = [ROOT / "README.md", *(ROOT / "examples").glob("*.py"), *LIBRARY.rglob("*.py")]
    paths += [path for path in (ROOT / "docs").rglob("*.rst") if not generated & set(path.parts)]
    for path in paths:
        yield path, path.read_text(encoding="utf-8")


def test_documents_use_one_import_path():
    wrong = []
    for path, text in documents():
        used = [
            (match[1], name.strip(" ()\n.>"))
            for match in re.finditer(r"from (sklearn_ecg[\w.]*) import ([\w, ]+|\([^)]*\))", text)
            for name in match[2].split(",")
        ]
        used += re.findall(r"\b(sklearn_ecg[\w.]*)\.(\w+)", text)
        wrong += [
            f"{path.relative_to(ROOT)}: {name} is in {HOMES[name]}, not in {module}"
            for module, name in used
            if HOMES.get(name, module) != module
        ]
    assert not wrong, "\n" + "\n".join(wrong)


def is_method(path):
    return inspect.isclass(OBJECTS.get(path.rpartition(".")[0]))


@pytest.mark.parametrize("path", OBJECTS)
def test_docstring(path):
    result = validate(path)
    codes, reason = EXCEPTIONS.get(path, ((), None))
    errors = {
        code: message
        for code, message in result["errors"]
        if code not in IGNORED and not (code in IGNORED_FOR_METHODS and is_method(path))
    }
    missing = set(codes) - set(errors)
    assert not missing, f"{path} needs no exception ({reason}) for {missing} any more"
    errors = [f"{code} {message}" for code, message in errors.items() if code not in codes]
    assert not errors, f"{path} ({result['file']}):\n" + "\n".join(errors)


def test_exceptions_are_public():
    assert set(EXCEPTIONS) <= set(OBJECTS)
