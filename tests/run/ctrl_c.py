"""Ctrl-C while something runs that does not end."""

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def interrupted(seconds: float = 0.2) -> Iterator[None]:
    """What is done here is interrupted after so long, and raises KeyboardInterrupt.

    It is not traced: coverage holds a lock for moments, which an interrupt then would never free.
    """
    trace = sys.gettrace()
    sys.settrace(None)
    timer = threading.Timer(seconds, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        timer.join()
        sys.settrace(trace)
