"""Stretches of numbers, of which equal ones are found to be equal."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Alike(Generic[T]):
    """Stretches of numbers, of which equal ones are found to be equal."""

    def __init__(self) -> None:
        self._first: dict[tuple[object, ...], tuple[bytes, T]] = {}
        self._more: dict[tuple[object, ...], dict[bytes, T]] = {}

    def first(self, content: bytes, place: T, shape: tuple[int, ...] = ()) -> T:
        """What came with the first stretch of a content and shape; the given, if this is the first.

        Most differ in their length or at an end. Those that do not are compared with one, and only
        if they differ from it they are hashed: that takes ten times as long.
        """
        key = len(content), content[:8], content[-8:], shape
        other, known = self._first.setdefault(key, (content, place))
        if other is content or other == content:
            return known
        return self._more.setdefault(key, {}).setdefault(content, place)
