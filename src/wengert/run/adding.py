"""Examples added to sums by lane, where a kernel computes them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.program.structure import Floats
from wengert.run.columns import Column, Sums, address
from wengert.run.kernel import Kernel


class Adding:
    """What adds examples to sums.

    Args:
        kernel: the one to use; given True, that with products as they are meant.
        inputs: the columns of all examples.
        starts: where the numbers of each leaf of the results begin.
    """

    def __init__(
        self, kernel: Callable[[bool], Kernel], inputs: Sequence[Column], starts: Sequence[int]
    ) -> None:
        self.kernel, self.inputs, self.starts = kernel, inputs, starts
        self.words = [word for column in inputs for word in column.words()]

    def __call__(self, sums: Floats, begin: int, end: int, stop: Any) -> None:
        """Add the examples from one to another to sums, `(numbers, lanes)`."""
        before = sums.copy()
        if not self._added(self.kernel(False), sums, begin, end, stop):
            sums[...] = before
            self._added(self.kernel(True), sums, begin, end, stop)

    def _added(self, kernel: Kernel, sums: Floats, begin: int, end: int, stop: Any) -> bool:
        """Whether that is right; if not, it is to be done again."""
        lanes = kernel.plan.lanes
        last = (end - begin) % lanes
        whole = end - last
        failed = np.zeros(max(end - begin, lanes), np.uint8)
        if begin < whole:
            words = [*self.words, *self._words_of(sums)]
            kernel.call(words, address(failed) - begin, stop, begin, whole)
        if last:
            rest = sums.copy()
            padded = kernel.padded(self.inputs, whole, end)
            words = [word for column in padded for word in column.words()]
            kernel.call([*words, *self._words_of(rest)], address(failed), stop, 0, lanes)
            sums[:, :last] = rest[:, :last]
        return not (kernel.code.speculates and (failed.any() or np.isnan(sums).any()))

    def _words_of(self, sums: Floats) -> list[int]:
        return [word for start in self.starts for word in Sums(sums[start:]).words()]
