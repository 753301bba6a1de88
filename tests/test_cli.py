"""The command line, run as a user runs it: words in, text and an exit status out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import wengert as wg
from wengert.cli import VERBS, main

NEURON = "tanh(x1*w1 + x2*w2 + b)"
AT = "x1=2,x2=0,w1=-3,w2=1,b=6.8813735870195432"

WRONG = """
from wengert import Value

a = Value(2.0, label="a")
b = Value(3.0, label="b")
L = a * b
L.label = "L"
L.grad, a.grad, b.grad = 1.0, 3.0, 3.0
"""


@pytest.fixture(autouse=True)
def _in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(WRONG)
    return f"{path}:L"


def run(capsys, *words):
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def test_check_of_an_expression(capsys):
    status, out, _ = run(capsys, "check", NEURON, "--at", AT)
    assert status == 0
    assert "w1" in out
    assert "right" in out


def test_check_finds_the_wrong_gradient(capsys, wrong):
    status, out, _ = run(capsys, "check", wrong)
    assert status == 1
    assert "wrong" in out


def test_check_as_json(capsys, wrong):
    status, out, _ = run(capsys, "check", wrong, "--json")
    report = json.loads(out)
    assert status == 1
    assert report["ok"] is False
    verdicts = {row["name"]: row["verdict"] for row in report["rows"]}
    assert verdicts == {"L": "right", "a": "right", "b": "wrong"}


def test_step(capsys):
    status, out, _ = run(capsys, "step", "a*b", "--at", "a=2,b=-3")
    assert status == 0
    assert out.splitlines() == [
        "∂f/∂a = ∂f/∂f · ∂f/∂a = 1.0 · -3.0 = -3.0",
        "∂f/∂b = ∂f/∂f · ∂f/∂b = 1.0 · 2.0 = 2.0",
    ]


def test_step_of_a_leaf(capsys):
    words = ["step", "x", "--at", "x=2"]
    assert run(capsys, *words)[:2] == (0, "x is a leaf, so there are no steps.\n")
    assert run(capsys, *words, "--json")[:2] == (0, "")


def test_numbers_may_be_given_one_by_one(capsys):
    assert run(capsys, "check", "a*b", "--at", "a=2", "--at", "b=1/3")[0] == 0
    status, _, err = run(capsys, "check", "a*b", "--at", "a=2,b=1", "--at", "a=3")
    assert status == 2
    assert "--at gives a two numbers" in err


@pytest.mark.parametrize("target", ["-x*y", "-x + y", "-sin(x)*y", "-(x*y)", "-x*h*0 + y"])
def test_a_target_may_start_with_a_minus(capsys, target):
    at = "x=-1,y=2,h=1" if "h*" in target else "x=-1,y=2"
    assert run(capsys, "check", target, "--at", at)[0] == 0
    assert run(capsys, "draw", "--at", at, "-o", "-", target)[0] == 0


def test_ends_of_a_plot_may_be_negative(capsys):
    assert run(capsys, "plot", "-x*x", "--lo", "-2e0", "--hi=-1", "-oout.svg")[0] == 0


def test_step_forward_as_json(capsys):
    status, out, _ = run(
        capsys, "step", "L = a*log(b)", "--at", "a=2,b=0", "--direction", "forward", "--json"
    )
    assert status == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"node": "v1", "formula": "log(b)", "data": "-inf"},
        {"node": "L", "formula": "a·v1", "data": "-inf"},
    ]


def test_step_backward_as_json(capsys):
    _, out, _ = run(capsys, "step", "tanh(x)", "--at", "x=0", "--json")
    assert json.loads(out) == {
        "node": "f", "operand": "x", "upstream": 1.0, "partial": 1.0, "formula": "1 - f²",
        "contribution": 1.0, "total": 1.0,
    }  # fmt: skip


def test_draw(capsys, tmp_path):
    status, out, _ = run(capsys, "draw", NEURON, "--at", AT)
    assert status == 0
    assert out.startswith("graph.svg: ")
    assert "<svg" in (tmp_path / "graph.svg").read_text()


def test_draw_names_the_picture_after_the_target(capsys, tmp_path, wrong):
    run(capsys, "draw", wrong)
    assert (tmp_path / "L.svg").exists()


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot", "html"])
def test_draw_to_any_format(capsys, tmp_path, suffix):
    status, _, _ = run(capsys, "draw", "x*x", "--at", "x=3", "-o", f"out.{suffix}")
    assert status == 0
    assert (tmp_path / f"out.{suffix}").stat().st_size > 100


def test_draw_to_standard_output(capsys):
    status, out, _ = run(capsys, "draw", "x*x", "--at", "x=3", "-o", "-", "--theme", "dark")
    assert status == 0
    assert "<svg" in out


def test_draw_as_json(capsys):
    _, out, _ = run(capsys, "draw", "x*x", "--at", "x=3", "--json")
    graph = json.loads(out)
    assert graph["root"] == "f"
    x = {"name": "x", "label": "x", "data": 3.0, "grad": 6.0, "op": "", "operands": []}
    f = {"name": "f", "label": "f", "data": 9.0, "grad": 1.0, "op": "*", "operands": ["x", "x"]}
    assert graph["nodes"] == [{**x, "scope": ""}, {**f, "scope": ""}]
    _, out, _ = run(capsys, "draw", "x*x", "--at", "x=3", "--json", "--no-backward")
    assert json.loads(out)["nodes"][0]["grad"] == 0.0


def test_plot(capsys, tmp_path):
    status, out, _ = run(
        capsys,
        "plot",
        "x**2*c",
        "--at",
        "x=1,c=3",
        "--variable",
        "x",
        "--lo",
        "-2",
        "--hi",
        "2",
        "--h",
        "0.5",
    )
    assert (status, out) == (0, "plot.svg\n")
    assert "<svg" in (tmp_path / "plot.svg").read_text()


def test_plot_of_a_function_in_a_file(capsys, tmp_path):
    (tmp_path / "fun.py").write_text("def f(t, c=2.0):\n    return t*t*c\n")
    status, _, _ = run(capsys, "plot", "fun.py:f", "-o", "f.png")
    assert status == 0
    assert (tmp_path / "f.png").exists()


def test_plot_without_a_variable(capsys):
    status, _, err = run(capsys, "plot", "x*y")
    assert status == 2
    assert "--variable x" in err
    assert run(capsys, "plot", "x*x")[0] == 0


def test_plot_that_cannot_be_written(capsys):
    status, _, err = run(capsys, "plot", "x*x", "--at", "x=1", "-o", "no/such/folder.svg")
    assert status == 2
    assert "Cannot write no/such/folder.svg" in err


def test_quiz(capsys, monkeypatch):
    answers = iter(["1", "2", "-3"])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(answers))
    status, out, _ = run(capsys, "quiz", "a*b", "--at", "a=2,b=-3")
    assert status == 0
    assert "3 of 3" in out or "3/3" in out


def test_tour(capsys, tmp_path):
    status, out, _ = run(capsys, "tour", "there")
    assert status == 0
    for flow in (
        "1. The slope of a function",
        "10. The neuron by hand, graded",
        "What to try next",
    ):
        assert flow in out
    assert "Value(data=-8.0)" in out
    page = (tmp_path / "there/index.html").read_text()
    pictures = sorted(path.name for path in (tmp_path / "there").glob("*.svg"))
    assert len(pictures) >= 6
    assert all(f'src="{name}"' in page for name in pictures)


def test_tour_into_a_file(capsys, tmp_path):
    (tmp_path / "taken").write_text("")
    status, _, err = run(capsys, "tour", "taken")
    assert status == 2
    assert "cannot write to taken" in err


MODEL = """
def loss(w, x, y=1.0):
    total = 0.0
    for a, b in zip(w, x):
        total = total + a * b
    return (total - y) ** 2 if total > 0 else total
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    return f"{path}:loss"


