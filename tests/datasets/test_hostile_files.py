"""Tests of the loaders on folders with pipes, devices, links and names that are not text."""

import json
import os
import socket

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from sklearn_ecg.datasets import (
    RecordError,
    load_challenge,
    load_ecg_images,
    load_ludb,
    load_ptbxl,
    load_wfdb,
)
from sklearn_ecg.datasets._records import _sizes

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="needs named pipes and links"),
    pytest.mark.filterwarnings("ignore:.* were left out, because:UserWarning"),
]

HEADER = "bad 1 100 400\nbad.dat 16 200/mV 16 0 0 0 0 II\n"


@pytest.fixture
def folder(tmp_path, write_wfdb):
    """A folder with one good record, next to a folder that is not to be read."""
    folder = tmp_path / "records"
    values = np.arange(400)[np.newaxis]
    write_wfdb(folder, "good", values, ["II"], rate=100, comments=["Dx: 426783006"])
    write_wfdb(tmp_path / "outside", "bad", values, ["II"], rate=100, comments=["Dx: 426783006"])
    return folder


def add_header(folder, text=HEADER):
    (folder / "bad.hea").write_text(text)


def add_values(folder):
    np.arange(400, dtype="<i2").tofile(folder / "bad.dat")


def make_sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def pipe_as_header(folder):
    os.mkfifo(folder / "bad.hea")


def pipe_as_signal(folder):
    add_header(folder)
    os.mkfifo(folder / "bad.dat")


def pipe_on_a_line_of_wfdb_only(folder):
    """wfdb ends lines at form feeds."""
    add_header(folder, "bad 1 100 400\n# comment\fbad.dat 16 200/mV 16 0 0 0 0 II\n")
    os.mkfifo(folder / "bad.dat")


def pipe_as_segment(folder):
    add_header(folder, "bad/2 1 100 800\npart 400\npart2 400\n")
    os.mkfifo(folder / "part.hea")


def socket_as_header(folder):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(folder)  # paths of sockets are short
        server.bind("bad.hea")
        os.chdir(here)


def device_as_header(folder):
    (folder / "bad.hea").symlink_to("/dev/zero")


def device_as_signal(folder):
    add_header(folder)
    (folder / "bad.dat").symlink_to("/dev/zero")


def device_by_its_path(folder):
    add_header(folder, HEADER.replace("bad.dat", "/dev/zero"))


def path_upwards(folder):
    add_header(folder, HEADER.replace("bad.dat", "../outside/bad.dat"))


def segment_by_its_path(folder):
    add_header(folder, f"bad/1 1 100 400\n{folder.parent}/outside/bad 400\n")


def large_header(folder):
    make_sparse(folder / "bad.hea", 2**32)


def link_to_a_header_outside(folder):
    (folder / "bad.hea").symlink_to(folder.parent / "outside" / "bad.hea")
    add_values(folder)


def link_to_a_signal_outside(folder):
    add_header(folder)
    (folder / "bad.dat").symlink_to(folder.parent / "outside" / "bad.dat")


def link_to_itself(folder):
    (folder / "bad.hea").symlink_to("bad.hea")


def record_of_itself(folder):
    add_header(folder, "bad/2 1 100 800\nbad 400\nbad 400\n")


def name_with_a_null_character(folder):
    add_header(folder, HEADER.replace("bad.dat", "b\0d.dat"))


def many_time_points(folder):
    add_header(folder, HEADER.replace("400", "1000000000000"))
    add_values(folder)


def large_sparse_signal_without_a_length(folder):
    add_header(folder, HEADER.replace(" 400", ""))
    make_sparse(folder / "bad.dat", 2**33)


def many_time_points_in_gaps(folder):
    add_header(folder, "bad/3 1 100 1000000400\nlayout 0\npart 400\n~ 1000000000\n")
    (folder / "layout.hea").write_text("layout 1 100 0\n~ 0 200/mV 16 0 0 0 0 II\n")
    (folder / "part.hea").write_text(HEADER.replace("bad", "part"))
    np.arange(400, dtype="<i2").tofile(folder / "part.dat")


def long_skew(folder):
    add_header(folder, HEADER.replace("16 200", "16:900000000 200"))
    add_values(folder)


