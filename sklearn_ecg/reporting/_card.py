"""The model card as an object."""

from pathlib import Path

from ..utils._paths import expand_path
from ._render import to_html_document, to_html_fragment, to_markdown

_SUFFIXES = {".html": "to_html", ".htm": "to_html", ".md": "to_markdown"}


class ModelCard:
    """Report on a classifier and the records that it was evaluated on.

    Use `model_card`. In a notebook, a card is shown as HTML.

    Parameters
    ----------
    title : str
        Title of the card.
    sections : list
        Headings and texts, as `model_card` makes them.
    data : dict of str to object
        The records: "n_records", "n_patients", "classes" and others.
    parameters : DataFrame
        One row per parameter of each part of the estimator: "part", "class", "parameter", "value".
    scores : DataFrame
        One row per class or label, as returned by `sklearn_ecg.metrics.label_table`.
    calibration : DataFrame
        Calibration slope, intercept and expected calibration error with intervals.
    subgroups : DataFrame or None
        Scores of subgroups: the result of `sklearn_ecg.metrics.score_by_group`, with "label" as the
        first level of the index.
    versions : dict of str to str
        Versions of Python and the libraries.
    tripod : DataFrame
        One row per item of TRIPOD+AI, with "topic", "status" ("filled", "partly" or "open") and
        "content".
    evaluation : {"held-out", "out-of-fold", "training", "overlap", "not stated"}
        What the evaluation records are.

    Attributes
    ----------
    title, data, parameters, scores, calibration, subgroups, versions, tripod, evaluation
        As the parameters.

    See Also
    --------
    model_card : Make a card.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ecg.reporting import model_card
    >>> X = np.random.RandomState(0).randn(200, 3)
    >>> y = X[:, 0] > 0.5
    >>> clf = LogisticRegression().fit(X[:100], y[:100])
    >>> card = model_card(clf, X[100:], y[100:], n_resamples=20, random_state=0)
    >>> card
    <ModelCard 'LogisticRegression': 100 records, 37 of 52 items of TRIPOD+AI are open>
    >>> print(card.to_markdown()[:20])
    # LogisticRegression
    """

    def __init__(
        self,
        title,
        sections,
        *,
        data,
        parameters,
        scores,
        calibration,
        subgroups,
        versions,
        tripod,
        evaluation,
    ):
        self.title = title
        self._sections = sections
        self.data = data
        self.parameters = parameters
        self.scores = scores
        self.calibration = calibration
        self.subgroups = subgroups
        self.versions = versions
        self.tripod = tripod
        self.evaluation = evaluation

    def to_markdown(self):
        """Return the card in Markdown, without its figure.

        Returns
        -------
        text : str
            Names and texts that were given are escaped.
        """
        return to_markdown(self.title, self._sections)

    def to_html(self):
        """Return the card as an HTML document, with its figure.

        Returns
        -------
        text : str
            The document has no scripts and loads nothing from elsewhere. Names and texts that were
            given are escaped.
        """
        return to_html_document(self.title, self._sections)

    def save(self, path):
        """Write the card to a file.

        Parameters
        ----------
        path : str or path-like
            File with the ending ".html", ".htm" or ".md". An existing file is replaced.

        Raises
        ------
        ValueError
            If the ending is another one.
        OSError
            If the file cannot be written.
        """
        path = Path(expand_path(path, "path"))
        method = _SUFFIXES.get(path.suffix.lower())
        if method is None:
            raise ValueError(f"path must end with {', '.join(_SUFFIXES)}, got {str(path)!r}.")
        path.write_text(getattr(self, method)(), encoding="utf-8")

    def _repr_html_(self):
        return to_html_fragment(self.title, self._sections)

    def __repr__(self):
        n_open = int((self.tripod["status"] == "open").sum())
        return (
            f"<{type(self).__name__} {self.title!r}: {self.data['n_records']} records, {n_open} of "
            f"{len(self.tripod)} items of TRIPOD+AI are open>"
        )
