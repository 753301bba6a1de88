"""Threads: tasks are all done, errors and Ctrl-C stop them, and everything works after."""

import math
import multiprocessing
import threading
from functools import partial

import numpy as np
import pytest

import wengert as wg
from interrupts import interrupted
from wengert.run import llvm, pool

TIERS = ["interpreter", *(["native"] if llvm.is_there() else [])]
every_tier = pytest.mark.parametrize("tier", TIERS)


def stop():
    return np.zeros(1, np.int32)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_all_tasks_are_done_and_counted(threads):
    done, told = [], []
    tasks = [partial(done.append, k) for k in range(20)]
    pool.run(tasks, threads, stop(), told.append)
    assert sorted(done) == list(range(20))
    assert told == sorted(told)
    assert told[-1] == 20


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 3, 200])
def test_shared_tasks_are_done_once_and_some_of_them_here(threads, count):
    done, where = [], set()

    def task(k):
        done.append(k)
        where.add(threading.current_thread())
        threading.Event().wait(1e-4)

    pool.share([partial(task, k) for k in range(count)], threads, stop())
    assert sorted(done) == [*range(count)]
    assert threading.current_thread() in where
    assert len(where) <= threads


@pytest.mark.parametrize("fails_here", [True, False])
def test_an_error_ends_shared_tasks(fails_here):
    told, here, done = stop(), threading.current_thread(), []

    def task():
        done.append(1)
        threading.Event().wait(1e-3)
        if (threading.current_thread() is here) is fails_here:
            raise KeyError("one")

    with pytest.raises(KeyError, match="one"):
        pool.share([task] * 1000, 3, told)
    assert told[0] == 1
    assert len(done) < 1000


def test_shared_tasks_are_interrupted():
    told, done = stop(), []

    def task():
        done.append(1)
        threading.Event().wait(1e-3)

    with interrupted(0.05):
        pool.share([task] * 100_000, 2, told)
    assert told[0] == 1
    assert len(done) < 100_000
    pool.share([task] * 3, 2, stop())


def test_no_more_than_so_many_at_a_time():
    lock, now, most = threading.Lock(), [0], [0]

    def task():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.005)
        with lock:
            now[0] -= 1

    pool.run([task] * 8, 2, stop())
    assert 1 <= most[0] <= 2


def test_an_error_stops_the_others():
    told, begun = stop(), threading.Event()

    def fails():
        begun.wait(10.0)
        raise KeyError("one")

    def waits():
        begun.set()
        while not told[0]:
            threading.Event().wait(0.001)

    with pytest.raises(KeyError, match="one"):
        pool.run([fails, waits], 2, told)
    assert told[0] == 1


def test_tasks_inside_of_tasks_are_stopped_with_them():
    outer, begun = stop(), threading.Event()

    def waits(told):
        begun.set()
        while not told[0]:
            threading.Event().wait(0.001)

    def nested():
        inner = stop()
        pool.run([partial(waits, inner)], 1, inner)

    def fails():
        begun.wait(10.0)
        raise KeyError("one")

    with pytest.raises(KeyError, match="one"):
        pool.run([nested, fails], 2, outer)


@pytest.mark.parametrize("threads", [None, 1, 7, 1024])
def test_numbers_of_threads(threads):
    assert pool.checked_threads(threads) == threads
    assert pool.processors() >= 1


@pytest.mark.parametrize("threads", [0, -1, 1025, 2.0, "2", True])
def test_what_no_number_of_threads_is(threads):
    with pytest.raises(wg.OperandError, match="threads is a whole number from 1 to 1024"):
        pool.checked_threads(threads)


# --- Ctrl-C ---------------------------------------------------------------------------------------


def halved(x):
    """Never ends from 1 on."""
    return wg.while_loop(lambda s: s != 0.5, lambda s: s * 1.0 + 0.0 * wg.sin(s), x)


def branching(a, x):
    return halved(x + a) if a < 1.0 else x


def calls(tier):
    """Functions of one number that are endless at 1, but not at 0.5."""
    for count in (3, 20):
        each = wg.vectorize(halved, tier=tier)
        yield lambda x, each=each, count=count: each(np.array([0.5, *[x] * count]))
    yield wg.jit(halved, tier=tier)
    for function in (lambda a, x: halved(a + x), branching):
        total = wg.sum_over(function, np.zeros(20), tier=tier, threads=2)
        data = wg.sum_over(function, np.array([0.0, *[0.5] * 20]), tier=tier, threads=2)
        yield lambda x, total=total, data=data: (total if x == 0.5 else data)(0.5)


@every_tier
@pytest.mark.parametrize("number", range(5))
def test_ctrl_c_stops_what_is_endless(tier, number):
    call = list(calls(tier))[number]
    call(0.5)
    with interrupted():
        call(1.0)
    call(0.5)


# --- threads and processes ------------------------------------------------------------------------


@every_tier
def test_two_threads_may_call_one_function(tier):
    slope = wg.grad(lambda x: x * x if x > 0.0 else wg.sin(x))
    compiled = wg.vectorize(slope, tier=tier, exact=True)
    xs = np.random.default_rng(0).standard_normal((4, 500))
    found = [None] * 4

    def work(k):
        for _ in range(3):
            found[k] = compiled(xs[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for k in range(4):
        expected = [2.0 * x if x > 0.0 else math.cos(x) for x in xs[k].tolist()]
        np.testing.assert_array_equal(found[k], expected)


def in_child(function, xs, pipe):
    pipe.send(function(xs))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="cannot fork")
@every_tier
def test_forked_processes_use_threads_of_their_own(tier):
    pool.run([lambda: None] * 3, 2, stop())
    compiled = wg.vectorize(
        lambda x: wg.while_loop(lambda s: s > 1.0, lambda s: 0.5 * s, x), tier=tier, threads=2
    )
    xs = np.arange(1.0, 50.0)
    expected = compiled(xs)
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=in_child, args=(compiled, xs, theirs))
    child.start()
    assert mine.poll(30)
    assert np.array_equal(mine.recv(), expected)
    child.join(30)
    assert child.exitcode == 0