REASONS = {
    pipe_as_header: "header: bad.hea is a named pipe, not a regular file.",
    pipe_as_signal: "signal file: bad.dat is a named pipe, not a regular file.",
    pipe_on_a_line_of_wfdb_only: "signal file: bad.dat is a named pipe, not a regular file.",
    pipe_as_segment: "header: part.hea is a named pipe, not a regular file.",
    socket_as_header: "header: bad.hea is a socket, not a regular file.",
    device_as_header: "header: bad.hea is a link to a file outside the folder.",
    device_as_signal: "signal file: bad.dat is a link to a file outside the folder.",
    device_by_its_path: "header: bad.hea names '/dev/zero', which is outside the folder.",
    path_upwards: "header: bad.hea names '../outside/bad.dat', which is outside the folder.",
    segment_by_its_path: "outside/bad', which is outside the folder.",
    large_header: "header: bad.hea has 4,294,967,296 bytes; at most 1,048,576 are read.",
    link_to_a_header_outside: "header: bad.hea is a link to a file outside the folder.",
    link_to_a_signal_outside: "signal file: bad.dat is a link to a file outside the folder.",
    link_to_itself: "header: bad.hea is a link that leads to itself.",
    record_of_itself: "header: its segment bad consists of segments itself.",
    name_with_a_null_character: "names 'b\\x00d.dat', which has a null character in its name.",
    many_time_points: "signal file: bad.dat has 800 bytes, but its header requires 2000000000000",
    large_sparse_signal_without_a_length: "length: its header declares 1 x 8.58993e+09 values",
    many_time_points_in_gaps: "its segments have 400: nearly all of it is a gap.",
    long_skew: "header: bad.hea declares a skew of 900000000, but has 400 time points.",
}


@pytest.mark.parametrize("load", [load_wfdb, load_challenge])
@pytest.mark.parametrize("add", list(REASONS), ids=lambda add: add.__name__)
def test_hostile_files_are_rows_of_the_report(folder, add, load):
    add(folder)
    bunch = load(folder, leads=["II"], on_error="skip")
    assert bunch.data.shape == (1, 1, 400)
    report = bunch.report.set_index("record")
    assert report.loc["good", "status"] == "loaded"
    assert report.loc["bad", "status"] == "failed"
    assert REASONS[add] in report.loc["bad", "reason"]


@pytest.mark.parametrize("add", [pipe_as_header, device_by_its_path, link_to_a_signal_outside])
def test_hostile_files_raise(folder, add):
    add(folder)
    with pytest.raises(RecordError, match="Record bad, .* pass on_error='skip'"):
        load_wfdb(folder, leads=["II"])


@pytest.mark.parametrize("add", [pipe_as_signal, link_to_itself, path_upwards])
def test_hostile_files_in_a_list_of_records(folder, add):
    add(folder)
    bunch = load_wfdb([folder / "good", folder / "bad.hea"], leads=["II"], on_error="skip")
    assert bunch.report["status"].tolist() == ["loaded", "failed"]


@pytest.mark.parametrize("check_content", [False, True])
@pytest.mark.parametrize(
    "add",
    [add for add in REASONS if add is not large_sparse_signal_without_a_length],
    ids=lambda add: add.__name__,
)
def test_hostile_files_are_not_stamped(folder, tmp_path, add, check_content):
    add(folder)
    options = {"leads": ["II"], "on_error": "skip", "cache": tmp_path / "cache"}
    first = load_wfdb(folder, **options, check_content=check_content)
    (manifest,) = (tmp_path / "cache").glob("*.json")
    states = json.loads(manifest.read_text())["sources"]
    names = {name.rpartition(".")[0] for name, *_ in states}
    assert names <= {"good", "bad", "layout", "part", "part2"}
    for name, size, _, digest in states:
        is_file = (folder / name).is_file() and not (folder / name).is_symlink()
        if not is_file or add is large_header and name == "bad.hea":
            assert size is None and digest is None
    time_of_manifest = manifest.stat().st_mtime_ns
    second = load_wfdb(folder, **options, check_content=check_content)
    assert manifest.stat().st_mtime_ns == time_of_manifest
    assert_array_equal(first.data, second.data)


