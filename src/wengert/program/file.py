"""Programs in files: data only, described in docs/program-format.md.

A file is a head of fixed length, then JSON, then arrays as they are in memory, little-endian; what
follows the head may be compressed. Nothing in it is ever executed, its sizes are checked before
anything is unpacked, and a program that was read keeps the invariants.
"""

import hashlib
import json
import os
import secrets
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from wengert.dispatch import Family, Primitive
from wengert.errors import OperandError, ProgramError
from wengert.program.address import Address, Lookup
from wengert.program.invariants import DEEPEST, check_run, checked
from wengert.program.program import Note, Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Run,
    Statement,
    While,
)
from wengert.program.structure import Structure
from wengert.registry import known, stored_name, unknown

MAGIC = b"\x93WENGERT"
VERSION = 1
HEAD = struct.Struct("<8sHBxIQ32s")  # magic, version, packing, length of JSON, of all, SHA-256
STORED, DEFLATED = 0, 1
ALWAYS = 1 << 24  # so many bytes may come out of any file,
RATIO = 256  # and of a larger one so many times its size
TYPES = ("<f8", "<i8", "<i4", "<u2", "|u1")


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Write a program to a file, at once or not at all."""
    target = Path(path)
    beside = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    content = dumped(program)
    try:
        with open(beside, "wb") as file:
            file.write(content)
        os.replace(beside, target)
    except OSError as error:  # about the file that the user knows
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    finally:
        with suppress(OSError):
            beside.unlink()


def load(path: str | os.PathLike[str]) -> Program:
    """The program in a file that `Program.save` wrote.

    Raises:
        ProgramError: the file is no program, is damaged, or was written by a newer version.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD.size)
        if head[: len(MAGIC)] != MAGIC:
            raise ProgramError(f"{os.fspath(path)}: this is no file of a program.")
        data = head + file.read()
    try:
        return undumped(data)
    except ProgramError as error:
        raise ProgramError(f"{os.fspath(path)}: {error}") from None


def dumped(program: Program) -> bytes:
    """A program as the bytes of a file."""
    writer = _Writer()
    described = json.dumps(writer.program(program), separators=(",", ":")).encode()
    described += b" " * (-len(described) % 8)
    content = b"".join([described, *writer.columns])
    digest = hashlib.sha256(content).digest()
    packed = zlib.compress(content, 9 if len(content) < 1 << 20 else 1)
    deflated = len(packed) < len(content) <= _most(len(packed))
    head = HEAD.pack(
        MAGIC, VERSION, DEFLATED if deflated else STORED, len(described), len(content), digest
    )
    return head + (packed if deflated else content)


def undumped(data: bytes) -> Program:
    """The program that `dumped` gave these bytes for.

    Raises:
        ProgramError: they are not those of a program.
    """
    if len(data) < HEAD.size or data[: len(MAGIC)] != MAGIC:
        raise ProgramError("These are no bytes of a program.")
    _, version, packing, described, size, digest = HEAD.unpack_from(data)
    if version > VERSION:
        raise ProgramError(
            f"It was written by a newer Wengert, in format {version}; this one reads formats up "
            f"to {VERSION}. Install a newer Wengert to read it."
        )
    content = _unpacked(memoryview(data)[HEAD.size :], packing, size)
    if hashlib.sha256(content).digest() != digest:
        raise ProgramError("The file is damaged: its contents have another hash than it says.")
    if version != VERSION or described > len(content):
        raise ProgramError("The file is damaged: its head makes no sense.")
    try:
        described_as = json.loads(str(content[:described], "utf-8"))
    except (ValueError, RecursionError):
        raise ProgramError("The file is damaged: it does not describe a program.") from None
    return checked(_Reader(content[described:]).program(described_as))


def restored(data: bytes, makes: Iterable[Callable[..., Any] | None]) -> Program:
    """The program in these bytes, with these classes for its records: how pickle makes it again."""
    from dataclasses import replace

    program = undumped(data)
    classes = iter(makes)
    arguments, results = program.arguments.made(classes), program.results.made(classes)
    return replace(program, arguments=arguments, results=results)


def _most(packed: int) -> int:
    return max(ALWAYS, RATIO * packed)


def _unpacked(data: memoryview, packing: int, size: int) -> memoryview:
    if packing == DEFLATED and size <= _most(len(data)):
        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(data, size + 1)
        except zlib.error as error:
            raise ProgramError(f"The file is damaged: {error}.") from None
        if len(content) == size and unpacker.eof and not unpacker.unused_data:
            return memoryview(content)
    elif packing == STORED and size == len(data):
        return data
    raise ProgramError("The file is damaged: its contents have another size than it says.")


