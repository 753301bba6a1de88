"""Which axes of an argument belong to one example: signatures as those of NumPy's gufuncs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wengert.dispatch import describe
from wengert.errors import OperandError

Dims = tuple[str, ...]

_NAME = r"\s*(?:[A-Za-z_]\w*|\d+)\s*"
_LIST = rf"\s*\((?:{_NAME}(?:,{_NAME})*)?\s*\)\s*"
_SIDE = rf"{_LIST}(?:,{_LIST})*"
_WHOLE = re.compile(rf"({_SIDE})(?:->({_SIDE}))?")


@dataclass(frozen=True)
class Signature:
    """The core dimensions of each argument, and of each result where they are stated.

    Args:
        text: as it was given.
        arguments: names or sizes of the last axes, for each argument.
        results: the same for each result; None if nothing is said of them.
    """

    text: str
    arguments: tuple[Dims, ...]
    results: tuple[Dims, ...] | None

    @staticmethod
    def parse(text: object) -> "Signature":
        """The signature that a text states.

        Raises:
            OperandError: it is none.
        """
        found = _WHOLE.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            shown = repr(text) if isinstance(text, str) else describe(text)
            raise OperandError(
                "A signature states the core dimensions of arguments and results, as in "
                f'"(p),(d)->()", not {shown}.'
            )
        results = tuple(_lists(found[2])) if found[2] is not None else None
        return Signature(str(text), tuple(_lists(found[1])), results)

    def count(self, given: int, name: str) -> None:
        """See to it that so many arguments fit."""
        if given != len(self.arguments):
            raise OperandError(
                f"The signature {self.text} of {name} is of {len(self.arguments)} arguments, "
                f"and {given} were given."
            )

    def core(
        self, dims: Dims, shape: Sequence[int], where: str, sizes: dict[str, int]
    ) -> tuple[int, ...]:
        """The core shape of an argument, or of a result.

        Args:
            dims: what the signature says of it.
            shape: its shape.
            where: how an error names it.
            sizes: of each dimension that is known; those of this one are added.

        Raises:
            OperandError: it has too few axes, or one of another size.
        """
        if len(shape) < len(dims):
            raise OperandError(
                f"{where} has shape {tuple(shape)}, and the signature {self.text} asks for at "
                f"least {len(dims)} axes, ({','.join(dims)})."
            )
        core = tuple(shape[len(shape) - len(dims) :])
        for name, size in zip(dims, core, strict=True):
            known = int(name) if name.isdigit() else sizes.setdefault(name, size)
            if size != known:
                raise OperandError(
                    f"{where} has {size} numbers along {name}, which is {known} in the signature "
                    f"{self.text}{'' if name.isdigit() else ' and the arguments before'}."
                )
        return core


def _lists(side: str) -> Iterator[Dims]:
    for inside in re.findall(r"\(([^)]*)\)", side):
        yield tuple(name.strip() for name in inside.split(",") if name.strip())
