"""Loops that the user states: recorded once, for counts that are huge or that depend on data.

On plain numbers and on Values, `scan`, `fori` and `while_loop` are the Python loops they stand for.
In recorded code, the body is run once and becomes the body of a loop of the program. What is
carried from one iteration to the next has cells of its own: in front of the loop they hold the
initial values, and at the end of every iteration the values for the next one, so that an iteration
finds what is carried always at the same distance.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import numpy as np

from wengert import primitives
from wengert.dispatch import describe
from wengert.errors import OperandError, PathChanged, ProgramError
from wengert.node import Node
from wengert.program.address import CONSTANT, INPUT, SHIFT, VALUE, Address, Lookup, coded, decoded
from wengert.program.dependence import Table, moving, places_of
from wengert.program.program import Program
from wengert.program.recorded import Recorded
from wengert.program.recording import RECORDING, Body, Recording, refuse_leaks, result_code
from wengert.program.spelling import spelled
from wengert.program.statements import (
    Assign,
    Loop,
    Operation,
    Run,
    Statement,
    While,
    changed,
    parts,
    walk,
)
from wengert.program.structure import (
    ARRAY,
    DICT,
    FIXED,
    NUMBER,
    TUPLE,
    Structure,
    structure_of,
)

LONGEST_TRIAL = 20_000_000  # statements that recording a loop may run to know its numbers
ONE_WAY = (
    "The body is recorded once. Write wg.where(condition, x, y) for a branch, a & b for `a and b`, "
    "x < y for `not x >= y`, pass what is indexed by the counter as xs of wg.scan, or write a "
    "Python loop."
)


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    xs: Any = None,
    length: int | None = None,
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
    if tape is not None:
        return _recorded_scan(tape, step, carry, sequence)
    outputs = []
    for k in range(sequence.length):
        carry, output = _pair(step(carry, sequence[k]))
        outputs.append(output)
    return carry, _stacked(outputs)


def fori(n: Any, body: Callable[[Any, Any], Any], carry: Any) -> Any:
    r"""Run a body n times, carrying a state along: `for i in range(n): carry = body(i, carry)`.

    In recorded code the body is run once and becomes a loop of the program, whatever n is. Where n
    depends on the arguments, the program's loop runs as often as they say.

    Args:
        n: how often; a number that is an integer.
        body: from the counter and the carry to the next carry.
        carry: numbers, arrays, or a structure of them.

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

    if isinstance(n, Recorded):
        _refuse_fractions(n)
        return while_loop(lambda state: state[0] < n, turn, (0.0, carry))[1]
    count = _count(n)
    if tape is not None:
        nothing = _Sequence(None, count)
        (_, last), _ = _recorded_scan(tape, lambda c, _: (turn(c), None), (0.0, carry), nothing)
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
    tape: Recording, step: Callable[..., Any], carry: Any, sequence: _Sequence
) -> tuple[Any, Any]:
    kept, restored = _carried(carry)
    elements = _Elements(tape, sequence)
    cells = [_move(tape, leaf) for leaf in kept.elements(carry)]
    start = tape.length
    if not sequence.length:
        return kept.tree(cells), None
    part = _Part(tape)
    arrived = [_move_code(tape, code) for code in elements.first]
    element = sequence.element.tree(arrived) if sequence.structure else None
    after, output = _pair(step(restored(cells), element))
    _same_structure(kept, after)
    given = _truths_as_numbers(structure_of(output, where="the step's output"))
    made = [_move(tape, leaf) for leaf in given.elements(output)]
    for leaf in kept.elements(after):
        _move(tape, leaf)
    statements, width = part.taken()

    def inside(address: Address, _: tuple[int, ...]) -> Address:
        moving = address.memory == VALUE and address.base >= start - len(cells)
        return _deeper(address, width if moving else 0)

    body = list(_rewritten(statements, inside))
    for k, source in enumerate(elements.addresses):
        moved = body[k]
        assert isinstance(moved, Assign)
        body[k] = replace(moved, operands=(source,))
    loop = Loop(sequence.length, tuple(body))
    tape.add(loop, width * (sequence.length - 1))  # the first iteration has its places already
    finals = [start - len(cells) + k + width * sequence.length for k in range(len(cells))]
    places = [
        [tape_place + width * k for k in range(sequence.length)]
        for tape_place in (m._code for m in made)
    ]
    wanted = finals + [place for column in places for place in column]
    part.close(frozenset(wanted), cells=len(cells))
    numbers = _trial(tape, loop, range(start - len(cells), start), wanted)
    results = [tape.value(place, number) for place, number in zip(wanted, numbers, strict=True)]
    last = kept.tree(results[: len(cells)])
    length = sequence.length
    columns = [results[at : at + length] for at in range(len(cells), len(results), length)]
    return last, _tree_of(given, columns, length)


