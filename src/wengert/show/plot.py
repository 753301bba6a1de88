"""Curves of functions and histories of training, with matplotlib.

matplotlib is imported here and nowhere else in Wengert, and only when something asks for it.
"""

import warnings
from collections.abc import Callable, Iterable
from importlib import import_module
from math import isfinite, nan
from typing import Any

import numpy as np

from wengert.dispatch import describe, to_float
from wengert.errors import DrawError, MissingExtraError, OperandError
from wengert.graph import topological_order
from wengert.value import Value

CURVE, TANGENT, SECANT = "#0072b2", "#d55e00", "#009e73"  # Okabe & Ito, told apart by all


def plot(
    f: Callable[[Any], Any],
    lo: float,
    hi: float,
    *,
    at: float | None = None,
    h: float | None = None,
    points: int = 400,
    ax: Any = None,
    label: str | None = None,
) -> Any:
    r"""The curve of a function, and at a point its tangent and its secant.

    $$\text{slope of the secant} = \frac{f(x + h) - f(x)}{h}$$

    Args:
        f: a function of one number.
        lo: where the curve begins.
        hi: where it ends.
        at: the point x; its tangent is drawn where f can be differentiated.
        h: the step of the secant; it needs `at`.
        points: how many points of the curve are computed.
        ax: the Axes to draw in; of a new figure by default.
        label: the curve's name in the legend.

    Returns:
        The Axes.

    Raises:
        OperandError: f is not a function, or does not give numbers.
        DrawError: lo, hi, at, h or points do not describe a curve, or f has no value on it.
        MissingExtraError: matplotlib is not installed.

    Examples:
        >>> import wengert as wg
        >>> ax = wg.plot(lambda x: 3 * x**2 - 4 * x + 5, -5, 5, at=3.0, h=1.0)
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['f(3) = 20', 'tangent, slope 14', 'secant, h = 1, slope 17']
    """
    if not callable(f):
        raise OperandError(f"plot() takes a function of one number, not {describe(f)}.")
    lo, hi = _real("lo", lo), _real("hi", hi)
    if lo >= hi:
        raise DrawError(f"The curve runs from lo = {lo:g} to hi = {hi:g}: lo must be less than hi.")
    if not isinstance(points, int) or points < 2:
        raise DrawError(f"points is an integer of at least 2, not {describe(points)}.")
    if h is not None and at is None:
        raise DrawError("h is the step of the secant at a point. Name the point too: at=...")
    point = None if at is None else _real("at", at)
    step = None if h is None else _real("h", h)
    if step == 0.0:
        raise DrawError("The step h of the secant is 0. Take a small one, such as h=0.5.")
    seen = [lo, hi]
    if point is not None:
        seen += [point, point + (step or 0.0)]
    xs = np.linspace(min(seen), max(seen), points)
    ys = _curve(f, xs)
    ax = _axes("plot()", ax)
    ax.plot(xs, ys, color=CURVE, label=label)
    if point is not None:
        _mark(ax, f, point, step, (float(xs[0]), float(xs[-1])))
    if label or point is not None:
        ax.legend()
    ax.grid(alpha=0.3)
    ax.set_xlabel("x")
    return ax


def _mark(
    ax: Any, f: Callable[[Any], Any], x: float, h: float | None, ends: tuple[float, float]
) -> None:
    """The point, its tangent and its secant, within the height of the curve."""
    y = _point(f, x)
    if not isfinite(y):
        raise DrawError(f"The function has no value at the point: f({x:g}) is {y}.")
    limits = ax.get_ylim()

    def line(slope: float, color: str, style: str, name: str) -> None:
        heights = [y + slope * (end - x) for end in ends]
        ax.plot(ends, heights, color=color, linestyle=style, linewidth=1.3, label=name)

    ax.plot([x], [y], "o", color=TANGENT, zorder=3, label=f"f({x:g}) = {y:g}")
    slope = _slope(f, x)
    if slope is not None and isfinite(slope):
        line(slope, TANGENT, "-", f"tangent, slope {slope:g}")
    if h is not None:
        above = _point(f, x + h)
        slope = (above - y) / h
        if isfinite(slope):
            ax.plot([x + h], [above], "o", color=SECANT, zorder=3)
            line(slope, SECANT, "--", f"secant, h = {h:g}, slope {slope:g}")
    ax.set_ylim(limits)


