"""Why a page is not digitized."""


class PageRefusedError(ValueError):
    """Raised if signals of a page would be doubtful.

    Parameters
    ----------
    kind : str
        A word for tables, such as "grid".
    reason : str
        A sentence.
    """

    def __init__(self, kind, reason):
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
