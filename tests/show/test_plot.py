import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from show_graphs import chain, lesson

import wengert as wg
from wengert import DrawError, MissingExtraError, OperandError, Value
from wengert.show.drawing import draw
from wengert.show.page import page_of
from wengert.show.place import place
from wengert.show.plot import plot, plot_history
from wengert.show.scene import scene_of

matplotlib.use("Agg")
from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def parabola(x: Any) -> Any:
    return 3 * x**2 - 4 * x + 5


def test_the_lessons_curve_its_tangent_and_secant() -> None:
    ax = plot(parabola, -5, 5, at=3, h=1, label="f")
    assert legend(ax) == ["f", "f(3) = 20", "tangent, slope 14", "secant, h = 1, slope 17"]
    xs, ys = ax.lines[0].get_data()
    assert (xs[0], xs[-1], len(xs)) == (-5.0, 5.0, 400)
    assert np.allclose(ys, parabola(xs))
    ends, heights = ax.lines[2].get_data()
    assert np.allclose(heights, 20 + 14 * (np.array(ends) - 3))


@pytest.mark.parametrize(
    "f",
    [
        wg.sin,
        np.sin,
        math.sin,
        lambda x: wg.sin(x) if x > 0 else wg.sin(x) + 0.0,
        lambda x: Value(1.0) * wg.sin(x),
        lambda x: np.asarray(np.sin(x)),
    ],
)
def test_any_way_of_writing_a_function_gives_its_curve(f: Any) -> None:
    ax = plot(f, -1, 1, points=50)
    xs, ys = ax.lines[0].get_data()
    assert np.allclose(ys, np.sin(xs))
    assert ax.get_legend() is None


def test_a_function_that_means_something_else_by_an_array_is_asked_point_by_point() -> None:
    xs, ys = plot(lambda x: x - np.max(x) + 1.0, 0, 1).lines[0].get_data()
    assert np.allclose(ys, 1.0)
    assert xs[0] == 0.0
    _, ys = plot(lambda x: 2.0, 0, 1).lines[0].get_data()
    assert np.allclose(ys, 2.0)
    _, ys = (
        plot(lambda x: np.asarray(x).astype(str).astype(object) if np.ndim(x) else x, 0, 1)
        .lines[0]
        .get_data()
    )
    assert ys[-1] == 1.0


def test_points_without_a_value_are_left_out() -> None:
    for f in (math.log, wg.log, lambda x: 1 / max(x, 0)):
        _, ys = plot(f, -1, 1, points=9).lines[0].get_data()
        assert np.isnan(ys[0])
        assert np.isfinite(ys[-1])


def test_the_point_may_lie_beyond_the_curve() -> None:
    xs, _ = plot(parabola, 0, 1, at=2, h=1).lines[0].get_data()
    assert (xs[0], xs[-1]) == (0.0, 3.0)


def test_no_tangent_where_there_is_no_derivative() -> None:
    assert legend(plot(math.sin, 0, 1, at=0)) == ["f(0) = 0"]
    assert legend(plot(lambda x: float(getattr(x, "data", x)), 0, 1, at=0)) == ["f(0) = 0"]
    assert legend(plot(wg.sqrt, 0, 1, at=0)) == ["f(0) = 0"]
    assert legend(plot(lambda x: math.log(x) if x else 0.0, 0, 1, at=1, h=-2)) == ["f(1) = 0"]


def test_gradients_of_parameters_are_left_alone() -> None:
    w = Value(3.0)
    w.grad = 7.0
    assert "tangent, slope 3" in legend(plot(lambda x: w * x, 0, 1, at=1))
    assert w.grad == 7.0


def test_axes_that_are_given_are_used() -> None:
    ax = pyplot.figure().add_subplot()
    assert plot(parabola, 0, 1, ax=ax) is ax
    assert plot_history([1.0], ax=ax) is ax
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"lo": 1.0, "hi": 1.0}, "less than"),
        ({"hi": math.inf}, "hi is a finite"),
        ({"lo": math.nan}, "lo is a finite"),
        ({"points": 1}, "points"),
        ({"points": 2.5}, "points"),
        ({"h": 1.0}, "at="),
        ({"at": 0.0, "h": 0.0}, "is 0"),
        ({"at": math.nan}, "at is a finite"),
        ({"f": lambda x: math.nan}, "no finite value"),
        ({"f": lambda x: 1 / x, "at": 0.0, "points": 3, "hi": 2.0, "lo": 1.0}, "no value at"),
    ],
)
def test_what_is_no_curve_is_refused(options: dict[str, Any], match: str) -> None:
    arguments = {"f": parabola, "lo": -1.0, "hi": 1.0} | options
    with pytest.raises(DrawError, match=match):
        plot(**arguments)


@pytest.mark.parametrize(
    "options", [{"f": 3.0}, {"lo": "a"}, {"ax": 3}, {"f": lambda x: "y"}, {"f": lambda x: None}]
)
def test_what_is_no_number_is_refused(options: dict[str, Any]) -> None:
    arguments = {"f": parabola, "lo": -1.0, "hi": Value(1.0)} | options
    with pytest.raises(OperandError):
        plot(**arguments)


def test_a_functions_own_error_comes_through() -> None:
    def broken(x: float) -> float:
        raise ValueError("my own")

    with pytest.raises(ValueError, match="my own"):
        plot(broken, 0, 1)


def test_a_history_is_its_losses_in_order() -> None:
    ax = plot_history([Value(4.0), 2, 1.0], label="run", log=True)
    assert list(ax.lines[0].get_ydata()) == [4.0, 2.0, 1.0]
    assert ax.get_yscale() == "log"
    assert legend(ax) == ["run"]
    assert plot_history(x / 2 for x in range(50)).get_legend() is None


@pytest.mark.parametrize(
    ("losses", "error"),
    [([], DrawError), ("abc", OperandError), (3.0, OperandError), (["a"], OperandError)],
)
def test_what_is_no_history_is_refused(losses: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        plot_history(losses)


def test_a_logarithmic_axis_needs_a_positive_loss() -> None:
    with pytest.raises(DrawError, match="positive"):
        plot_history([0.0, -1.0], log=True)


def test_curves_need_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"plot\(\) needs matplotlib"):
        plot(parabola, 0, 1)


def test_wengert_alone_does_not_load_matplotlib() -> None:
    code = (
        "import sys, wengert, wengert.show.drawing, wengert.show.plot, wengert.show.page;"
        "wengert.show.drawing.draw(wengert.Value(1.0)).svg;"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_pages_leave_settings_and_figures_alone() -> None:
    before = dict(matplotlib.rcParams)
    draw(lesson()).pipe("png")
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []


def test_pages_are_reproducible_and_have_two_themes() -> None:
    picture = place(scene_of([lesson()]))
    assert page_of(picture, "png") == page_of(picture, "png", "light")
    assert page_of(picture, "png") != page_of(picture, "png", "dark")
    assert page_of(picture, "pdf") == page_of(picture, "pdf")


def test_a_page_shrinks_until_it_cannot_be_read() -> None:
    assert draw(chain(60), fold=False).pipe("png").startswith(b"\x89PNG")
    with pytest.raises(DrawError, match="too large"):
        draw(chain(600), fold=False).pipe("png")
