"""Files: what is saved is loaded; what is damaged, newer or hostile is refused and says so."""

import copy
import hashlib
import json
import pickle
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import samples
from hypothesis import given, settings
from samples import SAMPLES
from worded import same_notes, worded

from wengert.errors import ProgramError
from wengert.program import file as files
from wengert.program.file import DEFLATED, HEAD, MAGIC, STORED, VERSION, dumped, load, undumped
from wengert.program.program import Note, Program
from wengert.program.record import record

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fuzz_programs


class Point(NamedTuple):
    x: float
    y: float


@dataclass
class Ball:
    at: Point
    weight: float


@pytest.mark.parametrize("program", SAMPLES, ids=lambda p: p.name)
def test_what_is_saved_is_loaded(program: Program, tmp_path: Path) -> None:
    program = replace(program, history=(Note("roll", 3, 2, ("found 1 loop",)),))
    program.save(tmp_path / "p.wgp")
    again = load(tmp_path / "p.wgp")
    assert again == program
    assert str(again) == str(program)
    assert again.history == program.history
    assert list(tmp_path.iterdir()) == [tmp_path / "p.wgp"]


@pytest.mark.parametrize("name", ["", "missing/p.wgp", "n" * 300])
def test_where_nothing_can_be_written_the_error_names_the_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        SAMPLES[0].save(tmp_path / name)
    assert caught.value.filename == str(tmp_path / name)
    assert not list(tmp_path.iterdir())


@settings(max_examples=50)
@given(worded())
def test_random_programs_survive(program: Program) -> None:
    again = undumped(dumped(program))
    assert again == program
    assert same_notes(again, program)
    assert dumped(again) == dumped(program)


def test_small_programs_are_small() -> None:
    for program in SAMPLES:
        assert len(dumped(program)) < 1024, program


def test_long_programs_are_columns() -> None:
    program = samples.long_run(4000)
    data = dumped(program)
    assert undumped(data) == program
    assert len(data) < 8 * len(program)


def test_what_repeats_endlessly_is_not_packed_beyond_what_is_unpacked() -> None:
    constants = np.zeros(1 << 22)
    program = replace(samples.empty(), constants=constants)
    assert undumped(dumped(program)).constants.tobytes() == constants.tobytes()


def test_pickle_keeps_the_classes_of_records() -> None:
    def move(ball):
        return Ball(Point(ball.at.x + 1.0, ball.at.y), ball.weight)

    program = record(move, Ball(Point(0.0, 1.0), 2.0), passes=())
    again = pickle.loads(pickle.dumps(program))
    assert again == program
    tree = again.results.tree([1.0, 2.0, 3.0])
    assert tree == Ball(Point(1.0, 2.0), 3.0)
    assert undumped(dumped(program)).results.tree([1.0, 2.0, 3.0]).at.x == 1.0


def test_copies_are_the_program_itself() -> None:
    program = samples.rolled_heat()
    assert copy.copy(program) is program
    assert copy.deepcopy({"p": program})["p"] is program


def refused(data: bytes, match: str) -> None:
    with pytest.raises(ProgramError, match=match):
        undumped(data)


def test_damage_is_noticed() -> None:
    data = dumped(samples.rolled_heat())
    refused(b"", "no bytes of a program")
    refused(data[:20], "no bytes of a program")
    refused(b"x" + data[1:], "no bytes of a program")
    refused(data[:-1], "damaged")
    refused(data + b"0", "damaged")
    for at in range(HEAD.size, len(data)):
        refused(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "damaged")


def test_a_newer_file_says_so(tmp_path: Path) -> None:
    data = bytearray(dumped(samples.empty()))
    data[8:10] = (VERSION + 1).to_bytes(2, "little")
    (tmp_path / "new.wgp").write_bytes(data)
    with pytest.raises(ProgramError, match=r"new\.wgp: It was written by a newer Wengert, in form"):
        load(tmp_path / "new.wgp")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(pickle.dumps(1))
    with pytest.raises(ProgramError, match=r"other: this is no file of a program"):
        load(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")


def test_a_bomb_is_not_unpacked() -> None:
    packed = zlib.compress(b"\0" * (1 << 26), 9)
    for size in (1 << 26, 1 << 40, 1 << 63):
        head = HEAD.pack(MAGIC, VERSION, DEFLATED, 8, size, b"\0" * 32)
        refused(head + packed, "another size than it says")
    head = HEAD.pack(MAGIC, VERSION, DEFLATED, 8, 1 << 20, b"\0" * 32)
    refused(head + packed, "another size than it says")


def changed(program: Program, **changes: object) -> bytes:
    """The file with other things in its JSON."""
    described, arrays = fuzz_programs.taken_apart(dumped(program))
    text = json.dumps(described | changes).encode()
    text += b" " * (-len(text) % 8)
    content = text + arrays
    digest = hashlib.sha256(content).digest()
    return HEAD.pack(MAGIC, VERSION, STORED, len(text), len(content), digest) + content


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"name": 3}, "does not describe a program"),
        ({"values": -1}, "number of values"),
        ({"values": 2**60}, "number of values"),
        ({"constants": 9}, "an array that it does not have"),
        ({"constants": 1}, "of the wrong kind"),
        ({"arrays": [["<f8", 2**60]]}, "other sizes"),
        ({"arrays": [["|O8", 1]]}, "no known kind"),
        ({"rows": ["__import__"]}, "no primitive that this Wengert knows"),
        ({"rows": [["powi", 2**60]]}, "no primitive"),
        ({"texts": [1]}, "a text is none"),
        ({"arguments": ["tuple", ["x"], []]}, "does not describe a structure"),
        ({"arguments": "number"}, "The arguments are a tuple with names"),
        ({"statements": [["for", 2, [["for", 2, "x"]]]]}, "lists of statements"),
        ({"statements": [["while"]]}, "a statement is not one"),
        ({"statements": [["=", 0, 0, [1], 0, [1, 0]]]}, "an address is not one"),
        ({"history": [3]}, "history"),
    ],
)
def test_what_a_file_describes_is_checked(changes: dict[str, object], match: str) -> None:
    refused(changed(samples.newton(), **changes), match)


def test_saving_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.wgp"
    samples.empty().save(path)
    before = path.read_bytes()

    def interrupted(program: Program) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "dumped", interrupted)
    with pytest.raises(KeyboardInterrupt):
        samples.newton().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_hostile_files_and_texts() -> None:
    """The first of those that tools/fuzz_programs.py tries by the hundred thousand."""
    outcomes = fuzz_programs.run(800, seed=4)
    assert sum(outcomes.values()) == 800
    assert outcomes["refused"] > 500
    assert outcomes["read, run"] > 30


def test_the_fuzzer_notices_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(data: bytes) -> Program:
        raise KeyError(data)

    monkeypatch.setattr(fuzz_programs.Program, "parse", staticmethod(careless))
    monkeypatch.setattr(fuzz_programs, "TEXTS", [])
    monkeypatch.setattr(fuzz_programs, "FILES", [])
    monkeypatch.setattr(fuzz_programs, "case", lambda choose: (careless, b"x"))
    with pytest.raises(KeyError):
        fuzz_programs.run(1, seed=0)
    monkeypatch.setattr(fuzz_programs, "case", lambda choose: (lambda _: eval("1"), b"x"))
    with pytest.raises(fuzz_programs.ForbiddenError):
        fuzz_programs.run(1, seed=0)
