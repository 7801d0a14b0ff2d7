"""Tests of what loaders do with headers that are wrong, incomplete, or contradict the files."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg.datasets import RecordError, load_challenge, load_wfdb
from sklearn_ecg.datasets._reading import _batch_reader
from sklearn_ecg.datasets._records._header_fields import parse_header, split_record_word

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* records were left out, because:UserWarning")


def digits(seed, n_times=200):
    return np.random.default_rng(seed).integers(-500, 500, (1, n_times))


@pytest.fixture
def write(tmp_path, write_wfdb):
    """Write a record of one lead, with its record line and its signal line as given."""

    def write(name, record_line=None, signal_line=None, seed=0):
        write_wfdb(tmp_path, name, digits(seed), ["II"], rate=100, gains="200/mV")
        lines = (tmp_path / f"{name}.hea").read_text().splitlines()
        lines = [record_line or lines[0], signal_line or lines[1]]
        (tmp_path / f"{name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    return write


def load(folder, **kwargs):
    return load_wfdb(folder, **{"leads": ["II"], **kwargs})


def assert_fails(folder, message, **kwargs):
    """The record "bad" raises an error that names it, or is skipped with the same reason."""
    with pytest.raises(RecordError, match=f"Record bad, {message}"):
        load(folder, **kwargs)
    bunch = load(folder, on_error="skip", **kwargs)
    report = bunch.report.set_index("record")
    assert report.loc["bad", "status"] == "failed" and report.loc["good", "status"] == "loaded"
    assert re.match(message, report.loc["bad", "reason"])
    return report


# --------------------------------------------------------------------------------------------------
# Record line
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kwargs", [{}, {"resample_to": 50}, {"duration": 2}])
@pytest.mark.parametrize(
    "rate", ["0", "0.0", "-500", "nan", "inf", "1e3", "1_000", "0x10", "250,0", "500Hz", "２５０"]
)
def test_rates_that_are_no_rates(write, rate, kwargs):
    write("good")
    folder = write("bad", f"bad 1 {rate} 200")
    assert_fails(folder, rf"sampling rate: bad.hea has '{re.escape(rate)}', which is not", **kwargs)


@pytest.mark.parametrize("rate", ["100.0", "100/1000", "100/1000(-5.5)"])
def test_rates(write, rate):
    bunch = load(write("a", f"a 1 {rate} 200"))
    assert bunch.sampling_rate == 100 and bunch.report.loc[0, "reason"] == ""


@pytest.mark.parametrize("rate", ["0.0001", "999999999"])
def test_rates_that_cannot_be_resampled(write, rate):
    write("good")
    folder = write("bad", f"bad 1 {rate} 200")
    assert_fails(folder, "sampling rate: II has .* Hz, which is too far from", resample_to=100)


def test_a_rate_that_is_not_stated(write):
    bunch = load(write("a", "a 1"))
    assert bunch.sampling_rate == 250
    assert_allclose(bunch.data[0], digits(0) / 200, rtol=1e-6)
    assert bunch.report.loc[0, "reason"] == (
        "no sampling rate, 250 Hz by WFDB's definition; no length, 200 time points by the size of "
        "the signal file"
    )


def test_a_length_that_is_not_stated(write, tmp_path):
    folder = write("a", "a 1 100")
    with open(tmp_path / "a.dat", "ab") as file:
        file.write(b"x")
    reason = load(folder).report.loc[0, "reason"]
    assert "no length, 200 time points" in reason and "a.dat has 401 bytes" in reason


@pytest.mark.parametrize("length", ["12:00:00", "-1", "2e2", "x"])
def test_lengths_that_are_no_lengths(write, length):
    write("good")
    message = f"length: bad.hea has '{length}' as the number of time points"
    assert_fails(write("bad", f"bad 1 100 {length}"), message)


def test_a_header_of_another_record(write):
    reason = load(write("a", "b 1 100 200")).report.loc[0, "reason"]
    assert reason == "a.hea is the header of a record 'b'"


@pytest.mark.parametrize("cached", [False, True])
def test_folders_in_a_header(tmp_path, cached):
    """Headers of PTB-XL+ have the folder in which their authors wrote them."""
    folder = tmp_path / "12sl"
    folder.mkdir()
    lines = ["made_in/00001_medians 1 500 60"]
    lines += ["made_in/00001_medians.dat 32 6344117.125(-18429)/mV 32 0 0 0 0 II"]
    (folder / "00001_medians.hea").write_text("\n".join(lines))
    values = np.random.default_rng(0).integers(-(2**30), 2**30, 60)
    values.astype("<i4").tofile(folder / "00001_medians.dat")
    for _ in range(2):
        bunch = load(tmp_path, cache=tmp_path / "cache" if cached else None)
        assert_allclose(bunch.data[0, 0], (values + 18429) / 6344117.125, rtol=1e-6)
        assert bunch.report["record"].tolist() == ["12sl/00001_medians"]
        assert bunch.report.loc[0, "reason"] == "folder 'made_in' of the header ignored"


def test_first_word_of_a_header():
    assert split_record_word("a", "a") == ("", "a", None)
    assert split_record_word("a/2", "a") == ("", "a", 2)
    assert split_record_word("5/5", "5") == ("", "5", 5)
    assert split_record_word("12/00001", "00001") == ("12", "00001", None)
    assert split_record_word("b/c/a/3", "a") == ("b/c", "a", 3)


@pytest.mark.parametrize(
    "record_line, signal_line",
    [
        ("a 1 100 200 13:00 1/1/199", None),  # a year of three digits, which wfdb refuses
        ("a 1 100 200", "ä.1.dat 16 200/mV 16 0 0 0 0 II"),
        ("a 1 100 200", "a.dat 16 +200/mV 16 0 0 0 0 II"),
        ("\ufeffa 1 100 200", None),
    ],
    ids=["date", "file_name", "sign", "byte_order_mark"],
)
def test_headers_that_wfdb_misreads(write, tmp_path, record_line, signal_line):
    folder = write("a", record_line, signal_line)
    if signal_line and signal_line.startswith("ä"):
        (tmp_path / "a.dat").rename(tmp_path / "ä.1.dat")
    assert_allclose(load(folder).data[0], digits(0) / 200, rtol=1e-6)


# --------------------------------------------------------------------------------------------------
# Gains and units
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize(
    "gain, per_mv",
    [("1E3/µV", 1e6), ("2e0/µV", 2e3), ("1.5E+1(3)/mV", 15), ("-.5/mV", -0.5), ("200(-7)/mV", 200)],
)
def test_gains_are_read_as_a_whole(write, tmp_path, gain, per_mv, encoding):
    write("a", signal_line=f"a.dat 16 {gain} 16 0 0 0 0 II")
    header = tmp_path / "a.hea"
    header.write_bytes(header.read_text(encoding="utf-8").encode(encoding))
    baseline = int(gain.partition("(")[2].partition(")")[0] or 0)
    expected = (digits(0) - baseline) / per_mv
    assert_allclose(load(tmp_path).data[0], expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    "gain",
    [
        *("1_000/mV", "0x10/mV", "nan/mV", "inf/mV", "２００/mV", "200(１)/mV", "200(0.5)/mV"),
        *("200(5/mV", "−200/mV", "1e-400/mV", "1e400/mV", "2,5/mV", "mV", "200mV"),
    ],
)
def test_gains_that_are_no_gains(write, gain):
    write("good")
    folder = write("bad", signal_line=f"bad.dat 16 {gain} 16 0 0 0 0 II")
    assert_fails(folder, rf"units: bad.hea has the gain '{re.escape(gain)}' for lead II, which is")


@pytest.mark.parametrize("gain, what", [("1e-40", "large"), ("1e300", "small"), ("1e45", "small")])
def test_gains_beyond_float32(write, gain, what):
    write("good")
    folder = write("bad", signal_line=f"bad.dat 16 {gain}/mV 16 0 0 0 0 II")
    assert_fails(folder, f"units: values of lead II are too {what} for float32: the gain in the")


def test_volts_at_the_skin_are_noted(write):
    bunch = load(write("a", signal_line="a.dat 16 1e-1/mV 16 0 0 0 0 II"))
    peak = np.abs(digits(0)).max() * 10
    assert bunch.report.loc[0, "reason"] == (
        f"II: values of up to {peak} mV, check the gain and the unit"
    )


@pytest.mark.parametrize("unit", ["mV.", "МV", "µ", "mV(1)", "mmHg°"])
def test_units_are_read_as_a_whole(write, unit):
    write("good")
    folder = write("bad", signal_line=f"bad.dat 16 200/{unit} 16 0 0 0 0 II")
    assert_fails(folder, f"units: lead II is in '{re.escape(unit)}', which is not a voltage")


@pytest.mark.parametrize(
    "fmt, message",
    [
        ("99", "header: bad.hea has the format 99 for lead II, which wfdb cannot read"),
        ("16x0", "header: bad.hea has the format '16x0' for lead II, which is not valid"),
        ("16+x", "header: bad.hea has the format '16.x' for lead II, which is not valid"),
    ],
)
def test_formats(write, fmt, message):
    write("good")
    assert_fails(write("bad", signal_line=f"bad.dat {fmt} 200/mV 16 0 0 0 0 II"), message)


def test_two_formats_for_one_file(write_wfdb, tmp_path):
    for name in ("bad", "good"):
        write_wfdb(tmp_path, name, np.vstack([digits(0), digits(1)]), ["I", "II"])
    header = tmp_path / "bad.hea"
    header.write_text(header.read_text().replace("16 1000/mV 16 0 0 0 0 II", "32 1000/mV"))
    assert_fails(tmp_path, "header: bad.hea has several formats or offsets for the file bad.dat")


def test_all_fields_of_a_header():
    lines = ["r 2 360/360(5) 1000 12:00:00", "r.dat 212x2:3+4 200(1024)/mV 11 1000 995 -22131 0 V5"]
    header = parse_header("r", "r", [*lines, "r.dat 212 100 11 7 1 2"])
    assert (header.record_name, header.n_sig, header.fs, header.sig_len) == ("r", 2, 360, 1000)
    assert header.fmt == ["212", "212"] and header.samps_per_frame == [2, 1]
    assert header.skew == [3, None] and header.byte_offset == [4, None]
    assert header.adc_gain == [200, 100] and header.baseline == [1024, 7]
    assert header.init_value == [995, 1] and header.checksum == [-22131, 2]
    assert header.units == ["mV", "mV"] and header.without_unit == {1}
    assert header.sig_name == ["V5", None]


# --------------------------------------------------------------------------------------------------
# Checksums and MATLAB files
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cached", [False, True])
def test_wrong_checksums(write, tmp_path, cached):
    write("a", signal_line=f"a.dat 16 200/mV 16 0 0 {digits(0).sum() + 1} 0 II")
    write("b", signal_line=f"b.dat 16 200/mV 16 0 0 {digits(0).sum()} 0 II")
    for _ in range(2):
        message = "In 1 of 2 loaded records, all checksums differ from the header: a. Their signals"
        with pytest.warns(UserWarning, match=message) as caught:
            bunch = load(tmp_path, cache=tmp_path / "cache" if cached else None)
        assert caught[0].filename == __file__
        assert bunch.report["reason"].tolist() == [
            "all checksums differ from the header: the signal may be damaged, or of another record",
            "",
        ]


def write_matlab(folder, name, values, *, kind=30, rows=1, columns=200, letters=4, offset=24):
    header = np.array([kind, rows, columns, 0, letters], dtype="<i4").tobytes() + b"val\0"
    (folder / f"{name}.mat").write_bytes(header + values.astype("<i2").tobytes())
    (folder / f"{name}.hea").write_text(
        f"{name} 1 100 200\n{name}.mat 16+{offset} 200/mV 16 0 0 0 0 II\n# Dx: 426783006\n"
    )


@pytest.mark.parametrize("loader", [load_wfdb, load_challenge])
def test_matlab_files(tmp_path, loader):
    write_matlab(tmp_path, "a", digits(0))
    bunch = loader(tmp_path, leads=["II"])
    assert_allclose(bunch.data[0], digits(0) / 200, rtol=1e-6)
    assert bunch.report.loc[0, "reason"] == ""
    write_matlab(tmp_path, "a", digits(0, 300), columns=300)
    assert "a.mat has 300 columns" in loader(tmp_path, leads=["II"]).report.loc[0, "reason"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"kind": 0}, "has type 0 in its MATLAB header, but format 16 requires 30"),
        ({"kind": 50}, "has type 50 in its MATLAB header"),
        ({"rows": 12}, "has 12 rows of values, but the WFDB header describes 1"),
        ({"columns": 100}, "has 100 columns, but the WFDB header 200 time points"),
        ({"letters": 6}, "has a MATLAB header of 26 bytes, but the WFDB header skips 24"),
        ({"offset": 0}, "starts with a MATLAB header, which the WFDB header does not skip"),
    ],
)
def test_matlab_files_that_contradict_the_header(write, tmp_path, options, message):
    write("good")
    write_matlab(tmp_path, "bad", digits(0), **options)
    assert_fails(tmp_path, f"signal file: bad.mat {message}")


def test_matlab_files_of_another_version(write, tmp_path):
    write("good")
    write_matlab(tmp_path, "bad", digits(0))
    content = b"MATLAB 5.0 MAT-file".ljust(128) + bytes(500)
    (tmp_path / "bad.mat").write_bytes(content)
    assert_fails(tmp_path, "signal file: bad.mat is a MATLAB 5.0 file, but WFDB reads version 4")


# --------------------------------------------------------------------------------------------------
# Segments
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header, message",
    [
        ("bad/1 1 100 400\n~ 400\n", "length: it has no signals, only gaps"),
        ("bad/0 1 100 0\n", "length: it has no signals, only gaps"),
        ("bad/1 1 100 400\ns 200\nt 200\n", "header: bad.hea declares 1 segments, but lists 2"),
        ("bad/2 1 100 200\ns 200\n", "header: bad.hea declares 2 segments, but lists 1"),
        (
            "bad/1 1 100 400\ns 200\n",
            "length: bad.hea declares 400 time points, but its",
        ),
        ("bad/1 1 100\ns 200\n", "length: bad.hea has segments, but not their total length"),
        ("bad/1 1 100 200\ns\n", "header: bad.hea has 's', which is not a name and a length"),
        ("bad/1 3 100 200\ns 200\n", "leads: segment s has 1 signals, but bad.hea says 3"),
        ("bad/1 1 50 200\ns 200\n", "sampling rate: segment s has 100 Hz, but bad.hea says 50"),
        ("bad/1 1\ns 200\n", "length: bad.hea has segments, but not their total length"),
        ("bad/1 1 100 200\nbad 200\n", "header: its segment bad consists of segments itself"),
        ("bad/1 1 100 200\nnope 200\n", "header: nope.hea, the header of one of its segments, is"),
    ],
)
@pytest.mark.parametrize("cached", [False, True])
def test_segments_that_contradict_the_header(write, tmp_path, header, message, cached):
    write("good")
    write("s")
    (tmp_path / "bad.hea").write_text(header)
    assert_fails(tmp_path, message, cache=tmp_path / "cache" if cached else None)


def test_a_channel_that_is_not_in_the_layout(write, write_wfdb, tmp_path):
    write("good")
    write_wfdb(tmp_path, "s", digits(0), ["V1"], rate=100)
    (tmp_path / "bad.hea").write_text("bad/2 1 100 200\nlayout 0\ns 200\n")
    (tmp_path / "layout.hea").write_text("layout 1 100 0\n~ 0 200/mV 0 0 0 0 0 II\n")
    assert_fails(tmp_path, "leads: segment s has the channel 'V1', but is not in layout, the lay")


# --------------------------------------------------------------------------------------------------
# Exceptions
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["read_record", "harmonize", "stamp_record_files"])
@pytest.mark.parametrize("error", [ZeroDivisionError, UnicodeError, RecursionError])
def test_any_exception_is_the_failure_of_its_record(write, tmp_path, monkeypatch, step, error):
    write("good")
    write("bad")
    original = getattr(_batch_reader, step)

    def fail(*args):
        if "bad" in (args[1], getattr(args[0], "name", None)):
            raise error("something")
        return original(*args)

    monkeypatch.setattr(_batch_reader, step, fail)
    message = rf"content: it cannot be read or brought to .* \({error.__name__}: something\)"
    assert_fails(tmp_path, message, cache=tmp_path / "cache")


def test_out_of_memory(write, tmp_path, monkeypatch):
    """It is the failure of its record, but stays a MemoryError for those who want one."""
    write("good")
    write("bad")
    original = _batch_reader.harmonize

    def fail(record, policies):
        if record.name == "bad":
            raise MemoryError("something")
        return original(record, policies)

    monkeypatch.setattr(_batch_reader, "harmonize", fail)
    assert load(tmp_path, on_error="skip").report["status"].tolist() == ["failed", "loaded"]
    with pytest.raises(MemoryError, match="Record bad, content: .* .MemoryError: something"):
        load(tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_ends_the_load(write, tmp_path, monkeypatch, error):
    def stop(*args):
        raise error

    write("a")
    monkeypatch.setattr(_batch_reader, "harmonize", stop)
    with pytest.raises(error):
        load(tmp_path, on_error="skip")


# --------------------------------------------------------------------------------------------------
# Hidden files and paths
# --------------------------------------------------------------------------------------------------


def leave_behind(folder, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"\0\5\x16\7" + bytes(90))


HIDDEN = ("._a.hea", "__MACOSX/._a.hea", ".ipynb_checkpoints/a-checkpoint.hea", "@eaDir/a.hea")
HIDDEN += (".trash/x.dat", "$RECYCLE.BIN/b.hea", "System Volume Information/b.hea")
HIDDEN += ("#recycle/b.hea", "lost+found/b.hea")


@pytest.mark.parametrize("loader", [load_wfdb, load_challenge])
@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_files(write, tmp_path, loader, name):
    write("a")
    (tmp_path / "a.hea").write_text((tmp_path / "a.hea").read_text() + "# Dx: 426783006\n")
    leave_behind(tmp_path, name)
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        bunch = loader(tmp_path, leads=["II"], cache=cache)
        assert bunch.data.shape == (1, 1, 200)
        assert bunch.report["record"].tolist() == ["a", name]
        assert bunch.report["status"].tolist() == ["loaded", "hidden"]
        assert bunch.report["rows"].tolist() == [1, 0]


def test_hidden_files_in_a_list(write, tmp_path):
    """A folder whose name starts with a dot may be one that the user named."""
    write(".mine/a")
    for name in HIDDEN[:4]:
        leave_behind(tmp_path, name)
    names = [tmp_path / ".mine" / "a.hea", *(tmp_path / name for name in HIDDEN[:4])]
    bunch = load(names)
    assert bunch.data.shape == (1, 1, 200)
    assert bunch.report["status"].tolist() == ["loaded", *["hidden"] * 4]
    with pytest.raises(ValueError, match="The list of records has only hidden files"):
        load(names[1:])


def test_paths_in_the_home_folder(write, tmp_path, monkeypatch):
    folder = write("records/a")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    truth = load(folder / "records").data
    for cache in ("~/cache", folder / "cache"):  # the same
        assert_array_equal(load("~/records", cache=cache).data, truth)
    assert len(list((folder / "cache").glob("*.npy"))) == 1
    assert_array_equal(load(["~/records/a"]).data, truth)


# --------------------------------------------------------------------------------------------------
# Doubtful signals
# --------------------------------------------------------------------------------------------------


def test_a_negative_gain_is_noted(write):
    write("r", signal_line="r.dat 16 -200/mV 16 0 0 0 0 II")
    bunch = load(write("r2"))
    assert_array_equal(bunch.data[0], -bunch.data[1])
    reasons = bunch.report["reason"].tolist()
    assert reasons == ["II: negative gain, which turns the lead upside down", ""]


@pytest.mark.parametrize("start, is_noted", [(1, True), (0, False)])
def test_first_values_of_signals_without_a_checksum(write, start, is_noted):
    """A 0 often means that the value is not stated."""
    right = int(digits(0)[0, 0])
    write("right", signal_line=f"right.dat 16 200/mV 16 0 {right} 0 0 II")
    folder = write("wrong", signal_line=f"wrong.dat 16 200/mV 16 0 {start} 0 0 II")
    reasons = load(folder).report["reason"].tolist()
    note = "first value of II differs from the header: the signal may be damaged"
    assert reasons == ["", note if is_noted else ""]


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("loader", [load_wfdb, load_challenge])
def test_records_that_share_a_signal_file(write_wfdb, tmp_path, loader, cached):
    """As after a header was copied, but not edited; each file has its own record otherwise."""
    folder = tmp_path / "records"
    for name in ("a", "b", "c"):
        write_wfdb(folder, name, digits(0), ["II"], rate=100, comments=["Dx: AF"])
    text = (folder / "a.hea").read_text()
    (folder / "b.hea").write_text(text)
    (folder / "c.hea").write_text(text.replace("a 1", "c 1"))
    for _ in range(2):
        bunch = loader(folder, leads=["II"], cache=tmp_path / "cache" if cached else None)
        notes = bunch.report.set_index("record").loc[["a", "b", "c"], "reason"].tolist()
        assert notes == [
            "",
            "b.hea is the header of a record 'a'; a.dat is also the signal file of record a",
            "a.dat is also the signal file of record a",
        ]


# --------------------------------------------------------------------------------------------------
# Doubtful segments
# --------------------------------------------------------------------------------------------------


def write_segments(folder, segments, *, layout=(), edit=lambda name, text: text):
    """Write the segments p1 and p2 with checksums, and a record of them."""
    for number, name in enumerate(("p1", "p2")):
        values = digits(number)[0]
        checksum = (int(values.sum()) + 32768) % 65536 - 32768
        header = f"{name} 1 100 200\n{name}.dat 16 200/mV 16 0 {values[0]} {checksum} 0 II\n"
        (folder / f"{name}.hea").write_text(edit(name, header))
        values.astype("<i2").tofile(folder / f"{name}.dat")
    if layout:
        lines = [f"~ 0 200/mV 16 0 0 0 0 {channel}" for channel in layout]
        (folder / "lay.hea").write_text("\n".join([f"lay {len(layout)} 100 0", *lines]))
        segments = ["lay", *segments]
    lengths = [{"lay": 0}.get(segment, 200) for segment in segments]
    header = f"whole/{len(segments)} {max(len(layout), 1)} 100 {sum(lengths)}\n"
    lines = [f"{segment} {length}" for segment, length in zip(segments, lengths)]
    (folder / "whole.hea").write_text(header + "\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("loader", [load_wfdb, load_challenge])
@pytest.mark.parametrize(
    "segments, edit, note",
    [
        (["p1", "p2"], None, ""),
        (["p1", "p1"], None, "segment p1 occurs 2 times"),
        (
            ["p1", "p2"],
            ("p2.dat", "p1.dat"),
            "p1.dat is the signal file of the segments p1 and p2; segment p2: all checksums",
        ),
        (["p1", "p2"], ("p2 1", "q2 1"), "p2.hea is the header of a record 'q2'"),
        (["p1", "p2"], ("200/mV", "-200/mV"), "II: negative gain"),
    ],
)
@pytest.mark.filterwarnings("ignore:In 1 of 1 loaded records, all checksums:UserWarning")
def test_doubtful_segments_are_noted(tmp_path, loader, segments, edit, note):
    def change(name, text):
        return text.replace(*edit) if edit and name == "p2" else text

    write_segments(tmp_path, segments, edit=change)
    options = {"unlabeled": "keep"} if loader is load_challenge else {}
    reason = loader([tmp_path / "whole"], leads=["II"], **options).report["reason"][0]
    assert note in reason.replace(f"{tmp_path}/", "") and bool(note) == bool(reason)


@pytest.mark.parametrize("layout", [(), ("I", "II")])
@pytest.mark.parametrize("segments", [["p1", "p2"], ["p2", "p1"]])
def test_checksums_of_segments(tmp_path, layout, segments):
    """Those of each segment are compared with its part of the record."""
    write_segments(tmp_path, segments, layout=layout)
    folder = [tmp_path / "whole"]
    assert load(folder).report["reason"].tolist() == [""]
    expected = np.concatenate([digits(int(name[1]) - 1)[0] for name in segments]) / 200
    assert_allclose(load(folder).data[0, 0], expected, rtol=1e-6)
    damaged = digits(1)[0]
    damaged[7] += 1
    damaged.astype("<i2").tofile(tmp_path / "p2.dat")
    with pytest.warns(UserWarning, match="In 1 of 1 loaded records, all checksums differ"):
        reason = load(folder).report["reason"][0]
    assert reason.startswith("segment p2: all checksums differ from the header")


def test_gaps_between_segments(tmp_path):
    """wfdb reads them only if there is a layout."""
    folder = [write_segments(tmp_path, ["p1", "~", "p2"]) / "whole"]
    with pytest.raises(RecordError, match="length: it has gaps between its segments, but no"):
        load(folder, missing_values="nan")
    write_segments(tmp_path, ["p1", "~", "p2"], layout=["II"])
    bunch = load(folder, missing_values="nan")
    assert np.isnan(bunch.data[0, 0]).sum() == 200
    assert bunch.report["reason"][0] == "missing values, NaN: 200 of 600 in II"
