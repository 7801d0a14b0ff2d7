"""Files of fitted estimators, without pickle: loading a file runs no code from it."""

from ..utils._container import PersistenceError
from ._onnx import export_onnx
from ._save_load import load, read_info, save

__all__ = ["PersistenceError", "export_onnx", "load", "read_info", "save"]
