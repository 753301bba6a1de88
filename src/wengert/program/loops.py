"""Loops that the user states: recorded once, for counts that are huge or that depend on data.

On plain numbers and on Values, `scan`, `fori` and `while_loop` are the Python loops they stand for.
In recorded code, the body is run once and becomes the body of a loop of the program. What is
carried from one iteration to the next has cells of its own: in front of the loop they hold the
initial values, and at the end of every iteration the values for the next one, so that an iteration
finds what is carried always at the same distance.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert import primitives
from wengert.dispatch import describe
from wengert.errors import OperandError, ProgramError
from wengert.node import Node
from wengert.program.address import CODES, SHIFT, VALUE, Address, Integers, Lookup, decoded
from wengert.program.part import Part
from wengert.program.recorded import Recorded
from wengert.program.recording import RECORDING, Recording, refuse_leaks, result_code
from wengert.program.rewrite import Counts, Strides, deeper, rewritten
from wengert.program.segments import Checkpoint, Rounds, rounds_kept
from wengert.program.spelling import spelled
from wengert.program.statements import Assign, Statement, While, walk
from wengert.program.structure import (
    ARRAY,
    DICT,
    FIXED,
    NUMBER,
    Structure,
    structure_of,
)
from wengert.program.trial import rounds_of, trial


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    xs: Any = None,
    length: int | None = None,
    checkpoint: Checkpoint = None,
) -> tuple[Any, Any]:
    r"""Run a step over a sequence, carrying a state along.

    $$(c_{k+1}, y_k) = \text{step}(c_k, x_k)$$

    In recorded code the step is run once and becomes a loop of the program, however long the
    sequence is; a branch in it must go the same way in every iteration (use `wengert.where`).

    Args:
        step: from the carry and one element to the next carry and one output (None for none).
        carry: numbers, arrays, or a structure of them. Recorded, True and False are 1 and 0.
        xs: arrays and lists of numbers, or tuples and dicts of those, all of one leading length;
            None for no elements.
        length: how many iterations, where `xs` is None.
        checkpoint: how many rounds reverse mode keeps the values of at a time; those of others are
            computed again, from what is carried. "sqrt" is about the square root of all; None keeps
            everything.

    Returns:
        The last carry, and the outputs stacked along a new leading axis.

    Raises:
        OperandError: lengths differ, or the step returns a carry of another structure.

    Examples:
        >>> import wengert as wg
        >>> wg.scan(lambda total, x: (total + x, total), 0.0, [1.0, 2.0, 3.0])
        (6.0, array([0., 1., 3.]))
    """
    tape = RECORDING.get()
    sequence = _Sequence(xs, length)
    rounds_kept(checkpoint, sequence.length)
    if tape is not None:
        return _recorded_scan(tape, step, carry, sequence, checkpoint)
    outputs = []
    for k in range(sequence.length):
        carry, output = _pair(step(carry, sequence[k]))
        outputs.append(output)
    return carry, _stacked(outputs)


def fori(n: Any, body: Callable[[Any, Any], Any], carry: Any, checkpoint: Checkpoint = None) -> Any:
    r"""Run a body n times, carrying a state along: `for i in range(n): carry = body(i, carry)`.

    In recorded code the body is run once and becomes a loop of the program, whatever n is. Where n
    depends on the arguments, the program's loop runs as often as they say.

    Args:
        n: how often; a number that is an integer.
        body: from the counter and the carry to the next carry.
        carry: numbers, arrays, or a structure of them.
        checkpoint: how many rounds reverse mode keeps the values of at a time; those of others are
            computed again, from what is carried. "sqrt" is about the square root of all; None keeps
            everything.

    Returns:
        The last carry.

    Raises:
        OperandError: n is not an integer, or the body returns a carry of another structure.

    Examples:
        >>> import wengert as wg
        >>> wg.fori(5, lambda i, total: total + i, 0.0)
        10.0
    """
    tape = RECORDING.get()

    def turn(state: Any) -> Any:
        counter, inner = state
        after = body(counter, inner)
        _same_structure(structure_of(carry, where="the carry"), after)
        return counter + 1.0, after

    rounds_kept(checkpoint, 1)
    if isinstance(n, Recorded):
        _refuse_fractions(n)
        return while_loop(lambda state: state[0] < n, turn, (0.0, carry))[1]
    count = _count(n)
    if tape is not None:
        nothing = _Sequence(None, count)
        (_, last), _ = _recorded_scan(
            tape, lambda c, _: (turn(c), None), (0.0, carry), nothing, checkpoint
        )
        return last
    for i in range(count):
        carry = body(i, carry)
    return carry


def while_loop(cond: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any) -> Any:
    r"""Run a body as long as a condition holds: `while cond(carry): carry = body(carry)`.

    In recorded code, condition and body are run once each and become a loop of the program, which
    runs as often as its arguments demand. A Python `while` is recorded as it went, with guards.

    Args:
        cond: from the carry to a truth value; in recorded code, a comparison.
        body: from the carry to the next carry.
        carry: numbers, arrays, or a structure of them.

    Returns:
        The last carry.

    Raises:
        OperandError: the body returns a carry of another structure.

    Examples:
        >>> import wengert as wg
        >>> wg.while_loop(lambda x: x > 1.0, lambda x: x / 2.0, 40.0)
        0.625
    """
    tape = RECORDING.get()
    if tape is not None:
        return _recorded_while(tape, cond, body, carry)
    while cond(carry):
        carry = body(carry)
    return carry


# --- sequences ------------------------------------------------------------------------------------


class _Sequence:
    """What `scan` runs over: arrays of one leading length, in some structure."""

    def __init__(self, xs: Any, length: int | None) -> None:
        self.structure = structure_of(_arrays(xs), where="xs") if xs is not None else None
        self.leaves: list[Any] = []
        if self.structure is None:
            if length is None:
                raise OperandError("scan() needs xs, or length= where there are none.")
            self.length = _count(length)
            return
        self.leaves = [_column(leaf, xs) for leaf in self.structure.leaves(_arrays(xs))]
        if not self.leaves:
            raise _no_sequence(xs)
        lengths = {len(leaf) for leaf in self.leaves}
        if length is not None:
            lengths.add(_count(length))
        if len(lengths) > 1:
            raise OperandError(f"The arrays that scan() runs over differ in length: {lengths}.")
        self.length = lengths.pop()

    def __getitem__(self, k: int) -> Any:
        if self.structure is None:
            return None
        found = [leaf[k] for leaf in self.leaves]
        plain = [x.item() if isinstance(x, np.generic) else _copied(x) for x in found]
        return _of_numbers(self.structure).tree(plain)

    @property
    def element(self) -> Structure:
        """The structure of one element."""
        assert self.structure is not None
        return _without_leading_axis(self.structure)


def _arrays(xs: Any) -> Any:
    """The same with an array for every list of numbers."""
    if isinstance(xs, list | range):
        try:
            return np.array(xs)
        except ValueError:
            raise _no_sequence(xs) from None
    if type(xs) is tuple:
        return tuple(map(_arrays, xs))
    if type(xs) is dict:
        return {key: _arrays(part) for key, part in xs.items()}
    if isinstance(xs, Iterator | str):
        raise _no_sequence(xs)
    return xs


def _column(leaf: Any, xs: Any) -> Any:
    """The elements of one array; answers of comparisons are numbers among them."""
    column = np.asarray(leaf)
    numbers = (int, float, np.number, np.bool_)
    if column.dtype == bool:
        column = column.astype(float)
    elif column.dtype == object and not all(
        hasattr(x, "_apply") or isinstance(x, numbers) for x in column.ravel()
    ):
        raise _no_sequence(xs)
    if not column.ndim:
        raise _no_sequence(xs)
    return column


def _no_sequence(xs: Any) -> OperandError:
    return OperandError(
        "scan() runs over arrays and lists of numbers, and tuples and dicts of those, "
        f"not over {describe(xs)}."
    )


def _copied(element: Any) -> Any:
    return element.copy() if isinstance(element, np.ndarray) else element


def _of_numbers(structure: Structure) -> Structure:
    """The same with a single number for each array."""
    if structure.kind == ARRAY:
        return Structure(NUMBER)
    return replace(structure, parts=tuple(map(_of_numbers, structure.parts)))


def _truths_as_numbers(structure: Structure) -> Structure:
    """The same with numbers for True and False, which may change from one iteration to the next."""
    if structure.kind in (NUMBER, ARRAY):
        return structure
    if structure.kind == FIXED and isinstance(structure.fixed, bool):
        return Structure(NUMBER)
    return replace(structure, parts=tuple(map(_truths_as_numbers, structure.parts)))


def _without_leading_axis(structure: Structure) -> Structure:
    if structure.kind == ARRAY:
        return Structure(ARRAY, structure.shape[1:]) if structure.shape[1:] else Structure(NUMBER)
    return replace(structure, parts=tuple(map(_without_leading_axis, structure.parts)))


def _stacked(outputs: Sequence[Any]) -> Any:
    if not outputs or outputs[0] is None:
        return None if not outputs or all(output is None for output in outputs) else outputs
    structure = _truths_as_numbers(structure_of(outputs[0], where="the step's output"))
    rows = [structure.elements(output) for output in outputs]
    return _tree_of(structure, list(zip(*rows, strict=True)), len(rows))


def _tree_of(structure: Structure, columns: Sequence[Sequence[Any]], length: int) -> Any:
    """The outputs with a leading axis, from what each of their elements is in all iterations."""
    flat: list[Any] = []
    at = 0
    for _, size in structure.slots():
        block = columns[at : at + size]
        flat += [_no_truth(column[k]) for k in range(length) for column in block]
        at += size
    numbers: Any = flat
    if not any(hasattr(element, "_apply") for element in flat):
        numbers = np.array(flat, dtype=float)
    return structure.with_leading((length,)).tree(numbers)


def _no_truth(element: Any) -> Any:
    return float(element) if isinstance(element, bool | np.bool_) else element


def _pair(made: Any) -> tuple[Any, Any]:
    if not isinstance(made, tuple) or len(made) != 2:
        raise OperandError(
            f"The step of scan() returns a pair, the next carry and an output, not {describe(made)}"
        )
    return made


def _count(n: Any) -> int:
    number = n._data if isinstance(n, Node) else n
    try:
        count = int(number)
    except (TypeError, ValueError, OverflowError):
        count = -1
    if count != number or count < 0:
        raise _no_count(n)
    return count


def _refuse_fractions(n: Any) -> None:
    """What is refused here for the example is a guard for other inputs."""
    if not n >= 0.0 or n - primitives.floor(n) != 0.0:
        raise _no_count(n)


def _no_count(n: Any) -> OperandError:
    return OperandError(f"A loop runs an integral number of times, not {describe(n)}.")


# --- recording ------------------------------------------------------------------------------------


def _recorded_scan(
    tape: Recording, step: Callable[..., Any], carry: Any, sequence: _Sequence,
    checkpoint: Checkpoint,
) -> tuple[Any, Any]:  # fmt: skip
    kept, restored = _carried(carry)
    elements = _Elements(tape, sequence)
    cells = [_move(tape, leaf) for leaf in kept.elements(carry)]
    start = tape.length
    if not sequence.length:
        return kept.tree(cells), None
    part = Part(tape, start - len(cells))
    arrived = [_move_code(tape, code) for code in elements.first]
    element = sequence.element.tree(arrived) if sequence.structure else None
    after, output = _pair(step(restored(cells), element))
    _same_structure(kept, after)
    given = _truths_as_numbers(structure_of(output, where="the step's output"))
    made = [_move(tape, leaf) for leaf in given.elements(output)]
    for leaf in kept.elements(after):
        _move(tape, leaf)
    statements, width = part.taken()
    low, length = start - len(cells), sequence.length
    placed = Rounds(low, len(cells), width, length, rounds_kept(checkpoint, length))
    missing = placed.places - width  # the first round has its places already
    for loop in placed.loops(statements, elements.addresses):
        tape.add(loop, missing)
        missing = 0
    results = _results(placed, made)
    part.close(frozenset(results), cells=len(cells))
    plain = replace(placed, length=None)
    (loop,) = plain.loops(statements, elements.addresses)
    rounds = rounds_of(tape, statements, cells, elements.addresses)
    numbers = trial(tape, loop, rounds, range(low, start), _results(plain, made))
    found = [tape.value(place, number) for place, number in zip(results, numbers, strict=True)]
    last = kept.tree(found[: len(cells)])
    columns = [found[at : at + length] for at in range(len(cells), len(found), length)]
    return last, _tree_of(given, columns, length)


def _results(placed: Rounds, made: Sequence[Recorded]) -> list[int]:
    """The places of the last cells, and of each output in all rounds."""
    last = list(range(placed.last, placed.last + placed.cells))
    return last + [placed.place(each._code, k) for each in made for k in range(placed.count)]


def _recorded_while(
    tape: Recording, cond: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any
) -> Any:
    kept, restored = _carried(carry)
    initial = [result_code(leaf, tape) for leaf in kept.elements(carry)]
    start = tape.length
    part = Part(tape, start)
    cells = [_move_code(tape, code) for code in initial]
    condition = _condition(tape, cond(restored(cells)))
    tested = tape.length - start
    after = body(restored(cells))
    _same_structure(kept, after)
    for leaf in kept.elements(after):
        _move(tape, leaf)
    statements, width = part.taken()
    count = len(cells)
    stride = width - count  # the moves at the end fill the next iteration's cells
    local = tape.fresh_local()

    def inside(
        memory: str, base: int, strides: Strides, lookup: Lookup | None, _: Counts
    ) -> Address:
        if memory == VALUE and base >= start:
            return deeper(local, base - start, strides, lookup, stride)
        return deeper(memory, base, strides, lookup, 0)

    inner = list(rewritten(statements, inside))
    first, rest = inner[:count], inner[count:]
    split = _split(rest, local, tested)
    wanted = list(range(tape.length, tape.length + count))
    last = tuple(
        Assign(Address(VALUE, place, (0,)), None, (Address(local, k, (stride,)),))
        for k, place in enumerate(wanted)
    )
    test = inside(condition.memory, condition.base, (), None, ())
    loop = While(local, tuple(first), tuple(rest[:split]), test, tuple(rest[split:]), last)
    part.close(frozenset())
    tape.add(loop, count)
    rounds = rounds_of(tape, statements, cells) if condition.memory == VALUE else None
    numbers = trial(tape, loop, rounds, range(start, start), wanted)
    return kept.tree([tape.value(p, number) for p, number in zip(wanted, numbers, strict=True)])


def _condition(tape: Recording, truth: Any) -> Address:
    if not isinstance(truth, Recorded) and truth:
        raise ProgramError(
            "The condition of while_loop is True whatever the carry is, so the loop would never "
            "end. Return a comparison with the carry."
        )
    code = result_code(truth, tape, "while_loop")
    refuse_leaks(np.array([code]), tape.bodies)
    return decoded(code)


class _Elements:
    """Where the elements of the sequences are kept, for the first iteration and for all."""

    def __init__(self, tape: Recording, sequence: _Sequence) -> None:
        self.first: list[int] = []
        self.addresses: list[Address] = []
        for leaf in sequence.leaves:
            if sequence.length:
                self._add(tape, leaf.reshape(len(leaf), -1))

    def _add(self, tape: Recording, rows: Any) -> None:
        if rows.dtype != object:
            flat = rows.astype(float).ravel().tolist()
            codes = np.array([tape.constant(number) for number in flat], np.int64)
        else:
            codes = np.array([result_code(leaf, tape) for leaf in rows.ravel()], np.int64)
            refuse_leaks(codes, tape.bodies)
        codes = codes.reshape(rows.shape)
        if codes.size and _are_scattered(codes, tape):
            moved = [_move_code(tape, int(code))._code for code in codes.ravel()]
            codes = np.array(moved, np.int64).reshape(rows.shape)
        for column in codes.T:
            self.first.append(int(column[0]))
            self.addresses.append(_along(tape, column))


def _are_scattered(codes: Integers, tape: Recording) -> bool:
    """Whether there is no address for them: in several memories, or inside of a body and outside.

    What is inside moves with the rounds of the body, and what is outside does not.
    """
    if (codes >> SHIFT != codes.flat[0] >> SHIFT).any():
        return True
    low, high = int(codes.min()), int(codes.max())
    return low >> SHIFT == CODES[VALUE] and any(low < start <= high for start in tape.repeated)


def _along(tape: Recording, column: Any) -> Address:
    """The address that runs through these places, one per iteration."""
    first = decoded(int(column[0]))
    steps = np.diff(column)
    if not len(steps) or (steps == steps[0]).all():
        return replace(first, strides=(int(steps[0]) if len(steps) else 0,))
    table = len(tape.index)
    tape.index.extend((column - column[0]).tolist())
    return replace(first, strides=(0,), lookup=Lookup(table, (1,)))


def _move(tape: Recording, leaf: Any) -> Recorded:
    return _move_code(tape, result_code(leaf, tape))


def _move_code(tape: Recording, code: int) -> Recorded:
    return tape.move(code, tape.number(code))


def _carried(carry: Any) -> tuple[Structure, Callable[[Sequence[Any]], Any]]:
    """The structure of what is carried, and a function that gives a body the tree of its cells."""
    fixed = structure_of(carry, where="the carry")
    kept = _truths_as_numbers(fixed)
    truths = [isinstance(leaf, bool | np.bool_) for leaf in kept.elements(carry)]

    def restored(cells: Sequence[Any]) -> Any:
        pairs = zip(cells, truths, strict=True)
        return kept.tree([cell != 0.0 if truth else cell for cell, truth in pairs])

    return kept, restored


def _same_structure(kept: Structure, after: Any) -> None:
    kept = _truths_as_numbers(kept)
    found = _truths_as_numbers(structure_of(after, where="the new carry"))
    if not _alike(kept, found):
        raise OperandError(
            "The body of a loop returns a carry of the structure it takes, "
            f"{spelled(kept)}, not {spelled(found)}."
        )


def _alike(a: Structure, b: Structure) -> bool:
    if {a.kind, b.kind} <= {NUMBER, ARRAY}:
        return a.shape == b.shape
    if (a.kind, a.fixed, len(a.parts)) != (b.kind, b.fixed, len(b.parts)):
        return False
    if a.kind != DICT:
        return a.keys == b.keys and all(map(_alike, a.parts, b.parts))
    other = dict(zip(b.keys, b.parts, strict=True))
    pairs = zip(a.keys, a.parts, strict=True)
    return all(key in other and _alike(part, other[key]) for key, part in pairs)


def _split(statements: Sequence[Statement], memory: str, place: int) -> int:
    """How many of the statements come before a place of a memory is assigned."""
    count = len(statements)
    while count and _lowest(statements[count - 1], memory) >= place:
        count -= 1
    return count


def _lowest(statement: Statement, memory: str) -> float:
    targets = (plain.target for plain, _ in walk((statement,)))
    return min((t.base for t in targets if t.memory == memory), default=math.inf)
