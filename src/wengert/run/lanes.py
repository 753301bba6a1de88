"""Instructions of LLVM on N lanes at once, written by Python's operators.

A `Block` collects text. Its operands, `Lanes` of doubles, `Integers` and `Mask`, write one
instruction per operator into it and hold nothing but the name of its result, so a formula in
Python is written out as the instructions that evaluate it on `<N x double>`. Each instruction acts
on every lane alike: what a lane gives does not depend on N.

Nothing here needs LLVM itself; the text is for whoever has it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, final, overload

SIZES = (1, 2, 4, 8, 16)  # lanes; more than a register holds are several registers to LLVM
RARE = '!prof !{!"branch_weights", i32 1, i32 4000}'  # so that nothing is spilled for that branch

_double = struct.Struct(">d").pack


def literal(value: float) -> str:
    """A double as LLVM reads it, to the last bit."""
    return "0x" + _double(value).hex()


@final
class Block:
    """Instructions on N lanes, one a line, in the order in which they were written.

    Args:
        lanes: how many, a power of two from 1 to 16; one is a plain number, no vector.
        flags: fast-math flags of +, - and *, such as `contract`, which lets them be fused.
        prefix: what names of results start with, where several blocks share a function.
        literals: the numbers in the module's `@literals`, which has a place for each; if given,
            numbers that instructions need are read there, and added.

    Attributes:
        lines: the instructions.
        declarations: of each function that is called, by its name.
        label: the basic block that is being written; `entry` at first.
        doubles, integers, masks: the types of the operands.
        fused: the name of the fused multiply-add.
    """

    __slots__ = (
        "declarations", "doubles", "flags", "fused", "integers", "known",
        "label", "lanes", "lines", "literals", "masks", "prefix",
    )  # fmt: skip

    def __init__(
        self, lanes: int, flags: str = "", prefix: str = "v",
        literals: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        if lanes not in SIZES:
            raise ValueError(f"Lanes come in {SIZES}, not {lanes!r}.")
        self.lanes: Final = lanes
        self.flags = f" {flags}" if flags else ""
        self.prefix: Final = f"%{prefix}"
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.label = "entry"
        self.literals: Final = literals
        self.known: dict[str, str] = {}  # those that this basic block has read
        self.doubles: Final = self.many("double")
        self.fused: Final = self.named_for("fma")
        self.integers: Final = self.many("i64")
        self.masks: Final = self.many("i1")

    def many(self, kind: str) -> str:
        """The type of one of a kind in each lane; of a single lane, plainly that, not a vector."""
        return f"<{self.lanes} x {kind}>" if self.lanes > 1 else kind

    def same(self, kind: str, value: object) -> str:
        """A constant in each lane."""
        return f"splat ({kind} {value})" if self.lanes > 1 else f"{value}"

    def named_for(self, intrinsic: str) -> str:
        """What LLVM calls its own function for these lanes."""
        return f"llvm.{intrinsic}.{f'v{self.lanes}' if self.lanes > 1 else ''}f64"

    def put(self, instruction: str) -> str:
        """Write an instruction; the name of its result."""
        lines = self.lines
        name = f"{self.prefix}{len(lines)}"
        lines.append(f"{name} = {instruction}")
        return name

    def named(self, name: str) -> Lanes:
        """The doubles that have this name, such as `%x`."""
        return Lanes(self, name)

    def constant(self, value: float) -> Lanes:
        """The same double in every lane."""
        return Lanes(self, self.number(value))

    def number(self, value: float) -> str:
        """The name of a double that is in every lane."""
        text = literal(value)
        if self.literals is None or not value:
            return self.same("double", text)
        found = self.known.get(text)
        if found is None:
            at = self.literals.setdefault(text, len(self.literals))
            place = f"getelementptr (double, ptr @literals, i64 {at})"
            one = self.put(f"load double, ptr {place}, !invariant.load !{{}}")
            found = self.known[text] = self.spread(one).name
        return found

    def spread(self, one: str) -> Lanes:
        """One double, which has this name, in all lanes."""
        return Lanes(self, self.spread_of("double", one))

    def spread_of(self, kind: str, one: str) -> str:
        """The same of one of any kind."""
        if self.lanes == 1:
            return one
        vector = self.many(kind)
        first = self.put(f"insertelement {vector} poison, {kind} {one}, i32 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self.put(f"shufflevector {vector} {first}, {vector} poison, {zeros}")

    def lane(self, lanes: str, number: int) -> str:
        """The double in one lane."""
        if self.lanes == 1:
            return lanes
        return self.put(f"extractelement {self.doubles} {lanes}, i32 {number}")

    def with_lane(self, lanes: str, number: int, one: str) -> str:
        """Doubles with another one in one lane."""
        if self.lanes == 1:
            return one
        return self.put(f"insertelement {self.doubles} {lanes}, double {one}, i32 {number}")

    def whole(self, value: int) -> Integers:
        """The same integer in every lane."""
        return Integers(self, self.same("i64", value))

    def call(self, function: str, *operands: Lanes | float) -> Lanes:
        """Call a function of doubles in lanes, and declare it."""
        doubles = self.doubles
        if function not in self.declarations:
            types = ", ".join([doubles] * len(operands))
            self.declarations[function] = f"declare {doubles} @{function}({types})"
        places = ", ".join([f"{doubles} {_doubles(self, each)}" for each in operands])
        return Lanes(self, self.put(f"call {doubles} @{function}({places})"))

    def lane_by_lane(self, function: str, *operands: Lanes) -> Lanes:
        """Call a function of doubles for one lane after the other, and declare it."""
        scalars = ", ".join(["double"] * len(operands))
        self.declarations[function] = f"declare double @{function}({scalars})"
        result = "poison"
        for lane in range(self.lanes):
            places = ", ".join([f"double {self.lane(each.name, lane)}" for each in operands])
            value = self.put(f"call double @{function}({places})")
            result = self.with_lane(result, lane, value)
        return Lanes(self, result)

    def intrinsic(self, name: str, *operands: Lanes | float) -> Lanes:
        """Call what LLVM itself offers, such as `fma`."""
        return self.call(self.named_for(name), *operands)

    def rarely(self, mask: Mask, usual: Lanes, rare: Callable[[], Lanes]) -> Lanes:
        """`usual`, but in the lanes of the mask `rare()`, which is computed if there are any."""
        name, before = f"{self.prefix[1:]}{len(self.lines)}", self.label
        taken, joined = f"rare.{name}", f"joined.{name}"
        self.lines.append(f"br i1 {mask.any()}, label %{taken}, label %{joined}, {RARE}")
        self.begin(taken)
        chosen = mask.select(rare(), usual)
        after = self.label
        self.lines.append(f"br label %{joined}")
        self.begin(joined)
        sources = f"[ {usual.name}, %{before} ], [ {chosen.name}, %{after} ]"
        return Lanes(self, self.put(f"phi {self.doubles} {sources}"))

    def begin(self, label: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{label}:")
        self.begin_as(label)

    def begin_as(self, label: str) -> None:
        """Go on in a basic block that another one has begun who writes to the same lines."""
        self.label = label
        self.known = {}


class _Operand:
    """Something in each lane of a block: the name of a result, or a constant."""

    __slots__ = ("block", "name")

    def __init__(self, block: Block, name: str) -> None:
        self.block = block
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


@final
class Lanes(_Operand):
    """A double in each lane. Other operands may be plain floats, meant for every lane."""

    __slots__ = ()

    def _with(self, operation: str, other: Lanes | float) -> Lanes:
        block = self.block
        text = f"{operation}{block.flags} {block.doubles} {self.name}, {_doubles(block, other)}"
        return Lanes(block, block.put(text))

    def _after(self, operation: str, other: float) -> Lanes:
        block = self.block
        text = f"{operation}{block.flags} {block.doubles} {_doubles(block, other)}, {self.name}"
        return Lanes(block, block.put(text))

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._with("fadd", other)

    def __radd__(self, other: float) -> Lanes:
        return self._after("fadd", other)

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._with("fsub", other)

    def __rsub__(self, other: float) -> Lanes:
        return self._after("fsub", other)

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._with("fmul", other)

    def __rmul__(self, other: float) -> Lanes:
        return self._after("fmul", other)

    def __truediv__(self, other: Lanes | float) -> Lanes:
        block = self.block
        return Lanes(
            block, block.put(f"fdiv {block.doubles} {self.name}, {_doubles(block, other)}")
        )

    def __rtruediv__(self, other: float) -> Lanes:
        return self.block.constant(other) / self

    def __neg__(self) -> Lanes:
        return Lanes(self.block, self.block.put(f"fneg {self.block.doubles} {self.name}"))

    def fma(self, factor: Lanes | float, term: Lanes | float) -> Lanes:
        """self·factor + term, rounded once."""
        block = self.block
        doubles, function = block.doubles, block.fused
        if function not in block.declarations:
            return block.intrinsic("fma", self, factor, term)
        return Lanes(
            block,
            block.put(
                f"call {doubles} @{function}({doubles} {self.name}, "
                f"{doubles} {_doubles(block, factor)}, {doubles} {_doubles(block, term)})"
            ),
        )

    def sqrt(self) -> Lanes:
        """Square root, correctly rounded."""
        return self.block.intrinsic("sqrt", self)

    def floor(self) -> Lanes:
        """The largest integer not above."""
        return self.block.intrinsic("floor", self)

    def ceil(self) -> Lanes:
        """The smallest integer not below."""
        return self.block.intrinsic("ceil", self)

    def trunc(self) -> Lanes:
        """The number without its fraction."""
        return self.block.intrinsic("trunc", self)

    def rint(self) -> Lanes:
        """The nearest integer; of two, the even one."""
        return self.block.intrinsic("roundeven", self)

    def __abs__(self) -> Lanes:
        return self.block.intrinsic("fabs", self)

    def copysign(self, sign: Lanes | float) -> Lanes:
        """The size of this with the sign of another."""
        return self.block.intrinsic("copysign", self, sign)

    def at_most(self, bound: Lanes | float) -> Lanes:
        """The smaller of this and the bound; NaN where this is NaN."""
        return (self > bound).select(bound, self)

    def at_least(self, bound: Lanes | float) -> Lanes:
        """The larger of this and the bound; NaN where this is NaN."""
        return (self < bound).select(bound, self)

    def _compared(self, how: str, other: Lanes | float) -> Mask:
        block = self.block
        text = f"fcmp {how} {block.doubles} {self.name}, {_doubles(block, other)}"
        return Mask(block, block.put(text))

    def __lt__(self, other: Lanes | float) -> Mask:
        return self._compared("olt", other)

    def __le__(self, other: Lanes | float) -> Mask:
        return self._compared("ole", other)

    def __gt__(self, other: Lanes | float) -> Mask:
        return self._compared("ogt", other)

    def __ge__(self, other: Lanes | float) -> Mask:
        return self._compared("oge", other)

    def equals(self, other: Lanes | float) -> Mask:
        """Where both are the same number; NaN equals nothing."""
        return self._compared("oeq", other)

    def differs(self, other: Lanes | float) -> Mask:
        """Where they are not the same number, or either is NaN."""
        return self._compared("une", other)

    def is_nan(self) -> Mask:
        """Where this is NaN."""
        return self._compared("uno", self)

    def either_is_nan(self, other: Lanes) -> Mask:
        """Where this or another is NaN."""
        return self._compared("uno", other)

    def bits(self) -> Integers:
        """The bit patterns."""
        block = self.block
        text = f"bitcast {block.doubles} {self.name} to {block.integers}"
        return Integers(block, block.put(text))

    def to_integers(self) -> Integers:
        """The number without its fraction, where an integer of 64 bits can hold it."""
        block = self.block
        text = f"fptosi {block.doubles} {self.name} to {block.integers}"
        return Integers(block, block.put(text))


@final
class Integers(_Operand):
    """An integer of 64 bits in each lane; sums and products wrap around."""

    __slots__ = ()

    def _with(self, operation: str, other: Integers | int) -> Integers:
        block = self.block
        text = f"{operation} {block.integers} {self.name}, {_integers(block, other)}"
        return Integers(block, block.put(text))

    def __add__(self, other: Integers | int) -> Integers:
        return self._with("add", other)

    def __sub__(self, other: Integers | int) -> Integers:
        return self._with("sub", other)

    def __rsub__(self, other: int) -> Integers:
        return self.block.whole(other) - self

    def __mul__(self, other: Integers | int) -> Integers:
        return self._with("mul", other)

    def __and__(self, other: Integers | int) -> Integers:
        return self._with("and", other)

    def __or__(self, other: Integers | int) -> Integers:
        return self._with("or", other)

    def __xor__(self, other: Integers | int) -> Integers:
        return self._with("xor", other)

    def __lshift__(self, places: Integers | int) -> Integers:
        return self._with("shl", places)

    def __rshift__(self, places: Integers | int) -> Integers:
        return self._with("ashr", places)

    def unsigned_shift(self, places: Integers | int) -> Integers:
        """Shifted to the right, with zeros coming in."""
        return self._with("lshr", places)

    def at_most(self, bound: int) -> Integers:
        """The smaller of this and the bound."""
        return (self > bound).select(self.block.whole(bound), self)

    def _compared(self, how: str, other: Integers | int) -> Mask:
        block = self.block
        text = f"icmp {how} {block.integers} {self.name}, {_integers(block, other)}"
        return Mask(block, block.put(text))

    def __lt__(self, other: Integers | int) -> Mask:
        return self._compared("slt", other)

    def __gt__(self, other: Integers | int) -> Mask:
        return self._compared("sgt", other)

    def equals(self, other: Integers | int) -> Mask:
        """Where both are the same."""
        return self._compared("eq", other)

    def differs(self, other: Integers | int) -> Mask:
        """Where they are not the same."""
        return self._compared("ne", other)

    def as_doubles(self) -> Lanes:
        """The doubles that have these bit patterns."""
        block = self.block
        text = f"bitcast {block.integers} {self.name} to {block.doubles}"
        return Lanes(block, block.put(text))

    def to_doubles(self) -> Lanes:
        """The same numbers as doubles."""
        block = self.block
        text = f"sitofp {block.integers} {self.name} to {block.doubles}"
        return Lanes(block, block.put(text))


@final
class Mask(_Operand):
    """Yes or no in each lane."""

    __slots__ = ()

    def _with(self, operation: str, other: str) -> Mask:
        block = self.block
        return Mask(block, block.put(f"{operation} {block.masks} {self.name}, {other}"))

    def __and__(self, other: Mask) -> Mask:
        return self._with("and", other.name)

    def __or__(self, other: Mask) -> Mask:
        return self._with("or", other.name)

    def __xor__(self, other: Mask) -> Mask:
        return self._with("xor", other.name)

    def __invert__(self) -> Mask:
        return self._with("xor", self.block.same("i1", "true"))

    @overload
    def select(self, yes: Integers, no: Integers | int) -> Integers: ...
    @overload
    def select(self, yes: Lanes | float, no: Lanes | float) -> Lanes: ...

    def select(
        self, yes: Lanes | Integers | float, no: Lanes | Integers | float
    ) -> Lanes | Integers:
        """`yes` in the lanes of this mask, `no` in the others."""
        block = self.block
        if isinstance(yes, Integers):
            assert not isinstance(no, Lanes | float)
            places = f"{block.integers} {yes.name}, {block.integers} {_integers(block, no)}"
            return Integers(block, block.put(f"select {block.masks} {self.name}, {places}"))
        assert not isinstance(no, Integers)
        places = f"{block.doubles} {_doubles(block, yes)}, {block.doubles} {_doubles(block, no)}"
        return Lanes(block, block.put(f"select {block.masks} {self.name}, {places}"))

    def any(self) -> str:
        """The name of an `i1`: whether any lane is in this mask."""
        block = self.block
        if block.lanes == 1:
            return self.name
        bits = f"i{block.lanes}"
        together = block.put(f"bitcast {block.masks} {self.name} to {bits}")
        return block.put(f"icmp ne {bits} {together}, 0")


def _doubles(block: Block, operand: Lanes | float) -> str:
    if type(operand) is Lanes:
        return operand.name
    return block.number(operand)


def _integers(block: Block, operand: Integers | int) -> str:
    return operand.name if type(operand) is Integers else block.same("i64", operand)
