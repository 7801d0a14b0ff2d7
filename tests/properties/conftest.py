"""Settings of hypothesis: a short run, or a long one with SKLEARN_ECG_PROPERTIES=long."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from outcomes import missing_calls

# Examples are always the same, since they depend on nothing but the tests and the library.
SETTINGS = {
    "database": None,
    "deadline": None,
    "derandomize": True,
    "phases": [Phase.explicit, Phase.generate, Phase.shrink],
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("sklearn_ecg", **SETTINGS, print_blob=False)
settings.load_profile("sklearn_ecg")
if os.environ.get("SKLEARN_ECG_PROPERTIES") == "long":
    # Other examples than those of the short run.
    settings.register_profile("sklearn_ecg_long", settings(), print_blob=True)
    settings.load_profile("sklearn_ecg_long")


@pytest.fixture(autouse=True)
def covered_objects_are_called(request):
    """Check that a test has called what it is said to cover."""
    yield
    if request.session.testsfailed:
        return
    function = getattr(request, "function", None)
    objects = getattr(function, "covers", ())
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and "covered" in callspec.params:
        objects = (callspec.params["covered"],)
    if objects:
        missing = {obj.__name__: sorted(missing_calls(obj)) for obj in objects}
        missing = {name: calls for name, calls in missing.items() if calls}
        assert not missing, f"not called: {missing}"
