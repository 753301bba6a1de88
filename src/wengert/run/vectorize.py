"""`vectorize`: a function that is compiled and broadcast over arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import OperandError
from wengert.program.program import Program
from wengert.program.structure import Structure, structure_of
from wengert.run import pool
from wengert.run.batch import Batch, Objects, batch_of
from wengert.run.compiled import Compiled
from wengert.run.paths import Paths, different
from wengert.run.progress import Progress
from wengert.run.results import Results
from wengert.run.signature import Signature
from wengert.run.spare import Spare
from wengert.run.tiers import AUTO, Options


def vectorize(
    function: Any = None, *, signature: str | None = None, exact: bool = False, tier: str = AUTO,
    threads: int | None = None, progress: bool = False,
) -> Any:  # fmt: skip
    """Compile a function and broadcast it over arrays, as `np.vectorize` does.

    Each example takes its own path through the function: where a comparison comes out otherwise
    than in the recording, the examples that it concerns are run on a recording of theirs.

    Args:
        function: a function, a Program, or a function that a transform has made; without it, what
            is returned is a decorator.
        signature: the axes of arguments and results that belong to one example, as in
            "(p),(d)->()"; results need not be stated. By default every argument is one number for
            the function.
        exact: give the bits that calling the function for each example gives. Otherwise products
            may be fused with sums, and functions like exp are those of `docs/accuracy.md`, within
            its bounds. What is compiled gives results that do not depend on the number of
            examples, lanes or threads.
        tier: "native" compiles at once, "interpreter" never does, and "auto" as soon as that pays,
            from when on the last bits may be others unless they are to be exact.
        threads: at most so many; None for all CPUs.
        progress: show a progress bar, by tqdm.

    Returns:
        A function of arrays of shapes `(*batch, *core)`, which are broadcast against each other.
        Numbers in dicts, dataclasses and named tuples are arrays, too; lists and tuples are arrays,
        as for NumPy. It gives what the function gives, with arrays of shape `(*batch, *core)` for
        its numbers and arrays: of float64, or of float32 if all arrays given are. `out=` takes
        arrays to write to. Arguments given by name are held fixed. Recorded numbers and Values, in
        arrays of dtype object, give such arrays: the function is called for each example.

    Raises:
        OperandError: an option is none; when called, if shapes do not fit, or examples give results
            of different structure.
        PathChanged: when called, if a Program takes another path: it cannot be recorded again.
        MissingExtraError: with tier="native", when called, if llvmlite is not installed.

    Source:
        Signatures and broadcasting are those of np.vectorize and NumPy's gufuncs.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> slope = wg.vectorize(wg.grad(lambda x: x**3 if x > 0.0 else -x))
        >>> slope(np.array([[1.0, 2.0], [-1.0, 3.0]]))
        array([[ 3., 12.],
               [-1., 27.]])
        >>> dot = wg.vectorize(lambda p, x: p @ x, signature="(n),(n)->()")
        >>> dot(np.array([1.0, 2.0]), np.array([[1.0, 1.0], [0.0, 3.0]]))
        array([3., 6.])
    """
    options = Options(bool(exact), tier, pool.checked_threads(threads))
    parsed = None if signature is None else Signature.parse(signature)
    if function is None:
        return lambda given: vectorize(
            given, signature=signature, exact=exact, tier=tier, threads=threads, progress=progress
        )
    return Vectorized(function, options, parsed, bool(progress))


class Vectorized(Compiled):
    """A compiled function, broadcast over arrays."""

    verb = "vectorize"

    def __init__(
        self, function: Any, options: Options, signature: Signature | None = None,
        progress: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(function, options)
        self.signature, self.progress = signature, progress
        self.spare = Spare()

    def _made_of(self) -> tuple[Any, ...]:
        return self.function, self.options, self.signature, self.progress

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """What the function gives for all examples."""
        if isinstance(self.function, Program):
            args, named = self.function.bound(args, named), {}
        batch = batch_of(args, self._keys(args, named), self.signature, self.name)
        if batch.operands:
            return self._one_by_one(batch, batch.operands, named, out)
        paths = self._paths_of(batch.arguments, named)
        if paths.first(batch.examples).finish:
            return self._objects(paths, batch, out)
        results = Results(self.name, self.signature, batch, out, self.spare)
        with Progress(self.progress, batch.examples.count, self.name) as progress:
            path = paths.all(batch.examples, results.columns, progress)
        return results.tree(path)

    def _objects(self, paths: Paths, batch: Batch, out: Any) -> Any:
        """Results that are no numbers and arrays: an array of objects."""
        if out is not None:
            raise OperandError(f"{self.name} gives objects, and out takes numbers.")
        found = np.empty(batch.shape, object)
        with Progress(self.progress, batch.examples.count, self.name) as progress:
            for number, at in enumerate(np.ndindex(*batch.shape)):
                path, outputs = paths.one(batch.examples.numbers(number))
                assert path.finish
                found[at] = path.finish(outputs)
                if progress:
                    progress(number + 1)
        return found if found.ndim else found[()]

    def _one_by_one(
        self, batch: Batch, operands: Sequence[Objects], named: dict[str, Any], out: Any
    ) -> Any:
        """In plain Python, for what is recorded, and for Values."""
        if out is not None:
            raise OperandError(f"out of {self.name} cannot hold what is recorded, nor Values.")
        structure: Structure | None = None
        found: list[Objects] = []
        for at in np.ndindex(*batch.shape):
            example = batch.arguments.of_leaves(array[at] for array in operands)
            result = self.function(*example, **named)
            own = structure_of(result, where=f"the result of {self.name}")
            if structure is None:
                structure = own
                leading = own.with_leading(batch.shape)
                found = [np.empty(shape, object) for shape in leading.leaf_shapes()]
            elif own != structure:
                raise different(self.name, own, structure)
            for array, leaf in zip(found, own.leaves(result), strict=True):
                array[at] = leaf
        if structure is None:
            raise OperandError(f"{self.name} has no examples to record.")
        return structure.of_leaves(array if array.ndim else array[()] for array in found)
