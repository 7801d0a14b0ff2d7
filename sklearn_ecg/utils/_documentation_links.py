"""Links from the HTML representation of estimators to their pages of the documentation."""

import importlib
import os
from pathlib import Path

# `make docs` writes the documentation of a copy of the repository to this folder.
_BUILT = Path(__file__).resolve().parents[2] / "docs" / "_build" / "html"


class DocumentationLinkMixin:
    """Mixin for estimators whose HTML representation links to this library's documentation.

    The environment variable ``SKLEARN_ECG_DOCS`` is the address of the documentation, or a folder
    with the built pages. Without it, the links are to the pages that ``make docs`` has built, if
    there are any.
    """

    _doc_link_module = "sklearn_ecg"

    @property
    def _doc_link_template(self):
        address = os.environ.get("SKLEARN_ECG_DOCS") or (_BUILT if _BUILT.is_dir() else "")
        if address and "://" not in str(address):
            address = Path(address).resolve().as_uri()
        return f"{str(address).rstrip('/')}/generated/objects/{{page}}.html" if address else ""

    def _doc_link_url_param_generator(self):
        name = type(self).__name__
        room = type(self).__module__.split("._")[0]
        # A name is documented in the first of these modules that lists it. They are imported here,
        # when an estimator is displayed, because they import this module.
        for module in ("sklearn_ecg", "sklearn_ecg.preprocessing"):
            if name in importlib.import_module(module).__all__:
                room = module
                break
        return {"page": f"{room}.{name}"}
