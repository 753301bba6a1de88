"""JAX: scalar code under vmap, its own loops, and arrays where it has no loop for scalars."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import workloads

jax.config.update("jax_enable_x64", True)

Call = Callable[[], Any]
FUNCTIONS = SimpleNamespace(sqrt=jnp.sqrt, log=jnp.log, exp=jnp.exp, erf=jax.scipy.special.erf)


def started(threads: int) -> None:
    jax.devices()


def compiled(function: Any, arguments: tuple[Any, ...], by: Any, gradient: bool) -> Call:
    fast = jax.jit(jax.value_and_grad(function, by) if gradient else function)
    return lambda: jax.block_until_ready(fast(*arguments))


def w1(data: Any, gradient: bool, threads: int) -> Call:
    each = jax.vmap(partial(workloads.perceptron, tanh=jnp.tanh), (None, 0, 0, 0))
    return compiled(lambda p: each(p, *data.columns).sum(), (data.p,), 0, gradient)


def mapped(function: Any, data: Any, gradient: bool, threads: int) -> Call:
    every = tuple(range(len(data.columns)))
    fast = jax.jit(jax.vmap(jax.value_and_grad(function, every) if gradient else function))
    columns = [jnp.asarray(column) for column in data.columns]
    return lambda: jax.block_until_ready(fast(*columns))


def scanned(a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> Any:
    """`squared_end` with JAX's own loop: it takes minutes to compile the steps written out."""

    def step(state: Any, _: Any) -> Any:
        return workloads.runge_kutta((a, b, d, c), *state), None

    (x, y), _ = jax.lax.scan(step, (x, y), None, length=workloads.STEPS)
    return x * x + y * y


w2 = partial(mapped, partial(workloads.call_price, functions=FUNCTIONS))
w3 = partial(mapped, scanned)


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    layers = jax.tree.map(jnp.asarray, data.layers)
    arguments = layers, jnp.asarray(data.xs), jnp.asarray(data.ys)
    function = partial(workloads.cross_entropy, functions=jnp, largest=jax.nn.relu)
    return compiled(function, arguments, 0, gradient)


def heat(data: Any, gradient: bool, threads: int) -> Call:
    def function(alpha: Any, u: Any) -> Any:
        def step(u: Any, _: Any) -> Any:
            return u.at[1:-1].add(alpha * (u[:-2] - 2.0 * u[1:-1] + u[2:])), None

        u, _ = jax.lax.scan(step, u, None, length=data.steps)
        return ((u - data.target) ** 2).sum()

    return compiled(function, (data.alpha, jnp.asarray(data.u)), (0, 1), gradient)


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    return compiled(workloads.rosenbrock_of_arrays, (jnp.asarray(data.x),), 0, gradient)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    loop = partial(jax.lax.fori_loop, 0)
    function = partial(workloads.trajectory, data.steps, loop)
    arguments = tuple(np.float64(x) for x in data.start)
    return compiled(function, arguments, tuple(range(6)), gradient)