def test_record(capsys, model):
    status, out, _ = run(capsys, "record", model, "--at", "w=ones(4), x=[1, 2, 3, 1/2]")
    assert status == 0
    assert "for i in 3:" in out
    assert "guard t3[2] > 0.0 is true" in out
    assert "model.py:6" in out
    assert "roll: 12 statements -> 9" in out


def test_record_raw_and_in_few_lines(capsys, model):
    status, out, _ = run(
        capsys, "record", model, "--at", "w=ones(9),x=ones(9)", "--raw", "--lines=5"
    )
    assert status == 0
    assert "for" not in out
    assert "... and more: 22 statements in all" in out


def test_record_saves_what_load_reads(capsys, model, tmp_path):
    words = ["--at", "w=[1,2],x=[3,4]", "--at", "y=2", "--simplify", "-o", "loss.program"]
    status, out, _ = run(capsys, "record", model, *words)
    assert status == 0
    assert "simplify: " in out
    assert wg.load(tmp_path / "loss.program")([1.0, 2.0], [3.0, 4.0], 2.0) == 81.0
    status, _, err = run(capsys, "record", model, *words[:-1], "nowhere/loss.program")
    assert status == 2
    assert "nowhere" in err


def test_record_as_json(capsys):
    status, out, _ = run(capsys, "record", "x*y + 1", "--at", "x=2,y=3", "--json")
    found = json.loads(out)
    assert (status, found["operations"], found["statements"]) == (0, 2, 3)
    assert wg.Program.parse(found["text"]).key == found["key"]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("w=[1]", "needs x: --at x=1.0"),
        ("w=[1],x=[1],z=1", "has no z"),
        ("w=[1],x=[1],w=[2]", "gives w two values"),
        ("w=[1],[2]", "NAME=ARGUMENT"),
        ("w=[1],x=", "NAME=ARGUMENT"),
        ("w=[1],x='a'", "numbers, lists of them"),
        ("w=[1],x=[[1], [2, 3]]", "numbers, lists of them"),
        ("w=[1],x=ones('a')", "numbers, lists of them"),
        ("w=[1],x=ones(-1)", "sizes are integers"),
        ("w=[1],x=ones(1.5)", "sizes are integers"),
        ("w=[1],x=__import__('os')", "numbers, lists of them"),
        ("w=[1],x=linspace(0)", "linspace(0)"),
        ("w=[1],x=3", "Calling"),
    ],
)
def test_record_says_what_is_wrong_with_its_arguments(capsys, model, at, message):
    status, _, err = run(capsys, "record", model, "--at", at)
    assert status == 2
    assert message in err