# --- writing --------------------------------------------------------------------------------------


class _Writer:
    """Turns a program into what JSON can hold; arrays are collected in `columns`."""

    def __init__(self) -> None:
        self.columns: list[bytes] = []
        self.types: list[list[Any]] = []
        self.texts: dict[str, int] = {"": 0}
        self.rows: dict[Any, int] = {}

    def program(self, program: Program) -> dict[str, Any]:
        """All of it."""
        body = [self._statement(statement) for statement in program.statements]
        return {
            "name": program.name,
            "arguments": program.arguments.data(),
            "results": program.results.data(),
            "values": program.values,
            "constants": self._array(program.constants),
            "index": self._array(program.index),
            "statements": body,
            "rows": [self._row(row) for row in self.rows],
            "texts": list(self.texts),
            "history": [[n.name, n.before, n.after, list(n.details)] for n in program.history],
            "arrays": self.types,
        }

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def _operation(self, row: Primitive | None) -> int:
        return -1 if row is None else self.rows.setdefault(row, len(self.rows))

    def _row(self, row: Primitive) -> Any:
        name = stored_name(row)
        return [name, *row.params] if row.params else name

    def _array(self, array: np.ndarray[Any, Any]) -> int:
        """The number of an array, which is written as narrow as it can be."""
        kind = "<f8"
        if array.dtype.kind != "f":
            low, high = (int(array.min()), int(array.max())) if len(array) else (0, 0)
            kind = "<i8"
            for narrow in ("|u1", "<u2", "<i4"):
                limits = np.iinfo(narrow)
                if limits.min <= low and high <= limits.max:
                    kind = narrow
                    break
        column = array.astype(kind).tobytes()
        self.columns.append(column + b"\0" * (-len(column) % 8))
        self.types.append([kind, len(array)])
        return len(self.types) - 1

    def _address(self, address: Address) -> list[Any]:
        plain = [self._text(address.memory), address.base, *address.strides]
        if address.lookup:
            return [plain, [address.lookup.start, *address.lookup.strides]]
        return plain

    def _statement(self, statement: Statement) -> list[Any]:
        if isinstance(statement, Run):
            return self._run(statement)
        if isinstance(statement, Loop):
            kind = "again" if statement.again else "for"
            return [kind, statement.count, [self._statement(s) for s in statement.body]]
        if isinstance(statement, While):
            first, test, body, last = (
                [self._statement(s) for s in part]
                for part in (statement.first, statement.test, statement.body, statement.last)
            )
            condition = self._address(statement.condition)
            return ["while", self._text(statement.local), first, test, condition, body, last]
        texts = [self._text(statement.label), self._text(statement.source)]
        target = self._address(statement.target)
        if isinstance(statement, Accumulate):
            return ["+=", *texts, target, self._address(statement.operand)]
        operands = [self._address(operand) for operand in statement.operands]
        if isinstance(statement, Guard):
            expected = self._address(statement.expected)
            return ["?", *texts, target, self._operation(statement.row), *operands, expected]
        return ["=", *texts, target, self._operation(statement.row), *operands]

    def _run(self, run: Run) -> list[Any]:
        operations = [[self._operation(o.row), int(o.guards)] for o in run.operations]
        columns = [self._array(column) for column in (run.ops, run.operands, run.lines)]
        sources = [self._text(source) for source in run.sources]
        labels = [[k, self._text(label)] for k, label in run.labels.items()]
        return ["run", run.start, int(run.outputs), operations, *columns, sources, labels]


# --- reading --------------------------------------------------------------------------------------


