"""Tests of reading tables that were edited or damaged."""

import os

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sklearn_ecg.datasets import _csv_tables
from sklearn_ecg.datasets._csv_tables import check_integers, read_table


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["utf-8", "byte_order_mark"])
def test_tables(tmp_path, start):
    path = tmp_path / "t.csv"
    path.write_bytes(start + 'a,b\n1,"x,\ny"\n2,ü\n'.encode())
    table = read_table(path)
    assert list(table) == ["a", "b"] and table["b"].tolist() == ["x,\ny", "ü"]


@pytest.mark.parametrize(
    "content, message",
    [
        ("a,b\n1,x\n2,ü\n".encode("latin-1"), "t.csv, row 3: the byte 0xfc is not UTF-8. Save it"),
        ("a,b\n".encode("utf-16"), "t.csv, row 1: the byte 0xff is not UTF-8"),
        (b"a;b\n1;2\n", "t.csv, row 1: the columns are separated by ';' instead of ','. Save it"),
        (b"\xef\xbb\xbfa\tb\n", r"t.csv, row 1: the columns are separated by '\\t'"),
        (b"a,b\n1,2\n1,2,3\n", "t.csv, row 3: it has 3 cells, but there are 2 columns. Put"),
        (b"a,b\n9,1,2\n9,1,3\n", "t.csv, row 2: it has 3 cells, but there are 2 columns"),
        (b"a,b\n1,2\0\n", "t.csv, row 2: it has a null character"),
        (b"", "t.csv is empty. Pass a table"),
        (b"a,b,a\n1,2,3\n", "t.csv, row 1: it has the column 'a' more than once. Rename"),
        (b"\na,b,b\n1,2,3\n", "t.csv, row 2: it has the column 'b' more than once"),
        (b'a,b\n1,"2\n', "t.csv cannot be read as a table"),
    ],
)
def test_damaged_tables(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "t.csv")


def test_integers():
    table = pd.DataFrame({"id": [4, 5], "a": [1.0, 2.0], "b": [1, 1.5], "c": ["1", "x"]})
    numbers = check_integers(table, "a", "t.csv")
    assert_array_equal(numbers, [1, 2])
    assert numbers.dtype == int
    with pytest.raises(ValueError, match=r"t.csv has the b .*1.5.* in row 3, which is not an int"):
        check_integers(table, "b", "t.csv")
    with pytest.raises(ValueError, match="t.csv has the c 'x' in id 5, which is not an integer"):
        check_integers(table, "c", "t.csv", rows="id")
    for value in (np.inf, np.nan, 1e300):
        with pytest.raises(ValueError, match="has the a"):
            check_integers(pd.DataFrame({"a": [value]}), "a", "t.csv")


@pytest.mark.parametrize("kind", ["pipe", "folder", "sparse file"])
def test_tables_that_are_no_regular_files_of_usual_size(tmp_path, kind):
    path = tmp_path / "t.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if os.name == "nt":
            pytest.skip("needs named pipes")
        os.mkfifo(path)
    else:
        path.touch()
        os.truncate(path, _csv_tables._MAX_SIZE + 1)
    with pytest.raises(
        ValueError, match=r"t.csv cannot be read as a table \(It (is not a|has more)"
    ):
        read_table(path)


def test_values_in_messages_are_those_of_the_file(tmp_path):
    table = pd.DataFrame({"id": [1.0, 1.5]})
    with pytest.raises(ValueError, match="t.csv has the id 1.5 in row 3, which is not an integer"):
        check_integers(table, "id", "t.csv")
