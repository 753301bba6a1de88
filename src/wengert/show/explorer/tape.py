"""What the explorer shows, in columns: a number per value for its operation, operands and group.

`of_values` reads graphs of Values into a tape, and `of_programs` reads Programs. A tape knows
nothing of either; its last values can be had by themselves, and its numbers computed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import Integers
from wengert.show.explorer.groups import Groups, split

Floats = np.ndarray[Any, np.dtype[np.float64]]
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Kind:
    """What a value is made by: a row of the table, or an operation of the user's own."""

    row: Primitive | None
    symbol: str
    arity: int


@dataclass
class Tape:
    """A graph in topological order.

    Attributes:
        kinds: what the numbers in `ops` stand for.
        ops: per value, the number of its kind; -1 for a leaf.
        operands: the operands of all values, one after the other.
        data: the numbers, where they are known; NaN stands for those to be computed.
        grad: the gradients as they stand.
        labels: by value.
        groups: what folds.
        group: per value, the innermost group that it is in, -1 for none.
        roots: what can be differentiated, the first one first.
        local: the partials of values that the page cannot compute, by value.
        guards: by value, what a comparison of the recorded code gave; another number would have
            led it along another path.
        inputs: of a Program, the value for each of its numbers; -1 where nothing uses it.
        computed: whether `data` has all numbers.
        left_out: how many earlier values were left out.
        kept: the earlier values that stand in front as leaves: where they stood before.
        cut: those of them that an operation had given.
        unnamed: how many values without a label stood before each of them, and before the rest.
    """

    kinds: list[Kind]
    ops: Integers
    operands: Integers
    data: Floats
    grad: Floats
    labels: dict[int, str]
    groups: Groups
    group: Integers
    roots: list[int]
    local: dict[int, list[float]] = field(default_factory=dict)
    guards: dict[int, float] = field(default_factory=dict)
    inputs: Integers = field(default_factory=lambda: NONE)
    computed: bool = True
    left_out: int = 0
    kept: Integers = field(default_factory=lambda: NONE)
    cut: Integers = field(default_factory=lambda: NONE)
    unnamed: Integers = field(default_factory=lambda: NONE)

    @property
    def starts(self) -> Integers:
        """Per value, where its operands start; and where those of the last one end."""
        arity = np.array([*(kind.arity for kind in self.kinds), 0], np.int64)
        starts = np.zeros(len(self.ops) + 1, np.int64)
        np.cumsum(arity[self.ops], out=starts[1:])
        return starts

    # --- its last values --------------------------------------------------------------------------

    def within(self, most: int) -> "Tape":
        """The last values, with the leaves that they start from: at most so many in all."""
        if len(self.ops) <= most:
            return self
        last_use = np.full(len(self.ops), -1)
        owners = np.repeat(np.arange(len(self.ops)), np.diff(self.starts))
        np.maximum.at(last_use, self.operands, owners)
        # From a cut on stand all values behind it, and those before it that are read there.
        crossing = np.zeros(len(self.ops) + 1, np.int64)
        read = last_use >= 0
        np.add.at(crossing, np.flatnonzero(read) + 1, 1)
        np.add.at(crossing, last_use[read] + 1, -1)
        size = len(self.ops) - np.arange(len(self.ops) + 1) + np.cumsum(crossing)
        fits = np.flatnonzero(size[:-1] <= most)
        return self.last(len(self.ops) - int(fits[0]) if len(fits) else 1)

    def last(self, count: int) -> "Tape":
        """The last so many values; what was computed before stands as leaves."""
        cut = len(self.ops) - count
        if cut <= 0:
            return self
        self.evaluate()
        operands = self.operands[self.starts[cut] :]
        before = np.unique(operands[operands < cut])
        new = np.full(len(self.ops), -1, np.int64)
        new[before] = np.arange(len(before))
        new[cut:] = np.arange(count) + len(before)
        kept = np.concatenate([before, np.arange(cut, len(self.ops))])
        ops = self.ops[kept].copy()
        ops[: len(before)] = -1
        labelled = np.zeros(cut + 1, np.int64)
        labelled[[k for k in self.labels if k < cut]] = 1
        places = np.append(before, cut)
        roots = [int(new[root]) for root in self.roots if new[root] >= 0] or [len(kept) - 1]
        return replace(
            self, ops=ops, operands=new[operands], data=self.data[kept], grad=self.grad[kept],
            labels={int(new[k]): name for k, name in self.labels.items() if new[k] >= 0},
            group=self.group[kept], roots=roots,
            local={int(new[k]): each for k, each in self.local.items() if k >= cut},
            guards={int(new[k]): each for k, each in self.guards.items() if k >= cut},
            left_out=cut - len(before), kept=before, cut=np.flatnonzero(self.ops[before] >= 0),
            unnamed=places - (np.cumsum(labelled) - labelled)[places],
        )  # fmt: skip

    def before(self, k: int) -> int:
        """Where a value stood before others were left out."""
        return int(self.kept[k]) if k < len(self.kept) else k + self.left_out

    def after(self, k: int) -> int:
        """Where a value stands that stood there before; -1 if it was left out."""
        if k >= len(self.kept) + self.left_out:
            return k - self.left_out
        at = int(np.searchsorted(self.kept, k))
        return at if at < len(self.kept) and self.kept[at] == k else -1

    # --- its numbers and groups -------------------------------------------------------------------

    def evaluate(self, anew: bool = False) -> None:
        """Compute all numbers from those of the leaves, where they are not known.

        Args:
            anew: in any case.
        """
        if self.computed and not anew:
            return
        scalars: list[Callable[..., float]] = [kind.row.scalar for kind in self.kinds if kind.row]
        arities = [kind.arity for kind in self.kinds]
        data = self.data.tolist()
        operands = self.operands.tolist()
        at = 0
        for k, op in enumerate(self.ops.tolist()):
            if op >= 0:
                end = at + arities[op]
                data[k] = scalars[op](*[data[j] for j in operands[at:end]])
                at = end
        self.data = np.array(data, float)
        self.computed = True

    def fold(self, limit: int) -> None:
        """Put values into smaller groups, where more than `limit` would show as cells of one."""
        symbols = [kind.symbol for kind in self.kinds]
        split(self.groups, self.group, self.ops, symbols, self.starts, self.operands, self.roots,
              limit)  # fmt: skip

    def gather_leaves(self) -> None:
        """Put leaves that one group alone reads into that group."""
        users = np.repeat(self.group, np.diff(self.starts))
        first = np.full(len(self.ops), len(self.groups) + 1)
        last = np.full(len(self.ops), -1)
        np.minimum.at(first, self.operands, users)
        np.maximum.at(last, self.operands, users)
        alone = (self.ops < 0) & (self.group < 0) & (first == last)
        self.group[alone] = first[alone]
