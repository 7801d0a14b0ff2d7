"""Settings of hypothesis, and the check that tests call what they cover."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from outcomes import missing_calls

# Examples are always the same, since they depend on nothing but the tests and the library. The
# environment variable SKLEARN_ECG_PROPERTIES=long makes more of them: see `examples`.
settings.register_profile(
    "sklearn_ecg",
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("sklearn_ecg")


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
