"""Targets of the command line: Values and functions in files, and expressions."""

import pytest

from wengert import target
from wengert.errors import ExpressionError

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
        ("x=inf,y=nan", None),
    ],
)
def test_numbers_of_variables(text, numbers):
    got = target.parse_at(text)
    assert numbers is None or got == numbers
    assert numbers is not None or list(got) == ["x", "y"]


@pytest.mark.parametrize("text", ["x", "x=", "=2", "x=two", "x y=2", "1=2", "x=1=2"])
def test_bad_numbers_of_variables(text):
    with pytest.raises(ExpressionError, match="takes NAME=NUMBER"):
        target.parse_at(text)


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
        ("nothing", {}, "has no nothing. It has: .*broken, double, f, loss, lost, x, y"),
        ("number", {}, "is a int; a target is a Value or a function"),
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
    bad = tmp_path / "bad.py"
    bad.write_text("x = 1\nx / 0\n")
    with pytest.raises(ExpressionError, match=r"raised ZeroDivisionError.*\(bad.py:2\)"):
        target.root(f"{bad}:x", {})
    bad.write_text("def (:\n")
    with pytest.raises(ExpressionError, match="raised SyntaxError"):
        target.root(f"{bad}:x", {})
    bad.write_text("")
    with pytest.raises(ExpressionError, match="It has: nothing"):
        target.root(f"{bad}:x", {})


def test_functions_to_plot(model):
    f = target.function(f"{model}:f", {"y": 2.0, "x": 9.0}, "x")
    assert f(3.0) == 12.0
    g = target.function("x*y", {"y": 2.0}, "x")
    assert g(3.0).data == 6.0
    with pytest.raises(ExpressionError, match="is a Value. To plot"):
        target.function(f"{model}:loss", {}, "x")
    assert target.variables(f"{model}:f", {}) == ["x", "y"]
    assert target.variables("x*y", {"y": 2.0}) == ["y"]


def test_a_module_of_the_same_name_is_left_alone(tmp_path):
    import json

    path = tmp_path / "json.py"
    path.write_text("from wengert import Value\nv = Value(1.0) * 2\n")
    assert target.root(f"{path}:v", {})[0].data == 2.0
    import json as again

    assert again is json
