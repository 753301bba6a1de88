"""Random programs on both engines until time is up: same bits, whatever happens on the way.

    python tools/soak.py [--seconds 60] [--seed 0]

Programs meet operations of the user's own, subclasses, copies, pickles, scopes, exceptions in the
middle of a walk, and the garbage collector at odd moments. `make sanitize` runs it under the
address and undefined-behaviour sanitizers.
"""

import argparse
import copy
import gc
import pickle
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import test_native as native_tests
import wengert as wg
from wengert import plain
from wengert.graph import topological_order

# Of `math` at odd places, of nodes without a __dict__, of operations that cannot be made again.
EXPECTED = (ValueError, ArithmeticError, AttributeError)


class Ours(wg.Value):
    """A subclass of the native engine's Value."""


class Theirs(plain.Value):
    """A subclass of the plain engine's."""


def torment(root: Any, choose: random.Random) -> Any:
    """Something that may happen to a graph; what it then is."""
    fate = choose.randrange(9)
    nodes = topological_order(root)
    if fate == 0:
        root = copy.deepcopy(root)
    elif fate == 1:
        choose.choice(nodes).label = choose.choice(["a", "b", ""])
    elif fate == 2:
        with wg.scope("soak"):
            root = root * 1.5 + native_tests.sinc(type(root)(0.5))
    elif fate == 3:
        root = native_tests.sinc(root + 2.0) * root
    elif fate == 4:
        bad = type(root)(1.0, (root,), "bad")
        bad._backward = lambda: 1 / 0
        with suppress(ZeroDivisionError):
            (bad * root).backward()
    elif fate == 5:
        node = choose.choice(nodes)
        node._backward = lambda: None
    elif fate == 6:
        with suppress(wg.NonFiniteError), wg.debug_nans():
            (root * 1e300 * 1e300).backward()
    elif fate == 7:
        node = choose.choice(nodes)
        node.itself = lambda: node
    elif type(root) is wg.Value and not any(node._own for node in nodes):
        root = pickle.loads(pickle.dumps(root))
    return root


def run(seed: int) -> list[Any]:
    """What the program of that seed comes to, on either engine."""
    results = []
    for classes in ((wg.Value, Ours), (plain.Value, Theirs)):
        choose = random.Random(seed)
        value = classes[choose.random() < 0.3]
        root = native_tests.program(seed, choose.randrange(1, 60))(value)[-1]
        for _ in range(choose.randrange(6)):
            with suppress(*EXPECTED):
                root = torment(root, choose)
            if choose.random() < 0.05:
                gc.collect()
        seen = []
        for action in (root.backward, root.forward, root.backward, root.zero_grad):
            try:
                action()
            except EXPECTED as error:
                seen.append(type(error).__name__)
            seen += native_tests.graph_of(root)
        results.append(seen)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Run random programs on both engines.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    seed = options.seed
    while time.monotonic() < end:
        ours, theirs = run(seed)
        if ours != theirs:
            sys.exit(f"seed {seed}: the engines differ")
        seed += 1
    print(f"{seed - options.seed} programs, the same on both engines")


if __name__ == "__main__":
    main()
