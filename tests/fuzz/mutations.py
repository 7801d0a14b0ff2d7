"""Random damage to the bytes of a file."""

import copy
import functools
import re

# Numbers and words on which parsers fail.
_WORDS = (
    b"",
    b"0",
    b"-1",
    b"1",
    b"0.0000001",
    b"1e308",
    b"1e-320",
    b"1e400",
    b"nan",
    b"inf",
    b"999999999999",
    b"2147483648",
    b"9" * 400,
    b"~",
    b"/",
    b"..",
    b"/dev/zero",
    b"%s",
    b"\xc2\xb5V",
    b"\xff",
    b"\0",
    b"16x3",
    b"16:9",
    b"212",
    b"mV",
    b"None",
    b"'",
    b'"',
    b",",
    b"\n",
    b"\f",
)


def mutate(rng, content):
    """Return content with one to four random changes.

    Parameters
    ----------
    rng : numpy.random.Generator
    content : bytes
    """
    changed = content
    for _ in range(rng.integers(1, 5)):
        changed = _CHANGES[rng.integers(len(_CHANGES))](rng, changed)
    return changed


# Values in the place of others in JSON.
_VALUES = (
    None,
    True,
    0,
    -1,
    0.5,
    1e308,
    2**31,
    2**63,
    10**30,
    10**9,
    "",
    "/dev/zero",
    "../../etc/passwd",
    "os.system",
    "__class__",
    "sklearn.preprocessing.StandardScaler",
    "<f8",
    "O",
    [],
    {},
    [[]],
    {"ref": 0},
    {"ref": 10**9},
    {"array": 0},
    {"array": 10**9},
    {"class": "builtins.object"},
    {"class": "sklearn_ecg.nn.VGG1d"},
    {"function": "system"},
    {"float": "nan"},
    {"empty": ["<f8", [0, 2**62]]},
    {"objects": [[2**40], []]},
    {"dict": []},
    {"tuple": [2**40, 2**40]},
)


def mutate_json(rng, value):
    """Return what JSON was parsed to with one to four random changes.

    Parameters
    ----------
    rng : numpy.random.Generator
    value : object
    """
    for _ in range(rng.integers(1, 5)):
        places = []
        _collect(value, places)
        if not places:
            return value
        parent, key = places[rng.integers(len(places))]
        other_parent, other_key = places[rng.integers(len(places))]
        change = rng.integers(6)
        if change == 0:
            del parent[key]
        elif change == 1:
            # A part of the value itself, which is copied so that it does not contain itself.
            parent[key] = copy.deepcopy(other_parent[other_key])
        elif change == 2 and isinstance(parent, list):
            parent[key:key] = [copy.deepcopy(parent[key])] * int(rng.integers(1, 50))
        elif change == 3 and isinstance(parent[key], int):
            parent[key] += int(rng.integers(-3, 4))
        elif change == 4:
            depth = int(rng.integers(1, 240))
            parent[key] = functools.reduce(lambda inner, _: [inner], range(depth), parent[key])
        else:
            parent[key] = copy.deepcopy(_VALUES[rng.integers(len(_VALUES))])
    return value


def _collect(value, places):
    """Append all pairs of a list or dict and a key, without recursion."""
    rest = [value]
    while rest:
        parent = rest.pop()
        keys = range(len(parent)) if isinstance(parent, list) else list(parent)
        places.extend((parent, key) for key in keys)
        rest.extend(parent[key] for key in keys if isinstance(parent[key], (list, dict)))


def _position(rng, content):
    # Half of the changes are near the start, where most formats have their headers.
    n_bytes = len(content) if rng.random() < 0.5 else min(len(content), 64)
    return int(rng.integers(n_bytes + 1))


def _flip_bit(rng, content):
    changed = bytearray(content)
    if changed:
        changed[min(_position(rng, content), len(changed) - 1)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _replace_bytes(rng, content):
    start, n_bytes = _position(rng, content), int(rng.integers(1, 9))
    fill = (bytes(n_bytes), b"\xff" * n_bytes, rng.bytes(n_bytes))[rng.integers(3)]
    return content[:start] + fill + content[start + n_bytes :]


def _delete(rng, content):
    start = _position(rng, content)
    return content[:start] + content[start + int(rng.integers(1, 40)) :]


def _insert(rng, content):
    start = _position(rng, content)
    return content[:start] + _WORDS[rng.integers(len(_WORDS))] + content[start:]


def _repeat(rng, content):
    start = _position(rng, content)
    part = content[start : start + int(rng.integers(1, 200))]
    return content[:start] + part * int(rng.integers(2, 6)) + content[start + len(part) :]


def _truncate(rng, content):
    return content[: _position(rng, content)]


def _replace_word(rng, content):
    words = list(re.finditer(rb"[^\s,/]+", content[:100_000]))
    if not words:
        return content
    word = words[rng.integers(len(words))]
    return content[: word.start()] + _WORDS[rng.integers(len(_WORDS))] + content[word.end() :]


def _swap_lines(rng, content):
    lines = content.split(b"\n")
    first, second = rng.integers(len(lines), size=2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


_CHANGES = (
    _flip_bit,
    _replace_bytes,
    _delete,
    _insert,
    _repeat,
    _truncate,
    _replace_word,
    _replace_word,
    _swap_lines,
)
