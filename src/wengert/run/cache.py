"""Compiled kernels on disk, so that a program is compiled once for a machine and not for a process.

A kernel is found by all that it depends on: the program's content, the kinds of columns, the lanes,
the options, the CPU, the versions of what makes code, and the text of the modules that write it.
Files are in a folder that nobody else may write to, and begin with a digest of what they hold: one
that was damaged or half written is no kernel, and is removed. They are written beside and then
moved, so processes that write the same do not disturb each other. The least recently used go first.

`WENGERT_CACHE=off` turns it off, and `WENGERT_CACHE=FOLDER` puts it elsewhere.
"""

import contextlib
import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

LARGEST = 1 << 28  # bytes of all files together
MAGIC = b"wengert kernel 1\n"
DIGEST = 32  # bytes
OFF = ("off", "0", "no", "false")


class Stored(NamedTuple):
    """A kernel in a file.

    Args:
        facts: what is known of it, as JSON has it.
        code: the object file.
    """

    facts: dict[str, Any]
    code: bytes


def folder() -> Path | None:
    """Where kernels are kept; None if they are not."""
    asked = os.environ.get("WENGERT_CACHE", "")
    if asked.lower() in OFF:
        return None
    if asked:
        return Path(asked).expanduser()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "wengert"


def key_of(*parts: Any) -> str:
    """The name of a kernel, from all that it depends on."""
    return hashlib.sha256(repr((_writers(), *parts)).encode()).hexdigest()


@cache
def _writers() -> str:
    """A digest of the modules that decide what a kernel is."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    names = ("dispatch.py", "primitives.py", "special.py")
    for path in (*sorted(package.glob("*.py")), *(package.parent / name for name in names)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load(key: str) -> Stored | None:
    """A kernel that was stored, if it is there and whole."""
    place = _usable(make=False)
    if place is None:
        return None
    path = place / key
    try:
        content = path.read_bytes()
        found = _opened(content)
        if found is None:
            path.unlink(missing_ok=True)
        else:
            os.utime(path)  # it was of use
    except OSError:
        return None
    return found


def _opened(content: bytes) -> Stored | None:
    start = len(MAGIC) + DIGEST
    payload = content[start:]
    if content[:start] != MAGIC + hashlib.sha256(payload).digest():
        return None
    facts, _, code = payload.partition(b"\n")
    return Stored(json.loads(facts), code)


def store(key: str, kernel: Stored) -> None:
    """Keep a kernel, if there is a place for it; nothing happens where there is none."""
    place = _usable(make=True)
    if place is None:
        return
    payload = json.dumps(kernel.facts).encode() + b"\n" + kernel.code
    temporary = ""
    try:
        number, temporary = tempfile.mkstemp(prefix=".", dir=place)  # which nobody else may read
        with os.fdopen(number, "wb") as file:
            file.write(MAGIC + hashlib.sha256(payload).digest() + payload)
        os.replace(temporary, place / key)
        _prune(place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _usable(make: bool) -> Path | None:
    """The folder, if it is ours alone to write to: code that is there is run."""
    place = folder()
    if place is None:
        return None
    try:
        if make:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = place.stat()
    except OSError:
        return None
    if hasattr(os, "getuid"):
        others = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if others or facts.st_uid != os.getuid():
            return None
    return place


def _files(place: Path) -> Iterator[tuple[float, int, Path]]:
    """When each was last used, its size, and where it is."""
    for path in place.iterdir():
        with contextlib.suppress(OSError):
            facts = path.stat()
            if stat.S_ISREG(facts.st_mode):
                yield facts.st_mtime, facts.st_size, path


def _prune(place: Path) -> None:
    files = sorted(_files(place))
    size = sum(each for _, each, _ in files)
    for _, each, path in files:
        if size <= LARGEST:
            return
        path.unlink(missing_ok=True)
        size -= each


def described() -> dict[str, Any]:
    """Where it is, how many kernels there are, and their size in bytes."""
    place = folder()
    if place is None:
        return {"folder": None, "kernels": 0, "bytes": 0}
    files = [*_files(place)] if place.is_dir() else []
    return {"folder": str(place), "kernels": len(files), "bytes": sum(size for _, size, _ in files)}


def clear() -> int:
    """Remove all kernels; how many there were."""
    place = folder()
    files = [*_files(place)] if place is not None and place.is_dir() else []
    for _, _, path in files:
        path.unlink(missing_ok=True)
    return len(files)