def _recorded_while(
    tape: Recording, cond: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any
) -> Any:
    kept, restored = _carried(carry)
    initial = [result_code(leaf, tape) for leaf in kept.elements(carry)]
    start = tape.length
    part = _Part(tape)
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

    def inside(address: Address, _: tuple[int, ...]) -> Address:
        if address.memory == VALUE and address.base >= start:
            return replace(_deeper(address, stride), memory=local, base=address.base - start)
        return _deeper(address, 0)

    inner = list(_rewritten(statements, inside))
    first, rest = inner[:count], inner[count:]
    split = _split(statements[count:], start + tested)
    wanted = list(range(tape.length, tape.length + count))
    last = tuple(
        Assign(Address(VALUE, place, (0,)), None, (Address(local, k, (stride,)),))
        for k, place in enumerate(wanted)
    )
    loop = While(
        local, tuple(first), tuple(rest[:split]), inside(condition, ()),
        tuple(rest[split:]), last,
    )  # fmt: skip
    part.close(frozenset())
    tape.add(loop, count)
    numbers = _trial(tape, loop, range(start, start), wanted)
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
        if codes.size and (codes >> SHIFT != codes.flat[0] >> SHIFT).any():
            moved = [_move_code(tape, int(code))._code for code in codes.ravel()]
            codes = np.array(moved, np.int64).reshape(rows.shape)
        for column in codes.T:
            self.first.append(int(column[0]))
            self.addresses.append(_along(tape, column))


def _along(tape: Recording, column: Any) -> Address:
    """The address that runs through these places, one per iteration."""
    first = decoded(int(column[0]))
    steps = np.diff(column)
    if not len(steps) or (steps == steps[0]).all():
        return replace(first, strides=(int(steps[0]) if len(steps) else 0,))
    table = len(tape.index)
    tape.index.extend((column - column[0]).tolist())
    return replace(first, strides=(0,), lookup=Lookup(table, (1,)))


class _Part:
    """A stretch of the tape that is recorded to be taken off again."""

    def __init__(self, tape: Recording) -> None:
        tape.flush()
        self.tape, self.start, self.first = tape, tape.length, len(tape.statements)
        self.bodies = len(tape.bodies)

    def taken(self) -> tuple[Sequence[Statement], int]:
        """The statements since then, and how many places they take."""
        tape = self.tape
        tape.flush()
        statements: list[Statement] = []
        for statement in tape.statements[self.first :]:
            if isinstance(statement, Run):
                refuse_leaks(statement.operands, tape.bodies)
                statements += statement
            else:
                statements.append(statement)
        tape.rewind(self.first)
        return statements, tape.length - self.start

    def close(self, results: frozenset[int], cells: int = 0) -> None:
        """From here on only these may be used of the places since then and of the cells before."""
        start = self.start - cells
        self.tape.bodies[self.bodies :] = [Body(start, self.tape.length, results)]


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


# --- rewriting a body -----------------------------------------------------------------------------


def _deeper(address: Address, stride: int) -> Address:
    """The address with one more loop around it."""
    lookup = address.lookup and Lookup(address.lookup.start, (0, *address.lookup.strides))
    return Address(address.memory, address.base, (stride, *address.strides), lookup)


Change = Callable[[Address, tuple[int, ...]], Address]  # given the counts of the loops around it


def _rewritten(
    statements: Sequence[Statement], change: Change, counts: tuple[int, ...] = ()
) -> Iterator[Statement]:
    """The statements with every address changed."""
    for statement in statements:
        if isinstance(statement, Loop):
            body = tuple(_rewritten(statement.body, change, (*counts, statement.count)))
            yield replace(statement, body=body)
        elif isinstance(statement, While):
            below = (*counts, 1)  # its counter moves its own memory only
            first, test, body, last = (
                tuple(_rewritten(part, change, below)) for part in parts(statement)
            )
            condition = change(statement.condition, below)
            yield While(statement.local, first, test, condition, body, last)
        elif isinstance(statement, Run):
            yield from _rewritten(tuple(statement), change)
        else:
            yield changed(statement, lambda address: change(address, counts))


