"""Five pieces of ordinary Python, and what Wengert records of them: python examples/programs.py."""

import numpy as np

import wengert as wg


def layer(w, b, x):
    """Written with NumPy's arrays; the recording has the loops that `@` and `+` stand for."""
    return np.tanh(w @ x + b)


def pendulum(angle, speed):
    """A thousand Runge-Kutta steps. The first stage of a step reads the step before."""
    h = 0.01
    for _ in range(1000):
        a1, s1 = speed, -wg.sin(angle)
        a2, s2 = speed + h / 2 * s1, -wg.sin(angle + h / 2 * a1)
        a3, s3 = speed + h / 2 * s2, -wg.sin(angle + h / 2 * a2)
        a4, s4 = speed + h * s3, -wg.sin(angle + h * a3)
        angle = angle + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        speed = speed + h / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
    return angle


def smoothed(u):
    """Ends that stay, and a loop over the inside: boundaries are told apart from the rest."""
    for _ in range(50):
        u = [u[0], *[0.25 * (a + 2.0 * b + c) for a, b, c in zip(u, u[1:], u[2:])], u[-1]]
    return u


def huber(residuals):
    """A branch for each element. Elements of one kind become one loop, by way of tables."""
    total = 0.0
    for r in residuals:
        total = total + (r * r / 2 if abs(r) <= 1.0 else abs(r) - 0.5)
    return total


def root(a):
    """A loop that the program keeps, since how often it runs depends on the argument."""
    return wg.while_loop(lambda x: abs(x * x - a) > 1e-9, lambda x: 0.5 * (x + a / x), a)


EXAMPLES = {
    layer: (np.ones((16, 8)), np.ones(16), np.ones(8)),
    pendulum: (1.0, 0.0),
    smoothed: (np.linspace(0.0, 1.0, 100),),
    huber: (np.random.default_rng(0).normal(0.0, 2.0, 500),),
    root: (2.0,),
}

if __name__ == "__main__":
    for function, example in EXAMPLES.items():
        program = wg.record(function, *example)
        print(program)
        print(program.explain())
