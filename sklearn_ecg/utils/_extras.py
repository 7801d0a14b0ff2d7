"""Libraries that are not installed by default."""

from ._record_error import RecordError


def import_extra(name, module, kind):
    """Import a library of the extra `files`; raise a RecordError if it is not installed."""
    try:
        return __import__(module)
    except ImportError as error:
        raise RecordError(
            name,
            "format",
            f"it is {kind}, which requires {module}.",
            "Run pip install 'sklearn_ecg[files]'.",
        ) from error
