"""Finding the files of records in a folder."""

import os
from pathlib import Path

from ...utils._paths import expand_path
from ...utils._regular_files import is_link_upwards

# Files and folders that operating systems create; names that start with a dot are hidden, too.
_HIDDEN_NAMES = ("thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db", "@eadir", "#recycle")
_HIDDEN_NAMES += ("$recycle.bin", "system volume information", "lost+found")
# In a list of records, only what no one names on purpose: folders of users may start with a dot.
_COPIES = ("__macosx", ".ipynb_checkpoints", "@eadir")


def find_records(folder_or_records, argument="folder_or_records"):
    """Return a folder, its records, its hidden files, and a description of where they are.

    Names are relative to the folder, which is "" for a list of records. Errors name `argument`.
    """
    if isinstance(folder_or_records, (str, os.PathLike)):
        folder = Path(expand_path(folder_or_records, argument))
        if not folder.is_dir():
            reason = "it is not a folder" if folder.exists() else "it does not exist"
            hint = ""
            is_header = folder.with_name(f"{folder.name}.hea").is_file()
            if is_header or folder.suffix in (".hea", ".dat", ".mat"):
                hint = f" To load one record, pass a list: [{str(folder)!r}]."
            raise FileNotFoundError(
                f"{str(folder)!r} is not a folder of WFDB records: {reason}. Pass a folder with "
                f".hea files, or a list of records.{hint}"
            )
        names = list_records(folder)
        if not names:
            others = list_headerless_files(folder)
            others = [file for file in others if file.lower().endswith(".hea")]
            hint = f" Rename {others[0]}: the extension must be in lower case." if others else ""
            raise FileNotFoundError(
                f"{str(folder)!r} has no WFDB records: there is no .hea file in it or its "
                f"subfolders. Pass the folder of the records, or a list of records.{hint}"
            )
        return str(folder), names, list_hidden_files(folder), repr(str(folder))
    try:
        names = [expand_path(record, f"A record in {argument}") for record in folder_or_records]
    except TypeError as error:
        raise TypeError(
            f"{argument} must be a folder, or a list of records as str or path, got "
            f"{folder_or_records!r}."
        ) from error
    names = [name[:-4] if name.endswith((".hea", ".dat", ".mat")) else name for name in names]
    if not names:
        raise ValueError("The list of records is empty. Pass at least one, or a folder.")
    seen = {}
    for position, name in enumerate(names):
        # Links to folders may lead to the same record.
        path = os.path.normcase(os.path.realpath(f"{name}.hea"))
        same = names[seen.setdefault(path, position)]
        if seen[path] != position:
            raise ValueError(
                f"The list of records has {name!r} twice (first as {same!r}). Pass each record "
                "once, because each becomes a row and a group."
            )
    hidden = [name for name in names if _is_hidden_copy(name)]
    if len(hidden) == len(names):
        raise ValueError(
            f"The list of records has only hidden files, such as {hidden[0]!r}, which are copies "
            "that a system made. Pass the records."
        )
    return "", [name for name in names if name not in hidden], hidden, "a list"


def list_records(folder):
    """List all records of a folder and its subfolders, rec2 before rec10.

    Names are relative to the folder and have no file extension. The names of subfolders that
    cannot be searched end with a slash; reading them as a record raises the reason.
    """
    names = []
    for prefix, files in walk_folders(folder):
        names += [prefix + file[:-4] for file in files if file.endswith(".hea")]
        names += [prefix + file for file in files if file.endswith("/")]
    return sorted((name for name in names if not is_hidden(name)), key=natural_order)


def list_hidden_files(folder):
    """List hidden files that look like part of a record."""
    found = []
    for prefix, files in walk_folders(folder):
        for file in files:
            if file[-4:].lower() in (".hea", ".dat", ".mat") and is_hidden(prefix + file):
                found.append(prefix + file)
    return sorted(found, key=natural_order)


def is_hidden(path):
    """Whether a file is one of those that systems leave behind, or in a folder of them.

    Parameters
    ----------
    path : str
        Relative to the folder that is loaded, with slashes.
    """
    return any(part.startswith(".") or part.lower() in _HIDDEN_NAMES for part in path.split("/"))


def _is_hidden_copy(path):
    """Whether a path in a list of records is a copy that a system made."""
    *folders, name = path.replace(os.sep, "/").split("/")
    return name.startswith("._") or any(folder.lower() in _COPIES for folder in folders)


def list_headerless_files(folder):
    """List files that look like part of a record, but have no header that wfdb would find.

    These are signal files without a header of the same name, and headers whose extension is not in
    lower case.
    """
    found = []
    for prefix, files in walk_folders(folder):
        stems = {file[:-4] for file in files if file.endswith(".hea")}
        for file in files:
            extension = file[-4:].lower()
            is_signal = extension in (".dat", ".mat") and file[:-4] not in stems
            is_header = extension == ".hea" and not file.endswith(".hea")
            if (is_signal or is_header) and not is_hidden(prefix + file):
                found.append(prefix + file)
    return sorted(found, key=natural_order)


def walk_folders(folder):
    """Yield each folder's path relative to `folder`, and the names of the files in it.

    Links to folders are followed after all ordinary folders, and each folder is visited once. A
    subfolder that cannot be searched, or is a link to a folder that contains `folder`, is listed
    among the files with a slash at its end.
    """
    folders, links, visited = [""], [], set()
    while folders or links:
        is_link = not folders
        prefix = links.pop(0) if is_link else folders.pop()
        path = os.path.join(folder, prefix)
        try:
            stat = os.stat(path)
            if (stat.st_dev, stat.st_ino) in visited:
                continue
            visited.add((stat.st_dev, stat.st_ino))
            if is_link and is_link_upwards(folder, path):
                yield "", [prefix]
                continue
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if prefix:
                yield "", [prefix]
                continue
            raise type(error)(
                error.errno,
                f"the folder {path!r} cannot be searched for records ({error.strerror}). Make it "
                "readable, or pass a list of records",
            ) from error
        files = []
        for entry in entries:
            if not is_folder(entry):
                files.append(entry.name)
            else:
                (links if entry.is_symlink() else folders).append(f"{prefix}{entry.name}/")
        yield prefix, files


def is_folder(entry):
    """Whether an entry of a folder is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself, for instance.
        return False


def natural_order(name):
    """Sort key that puts rec2 before rec10."""
    parts = []
    for is_number, text in _split_numbers(name):
        parts.append((0, int(text), text) if is_number else (1, 0, text))
    return parts


def _split_numbers(text):
    """Yield the numbers of a text, and what is between them."""
    start = 0
    for stop in range(1, len(text) + 1):
        # Unlike isdigit, isdecimal guarantees that int() can convert the text.
        if stop == len(text) or text[stop].isdecimal() != text[start].isdecimal():
            yield text[start].isdecimal(), text[start:stop]
            start = stop
