"""Targets of the command line: Values and functions in files, and expressions."""

import pytest

from wengert import target
from wengert.errors import ExpressionError
from wengert.value import Value

MODEL = """
import wengert as wg
from wengert import Value
from helper import double

x = Value(2.0, label="x")
y = Value(-3.0, label="y")
loss = wg.sin(x) * y**2
number = 3

def f(x, y=4.0):
    return double(x) * y

def lost(x):
    return x.data

def broken(x):
    return x.nothing

def leaves(x):
    raise SystemExit(3)

def one(x=1.0):
    return x * x

def none():
    return x * y

class Model:
    def __call__(self, x):
        return x * x

model = Model()
"""


@pytest.fixture
def model(tmp_path):
    (tmp_path / "helper.py").write_text("def double(x):\n    return x + x\n")
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    return path


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", {}),
        ("x=2", {"x": 2.0}),
        (" x = 2 , y=-3e2,", {"x": 2.0, "y": -300.0}),
        ("x=1/4,y=-3/2", {"x": 0.25, "y": -1.5}),
        ("x=inf,y=nan", None),
    ],
)
def test_numbers_of_variables(text, numbers):
    got = target.parse_at(text)
    assert numbers is None or got == numbers
    assert numbers is not None or list(got) == ["x", "y"]


@pytest.mark.parametrize("text", ["x", "x=", "=2", "x=two", "x y=2", "1=2", "x=1=2", "x=1/0"])
def test_bad_numbers_of_variables(text):
    with pytest.raises(ExpressionError, match="takes NAME=NUMBER"):
        target.parse_at(text)


def test_a_name_is_given_once():
    with pytest.raises(ExpressionError, match="gives x two numbers"):
        target.parse_at("x=1,y=2,x=1")


def test_a_value_in_a_file_stands_as_it_is(model):
    root, fresh = target.root(f"{model}:loss", {})
    assert not fresh
    assert root.data == pytest.approx(0.9092974268256817 * 9)


def test_leaves_of_a_value_can_be_moved(model):
    root, _ = target.root(f"{model}:loss", {"x": 0.5, "y": 1.0})
    assert root.data == pytest.approx(0.479425538604203)


def test_a_function_is_called_on_labelled_values(model):
    root, fresh = target.root(f"{model}:f", {"x": 3.0})
    assert fresh
    assert root.data == 24.0
    assert root.label == "f"
    assert root.operands[0].operands[0].label == "x"


def test_an_expression_is_built():
    root, fresh = target.root("x*y", {"x": 2.0, "y": 3.0})
    assert (root.data, root.label, fresh) == (6.0, "f", True)
    assert target.root("f*2", {"f": 2.0})[0].label == ""
    assert target.root("g = f*2", {"f": 2.0})[0].label == "g"


@pytest.mark.parametrize(
    ("name", "at", "message"),
    [
        ("nothing", {}, "It has: broken, double, f, leaves, loss, lost, model, none, one, x, y"),
        ("number", {}, "is a int; a target is a Value or a function"),
        ("Model", {}, "Model is a class; a target is a Value or a function"),
        ("leaves", {"x": 1.0}, r"Calling .* raised SystemExit: 3 \(model.py:2[0-9]\)"),
        ("f", {}, "needs x: --at x=1.0"),
        ("f", {"x": 1.0, "z": 1.0}, "has no z. It takes: x, y"),
        ("lost", {"x": 1.0}, "gave 1.0, where a Value was expected"),
        ("broken", {"x": 1.0}, "raised AttributeError.*model.py:1[0-9]"),
        ("loss", {"q": 1.0}, "has no leaf labelled 'q'. Labelled: x, y"),
    ],
)
def test_wrong_targets(model, name, at, message):
    with pytest.raises(ExpressionError, match=message):
        target.root(f"{model}:{name}", at)


