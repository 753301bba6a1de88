"""The function of a kernel that adds tiles of sums, for some groups of examples."""

from collections.abc import Iterable, Mapping

from wengert.run.lane_rows import Rows
from wengert.run.lanes import Lanes
from wengert.run.module import Function, Plan
from wengert.run.tiles import Tile
from wengert.run.unrolled import Operand


def tile_code(
    plan: Plan, rows: Rows, of: Iterable[Tile], slots: Mapping[Operand, int], size: int
) -> Function:
    """A function that adds to sums what so many groups of lanes have left in the scratch memory.

    One group comes after the other, so how many are added at a time changes no bit.

    Args:
        plan: what the kernel is written for.
        rows: of its module.
        of: the sums.
        slots: where a group keeps each factor.
        size: how many numbers a group keeps.
    """
    function = Function(plan, rows, parameter="i64 %groups")
    function.words.read_all()
    for number, tile in enumerate(of):
        _tile(function, tile, slots, size, number)
    return function


def _tile(
    function: Function, tile: Tile, slots: Mapping[Operand, int], size: int, number: int
) -> None:
    block = function.block
    lines, doubles = block.lines, block.doubles
    before, loop, after = block.label, f"tile{number}", f"behind{number}"
    counter, more, onward = f"%g{number}", f"%more{number}", f"%next{number}"
    found = {key: function.sum(place) for key, place in tile.places.items()}
    lines.append(f"br label %{loop}")
    block.begin(loop)
    lines.append(f"{counter} = phi i64 [ 0, %{before} ], [ {onward}, %{loop} ]")
    names = {key: f"%s{number}.{k}" for k, key in enumerate(found)}
    phis = len(lines)
    lines += [""] * len(names)
    first = block.put(f"mul i64 {counter}, {size}")

    def factor(operand: Operand | None) -> Lanes | None:
        if operand is None:
            return None
        return function.kept(block.put(f"add i64 {first}, {slots[operand]}"))

    high, wide = [factor(each) for each in tile.rows], [factor(each) for each in tile.columns]
    for k, ((row, column), name) in enumerate(names.items()):
        total = _added(block.named(name), high[row], wide[column], function.plan.exact)
        lines[phis + k] = (
            f"{name} = phi {doubles} [ {found[row, column].name}, %{before} ], "
            f"[ {total.name}, %{loop} ]"
        )
        found[row, column] = total
    lines.append(f"{onward} = add i64 {counter}, 1")
    lines.append(f"{more} = icmp slt i64 {onward}, %groups")
    lines.append(f"br i1 {more}, label %{loop}, label %{after}")
    block.begin(after)
    for key, place in tile.places.items():
        function.set_sum(place, found[key])


def _added(total: Lanes, one: Lanes | None, other: Lanes | None, exact: bool) -> Lanes:
    if one is None or other is None:
        term = one or other
        return total if term is None else total + term
    return total + one * other if exact else one.fma(other, total)
