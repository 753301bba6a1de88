"""Arguments as other libraries take them: tensors in tuples, lists, dicts and named tuples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.foreign import is_foreign


@dataclass(frozen=True)
class Flattened:
    """Arguments, taken apart.

    Args:
        leaves: tensors, arrays and numbers.
        names: where each of them is.
        owners: which argument each of them belongs to.
        key: all the rest, which can be hashed.
        skeleton: the arguments with a `Slot` for each leaf.
    """

    leaves: tuple[Any, ...]
    names: tuple[str, ...]
    owners: tuple[int, ...]
    key: Any
    skeleton: tuple[Any, ...]

    @staticmethod
    def of(args: Sequence[Any], is_leaf: Callable[[Any], bool]) -> "Flattened":
        """The arguments of a call.

        Raises:
            OperandError: one is no number, array, string, bool, None, or structure of those.
        """
        found: list[tuple[Any, str, int]] = []

        def taken(tree: Any, name: str, owner: int) -> tuple[Any, Any]:
            """What stands for a part, and its key."""
            if tree is None or isinstance(tree, str | bool):
                return tree, (type(tree), tree)
            if is_leaf(tree) or is_foreign(tree) or isinstance(tree, int | float):
                found.append((tree, name, owner))
                return Slot(len(found) - 1), Slot
            parts = _parts(tree)
            if parts is None:
                raise OperandError(
                    f"argument {name} is {describe(tree)}, and not a tensor, a number, or a tuple, "
                    "list or dict of them."
                )
            below = [taken(part, f"{name}[{key!r}]", owner) for key, part in parts]
            keys = tuple(key for key, _ in parts)
            made = _made(tree, keys, [part for part, _ in below])
            return made, (type(tree), keys, tuple(key for _, key in below))

        both = [taken(arg, str(k), k) for k, arg in enumerate(args)]
        leaves, names, owners = zip(*found, strict=True) if found else ((), (), ())
        return Flattened(
            leaves, names, owners, tuple(key for _, key in both), tuple(made for made, _ in both)
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a leaf is put."""

    number: int


def _parts(tree: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(tree, Mapping):
        return [*tree.items()]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [*zip(tree._fields, tree, strict=True)]
    return [*enumerate(tree)] if isinstance(tree, tuple | list) else None


def _made(tree: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    if isinstance(tree, Mapping):
        return dict(zip(keys, parts, strict=True))
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def filled(tree: Any, leaves: Sequence[Any]) -> Any:
    """A skeleton with these leaves."""
    if isinstance(tree, Slot):
        return leaves[tree.number]
    parts = _parts(tree)
    if parts is None:
        return tree
    return _made(tree, [key for key, _ in parts], [filled(part, leaves) for _, part in parts])