def test_wrong_files(tmp_path):
    with pytest.raises(ExpressionError, match="There is no file"):
        target.root(str(tmp_path / "none.py") + ":f", {})
    with pytest.raises(ExpressionError, match="FILE.py:NAME"):
        target.root("model.py", {})
    with pytest.raises(ExpressionError, match="is FILE.py:NAME, not 'some/model:L'"):
        target.root("some/model:L", {})
    bad = tmp_path / "bad.py"
    bad.write_text("x = 1\nx / 0\n")
    with pytest.raises(ExpressionError, match=r"raised ZeroDivisionError.*\(bad.py:2\)"):
        target.root(f"{bad}:x", {})
    bad.write_text("def (:\n")
    with pytest.raises(ExpressionError, match=r"raised SyntaxError: [^()]*\(bad.py:1\)$"):
        target.root(f"{bad}:x", {})
    bad.write_text("import sys\nsys.exit(1)\n")
    with pytest.raises(ExpressionError, match=r"raised SystemExit: 1 \(bad.py:2\)"):
        target.root(f"{bad}:x", {})
    bad.write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        target.root(f"{bad}:x", {})
    bad.write_text("")
    with pytest.raises(ExpressionError, match="It has: nothing"):
        target.root(f"{bad}:x", {})


def test_functions_to_plot(model):
    name, f = target.function(f"{model}:f", {"y": 2.0, "x": 9.0}, "x")
    assert (name, f(3.0)) == ("x", 12.0)
    name, g = target.function("x*y", {"y": 2.0})
    assert (name, g(3.0).data) == ("x", 6.0)
    x = Value(3.0)
    g(x).backward()
    assert x.grad == 2.0, "its tangent can be drawn"
    assert target.function(f"{model}:model", {})[1](3.0) == 9.0


@pytest.mark.parametrize(
    ("name", "at", "variable"),
    [
        ("x*y", {"x": 2.0}, "y"),
        ("x*x", {}, "x"),
        ("x*x", {"x": 2.0}, "x"),
        ("d = x*pi; d*d", {}, "x"),
        (":f", {}, "x"),
        (":f", {"x": 2.0}, "x"),
        (":one", {}, "x"),
    ],
)
def test_the_variable_of_a_plot(model, name, at, variable):
    word = f"{model}{name}" if name.startswith(":") else name
    assert target.function(word, at)[0] == variable


@pytest.mark.parametrize(
    ("name", "at", "variable", "message"),
    [
        (":loss", {}, "", "is a Value. To plot"),
        ("x*y", {}, "", "along the axis: x, y.*--variable x"),
        ("x*y", {"x": 1.0, "y": 2.0}, "", "along the axis: x, y.*--variable x"),
        ("x*y", {}, "x", "needs y: --at y=1.0"),
        ("x*y", {}, "q", "has no variable q. It has: x, y"),
        (":f", {"z": 1.0}, "", "has no z. It takes: x, y"),
        ("1 + 1", {}, "", "has no variable to plot it over"),
        (":none", {}, "x", "has no variable to plot it over"),
    ],
)
def test_wrong_plots(model, name, at, variable, message):
    word = f"{model}{name}" if name.startswith(":") else name
    with pytest.raises(ExpressionError, match=message):
        target.function(word, at, variable)


def test_a_plotted_function_that_leaves(model):
    _, f = target.function(f"{model}:leaves", {})
    with pytest.raises(ExpressionError, match="raised SystemExit"):
        f(1.0)
    _, f = target.function(f"{model}:broken", {})
    with pytest.raises(ExpressionError, match=r"raised AttributeError.*model.py:1[0-9]"):
        f(1.0)


def test_a_function_that_hides_what_it_takes(tmp_path):
    path = tmp_path / "hidden.py"
    path.write_text("hidden = max\n")
    with pytest.raises(ExpressionError, match="does not say what it takes"):
        target.root(f"{path}:hidden", {})


def test_a_module_of_the_same_name_is_left_alone(tmp_path):
    import json

    path = tmp_path / "json.py"
    path.write_text("from wengert import Value\nv = Value(1.0) * 2\n")
    assert target.root(f"{path}:v", {})[0].data == 2.0
    import json as again

    assert again is json
