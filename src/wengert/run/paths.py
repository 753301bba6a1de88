"""The paths that a function has been seen to take, each with the program it left.

An example is run on the program of a path it may take. Where a guard says that it takes another
one, the other known programs are tried, and then the function is run in Python for one such example
and leaves a new program. So no branch is ever frozen.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from time import perf_counter
from typing import Any

import numpy as np

from wengert.derive.calling import recorded
from wengert.derive.programs import described
from wengert.derive.sparse import SparseTransformed
from wengert.errors import ManyPathsWarning, OperandError
from wengert.program.address import Integers
from wengert.program.program import Program
from wengert.program.structure import ARRAY, Floats, Structure
from wengert.run.columns import Column, Examples, Numbers, joined
from wengert.run.interpret import interpret
from wengert.run.tiers import Options, Tiers
from wengert.source import user_level

KEPT = 512  # paths of one function; those used longest ago go first
MANY = 64  # paths after which it is said that there are many


@dataclass(eq=False)
class Path:
    """One way through a function.

    Args:
        program: what it computes.
        finish: from the numbers of its results to what the function gives, where that is no tree of
            numbers.
        extra: numbers that the program takes behind the function's arguments.
        tiers: the ways to run it.
        used: when it was last of use.
        taken: how many examples of the last batches took it.
        recorded_in: how many seconds it took to record the function, find its loops, simplify them
            and make the derivatives that are wanted.
    """

    program: Program
    tiers: Tiers
    finish: Callable[[Floats], Any] | None = None
    extra: Floats = field(default_factory=lambda: np.empty(0))
    used: int = 0
    taken: float = 0.0
    recorded_in: float = 0.0

    @property
    def results(self) -> Structure:
        """What the program gives."""
        return self.program.results

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the numbers and arrays that the program gives."""
        return tuple(self.results.leaf_shapes())

    def inputs(self, columns: Sequence[Column]) -> list[Column]:
        """All columns of the program, from those of the function's arguments."""
        if not len(self.extra):
            return list(columns)
        return [*columns, Column(self.extra.reshape(1, -1), shared=True)]


