"""The threads that kernels run on: made once, and again in a process that was forked."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import chain
from threading import Lock, local
from typing import Any

import numpy as np

from wengert.errors import OperandError
from wengert.run.helpers import Helpers

MOST = 1024
HEARD = 0.1  # seconds after which an interrupt is heard that wakes nobody, as on Windows
Told = np.ndarray[Any, np.dtype[np.int32]]
_tasks = local()  # what the task of a thread is told to stop by
_lock = Lock()
_pool: ThreadPoolExecutor | None = None
_near: Helpers | None = None


def processors() -> int:
    """How many CPUs this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def checked_threads(threads: object) -> int | None:
    """A number of threads, or None.

    Raises:
        OperandError: it is something else.
    """
    if threads is None:
        return None
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST:
        raise OperandError(
            f"threads is a whole number from 1 to {MOST}, or None for all CPUs, not {threads!r}."
        )
    return threads


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(MOST, thread_name_prefix="wengert")
        return _pool


def _helpers() -> Helpers:
    global _near
    with _lock:
        if _near is None:
            _near = Helpers(MOST)
        return _near


def _forget() -> None:
    """In a forked process: its threads are gone, and a lock may have been held."""
    global _pool, _near, _lock
    _pool, _near, _lock = None, None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Stopped(Exception):  # noqa: N818 - says what happened
    """Raised in a task that runs tasks itself, when it has been told to stop."""


def _told(task: Callable[[], None], stop: Told) -> None:
    _tasks.stop = stop
    task()


def run(
    tasks: Sequence[Callable[[], None]], threads: int, stop: Told,
    done: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Do all tasks, so many at a time.

    Args:
        tasks: what is to be done; they return soon after `stop` becomes 1.
        threads: how many at a time.
        stop: becomes 1 when this is interrupted, or a task fails.
        done: is told how many tasks have been done so far.
    """
    waiting = iter(tasks)
    running: set[Future[None]] = set()
    finished = 0
    around: Told | None = getattr(_tasks, "stop", None)
    try:
        while True:
            while len(running) < threads and (task := next(waiting, None)):
                running.add(_executor().submit(_told, task, stop))
            if not running:
                return
            if around is not None and around[0]:
                raise Stopped
            over, running = wait(running, HEARD, "FIRST_COMPLETED")
            for each in over:
                each.result()
            finished += len(over)
            if done and over:
                done(finished)
    except BaseException:
        stop[0] = 1
        raise
    finally:
        wait(running)


def share(tasks: Sequence[Callable[[], None]], threads: int, stop: Told) -> None:
    """Do tasks that take some milliseconds at most, so many at a time, and one of them here.

    To wake a thread takes 0.1 to 0.5 ms, in which those here have begun. An interrupt is heard
    between two tasks.

    Args:
        tasks: what is to be done; the first one here.
        threads: how many at a time.
        stop: becomes 1 when this is interrupted, or a task fails.
    """
    waiting = iter(tasks[1:])  # to take the next one is a single step for all threads

    def some(own: Sequence[Callable[[], None]] = ()) -> None:
        try:
            for task in chain(own, waiting):
                if stop[0]:
                    return
                task()
        except BaseException:
            stop[0] = 1
            raise

    others = min(threads, len(tasks)) - 1
    helpers = _helpers().started(others, partial(_told, some, stop)) if others else []
    try:
        some(tasks[:1])
        for each in helpers:
            if not each.cancel():
                each.result()
    except BaseException:
        stop[0] = 1
        raise
    finally:
        wait(helpers)
