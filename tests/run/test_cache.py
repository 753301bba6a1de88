"""Kernels on disk: found again, never wrong, and only where nobody else can put them."""

import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.cli import main
from wengert.run import cache

pytest.importorskip("llvmlite")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    place = tmp_path / "kernels"
    monkeypatch.setenv("WENGERT_CACHE", str(place))
    return place


def squares(offset: float = 1.0) -> Any:
    return wg.vectorize(lambda x: x * x + offset, tier="native", exact=True)


def was_found(function: Any) -> list[bool]:
    return [kernel.found for path in function._known() for kernel in path.tiers.kernels.values()]


def test_a_kernel_is_compiled_once(folder: Path) -> None:
    x = np.linspace(0.0, 1.0, 20)
    first, second, other = squares(), squares(), squares(2.0)
    assert first(x).tolist() == second(x).tolist() == (x * x + 1.0).tolist()
    assert other(x).tolist() == (x * x + 2.0).tolist()
    assert [was_found(each) for each in (first, second, other)] == [[False], [True], [False]]
    assert len([*folder.iterdir()]) == 2
    assert second.llvm == first.llvm


def test_what_a_kernel_depends_on_is_in_its_name(folder: Path) -> None:
    x = np.linspace(0.0, 1.0, 20)
    wg.vectorize(lambda x: wg.exp(x), tier="native")(x)
    wg.vectorize(lambda x: wg.exp(x), tier="native", exact=True)(x)
    wg.vectorize(lambda x: wg.exp(x), tier="native")(np.linspace(0.0, 1.0, 40)[::2])
    wg.jit(lambda x: wg.exp(x), tier="native")(1.0)
    assert len([*folder.iterdir()]) == 4


@pytest.mark.parametrize("damage", [b"", b"wengert kernel 1\n", None])
def test_a_damaged_file_is_no_kernel(folder: Path, damage: bytes | None) -> None:
    x = np.linspace(0.0, 1.0, 20)
    squares()(x)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    again = squares()
    assert again(x).tolist() == (x * x + 1.0).tolist()
    assert was_found(again) == [False]
    assert path.read_bytes() == content


def test_it_can_be_turned_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CACHE", "off")
    squares()(np.zeros(3))
    assert not folder.exists()
    assert cache.described() == {"folder": None, "kernels": 0, "bytes": 0}


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_only_a_folder_of_our_own_is_used(folder: Path) -> None:
    squares()(np.zeros(3))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    folder.chmod(0o777)
    again = squares()
    again(np.zeros(3))
    assert was_found(again) == [False]
    folder.chmod(0o500)
    squares(3.0)(np.zeros(3))  # nothing can be kept, and nothing is said


def test_kernels_that_call_python_are_not_kept(folder: Path) -> None:
    x = np.array([2.5])
    found = wg.vectorize(lambda x: wg.lgamma(x), tier="native")(x)
    assert found[0] == wg.lgamma(2.5)
    assert not folder.exists() or not [*folder.iterdir()]


def test_the_oldest_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = cache.Stored({}, b"x" * 1000)
    monkeypatch.setattr(cache, "LARGEST", 3500)
    for number, key in enumerate("abc"):
        cache.store(key, kernel)
        os.utime(folder / key, (number, number))
    assert cache.load("a") == kernel  # used just now
    cache.store("d", kernel)
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c", "d"]


def _store(key: str) -> None:
    for _ in range(50):
        cache.store(key, cache.Stored({"n": 1}, key.encode() * 5000))


def test_processes_may_write_the_same(folder: Path) -> None:
    writers = [multiprocessing.Process(target=_store, args=("k",)) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found = cache.load("k")
        assert found is None or found == cache.Stored({"n": 1}, b"k" * 5000)
    assert [writer.join() or writer.exitcode for writer in writers] == [0, 0]
    assert [path.name for path in folder.iterdir()] == ["k"]


def test_the_command_shows_and_clears(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    squares()(np.zeros(3))
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.startswith(f"1 in {folder}, 0.0 MB")
    assert main(["cache", "--json"]) == 0
    assert '"kernels": 1' in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == "1 compiled function removed.\n"
    assert not [*folder.iterdir()]


def test_it_is_where_the_platform_keeps_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WENGERT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache.folder() == Path("/somewhere/wengert")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.folder() == Path.home() / "Library" / "Caches" / "wengert"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert cache.folder() == Path("/local/wengert")
