"""The error that all loaders raise for a record or an image."""


class RecordError(ValueError):
    """Error raised when a record or an image cannot be loaded as requested.

    Parameters
    ----------
    record : str
        Name of the record, or of the image file.
    field : str
        What is wrong. For records, one of "folder", "header", "signal file", "leads", "units",
        "sampling rate", "length", "missing values", "annotations", "labels", "file", "format" or
        "content". For images, one of "file", "format", "content", "size", "pages" or "mode".
    reason : str
        What was found.
    advice : str
        What to do about it.

    Attributes
    ----------
    record, field, reason, advice : str
        The parameters.

    Examples
    --------
    >>> from sklearn_ecg.datasets import RecordError
    >>> error = RecordError("rec01", "units", "lead II is in mmHg.", "Pass leads without it.")
    >>> str(error)
    'Record rec01, units: lead II is in mmHg. Pass leads without it.'
    """

    def __init__(self, record, field, reason, advice):
        # All four are passed on: unpickling an error from a worker process needs them.
        super().__init__(record, field, reason, advice)
        self.record, self.field, self.reason, self.advice = record, field, reason, advice

    def __str__(self):
        return f"Record {self.record}, {self.field}: {self.reason} {self.advice}"


# Tracebacks then show the name that users import.
RecordError.__module__ = "sklearn_ecg.datasets"
