"""A sparsity pattern: which entries of a matrix are not zero by structure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.errors import MissingExtraError, ProgramError
from wengert.program.address import Integers
from wengert.value import engine

Columns = np.ndarray[Any, np.dtype[np.int32]]
LARGEST = 2**31 - 1  # rows and columns


@dataclass(frozen=True, eq=False, repr=False)
class Pattern:
    """The entries of a matrix that may be other than zero, row by row.

    Row i has its entries in the columns `indices[indptr[i]:indptr[i + 1]]`, ascending: the
    compressed sparse row form.

    Args:
        indptr: where the entries of each row start, and where those of the last end, `(m + 1,)`.
        indices: the columns of all entries, `(nnz,)`.
        shape: m rows and n columns.

    Raises:
        ProgramError: these do not describe a pattern.

    Examples:
        >>> pattern = Pattern.dense([[1, 1, 0], [0, 1, 0]])
        >>> pattern
        Pattern(2 x 3, 3 entries)
        >>> pattern.indices.tolist(), pattern.row(0).tolist()
        ([0, 1, 1], [0, 1])
    """

    indptr: Integers
    indices: Columns
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        indptr = np.ascontiguousarray(self.indptr, np.int64)
        indices = np.ascontiguousarray(self.indices, np.int32)
        rows, columns = self.shape
        if not (0 <= rows <= LARGEST and 0 <= columns <= LARGEST):
            raise ProgramError(f"A pattern has at most {LARGEST:,} rows and columns.")
        if indptr.shape != (rows + 1,) or indices.ndim != 1:
            raise ProgramError(f"A pattern of {rows} rows has {rows + 1} numbers in indptr.")
        if indptr[0] or indptr[-1] != len(indices) or (indptr[1:] < indptr[:-1]).any():
            raise ProgramError("The numbers in indptr ascend, from 0 to the number of entries.")
        steps = np.diff(indices.astype(np.int64))
        steps[(indptr[1:-1] - 1)[(indptr[1:-1] > 0) & (indptr[1:-1] < len(indices))]] = 1
        if len(indices) and (indices.min() < 0 or indices.max() >= columns or (steps <= 0).any()):
            raise ProgramError(f"The columns in a row ascend, each once, below {columns}.")
        for name, column in (("indptr", indptr), ("indices", indices)):
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    @staticmethod
    def dense(matrix: Any) -> "Pattern":
        """The pattern of a matrix's entries that are not 0."""
        mask = np.asarray(matrix) != 0
        indptr = np.concatenate([[0], np.cumsum(mask.sum(1))])
        return Pattern(indptr, np.nonzero(mask)[1].astype(np.int32), mask.shape)

    @property
    def nnz(self) -> int:
        """How many entries there are."""
        return len(self.indices)

    @cached_property
    def rows(self) -> Columns:
        """The row of each entry, `(nnz,)`."""
        return np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(self.indptr))

    def row(self, i: int) -> Columns:
        """The columns in which row i has entries."""
        return self.indices[self.indptr[i] : self.indptr[i + 1]]

    @cached_property
    def by_column(self) -> tuple["Pattern", Integers]:
        """The transposed pattern, and for each of its entries the number that it has here."""
        indptr, indices, entries = transposed(self.indptr, self.indices, self.shape[1])
        return Pattern(indptr, indices, self.shape[::-1]), entries

    @property
    def transposed(self) -> "Pattern":
        """The pattern with rows and columns exchanged."""
        return self.by_column[0]

    @property
    def is_symmetric(self) -> bool:
        """Whether entry (i, j) is there wherever (j, i) is."""
        return self.shape[0] == self.shape[1] and self == self.transposed

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Row and column of each entry."""
        return zip(self.rows.tolist(), self.indices.tolist(), strict=True)

    def csr(self, entries: Any = None) -> Any:
        """The matrix with these entries, a `scipy.sparse.csr_array`; by default all True.

        Args:
            entries: in the order of the pattern, `(nnz,)`.

        Raises:
            MissingExtraError: SciPy is not installed.
        """
        try:
            from scipy.sparse import csr_array
        except ImportError:
            raise MissingExtraError("A scipy.sparse array", "scipy", "scipy") from None
        given = np.ones(self.nnz, bool) if entries is None else entries
        return csr_array((given, self.indices, self.indptr), shape=self.shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pattern):
            return NotImplemented
        return (
            self.shape == other.shape
            and np.array_equal(self.indptr, other.indptr)
            and np.array_equal(self.indices, other.indices)
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.indptr.tobytes(), self.indices.tobytes()))

    def __repr__(self) -> str:
        rows, columns = self.shape
        entries = "entry" if self.nnz == 1 else "entries"
        return f"Pattern({rows:,} x {columns:,}, {self.nnz:,} {entries})"


def transposed_plain(
    indptr: Integers, indices: Columns, width: int
) -> tuple[Integers, Columns, Integers]:
    """The compressed rows of the transposed matrix, and per entry its number before."""
    entries = np.argsort(indices, kind="stable")
    starts = np.zeros(width + 1, np.int64)
    np.cumsum(np.bincount(indices, minlength=width), out=starts[1:])
    rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
    return starts, rows[entries], entries


if TYPE_CHECKING:
    transposed = transposed_plain
elif engine == "native":
    from wengert import _native

    def transposed(
        indptr: Integers, indices: Columns, width: int
    ) -> tuple[Integers, Columns, Integers]:
        """See `transposed_plain`."""
        starts, rows, entries = _native.transposed(indptr, indices, width)
        return (
            np.frombuffer(starts, np.int64), np.frombuffer(rows, np.int32),
            np.frombuffer(entries, np.int64),
        )  # fmt: skip

else:
    transposed = transposed_plain
