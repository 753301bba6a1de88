"""Interrupts, as Ctrl-C sends them, at moments that nobody can foresee.

What is interrupted is not traced: coverage holds a lock for moments, which would never be freed.
"""

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def untraced() -> Iterator[None]:
    """Coverage does not see what is done here."""
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(trace)


@contextmanager
def interrupted(seconds: float = 0.2) -> Iterator[None]:
    """What is done here is interrupted after so long, and raises KeyboardInterrupt."""
    timer = threading.Timer(seconds, _thread.interrupt_main)
    with untraced():
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                yield
        finally:
            timer.join()
