"""What a sum is over: the examples, in memory or read in chunks, as blocks that follow each other.

Who sums asks for blocks alone, so examples that are elsewhere need no more than a class here.
Every block but the last has a multiple of LANES examples, whatever the chunks are: a sum knows an
example by its number, and its bits cannot depend on how the examples came.
"""

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np

from wengert.derive.programs import described
from wengert.dispatch import describe, is_array_like
from wengert.errors import OperandError
from wengert.program.address import Integers
from wengert.program.structure import Structure, structure_of
from wengert.run.batch import Batch, arrayed, batch_of
from wengert.run.columns import LANES, Column, Examples

FEW = 4096  # examples of small chunks that are computed together
CONVERTED = 1 << 26  # bytes of a mapped file that are converted at a time


class Data(ABC):
    """Examples.

    Args:
        name: of the sum, for messages.

    Attributes:
        arguments: the structure of one example, a tuple.
    """

    arguments: Structure

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def blocks(self) -> Iterator[Examples]:
        """All of them."""

    @abstractmethod
    def taken(self, rows: Integers | slice) -> Examples:
        """Some of them."""

    def chosen(self, batch: Any) -> Examples:
        """Those that a user names, by a slice or by row numbers."""
        count = self.count()
        try:
            rows = np.arange(count)[batch]
        except (IndexError, TypeError) as error:
            raise OperandError(
                f"batch is a slice or an array of row numbers below {count}, not {describe(batch)}."
            ) from error
        if rows.ndim != 1:
            raise OperandError("batch names rows along one axis.")
        return self.taken(batch if isinstance(batch, slice) else rows)

    def __repr__(self) -> str:
        return f"{self.count():,} examples"


def data_of(data: Sequence[Any], name: str) -> Data:
    """The examples that a user gives.

    Args:
        data: arrays, and structures of them, with all examples along their first axes; or one
            thing that chunks come from.
        name: of the sum, for messages.

    Raises:
        OperandError: they are neither.
    """
    if any(map(_gives_chunks, data)):
        if len(data) > 1:
            raise OperandError(
                f"{name}: chunks are the only data, and each has all arguments of its examples, "
                "as in (x[:1000], y[:1000])."
            )
        return Chunks(data[0], name)
    trees = [arrayed(tree, f"{name}: the data") for tree in data]
    return (Mapped if any(map(_is_converted, trees)) else Arrays)(trees, name)


def _gives_chunks(data: Any) -> bool:
    """Whether it is a function, or gives chunks one by one, and is no data itself."""
    if isinstance(data, list | tuple | range | Mapping | str | bytes | np.ndarray):
        return False
    if is_array_like(data) or hasattr(data, "_apply"):
        return False
    return callable(data) or isinstance(data, Iterable)


def _is_converted(tree: Any) -> bool:
    """Whether reading it would copy a mapped file."""
    if isinstance(tree, Mapping):
        return any(map(_is_converted, tree.values()))
    if isinstance(tree, tuple):
        return any(map(_is_converted, tree))
    return isinstance(tree, np.memmap) and tree.dtype != np.float64


def _plain(args: Sequence[Any], name: str) -> Batch:
    """The batch that some data are, along their first axes."""
    batch = batch_of(args, [f"data{k}" for k in range(len(args))], None, name, rows=True)
    if batch.operands:
        raise OperandError(
            f"{name}: the data are plain numbers. Make what is recorded, or Values, a parameter of "
            "the function."
        )
    return batch


class Arrays(Data):
    """Examples in memory, or in a mapped file that is read as it is."""

    def __init__(self, trees: Sequence[Any], name: str) -> None:
        super().__init__(name)
        batch = _plain(trees, name)
        self.arguments, self.examples = batch.arguments, batch.examples

    def count(self) -> int:
        """How many there are."""
        return self.examples.count

    def blocks(self) -> Iterator[Examples]:
        """All of them."""
        yield self.examples

    def taken(self, rows: Integers | slice) -> Examples:
        """Some of them; copied, unless they are a slice."""
        if not isinstance(rows, slice):
            return self.examples.taken(rows)
        columns = tuple(Column(column.array[rows]) for column in self.examples.columns)
        return Examples(columns, len(range(self.examples.count)[rows]))


