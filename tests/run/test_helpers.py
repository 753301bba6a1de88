"""Helpers: threads that work beside the one that calls, and not on its CPU."""

import os
import threading

import numpy as np
import pytest

from wengert.run import helpers, pool
from wengert.run.helpers import Helpers

places = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or pool.processors() < 2, reason="there is one CPU"
)


def allowed_of(made, count):
    """The CPUs that helpers may use while they work, which all begin before one ends."""
    together = threading.Barrier(count + 1)
    found = []

    def task():
        found.append(os.sched_getaffinity(0))
        together.wait(10.0)

    started = made.started(count, task)
    together.wait(10.0)
    for each in started:
        each.result()
    return found


@places
def test_helpers_keep_off_the_cpu_of_the_one_that_calls():
    made, mine = Helpers(4), os.sched_getaffinity(0)
    for here in sorted(mine)[:2]:
        made._cpu = lambda cpu=here: cpu
        assert allowed_of(made, 2) == [mine - {here}] * 2
        assert allowed_of(made, 3) == [mine - {here}] * 3  # one of them is new
    assert os.sched_getaffinity(0) == mine


@places
def test_the_cpu_that_is_told_is_one_of_ours():
    assert helpers._current_cpu()() in os.sched_getaffinity(0)


@places
def test_where_one_cpu_is_allowed_helpers_stay_where_they_are():
    made, mine = Helpers(4), os.sched_getaffinity(0)
    made._cpu = lambda: min(mine)
    allowed_of(made, 1)

    def alone():
        os.sched_setaffinity(0, {min(mine)})  # of this thread only
        found.extend(allowed_of(made, 1))

    found = []
    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
    assert found == [mine - {min(mine)}]


@places
def test_what_the_system_does_not_allow_is_left_to_it(monkeypatch):
    def refused(thread, cpus):
        raise PermissionError(thread)

    made, mine = Helpers(2), os.sched_getaffinity(0)
    monkeypatch.setattr(os, "sched_setaffinity", refused)
    assert allowed_of(made, 2) == [mine] * 2


@pytest.mark.parametrize("missing", ["affinity", "cpu"])
def test_systems_without_places_for_threads(monkeypatch, missing):
    if missing == "affinity":
        monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    else:
        monkeypatch.setattr(helpers.ctypes, "PyDLL", lambda name: object())
    done = []
    made = Helpers(2)
    assert made._cpu is None
    for each in made.started(5, lambda: done.append(1)):
        each.result()
    assert len(done) == 5


def test_shared_tasks_run_on_helpers():
    where = set()
    together = threading.Barrier(2)

    def task():
        where.add(threading.current_thread())
        together.wait(10.0)

    pool.share([task] * 2, 2, np.zeros(1, np.int32))
    assert threading.current_thread() in where
    assert sum(each.name.startswith("wengert-helper") for each in where) == 1
