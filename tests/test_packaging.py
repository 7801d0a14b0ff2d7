"""The wheel and the sdist, a new environment with the wheel, and the packaging metadata."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import sklearn_ecg

ROOT = Path(__file__).parents[1]

# What an sdist has apart from the package.
FILES = (
    ".codespell-words",
    "CHANGES.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "constraints-min.txt",
    "constraints.txt",
    "pyproject.toml",
    "setup.cfg",
)
FOLDERS = ("benchmarks", "docs", "examples", "tests")
GENERATED = ("docs/_build", "docs/auto_examples", "docs/generated", "benchmarks/results")

USE = """
import sys
import numpy as np
import sklearn_ecg
from sklearn_ecg import MSAICNetClassifier, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import BandpassFilter

assert sys.prefix in sklearn_ecg.__file__, sklearn_ecg.__file__
X, y = make_ecg(30, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
X = BandpassFilter(sampling_rate=100).fit_transform(X)
clf = MSAICNetClassifier(filters=(4,), dilations=(1,), max_epochs=2, random_state=0)
assert clf.fit(to_lead_frame(X), y).predict_proba(to_lead_frame(X)).shape == (30, 2)
"""


def run(*command, **kwargs):
    """Run a command that neither coverage nor this folder's package reaches."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("COV")
    }
    process = subprocess.run(command, capture_output=True, text=True, env=env, **kwargs)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def modules():
    """Return the files of the package, as they are named in a wheel."""
    suffixes = ("*.py", "*.pyi", "py.typed")
    paths = [path for suffix in suffixes for path in (ROOT / "sklearn_ecg").rglob(suffix)]
    return {path.relative_to(ROOT).as_posix() for path in paths}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder of a wheel and an sdist, built from a copy without old build files."""
    source = tmp_path_factory.mktemp("source")
    for name in FILES:
        shutil.copy(ROOT / name, source)
    for folder in ("sklearn_ecg", *FOLDERS):
        ignored = shutil.ignore_patterns("__pycache__", *[Path(name).name for name in GENERATED])
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    # As after `make docs` and a study.
    for folder in GENERATED:
        (source / folder).mkdir()
        (source / folder / "index.html").touch()
    run(sys.executable, "-m", "build", "--no-isolation", str(source))
    return source / "dist"


def test_wheel_has_the_whole_package(dist):
    (wheel,) = dist.glob("*.whl")
    assert wheel.name == f"sklearn_ecg-{sklearn_ecg.__version__}-py3-none-any.whl"
    files = zipfile.ZipFile(wheel).namelist()
    info = f"sklearn_ecg-{sklearn_ecg.__version__}.dist-info/"
    assert {name for name in files if not name.startswith(info)} == modules()
    assert {"sklearn_ecg/__init__.pyi", "sklearn_ecg/py.typed"} <= set(files)
    assert f"{info}licenses/LICENSE" in files


def test_sdist_can_be_tested_and_documented(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    names = {path.relative_to(ROOT).as_posix() for path in paths}
    names = {name for name in names if "__pycache__" not in name}
    names = {name for name in names if not name.startswith(GENERATED)}
    assert {"docs/conf.py", "tests/conftest.py", "examples/plot_quickstart.py"} <= names
    assert modules() | names | set(FILES) <= files
    assert not [name for name in files if name.startswith(GENERATED)]


def test_wheel_works_in_a_new_environment(dist, tmp_path):
    """Its dependencies are those of this environment, so that nothing is downloaded."""
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env"))
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    purelib = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    # Folders on sys.path in this way do not run their own .pth files, which make an editable
    # installation of this package importable.
    shared = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (Path(purelib.strip()) / "shared.pth").write_text("\n".join(shared))
    (wheel,) = dist.glob("*.whl")
    install = ("-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index")
    run(sys.executable, *install, str(wheel))
    run(str(python), "-c", USE, cwd=tmp_path)


def claims():
    """Return the requirements of setup.cfg for running the package and its tests."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["test"]
    return [Requirement(line) for line in lines.split("\n") if line]


def pins(name):
    """Return ``{package: version}`` of a constraints file."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_oldest_versions_are_those_that_setup_cfg_claims():
    oldest = pins("constraints-min.txt")
    for requirement in claims():
        for clause in requirement.specifier:
            if requirement.name in ("setuptools", "torch"):
                # setuptools only builds; the constraints file says why torch is a newer one.
                continue
            assert clause.operator == ">="
            assert Version(oldest.pop(requirement.name)) == Version(clause.version), requirement
    # Others are indirect dependencies, with a reason in the file.
    assert set(oldest) == {"pyparsing", "torch"}


def test_every_requirement_of_the_package_has_a_pinned_version():
    pinned = {name.lower().replace("_", "-") for name in pins("constraints.txt")}
    assert {requirement.name.lower() for requirement in claims()} <= pinned


def test_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == sklearn_ecg.__version__