class _Reader:
    """Makes a program of what JSON held; whatever it is not prepared for is damage."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.texts: list[str] = []
        self.rows: list[Primitive] = []

    def program(self, data: Any) -> Program:
        """All of it."""
        match data:
            case {
                "name": str(name), "arguments": arguments, "results": results,
                "values": int(values), "constants": constants, "index": index,
                "statements": list(statements), "rows": list(rows), "texts": list(texts),
                "history": list(history), "arrays": list(arrays),
            }:  # fmt: skip
                self._cut(arrays)
                if not all(isinstance(text, str) for text in texts):
                    raise _damaged("a text is none")
                self.texts = texts
                self.rows = [_row(row) for row in rows]
                return Program(
                    self._statements(statements, 0), values, self._array(constants, "f"),
                    self._array(index, "i"), Structure.of_data(arguments),
                    Structure.of_data(results), name, tuple(map(_note, history)),
                )  # fmt: skip
        raise _damaged("it does not describe a program")

    def _cut(self, types: Sequence[Any]) -> None:
        """Cut the arrays out of the content."""
        at = 0
        for each in types:
            match each:
                case [str(kind), int(count)] if kind in TYPES and count >= 0:
                    dtype = np.dtype(kind)
                    size = dtype.itemsize * count
                    if at + size > len(self.content):
                        break
                    self.arrays.append(np.frombuffer(self.content, dtype, count, at))
                    at += size + -size % 8
                case _:
                    raise _damaged("it has an array of no known kind")
        if at != len(self.content):
            raise _damaged("its arrays have other sizes than it says")

    def _array(self, number: Any, kind: str) -> Any:
        if not _is_number(number, len(self.arrays)):
            raise _damaged("it names an array that it does not have")
        array = self.arrays[number]
        if (array.dtype.kind == "f") != (kind == "f"):
            raise _damaged("an array is of the wrong kind")
        return array

    def _text(self, number: Any) -> str:
        if not _is_number(number, len(self.texts)):
            raise _damaged("it names a text that it does not have")
        text: str = self.texts[number]
        return text

    def _operation(self, number: Any) -> Primitive | None:
        if type(number) is int and number == -1:
            return None
        if not _is_number(number, len(self.rows)):
            raise _damaged("it names a primitive that it does not list")
        row: Primitive = self.rows[number]
        return row

    def _address(self, data: Any) -> Address:
        match data:
            case [list(plain), [int(start), *moved]]:
                address = self._address(plain)
                if not address.lookup:
                    lookup = Lookup(start, tuple(moved))
                    return Address(address.memory, address.base, address.strides, lookup)
            case [int(memory), int(base), *strides]:
                return Address(self._text(memory), base, tuple(strides))
        raise _damaged("an address is not one")

    def _statements(self, data: Any, depth: int) -> tuple[Statement, ...]:
        if not isinstance(data, list) or depth > DEEPEST:
            raise _damaged("its loops are too deep, or no lists of statements")
        return tuple(self._statement(each, depth) for each in data)

    def _statement(self, data: Any, depth: int) -> Statement:
        match data:
            case ["=" | "?" as kind, label, source, target, row, *operands] if operands:
                operation = self._operation(row)
                where, read = self._address(target), tuple(map(self._address, operands))
                texts = self._text(label), self._text(source)
                if kind == "=":
                    return Assign(where, operation, read, *texts)
                if operation:
                    return Guard(where, operation, read[:-1], read[-1], *texts)
            case ["+=", label, source, target, operand]:
                texts = self._text(label), self._text(source)
                return Accumulate(self._address(target), self._address(operand), *texts)
            case ["for" | "again" as kind, int(count), body]:
                return Loop(count, self._statements(body, depth + 1), kind == "again")
            case ["while", local, first, test, condition, body, last]:
                parts = [self._statements(p, depth + 1) for p in (first, test, body, last)]
                until = self._address(condition)
                return While(self._text(local), parts[0], parts[1], until, parts[2], parts[3])
            case ["run", int(start), (0 | 1) as outputs, list(operations), ops, operands, lines,
                  list(sources), list(labels)]:  # fmt: skip
                run = Run(
                    start, tuple(map(self._run_operation, operations)),
                    self._array(ops, "i").astype(np.int32),
                    self._array(operands, "i").astype(np.int64),
                    tuple(map(self._text, sources)),
                    self._array(lines, "i").astype(np.int32),
                    dict(map(self._run_label, labels)), bool(outputs),
                )  # fmt: skip
                check_run(run)
                return run
        raise _damaged("a statement is not one")

    def _run_operation(self, data: Any) -> Operation:
        match data:
            case [row, (0 | 1) as guards]:
                return Operation(self._operation(row), bool(guards))
        raise _damaged("an operation is not one")

    def _run_label(self, data: Any) -> tuple[int, str]:
        match data:
            case [int(k), text]:
                return k, self._text(text)
        raise _damaged("a label is not one")


def _row(data: Any) -> Primitive:
    match data:
        case str(name) if isinstance(row := known(name), Primitive):
            return row
        case str(name):
            raise ProgramError(unknown(name))
        case [str(name), (int() | float()) as constant] if isinstance(
            family := known(name), Family
        ):
            try:
                return family(family.kind(constant))
            except (OperandError, ValueError, OverflowError):
                pass
    raise _damaged(f"{data!r:.80} is no primitive that this Wengert knows")


def _note(data: Any) -> Note:
    match data:
        case [str(name), int(before), int(after), list(details)] if all(
            isinstance(detail, str) for detail in details
        ):
            return Note(name, before, after, tuple(details))
    raise _damaged("its history is none")


def _is_number(number: Any, count: int) -> bool:
    return type(number) is int and 0 <= number < count


def _damaged(how: str) -> ProgramError:
    return ProgramError(f"The file is damaged: {how}.")
