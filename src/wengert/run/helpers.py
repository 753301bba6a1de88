"""Threads that help the one that calls, on other CPUs than it runs on.

A system wakes a thread where it slept or where it is woken from, and looks for an idle CPU next to
that. On a virtual machine it finds none: a virtual CPU that sleeps counts as taken from us. Then
both threads take turns on one CPU for as long as a short call takes, and are slower than one alone.
"""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock, get_native_id


def _current_cpu() -> Callable[[], int] | None:
    """What tells the CPU that a thread runs on, where there is such a thing."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.PyDLL(None).sched_getcpu
    except (AttributeError, OSError):
        return None


class Helpers:
    """Threads for tasks of some milliseconds.

    Args:
        most: at most so many.
    """

    def __init__(self, most: int) -> None:
        self._executor = ThreadPoolExecutor(most, "wengert-helper", self._joined)
        self._lock = Lock()
        self._cpu = _current_cpu()
        self._placed: dict[int, frozenset[int]] = {}  # threads, and the CPUs they may use
        self._wanted: frozenset[int] = frozenset()

    def started(self, count: int, task: Callable[[], None]) -> list[Future[None]]:
        """The same task on so many threads, none of them on the CPU that this one runs on."""
        if self._cpu:
            with self._lock:
                here = self._cpu()
                self._wanted = frozenset(os.sched_getaffinity(0)) - {here}
                for thread in self._placed:
                    self._place(thread)
        return [self._executor.submit(task) for _ in range(count)]

    def _joined(self) -> None:
        """Called in each new thread."""
        with self._lock:
            self._placed[get_native_id()] = frozenset()
            self._place(get_native_id())

    def _place(self, thread: int) -> None:
        if self._wanted not in (frozenset(), self._placed[thread]):
            with suppress(OSError):  # if it may not be said, it is left to the system
                os.sched_setaffinity(thread, self._wanted)
                self._placed[thread] = self._wanted