def test_doctor(capsys):
    status, out, _ = run(capsys, "doctor")
    assert status == 0
    assert wg.__version__ in out
    assert wg.engine in out
    status, out, _ = run(capsys, "doctor", "--json")
    assert json.loads(out)["engine"] == wg.engine


def test_doctor_says_what_is_missing(capsys, monkeypatch):
    def missing(name):
        if name == "matplotlib":
            raise importlib.metadata.PackageNotFoundError(name)
        return "9.9"

    import importlib.metadata

    monkeypatch.setattr(importlib.metadata, "version", missing)
    _, out, _ = run(capsys, "doctor")
    assert 'pip install "wengert[plot]"' in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "x*y", "--at", "x=1"], "y has no number"),
        (["check", "x*", "--at", "x=1"], "Cannot read"),
        (["step", "none.py:f"], "There is no file none.py"),
        (["draw", "x*x", "--at", "x=1", "-o", "out.bmp"], "svg"),
        (["draw", "x*x", "--at", "x"], "NAME=NUMBER"),
    ],
)
def test_wrong_targets_say_what_is_wrong(capsys, words, message):
    status, out, err = run(capsys, *words)
    assert status == 2
    assert out == ""
    assert err.startswith("wengert: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [[], ["fly"], ["check"], ["step", "x", "--direction", "up"]])
def test_wrong_usage(capsys, words):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage: wengert" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"wengert {wg.__version__}\n"


def test_ctrl_c(capsys, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(wg, "steps", interrupted)
    status, _, err = run(capsys, "step", "x*x", "--at", "x=1")
    assert status == 130
    assert "interrupted" in err


def test_every_command_is_listed_in_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(verb.name in out and verb.about in " ".join(out.split()) for verb in VERBS)


def test_as_a_process():
    """The installed script, with a reader that stops reading."""
    long = "+".join(["x"] * 500)
    process = subprocess.run(
        f"{sys.executable} -m wengert step '{long}' --at x=1 | head -n 1",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.stderr == ""
    assert process.stdout.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", ["step x*x --at x=2", "draw x*x --at x=1 -o -"])
def test_output_that_cannot_be_written(words):
    process = subprocess.run(
        f"{sys.executable} -m wengert {words} > /dev/full",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 2
    assert process.stderr.startswith("wengert: ")
    assert process.stderr.count("\n") == 1


def test_check_of_a_function_in_a_file(capsys, tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        "import wengert as wg\n\n\ndef f(x, w):\n    return wg.sin(x) * w[0], x\n\n\n"
        "def g(x):\n    return 1 / 0 * x\n",
        encoding="utf-8",
    )
    status, out, _ = run(capsys, "check", f"{path}:f", "--at", "x=1, w=[1, 2]", "--order", "2")
    assert status == 0
    assert "∂f.0/∂w[1]" in out
    assert "forward over reverse" in out
    status, out, _ = run(
        capsys, "check", f"{path}:f", "--at", "x=1,w=[1,2]", "--mode", "reverse", "--json"
    )
    found = json.loads(out)
    assert found["ok"]
    assert {row["transform"] for row in found["rows"]} == {"reverse", "backward()", "vjp"}
    status, _, err = run(capsys, "check", f"{path}:g", "--at", "x=1")
    assert status == 2
    assert "ZeroDivisionError: division by zero (model.py:9)" in err
    assert run(capsys, "check", f"{path}:f", "--at", "x=1")[0] == 2
    status, _, err = run(capsys, "check", "x*y", "--at", "x=1,y=2", "--order", "2")
    assert status == 2
    assert "check() of a Value" in err


# --- explore --------------------------------------------------------------------------------------


def test_explore_writes_the_page_and_opens_it(capsys, tmp_path, monkeypatch):
    import webbrowser

    shown = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "explore", "e = a*b; e + c", "--at", "a=2,b=-3,c=10")
    assert (status, out) == (0, "graph.html: Explorer(5 values)\n")
    assert shown == [(tmp_path / "graph.html").as_uri()]


def test_explore_takes_functions_in_files(capsys, tmp_path):
    (tmp_path / "model.py").write_text("def loss(x, y):\n    return x * x + y\n")
    target, page = f"{tmp_path / 'model.py'}:loss", tmp_path / "page.html"
    words = ["explore", target, "--at", "x=2,y=1", "-o", str(page), "--no-open"]
    status, out, _ = run(capsys, *words)
    assert (status, out) == (0, f"{page}: Explorer(4 values)\n")
    status, _, err = run(
        capsys, "explore", "x + y", "--at", "x=1,y=2", "-o", "page.png", "--no-open"
    )
    assert status == 2
    assert "written as .html" in err