def plot_history(
    losses: Iterable[Any], *, ax: Any = None, label: str | None = None, log: bool = False
) -> Any:
    """The losses of a training run, step by step.

    Args:
        losses: numbers or Values, in order.
        ax: the Axes to draw in; of a new figure by default.
        label: the run's name in the legend.
        log: whether the losses stand on a logarithmic axis.

    Returns:
        The Axes.

    Raises:
        OperandError: `losses` are not numbers.
        DrawError: there are none, or on a logarithmic axis none is positive.
        MissingExtraError: matplotlib is not installed.

    Examples:
        >>> import wengert as wg
        >>> ax = wg.plot_history([4.0, 2.0, 1.0], label="loss")
        >>> ax.get_xlabel()
        'step'
    """
    if isinstance(losses, str | bytes) or not isinstance(losses, Iterable):
        raise OperandError(f"plot_history() takes a sequence of losses, not {describe(losses)}.")
    ys = [_number(loss, "plot_history()") for loss in losses]
    if not ys:
        raise DrawError("plot_history() takes at least one loss, and there are none.")
    if log and not any(y > 0.0 for y in ys):
        raise DrawError("On a logarithmic axis only positive losses can stand, and none is.")
    ax = _axes("plot_history()", ax)
    if log:
        ax.set_yscale("log", nonpositive="mask")
    ax.plot(range(len(ys)), ys, "o-" if len(ys) < 30 else "-", markersize=4, label=label)
    if label:
        ax.legend()
    ax.grid(alpha=0.3)
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    return ax


# --- numbers --------------------------------------------------------------------------------------


def _number(x: Any, where: str) -> float:
    return x.data if isinstance(x, Value) else to_float(x, where)


def _real(name: str, x: Any) -> float:
    number = _number(x, f"{name} of plot()")
    if not isfinite(number):
        raise DrawError(f"{name} is a finite number, not {number}.")
    return number


def _curve(f: Callable[[Any], Any], xs: Any) -> Any:
    """The function at every x: at all at once where it is elementwise, else one by one."""
    ys = _at_once(f, xs)
    if ys is None:
        ys = np.array([_point(f, x) for x in xs.tolist()])
    if not np.isfinite(ys).any():
        raise DrawError(f"The function has no finite value between {xs[0]:g} and {xs[-1]:g}.")
    return np.where(np.isfinite(ys), ys, nan)


def _at_once(f: Callable[[Any], Any], xs: Any) -> Any:
    """None where the function cannot do that, or means something else by it."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            ys = np.asarray(f(xs.copy()))
    except Exception:  # whatever it is, asking point by point will tell
        return None
    if ys.shape != xs.shape or ys.dtype.kind not in "fiub":
        return None
    ys = ys.astype(float)
    some = range(0, len(xs), max(1, len(xs) // 16))
    alone = [_point(f, float(xs[k])) for k in some]
    return ys if np.allclose(alone, ys[list(some)], equal_nan=True) else None


def _point(f: Callable[[Any], Any], x: float) -> float:
    """The function at a number; NaN where it has no value."""
    try:
        with np.errstate(all="ignore"):
            y = f(x)
    except ArithmeticError:
        return nan
    except ValueError as error:
        if isinstance(error, OperandError) or "domain" not in str(error):
            raise
        return nan
    if isinstance(y, np.ndarray) and y.ndim == 0:
        y = y.item()
    return _number(y, "plot()")


def _slope(f: Callable[[Any], Any], x: float) -> float | None:
    """The derivative by back-propagation, None where the function does not take a Value."""
    point = Value(x)
    try:
        y = f(point)
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    if not isinstance(y, Value):
        return None
    order = topological_order(y)
    grads = [node.grad for node in order]
    try:
        y.backward()
        return point.grad
    finally:
        for node, grad in zip(order, grads, strict=True):
            node.grad = grad


# --- matplotlib -----------------------------------------------------------------------------------


def matplotlib(feature: str, module: str) -> Any:
    """One of matplotlib's modules, for a feature that needs it."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(feature, "matplotlib", "plot") from None


def _axes(feature: str, ax: Any) -> Any:
    if ax is None:
        return matplotlib(feature, "matplotlib.pyplot").figure().add_subplot()
    if not hasattr(ax, "plot"):
        raise OperandError(f"ax is matplotlib's Axes, not {describe(ax)}.")
    return ax