class Mapped(Data):
    """Examples in mapped files of other numbers than doubles: converted a part at a time."""

    def __init__(self, trees: Sequence[Any], name: str) -> None:
        super().__init__(name)
        self.trees = trees
        one = _plain([_sliced(tree, slice(0, 1)) for tree in trees], name)
        self.arguments = one.arguments
        lengths = {len(leaf) for tree in trees for leaf in structure_of(tree).leaves(tree)}
        if len(lengths) > 1:
            raise OperandError(f"{name}: the data are of different lengths: {sorted(lengths)}.")
        (self._count,) = lengths

    def count(self) -> int:
        """How many there are."""
        return self._count

    def blocks(self) -> Iterator[Examples]:
        """All of them."""
        size = max(CONVERTED // (8 * LANES * max(self.arguments.size, 1)), 1) * LANES
        for start in range(0, self._count, size):
            yield self.taken(slice(start, start + size))

    def taken(self, rows: Integers | slice) -> Examples:
        """Some of them, converted."""
        return _plain([_sliced(tree, rows) for tree in self.trees], self.name).examples


def _sliced(tree: Any, rows: Integers | slice) -> Any:
    """The same of some examples."""
    structure = structure_of(tree)
    return structure.of_leaves(
        leaf[rows] if np.ndim(leaf) else leaf for leaf in structure.leaves(tree)
    )


class Chunks(Data):
    """Examples that are read again for each sum.

    Args:
        source: gives chunks when it is iterated over, or is a function that gives an iterator. A
            chunk is a tuple of data, one for each argument of an example, or one of them.
        name: of the sum, for messages.
    """

    def __init__(self, source: Any, name: str) -> None:
        super().__init__(name)
        self.source = source
        self._count: int | None = None
        self._lock = Lock()
        self._last: Callable[[], Any] = lambda: None
        chunks = self._begun()
        first = next(chunks, None)
        if first is None:
            raise OperandError(
                f"{name}: the data are no chunks at all, so nothing says what they are."
            )
        self.arguments = _plain(_parts(first), f"{name}, chunk 0").arguments
        self._ahead: Iterator[Any] | None = _behind(first, chunks)

    def _begun(self) -> Iterator[Any]:
        """The chunks from the first on."""
        given = self.source() if callable(self.source) else self.source
        try:
            chunks: Iterator[Any] = iter(given)
        except TypeError:
            raise OperandError(
                f"{self.name}: a function among the data gives an iterator of chunks, "
                f"not {describe(given)}."
            ) from None
        if chunks is self._last():
            raise OperandError(
                f"{self.name}: its chunks can be read only once, and have been: "
                f"{describe(given)} is an iterator. Give a function that makes a new one each time."
            )
        try:
            self._last = weakref.ref(chunks)
        except TypeError:  # of some types there are no such references
            self._last = (lambda: chunks) if chunks is given else (lambda: None)
        return chunks

    def _read(self) -> Iterator[Examples]:
        """Chunk by chunk."""
        with self._lock:
            chunks, self._ahead = self._ahead, None
        for number, chunk in enumerate(chunks or self._begun()):
            batch = _plain(_parts(chunk), f"{self.name}, chunk {number}")
            if batch.arguments != self.arguments:
                raise OperandError(
                    f"{self.name}, chunk {number}: an example is {_listed(batch.arguments)}, and "
                    f"was {_listed(self.arguments)} in the chunks before."
                )
            yield batch.examples

    def count(self) -> int:
        """How many there are; the first time they are counted."""
        if self._count is None:
            self._count = sum(examples.count for examples in self._read())
        return self._count

    def blocks(self) -> Iterator[Examples]:
        """All of them: small chunks together, and large ones where they are."""
        held: list[Examples] = []  # fewer than FEW
        total = count = 0
        for chunk in self._read():
            total += chunk.count
            if count + chunk.count < FEW:
                held.append(_copied(chunk))
                count += chunk.count
                continue
            if count:
                head = -count % LANES
                yield joined([*held, chunk.part(0, head)])
                chunk = chunk.part(head, chunk.count)
            count = chunk.count % LANES
            yield chunk.part(0, chunk.count - count)
            held = [_copied(chunk.part(chunk.count - count, chunk.count))]
        if count:
            yield joined(held)
        self._count = total

    def taken(self, rows: Integers | slice) -> Examples:
        """Some of them: what is in front of the last one is read."""
        if isinstance(rows, slice):
            rows = np.arange(self.count())[rows]
        order = np.argsort(rows, kind="stable")
        sought = rows[order]
        found, start, done = [], 0, 0
        for chunk in self._read():
            end = int(np.searchsorted(sought, start + chunk.count))
            found.append(chunk.taken(sought[done:end] - start))
            start, done = start + chunk.count, end
            if done == len(rows):
                break
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        return joined(found).taken(back)

    def __repr__(self) -> str:
        return "chunks of examples" if self._count is None else super().__repr__()


def _listed(arguments: Structure) -> str:
    return ", ".join(map(described, arguments.parts))


def _parts(chunk: Any) -> Sequence[Any]:
    """The data that a chunk is made of."""
    if isinstance(chunk, tuple) and not hasattr(chunk, "_fields"):
        return chunk
    if isinstance(chunk, list) and chunk and all(map(is_array_like, chunk)):
        return chunk  # as a loader of torch gives them
    return (chunk,)


def _behind(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others


def _copied(examples: Examples) -> Examples:
    """The same in memory of its own: a chunk's may be written to when the next one is read."""
    return Examples(tuple(Column(c.array.copy()) for c in examples.columns), examples.count)


def joined(parts: Sequence[Examples]) -> Examples:
    """Examples that follow each other, copied."""
    columns = zip(*(part.columns for part in parts), strict=True)
    arrays = (np.concatenate([column.array for column in each]) for each in columns)
    return Examples(tuple(map(Column, arrays)), sum(part.count for part in parts))
