"""Checks of transformers from signals to pictures."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ._check_tools import _LEADS, _containers, _data, _make


def check_image_containers(estimator):
    """Signals become pictures; rows and numeric frames become rows of pixels, with their names."""
    X, y = _data()
    fitted = _make(estimator, lead_names=_LEADS).fit(X, y)
    expected = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert isinstance(expected, np.ndarray) and expected.dtype == np.uint8
    assert len(set(names)) == len(names) == expected[0].size
    for name, (container, params) in _containers(X).items():
        index = None
        if hasattr(container, "columns"):
            index = [f"record{i}" for i in range(len(X))]
            container = container.set_axis(index)
        out = _make(estimator, **params).fit_transform(container, y)
        if name == "numeric frame":
            assert isinstance(out, pd.DataFrame)
            assert list(out.columns) == list(names) and list(out.index) == index
        else:
            assert isinstance(out, np.ndarray), name
        assert (np.ndim(out) == 2) == ("n_leads" in params), name
        out = np.asarray(out)
        assert out.dtype == np.uint8, name
        np.testing.assert_array_equal(out.reshape(expected.shape), expected, err_msg=name)


def check_image_pipeline(estimator):
    """The estimator is a step of a Pipeline that is told to put out frames."""
    X, y = _data()
    made = _make(estimator)
    assert made.set_output(transform="pandas") is made
    pipeline = Pipeline([("images", made), ("pass", "passthrough")])
    pipeline.set_output(transform="pandas")
    out = pipeline.fit(X, y).transform(X)
    assert isinstance(out, np.ndarray)
    np.testing.assert_array_equal(out, _make(estimator).fit(X, y).transform(X))
    assert len(pipeline.get_feature_names_out()) == out[0].size