def _split(statements: Sequence[Statement], place: int) -> int:
    """How many of the statements come before a place of the value memory."""
    count = len(statements)
    while count and _lowest(statements[count - 1]) >= place:
        count -= 1
    return count


def _lowest(statement: Statement) -> float:
    targets = (plain.target for plain, _ in walk((statement,)))
    return min((t.base for t in targets if t.memory == VALUE), default=math.inf)


# --- the numbers of the example -------------------------------------------------------------------


def _trial(tape: Recording, loop: Statement, cells: range, wanted: Sequence[int]) -> list[float]:
    """What the example gives at these places after the loop, which starts with these cells.

    A loop that would take too long leaves NaN: a branch on such a result is a guard that fails
    whenever the program runs, so it does not go unseen.
    """
    from wengert.run.walk import PATIENCE, Given, TooLong, Walker, effort

    stored, cost = effort((loop,))
    if cost > LONGEST_TRIAL or not wanted:
        return [math.nan] * len(wanted)
    memories: dict[str, dict[int, float]] = {
        memory: Given(partial(_number, tape, memory)) for memory in (INPUT, CONSTANT, VALUE)
    }
    if cost <= PATIENCE * stored:
        refuse = partial(_refuse_branch, tape)
        walker = Walker(memories, tape.index, PATIENCE * stored, refuse)
        with suppress(TooLong), np.errstate(all="ignore"):
            walker.walk((loop,))
            return [memories[VALUE][place] for place in wanted]
    return _long_trial(tape, loop, cells, wanted)


def _number(tape: Recording, memory: str, place: int) -> float:
    return tape.number(coded(memory, place))


def _refuse_branch(tape: Recording, failure: Any) -> NoReturn:
    from wengert.run.path import decision

    def name(address: Address) -> str:
        if address.memory == CONSTANT and not any(address.strides) and not address.lookup:
            return f"{tape.number(coded(CONSTANT, address.base))!r}"
        return "a number"

    said = decision(failure, name, "when recorded")
    turn = ", ".join(str(k + 1) for k in failure.counters)
    source = f" ({failure.guard.source})" if failure.guard.source else ""
    raise ProgramError(
        "A branch in the body of a loop goes different ways in different iterations: "
        f"{said} in iteration {turn}{source}. {ONE_WAY}"
    )


def _long_trial(
    tape: Recording, loop: Statement, cells: range, wanted: Sequence[int]
) -> list[float]:
    """The same with a program of the loop alone: what it reads from before are further inputs."""
    given = [tape.input_numbers]
    index = [np.array(tape.index, np.int64)]
    sizes = {INPUT: len(given[0]), "index": len(tape.index)}

    def put(places: Sequence[int]) -> int:
        given.append(np.array([tape.number(place) for place in places]))
        sizes[INPUT] += len(places)
        return sizes[INPUT] - len(places)

    def read(address: Address, counts: tuple[int, ...]) -> Address:
        if address.memory != VALUE or address.base >= cells.start:
            return address
        levels = moving(address, counts)
        places, inverse = np.unique(
            places_of(address, counts, Table(index[0])), return_inverse=True
        )
        index.append(inverse.ravel())
        steps = [0] * len(counts)
        for k, level in enumerate(levels):
            steps[level] = math.prod(counts[below] for below in levels[k + 1 :])
        lookup = Lookup(sizes["index"], tuple(steps))
        sizes["index"] += inverse.size
        return Address(INPUT, put(places.tolist()), (0,) * len(counts), lookup)

    first = put(cells)
    moves = [
        Assign(Address(VALUE, place), None, (Address(INPUT, first + k),))
        for k, place in enumerate(cells)
    ]
    statements = list(_rewritten((loop,), read))
    places = np.array(wanted, np.int64)
    results = Run(0, (Operation(None),), np.zeros(len(places), np.int32), places, outputs=True)
    inputs = Structure(ARRAY, (sizes[INPUT],))
    program = Program(
        (*moves, *statements, results), tape.length, tape.constants, np.concatenate(index),
        Structure(TUPLE, parts=(inputs,)), Structure(ARRAY, (len(wanted),)), "loop",
    )  # fmt: skip
    try:
        numbers: list[float] = program(np.concatenate(given)).tolist()
    except PathChanged as error:
        raise ProgramError(
            f"A branch in the body of a loop goes different ways in different iterations: {error} "
            f"{ONE_WAY}"
        ) from None
    return numbers
