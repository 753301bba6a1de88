"""Contestants in processes of their own, asked in turn; one that takes too long is stopped.

So none has the others' threads, libraries or memory, and a peer that crashes is told and no more.
A contestant for one thread is kept on one CPU, whatever its library would start.
"""

import atexit
import gc
import multiprocessing
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

MEMORY = 12 << 30  # bytes of addresses that a contestant may have
TURN = 0.1  # seconds for which calls are repeated in a turn: the first ones wake CPUs and caches
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "PTHREAD_POOL_SIZE",
)  # fmt: skip

Task = Callable[..., Any]  # from what is asked to the answer


class Stopped(Exception):  # noqa: N818 - says what happened
    """A contestant was stopped, or ended by itself."""


class Contestant:
    """A process that answers.

    Args:
        start: is called there with the arguments, and gives what answers; picklable.
        threads: how many CPUs the process may use.
        limit: seconds for each answer.
    """

    def __init__(self, start: Task, *arguments: Any, threads: int = 1, limit: float = 60.0) -> None:
        context = multiprocessing.get_context("spawn")
        self.limit, self.stopped = limit, False
        self.pipe, other = context.Pipe()
        self.process = context.Process(
            target=answering, args=(other, start, arguments, threads), daemon=True
        )
        with environment(threads):
            self.process.start()
        other.close()
        atexit.register(self.stop)  # what stands still does not hear that it is to end
        try:
            self._answer()
        except Stopped:
            self.stop()
            raise

    def ask(self, *question: Any) -> Any:
        """What the process answers.

        Raises:
            Stopped: if it took too long, could not, or crashed.
        """
        self._signal("SIGCONT")
        self.pipe.send(question)
        return self._answer()

    def _answer(self) -> Any:
        try:
            there = self.pipe.poll(self.limit)
        except EOFError:
            there = True
        if not there:
            self.stop()
            raise Stopped(f"stopped after {self.limit:.0f} s")
        try:
            answer, failure = self.pipe.recv()
        except EOFError:
            self.stop()
            raise Stopped(f"ended with status {self.process.exitcode}") from None
        self._signal("SIGSTOP")  # threads that wait by turning round would take others' time
        if failure:
            raise Stopped(failure)
        return answer

    def _signal(self, name: str) -> None:
        if hasattr(signal, name) and self.process.pid:
            os.kill(self.process.pid, getattr(signal, name))

    def stop(self) -> None:
        """End the process, if it has not ended."""
        self.stopped = True
        self.process.kill()
        self.process.join()
        self.pipe.close()
        atexit.unregister(self.stop)


@contextmanager
def environment(threads: int) -> Iterator[None]:
    """What libraries read when they are imported."""
    before = dict(os.environ)
    os.environ.update({name: str(threads) for name in THREADS})
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    os.environ["WENGERT_CACHE"] = "off"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def answering(pipe: Connection, start: Task, arguments: tuple[Any, ...], threads: int) -> None:
    """The life of a process."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    limit_memory()
    task: Task | None = None
    question: tuple[Any, ...] = arguments
    while True:
        try:
            if task is None:
                task, answer = start(*question), None
            else:
                answer = task(*question)
        except Exception as error:
            cause: BaseException = error
            while cause.__cause__:
                cause = cause.__cause__
            pipe.send((None, f"{type(cause).__name__}: {cause}".splitlines()[0][:200]))
        else:
            pipe.send((answer, ""))
        try:
            question = pipe.recv()
        except EOFError:
            return


def limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def turn(call: Callable[[], Any]) -> float:
    """Seconds that a call takes; of quick ones the median of some, without the first."""
    gc.collect()
    times: list[float] = []
    while sum(times) < TURN:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:] or times)
