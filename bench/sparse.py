"""Who computes the sparse derivatives of bench/derivatives.py, each in the way that suits it best.

A contestant takes everything from the function to the matrix at one point, and gives that matrix
and what computes it at another point. CasADi is there with the scalar Python code that Wengert
records, and with the fastest expression of arrays we know; jax, autograd and ddx-ad, which have no
coloring or no sparse matrices, are given ours. ddx-ad takes minutes for ten thousand observations.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.sparse
from peers import calling, models, scenarios

import wengert as wg
from wengert.derive.calling import made

Solved = tuple[Any, Callable[[Any], Any]]  # a matrix, and what gives it elsewhere
Contestants = Iterator[tuple[str, Callable[[], Solved]]]


def here(module: str) -> Any:
    """A peer, or None."""
    return importlib.import_module(module) if importlib.util.find_spec(module) else None


def ours(transform: Callable[..., Any], function: Callable[..., Any], x: Any) -> Solved:
    made.clear()
    derivative = transform(function, sparse=True)
    return derivative(x), derivative


def of_casadi(kind: str, derivative: str, function: Callable[[Any], Any], x: Any) -> Solved:
    """By symbols of one kind, of which the function makes an expression."""
    casadi = here("casadi")
    symbols = getattr(casadi, kind).sym("x", len(x))
    with calling(casadi):
        expression = function(symbols)
    entries = getattr(casadi, derivative)(expression, symbols)
    entries = entries[0] if derivative == "hessian" else entries
    compiled = casadi.Function("f", [symbols], [entries])
    return compiled(x).sparse(), lambda y: compiled(y).sparse()


def by_directions(product: Callable[[Any, Any], Any], coloring: Any, x: Any) -> Solved:
    """By products with the directions of a coloring."""
    directions = np.ascontiguousarray(coloring.seeds().T)

    def matrix(x: Any) -> Any:
        columns = np.stack([np.asarray(product(x, v)) for v in directions], axis=1)
        return coloring.pattern.csr(coloring.decompress(columns))

    return matrix(x), matrix


# --- the Hessian of Rosenbrock's function ---------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's function on arrays of NumPy and of its like."""
    t = x[1:] - x[:-1] * x[:-1]
    u = 1.0 - x[:-1]
    return (100.0 * (t * t) + u * u).sum()


def rosenbrock_of_casadi(x: Any) -> Any:
    casadi = here("casadi")
    return 100.0 * casadi.sumsqr(x[1:] - x[:-1] ** 2) + casadi.sumsqr(1.0 - x[:-1])


def scalars_of_casadi(function: Callable[[Any], Any], x: Any) -> Any:
    return function(here("casadi").vertsplit(x))


def hessians(x: Any) -> Contestants:
    """The Hessian of Rosenbrock's function."""
    yield "wengert, scalar code", partial(ours, wg.hessian, scenarios.rosenbrock, x)
    yield "wengert, NumPy code", partial(ours, wg.hessian, rosenbrock, x)
    scalars = partial(scalars_of_casadi, scenarios.rosenbrock)
    coloring = wg.hessian(scenarios.rosenbrock, sparse=True).compressed(x).coloring
    if here("casadi"):
        yield "casadi SX, scalar code", partial(of_casadi, "SX", "hessian", scalars, x)
        for kind in ("SX", "MX"):
            name = f"casadi {kind}, vectors"
            yield name, partial(of_casadi, kind, "hessian", rosenbrock_of_casadi, x)
    if jax := here("jax"):
        jax.config.update("jax_enable_x64", True)

        def compiled() -> Solved:
            slope = jax.grad(rosenbrock)
            product = jax.jit(lambda x, v: jax.jvp(slope, (x,), (v,))[1])
            return by_directions(product, coloring, x)

        yield "jax, vectors, our coloring", compiled
    if autograd := here("autograd"):
        product = autograd.hessian_vector_product(rosenbrock)
        yield "autograd, vectors, our coloring", partial(by_directions, product, coloring, x)
    if ddx := here("ddx"):

        def traced() -> Solved:
            equation = ddx.equation(
                lambda: scenarios.rosenbrock([ddx.var(f"x{k}") for k in range(len(x))])
            )
            equation.options = ddx.Options(backend=ddx.Backend.INTERPRET)
            return by_directions(lambda x, v: equation.hvp(v, x)[-1], coloring, x)

        yield "ddx-ad, scalar code, our coloring", traced


# --- the Jacobian of bundle adjustment ------------------------------------------------------------