class Paths:
    """The paths of one function, for arguments of one structure.

    Args:
        function: any function, a Program, or one that a transform has made.
        arguments: the structure of the arguments by position.
        named: the arguments by name, which are held fixed.
        options: how programs are run.
        name: of the function, for messages.
    """

    def __init__(
        self, function: Any, arguments: Structure, named: dict[str, Any], options: Options,
        name: str,
    ) -> None:  # fmt: skip
        if isinstance(function, Program):
            _see_to(arguments, function.arguments)
        self.function, self.arguments, self.named = function, arguments, named
        self.options, self.name = options, name
        self.known: list[Path] = []
        self.clock = 0
        self.warned = False
        self.lock = RLock()

    def one(self, numbers: Numbers) -> tuple[Path, Floats]:
        """The path that one example takes, and the numbers of its results."""
        known = self.known  # never changed in place
        for path in known:
            outputs = path.tiers.one(_with(numbers, path.extra))
            if outputs is not None:
                if path is not known[0]:
                    self._touch(path)
                return path, outputs
        numbers = joined(numbers)
        path, is_new = self.recorded(numbers)
        if is_new and (outputs := path.tiers.one(_with(numbers, path.extra))) is not None:
            return path, outputs
        return path, interpret(path.program, joined(_with(numbers, path.extra)))

    def all(
        self, examples: Examples, made: Callable[[Path], Sequence[Column]],
        progress: Callable[[int], None] | None = None,
    ) -> Path:  # fmt: skip
        """Compute all examples.

        Args:
            examples: the arguments.
            made: from the first path to the columns that the results are written to.
            progress: is told how many examples have been computed.

        Returns:
            The first path.
        """
        first = self.first(examples)
        outputs = made(first)
        failed = np.zeros(examples.count, np.uint8)
        first.tiers.batch(first.inputs(examples.columns), outputs, failed, progress)
        left = np.flatnonzero(failed)
        taken = {first: examples.count - len(left)}
        tried = [first]
        while len(left):
            path = next((each for each in self.known if each not in tried), None)
            if path is None:
                numbers = examples.numbers(int(left[0]))
                path, is_new = self.recorded(numbers)
                if not is_new:
                    # Its own kernel sees a comparison otherwise: the numbers are that close.
                    self._alike(path, first)
                    one = interpret(path.program, joined(_with(numbers, path.extra)))
                    _put(outputs, left[:1], _split(one, path.results))
                    left = left[1:]
                    continue
            tried.append(path)
            self._alike(path, first)
            some = [np.empty((len(left), column.array.shape[1])) for column in outputs]
            still = np.zeros(len(left), np.uint8)
            columns = path.inputs(examples.taken(left).columns)
            path.tiers.batch(columns, [Column(array) for array in some], still, None)
            here = still == 0
            taken[path] = int(here.sum())
            if taken[path]:
                self._touch(path)
                _put(outputs, left[here], [array[here] for array in some])
            left = left[still != 0]
        self._order(taken)
        return first

    def first(self, examples: Examples) -> Path:
        """The path that is tried first, recorded if there is none."""
        if not self.known:
            ones = np.ones(self.arguments.size)
            self.recorded(examples.numbers(0) if examples.count else ones)
        return self.known[0]

    def _alike(self, path: Path, first: Path) -> None:
        if path.results != first.results:
            raise different(self.name, first.results, path.results)

    def recorded(self, numbers: Floats) -> tuple[Path, bool]:
        """The path of an example, and whether it is new."""
        args = self.arguments.tree(numbers)
        path = self._made(args)
        with self.lock:
            for known in self.known:
                if known.program is path.program or known.program == path.program:
                    return known, False
            self._remember(path)
        return path, True

    def _made(self, args: Sequence[Any]) -> Path:
        begin = perf_counter()
        if isinstance(self.function, SparseTransformed):
            compressed = self.function.compressed(*args, **self.named)
            path = Path(
                compressed.program, Tiers(compressed.program, self.options),
                lambda entries: compressed.pattern.csr(compressed.coloring.decompress(
                    entries.reshape(compressed.program.results.shape))),
                compressed.directions.ravel(),
            )  # fmt: skip
        else:
            program, captured = recorded(self.function, args, self.named)
            if captured:
                raise OperandError(
                    f"{self.name} is compiled inside recorded code, and reads operands of the "
                    "recording around it. Make them arguments of the function."
                )
            path = Path(program, Tiers(program, self.options))
        path.recorded_in = perf_counter() - begin
        return path

    def _remember(self, path: Path) -> None:
        self.clock += 1
        path.used = self.clock
        kept = sorted(self.known, key=lambda each: -each.used)[: KEPT - 1]
        self.known = [path, *kept] if not self.known else [*kept, path]
        if len(self.known) > MANY and not self.warned:
            self.warned = True
            warnings.warn(
                f"{self.name} takes more than {MANY} paths, and each is compiled. State choices "
                "with wg.where and loops with wg.fori or wg.while_loop, which are one path.",
                ManyPathsWarning, stacklevel=user_level(),
            )  # fmt: skip

    def _order(self, taken: dict[Path, int]) -> None:
        """Paths that many examples take come first, the last batches counting most."""
        if len(self.known) < 2:
            return
        with self.lock:
            for path in self.known:
                path.taken = path.taken / 2 + taken.get(path, 0)
            self.known = sorted(self.known, key=lambda path: -path.taken)

    def _touch(self, path: Path) -> None:
        """A path was of use."""
        with self.lock:
            self.clock += 1
            path.used = self.clock


def different(name: str, one: Structure, other: Structure) -> OperandError:
    """What is raised where examples give results of different structure."""
    return OperandError(
        f"{name} gives results of one structure for some examples and of another for others: "
        f"{described(one)}, and {described(other)}. A vectorized function gives the same for all."
    )


def _see_to(given: Structure, wanted: Structure) -> None:
    """See to it that examples are what a Program was recorded for, whatever arguments are named."""
    if [*map(_plain, given.parts)] != [*map(_plain, wanted.parts)]:
        raise OperandError(
            f"A program that was recorded for {_listed(wanted)} is given {_listed(given)} for one "
            "example. A signature says which axes belong to one example."
        )


def _plain(structure: Structure) -> Structure:
    """The same with arrays of one number for numbers."""
    if structure.leaf_shape is not None:
        return Structure(ARRAY, structure.leaf_shape)
    return replace(structure, parts=tuple(map(_plain, structure.parts)))


def _listed(structure: Structure) -> str:
    return ", ".join(map(described, structure.parts)) or "nothing"


def _with(numbers: Numbers, extra: Floats) -> Numbers:
    if not len(extra):
        return numbers
    return (*numbers, extra) if isinstance(numbers, tuple) else (numbers, extra)


def _split(numbers: Floats, structure: Structure) -> list[Floats]:
    """The numbers of each leaf, as one row."""
    sizes = [size for _, size in structure.slots()]
    return [part[None] for part in np.split(numbers, np.cumsum(sizes)[:-1])] if sizes else []


def _put(outputs: Sequence[Column], examples: Integers, found: Sequence[Floats]) -> None:
    for column, numbers in zip(outputs, found, strict=True):
        column.array[examples] = numbers