def test_a_file_that_replaces_a_pipe_is_noticed(folder, tmp_path):
    pipe_as_signal(folder)
    options = {"leads": ["II"], "on_error": "skip", "cache": tmp_path / "cache"}
    assert len(load_wfdb(folder, **options).data) == 1
    (folder / "bad.dat").unlink()
    add_values(folder)
    assert len(load_wfdb(folder, **options).data) == 2


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("name", [b"b\xff.hea", b"b\xff/bad.hea"])
def test_names_that_are_not_utf8(folder, tmp_path, name, cached):
    path = os.path.join(os.fsencode(folder), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        open(path, "wb").close()
    except OSError:
        pytest.skip("the file system accepts only UTF-8")
    cache = tmp_path / "cache" if cached else None
    report = load_wfdb(folder, leads=["II"], on_error="skip", cache=cache).report
    assert report["status"].tolist() == ["failed", "loaded"]
    assert report.loc[0, "reason"].endswith(".hea has a name that is not UTF-8.")
    assert report.loc[0, "record"].startswith("b\\udcff")
    with pytest.raises(RecordError, match="not UTF-8. Rename it"):
        load_wfdb(folder, leads=["II"])


def test_links_to_folders_are_followed(folder, tmp_path):
    """Users keep data behind links; the folder itself may be one as well."""
    (folder / "linked").symlink_to(tmp_path / "outside")
    (tmp_path / "link").symlink_to(folder)
    bunch = load_wfdb(tmp_path / "link", leads=["II"])
    assert bunch.report["record"].tolist() == ["good", "linked/bad"]


def test_links_to_files_inside_the_folder(folder, tmp_path):
    """Such as those of DataLad, also if the folder is behind a link."""
    (folder / ".objects").mkdir()
    for name in ("bad.hea", "bad.dat"):
        (tmp_path / "outside" / name).rename(folder / ".objects" / name)
        (folder / name).symlink_to(f".objects/{name}")
    (tmp_path / "link").symlink_to(folder)
    for path in (folder, tmp_path / "link"):
        assert len(load_wfdb(path, leads=["II"]).data) == 2


@pytest.mark.parametrize("target", ["..", "/"])
def test_links_upwards_are_not_followed(folder, target):
    """They would load the folders next to this one."""
    (folder / "up").symlink_to(target)
    report = load_wfdb(folder, leads=["II"], on_error="skip").report
    assert report["record"].tolist() == ["good", "up/"]
    assert report.loc[1, "reason"] == (
        "folder: up/ is a link to a folder that contains the folder to load."
    )
    with pytest.raises(RecordError, match="Record up/, folder: .* remove it, or pass on_error"):
        load_wfdb(folder, leads=["II"])


def test_a_link_to_itself_that_looks_like_a_folder(folder):
    (folder / "bad").symlink_to("bad")
    assert load_wfdb(folder, leads=["II"]).report["record"].tolist() == ["good"]


@pytest.mark.parametrize(
    "rate, policies, message",
    [
        ("0.0000001", {"resample_to": 100}, "II has 1e-07 Hz, which is too far from"),
        ("100000000", {"duration": 100, "shorter": "pad"}, "1e.08 Hz needs 1 x 1e.10 values"),
    ],
)
def test_sampling_rates_that_are_not_plausible(folder, rate, policies, message):
    """They would take all memory."""
    add_header(folder, HEADER.replace(" 100 ", f" {rate} "))
    add_values(folder)
    with pytest.raises(RecordError, match=message):
        load_wfdb([folder / "bad"], leads=["II"], **policies)


def test_resampling_that_takes_all_memory(folder, monkeypatch):
    monkeypatch.setattr(_sizes, "MAX_VALUES", 1000)
    with pytest.raises(RecordError, match="resample_to=1000 Hz gives 1 x 4000 values; at most 1,0"):
        load_wfdb(folder, leads=["II"], resample_to=1000)


def test_a_day_of_twelve_leads_is_plausible():
    assert 24 * 3600 * 1000 * 12 <= _sizes.MAX_VALUES


def test_a_long_first_record_does_not_end_the_load(folder, write_wfdb, monkeypatch):
    """Memory for as many records of its length is not available."""
    write_wfdb(folder, "a", np.zeros((1, 500)), ["II"], rate=100)
    empty = np.empty

    def refuse(shape, *args, **kwargs):
        if shape == (2, 1, 500):
            raise MemoryError
        return empty(shape, *args, **kwargs)

    monkeypatch.setattr(np, "empty", refuse)
    bunch = load_wfdb(folder, leads=["II"], on_error="skip")
    assert bunch.data.shape == (1, 1, 500)


# --------------------------------------------------------------------------------------------------
# Tables and annotations
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def ptbxl(tmp_path, write_wfdb):
    """A folder of PTB-XL with one record, and a record next to the folder."""
    folder = tmp_path / "ptbxl"
    leads = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    for name in ("ptbxl/records100/00001_lr", "outside/00002_lr"):
        write_wfdb(tmp_path, name, np.ones((12, 1000), dtype=int), leads, rate=100)
    pd.DataFrame(
        {"diagnostic": 1.0, "diagnostic_class": ["NORM"], "diagnostic_subclass": "NORM"},
        index=["NORM"],
    ).assign(form=0, rhythm=0).to_csv(folder / "scp_statements.csv")
    return folder


def write_database(folder, second):
    pd.DataFrame(
        {
            "ecg_id": [1, 2],
            "patient_id": [1, 2],
            "scp_codes": "{'NORM': 100.0}",
            "strat_fold": [1, 2],
            "filename_lr": ["records100/00001_lr", second],
            "filename_hr": "",
        }
    ).to_csv(folder / "ptbxl_database.csv", index=False)


@pytest.mark.parametrize("where", ["absolute", "upwards", "link"])
def test_paths_of_ptbxl_outside_the_folder(ptbxl, tmp_path, where):
    path = {"absolute": f"{tmp_path}/outside/00002_lr", "upwards": "../outside/00002_lr"}
    if where == "link":
        for extension in ("hea", "dat"):
            name = f"00002_lr.{extension}"
            (ptbxl / "records100" / name).symlink_to(tmp_path / "outside" / name)
    write_database(ptbxl, path.get(where, "records100/00002_lr"))
    with pytest.raises(RecordError, match="header: .*00002_lr.hea is .*outside the folder"):
        load_ptbxl(ptbxl)
    bunch = load_ptbxl(ptbxl, on_error="skip")
    assert bunch.ecg_id.tolist() == [1]
    assert bunch.report["status"].tolist() == ["loaded", "failed"]


def test_records_of_ptbxl_behind_a_link(ptbxl, tmp_path):
    """As in a folder that shares the records with others."""
    (tmp_path / "outside").rename(tmp_path / "elsewhere")
    (ptbxl / "more").symlink_to(tmp_path / "elsewhere")
    write_database(ptbxl, "more/00002_lr")
    assert load_ptbxl(ptbxl).ecg_id.tolist() == [1, 2]


def test_annotations_that_are_pipes(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "data/1", np.ones((1, 5000), dtype=int), ["ii"], rate=500)
    os.mkfifo(tmp_path / "data" / "1.ii")
    bunch = load_ludb(tmp_path, leads=["II"], on_error="skip")
    assert "no annotations of lead II (it is a named pipe" in bunch.report.loc[0, "reason"]
    with pytest.raises(RecordError, match="1.ii, the annotations of lead II, .* named pipe"):
        load_ludb(tmp_path, leads=["II"])


# --------------------------------------------------------------------------------------------------
# Images
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def images(tmp_path):
    for path in (tmp_path / "images" / "mi" / "a.png", tmp_path / "outside" / "b.png"):
        path.parent.mkdir(parents=True)
        Image.new("L", (30, 20), 200).save(path)
    return tmp_path / "images"


def add_image_pipe(folder):
    os.mkfifo(folder / "mi" / "b.png")


def add_image_link(folder):
    (folder / "mi" / "b.png").symlink_to(folder.parent / "outside" / "b.png")


def add_image_device(folder):
    (folder / "mi" / "b.png").symlink_to("/dev/zero")


def add_image_link_to_itself(folder):
    (folder / "mi" / "b.png").symlink_to("b.png")


def add_image_link_to_nothing(folder):
    (folder / "mi" / "b.png").symlink_to("nothing.png")


def add_image_name(folder):
    open(os.path.join(os.fsencode(folder), b"mi", b"b\xff.png"), "wb").close()


def add_image_class(folder):
    path = os.path.join(os.fsencode(folder), b"m\xff")
    os.mkdir(path)
    open(os.path.join(path, b"b.png"), "wb").close()


def add_image_link_upwards(folder):
    (folder / "mi" / "up").symlink_to("../..")


def add_wide_image(folder):
    Image.new("1", (2**21, 1)).save(folder / "mi" / "b.png")


def add_endless_image(folder):
    """Pillow looks for the next marker byte by byte."""
    (folder / "mi" / "b.jpg").write_bytes(b"\xff\xd8\xff")
    os.truncate(folder / "mi" / "b.jpg", 2**32)


@pytest.mark.parametrize("labels", ["folders", None])
@pytest.mark.parametrize(
    "add, reason",
    [
        (add_image_pipe, "file: it is a named pipe, not a regular file."),
        (add_image_link, "file: it is a link to a file outside the folder."),
        (add_image_device, "file: it is a link to a file outside the folder."),
        (add_image_link_to_itself, "file: it is a link that leads to itself."),
        (add_image_link_to_nothing, "file: it does not exist."),
        (add_image_name, "file: it has a name that is not UTF-8."),
        (add_image_class, "file: it has a name that is not UTF-8."),
        (add_image_link_upwards, "file: it is a link to a folder that contains the folder"),
        (add_wide_image, "size: it has 1 x 2097152 pixels; at most 1048576 are read in a row"),
        (add_endless_image, "content: Pillow cannot decode it (ValueError: its header has no end"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_hostile_images_are_rows_of_the_report(images, add, reason, labels):
    add(images)
    bunch = load_ecg_images(images, labels=labels, on_error="skip")
    assert bunch.filenames.tolist() == ["mi/a.png"]
    assert bunch.target_names == (None if labels is None else ["mi"])
    (failed,) = bunch.report.loc[bunch.report["status"] == "failed", "reason"]
    assert reason in failed
    with pytest.raises(RecordError):
        load_ecg_images(images, labels=labels)


def test_a_pipe_without_the_name_of_an_image(images):
    os.mkfifo(images / "mi" / "b")
    report = load_ecg_images(images).report
    assert report["status"].tolist() == ["loaded", "no image"]


@pytest.mark.parametrize("name", ["../outside/b.png", "mi/../../outside/b.png", None])
def test_paths_of_a_table_outside_the_folder(images, name):
    name = name or str(images.parent / "outside" / "b.png")
    table = pd.DataFrame({"file": ["mi/a.png", name], "label": [0, 1]})
    with pytest.raises(RecordError, match="file: it is outside the folder. Copy the file into"):
        load_ecg_images(images, labels=table)
    bunch = load_ecg_images(images, labels=table, on_error="skip")
    assert bunch.filenames.tolist() == ["mi/a.png"]


def test_the_limit_of_pixels_in_worker_processes(images, monkeypatch):
    """Pillow's limit is a variable of each process."""
    Image.new("L", (100, 90)).save(images / "mi" / "b.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    bunch = load_ecg_images(images, on_error="skip", n_jobs=2)
    assert bunch.filenames.tolist() == ["mi/a.png"]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert len(load_ecg_images(images, n_jobs=2).data) == 2


def test_the_limit_of_pixels_in_threads(images, monkeypatch):
    """Filters of warnings belong to all threads, so the limit does not depend on them."""
    from joblib import parallel_config

    for number in range(40):
        Image.new("L", (100, 90)).save(images / "mi" / f"b{number}.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    with parallel_config(backend="threading", n_jobs=4):
        bunch = load_ecg_images(images, on_error="skip")
    assert bunch.filenames.tolist() == ["mi/a.png"]
    assert (bunch.report["status"] == "failed").sum() == 40


def test_a_lack_of_memory_for_an_image(images, monkeypatch):
    Image.new("RGBA", (10, 10)).save(images / "mi" / "b.png")
    monkeypatch.setattr(Image, "alpha_composite", lambda *args: (_ for _ in ()).throw(MemoryError))
    report = load_ecg_images(images, on_error="skip").report
    assert report.loc[1, "reason"] == "size: decoding it takes too much memory."


def test_pages_of_a_tiff_file_are_counted_to_a_limit(images):
    pages = [Image.new("1", (4, 4))] * 150
    pages[0].save(images / "mi" / "b.tif", save_all=True, append_images=pages[1:])
    report = load_ecg_images(images, on_error="skip").report
    assert "pages: it has at least 100 pages" in report.loc[1, "reason"]
