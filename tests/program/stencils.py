"""Random functions of arrays whose loops read neighbours: as recorded code has them."""

import numpy as np

import wengert as wg


def stencils(seed):
    """A random function of one array, and how many numbers that has.

    Each step makes an array of neighbours in one that there is, forward or backward, by a few
    operations; some are time steps, which replace the last array. The result is the sum of some of
    it, and in every third function there are arrays in the result as well.
    """
    rng = np.random.default_rng(seed)
    size = int(rng.integers(20, 45))
    steps = [_step(rng) for _ in range(int(rng.integers(1, 5)))]
    ends = rng.integers(0, 4, 2)

    def function(x):
        arrays = [list(x)]
        for make, which, times in steps:
            made = arrays[which % len(arrays)]
            for _ in range(times):
                made = made if len(made) < 6 else make(made)
            arrays.append(made)
        last = arrays[-1]
        total = sum((each * each for each in last), 0.0)
        other = arrays[ends[0] % len(arrays)]
        for k in range(len(other) - 1):
            total = total + (other[k] - 0.5 * other[k + 1]) ** 2
        return (total, last, other[::-1]) if ends[1] == 3 else total

    return function, size


def _step(rng):
    near, far = (int(each) for each in rng.integers(0, 4, 2))
    first, second = (float(each) for each in rng.choice([0.5, -1.0, 0.25], 2))
    kind = int(rng.integers(6))
    backward, bent = rng.random(2) < 0.3
    stays = rng.random() < 0.4  # as a time step: the ends are as they were

    def element(a, k):
        left, right = a[k + near], a[k + far]
        match kind:
            case 0:
                return first * left + second * right
            case 1:
                return left * right - first
            case 2:
                return left - first * (right + a[k])
            case 3:
                return first * (left - 2.0 * a[k + 1] + right)
            case 4:
                return left + wg.sin(right) if bent else left * second
            case _:
                return (left + first) / (1.0 + right * right)

    def make(a):
        reach = max(near, far, 1)
        places = range(len(a) - reach)
        made = [element(a, k) for k in (reversed(places) if backward else places)]
        if not stays:
            return made
        changed = [0.5 * old + 0.1 * new for old, new in zip(a, made, strict=False)]
        return [*changed, *a[len(changed) :]]

    return make, int(rng.integers(8)), int(rng.choice([1, 1, 1, 2, 12]))
