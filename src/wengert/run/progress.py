"""The progress bar of a long call."""

from collections.abc import Callable
from typing import Any

from wengert.errors import MissingExtraError


class Progress:
    """A progress bar, if it is wanted."""

    def __init__(self, wanted: bool, count: int, name: str) -> None:
        self.bar: Any = None
        if wanted:
            try:
                from tqdm.auto import tqdm
            except ImportError as error:
                raise MissingExtraError("A progress bar", "tqdm", "jit") from error
            self.bar = tqdm(total=count, desc=name, unit=" examples", unit_scale=True)

    def __enter__(self) -> Callable[[int], None] | None:
        return self._told if self.bar is not None else None

    def _told(self, done: int) -> None:
        self.bar.update(done - self.bar.n)

    def __exit__(self, *raised: Any) -> None:
        if self.bar is not None:
            if raised[0] is None:
                self._told(self.bar.total)
            self.bar.close()