class Bundle:
    """Cameras that see points at random; nine numbers a camera, then three a point."""

    def __init__(self, observations: int, cameras: int, points: int) -> None:
        self.cameras, self.points = cameras, points
        self.seen = scenarios.observations(observations, cameras, points)
        self.table = np.array(self.seen)
        camera, point = self.table[:, :2].astype(int).T
        self.of_camera = 9 * camera[:, None] + np.arange(9)
        self.of_point = 9 * cameras + 3 * point[:, None] + np.arange(3)
        self.scalars = partial(models.bundle_residuals, self.seen, cameras)

    def listed(self, x: Any) -> list[Any]:
        """The residuals by scalar code, in a list, where an array of them is slow or impossible."""
        residuals: list[Any] = []
        for camera, point, u, v in self.seen:
            at = 9 * self.cameras + 3 * point
            near = x[9 * camera : 9 * camera + 9], x[at : at + 3]
            residuals += scenarios.reprojection(*near, u, v)
        return residuals

    def at(self, seed: int) -> Any:
        """A point at which to differentiate."""
        random = np.random.default_rng(seed)
        points = random.uniform((-1.0, -1.0, -6.0), (1.0, 1.0, -4.0), (self.points, 3))
        return np.concatenate([random.uniform(-0.5, 0.5, 9 * self.cameras), points.ravel()])

    def on_arrays(self, functions: Any, x: Any) -> Any:
        """The residuals by operations on arrays, in the order of the scalar code."""
        camera = [x[self.of_camera[:, k]] for k in range(9)]
        point = [x[self.of_point[:, k]] for k in range(3)]
        with calling(functions):
            errors = scenarios.reprojection(camera, point, self.table[:, 2], self.table[:, 3])
        return functions.stack(errors, 1).reshape(-1)

    def on_vectors(self, x: Any) -> Any:
        """The same on CasADi's vectors."""
        camera = [x[self.of_camera[:, k].tolist()] for k in range(9)]
        point = [x[self.of_point[:, k].tolist()] for k in range(3)]
        u, v = scenarios.reprojection(camera, point, self.table[:, 2], self.table[:, 3])
        return here("casadi").vec(here("casadi").horzcat(u, v).T)

    def of_scalars(self, x: Any) -> Any:
        """CasADi's expression of the scalar code."""
        return here("casadi").vertcat(*self.listed(here("casadi").vertsplit(x)))

    def mapped(self, x: Any) -> Any:
        """CasADi's expression that maps a function of one observation."""
        casadi = here("casadi")
        camera, point, place = (
            casadi.SX.sym(name, k) for name, k in zip("cpw", (9, 3, 2), strict=True)
        )
        arguments = *map(casadi.vertsplit, (camera, point)), *casadi.vertsplit(place)
        errors = casadi.vertcat(*scenarios.reprojection(*arguments))
        each = casadi.Function("each", [camera, point, place], [errors]).map(len(self.seen))
        cameras = casadi.reshape(x[self.of_camera.ravel().tolist()], 9, -1)
        points = casadi.reshape(x[self.of_point.ravel().tolist()], 3, -1)
        return casadi.vec(each(cameras, points, self.table[:, 2:].T))

    def blocks(self, jax: Any, x: Any) -> Solved:
        """By jax, the dense block of each observation, which are all there is."""
        functions = SimpleNamespace(sqrt=jax.numpy.sqrt, cos=jax.numpy.cos, sin=jax.numpy.sin)

        def residual(near: Any, place: Any) -> Any:
            with calling(functions):
                return jax.numpy.stack(scenarios.reprojection(near[:9], near[9:], *place))

        each = jax.jit(jax.vmap(jax.jacfwd(residual)))
        columns = np.concatenate([self.of_camera, self.of_point], axis=1)
        indices = np.repeat(columns, 2, axis=0).ravel()
        starts = np.arange(0, len(indices) + 1, 12)
        shape = 2 * len(self.seen), len(x)

        def matrix(x: Any) -> Any:
            entries = np.asarray(each(x[columns], self.table[:, 2:])).ravel()
            return scipy.sparse.csr_array((entries, indices, starts), shape=shape)

        return matrix(x), matrix


def jacobians(bundle: Bundle) -> Contestants:
    """The Jacobian of the residuals."""
    x = bundle.at(0)
    on_arrays = partial(bundle.on_arrays, np)
    yield "wengert, scalar code", partial(ours, wg.jacobian, bundle.scalars, x)
    yield "wengert, NumPy code", partial(ours, wg.jacobian, on_arrays, x)
    coloring = wg.jacobian(on_arrays, sparse=True).compressed(x).coloring
    if here("casadi"):
        yield "casadi SX, scalar code", partial(of_casadi, "SX", "jacobian", bundle.of_scalars, x)
        yield "casadi SX, vectors", partial(of_casadi, "SX", "jacobian", bundle.on_vectors, x)
        yield "casadi MX, vectors", partial(of_casadi, "MX", "jacobian", bundle.on_vectors, x)
        yield "casadi MX, mapped", partial(of_casadi, "MX", "jacobian", bundle.mapped, x)
    if jax := here("jax"):
        jax.config.update("jax_enable_x64", True)
        yield "jax, blocks by hand", partial(bundle.blocks, jax, x)
    if autograd := here("autograd"):
        functions = importlib.import_module("autograd.numpy")
        jvp = autograd.make_jvp(partial(bundle.on_arrays, functions))
        product = lambda x, v: jvp(x)(v)[1]  # noqa: E731
        yield "autograd, vectors, our coloring", partial(by_directions, product, coloring, x)
