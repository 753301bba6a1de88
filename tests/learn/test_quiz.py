"""The quiz, played by scripts."""

import math

import pytest

import wengert as wg
from lesson_graphs import expression
from wengert.learn.quiz import Score, quiz
from wengert.value import Value


def play(root, *lines, end=EOFError, **options):
    """The score, the questions asked and all that was said."""
    typing, asked, said = iter(lines), [], []

    def read(question):
        asked.append(question)
        try:
            return next(typing)
        except StopIteration:
            raise end from None

    score = quiz(root, input=read, output=said.append, **options)
    return score, asked, "\n".join(said)


def test_all_right():
    v = expression()
    score, asked, said = play(v["L"], "1", "4", "-2", "-2", "-2", "-4", "-3*-2")
    assert score == Score(total=7, right=7, first_try=7)
    assert asked == [f"∂L/∂{n} = " for n in "Lfdceba"]
    assert [v[n].grad for n in "abcfedL"] == [6.0, -4.0, -2.0, 4.0, -2.0, -2.0, 1.0]
    assert said.splitlines()[0].startswith("Fill in the gradients of L = -8.0: 7 numbers")
    assert "Right: ∂L/∂a = 6.0" in said
    assert said.endswith("7 of 7 right, 7 at the first try.")


def test_wrong_answers_are_explained_and_the_answer_is_not_given_away():
    v = expression()
    score, _, said = play(
        v["L"], "2", "1", "-8", "4", "4", "-2", "1", "-2", "-2", "4", "-4", "-3", "77", "6"
    )
    assert score == Score(total=7, right=7, first_try=1, wrong=7)
    wrong = [line for line in said.splitlines() if line.startswith("Wrong")]
    assert wrong == [
        "Wrong: the gradient of the root is 1 by definition.",
        "Wrong: multiplied by the value of L, -8, in place of the local derivative, 4.",
        "Wrong: multiplied by its own value 4; the derivative of a product has the other "
        "operand's, f = -2.",
        "Wrong: this is the local derivative alone; multiply it by the gradient upstream: that of "
        "d, -2.",
        "Wrong: the sign is wrong.",
        "Wrong: this is the local derivative alone; multiply it by the gradient upstream: that of "
        "e, -2.",
        "Wrong: ∂L/∂a is the gradient of e times the local derivative of * with respect to a.",
    ]


def test_a_value_used_twice():
    a = Value(3.0, label="a")
    b = a + a
    b.label = "b"
    score, _, said = play(b, "1", "1", "hint", "2")
    assert "this is what the use in b alone contributes; the contributions of all uses add" in said
    assert "∂b/∂a = ∂b/∂b · ∂b/∂a + ∂b/∂b · ∂b/∂a" in said
    assert str(score) == "2 of 2 right, 1 at the first try, 1 hint."
    assert a.grad == 2.0


def test_a_wrong_answer_without_a_known_reason_names_the_rule():
    a, b = Value(3.0, label="a"), Value(5.0, label="b")
    d = a * b
    d.label = "d"
    e = d + a * a
    e.label = "e"
    _, _, said = play(e, "1", "77", nodes=[a])
    assert said.splitlines()[2] == (
        "Wrong: ∂e/∂a is the sum over the uses of a (in v1, d): each contributes the gradient of "
        "its result times the local derivative there."
    )


def test_short_words():
    score, _, said = play(expression()["L"], "h", "?", "q")
    assert score == Score(total=7, hints=1)
    assert "is the slope of L" in said
    assert "Type the gradient" in said


def test_a_front_end_that_cannot_ask():
    v = expression()
    v["L"].backward()
    before = {name: node.grad for name, node in v.items()}
    with pytest.raises(RuntimeError, match="no stdin"):
        play(v["L"], "1", end=RuntimeError("no stdin"))
    assert {name: node.grad for name, node in v.items()} == before


def test_a_copied_gradient():
    x, z = Value(1.5, label="x"), Value(2.5, label="z")
    y = x * 3 + z * 7
    y.label = "y"
    _, _, said = play(y, "1", "1", "7", "1", "7")
    assert said.splitlines()[5] == "Wrong: this is the gradient of z."


def test_hint_answer_skip_help_quit():
    v = expression()
    score, _, said = play(
        v["L"], "hint", "1", "?", "", "HELP", "answer", "skip", "hint", " hint ", "-2", "quit"
    )
    assert score == Score(total=7, right=2, hints=3, shown=1, skipped=1)
    assert "∂L/∂L is the slope of L with respect to itself." in said
    assert said.count("Type the gradient: a number such as") == 2
    assert "∂L/∂f = ∂L/∂L · ∂L/∂f = 1.0 · 4.0 = 4.0" in said
    assert "Skipped: ∂L/∂d stays 0." in said
    assert "The chain rule: ∂L/∂c = ∂L/∂d · ∂d/∂c\n  d = e + c, so ∂d/∂c = 1.0; and ∂L/∂d" in said
    assert said.endswith("2 of 7 right, 0 at the first try, 3 hints, 1 shown, 1 skipped, 3 left.")
    assert [v[n].grad for n in "Lfdceba"] == [1.0, 4.0, 0.0, -2.0, 0.0, 0.0, 0.0]


def test_the_answer_to_the_root():
    _, _, said = play(expression()["L"], "answer")
    assert "∂L/∂L = 1.0" in said


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_ending_early_keeps_the_score_and_what_is_filled_in(end):
    v = expression()
    v["L"].backward()
    score, asked, said = play(v["L"], "1", "5", end=end)
    assert score == Score(total=7, right=1, first_try=1, wrong=1)
    assert len(asked) == 3
    assert said.endswith("\n1 of 7 right, 1 at the first try, 6 left.")
    assert [v[n].grad for n in "Lfdceba"] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_what_cannot_be_read_is_asked_again():
    score, asked, said = play(expression()["L"], "one", "1/0", "1")
    assert asked == ["∂L/∂L = "] * 3 + ["∂L/∂f = "]
    assert "'one' is not a number" in said
    assert "'1/0' has no finite value" in said
    assert score.first_try == 1, "a slip of the keyboard is no wrong answer"


def test_rounded_answers_fill_in_the_exact_number():
    x = Value(0.8, label="x")
    y = wg.tanh(x)
    y.label = "y"
    play(y, "1", "0.56")
    assert x.grad == pytest.approx(1.0 - math.tanh(0.8) ** 2, rel=1e-12)


def test_constants_are_filled_in_and_asked_only_on_request():
    x = Value(3.0, label="x")
    y = 2.0 * x
    y.label = "y"
    score, asked, _ = play(y, "1", "2")
    assert asked == ["∂y/∂y = ", "∂y/∂x = "]
    assert score.total == 2
    assert y.operands[0].grad == 3.0
    score, asked, _ = play(y, "1", "2", "3", constants=True)
    assert score == Score(total=3, right=3, first_try=3)


def test_chosen_nodes():
    v = expression()
    score, asked, _ = play(v["L"], "6", nodes=[v["a"]])
    assert asked == ["∂L/∂a = "]
    assert score.total == 1
    assert v["d"].grad == -2.0, "what is not asked for is filled in on the way"


def test_a_kink_takes_any_slope_between_and_fills_in_the_convention():
    x = Value(0.0, label="x")
    y = wg.relu(x)
    y.label = "y"
    _, _, said = play(y, "1", "2", "1/2")
    assert "Wrong" in said
    assert "here is a kink, with all slopes from 0 to 1; by convention ∂y/∂x = 0.0" in said
    assert x.grad == 0.0


def test_what_is_not_finite_is_filled_in():
    x = Value(0.0, label="x")
    y = wg.log(x)
    y.label = "y"
    score, asked, said = play(y, "1")
    assert asked == ["∂y/∂y = "]
    assert "∂y/∂x is inf here: filled in for you." in said
    assert score == Score(total=1, right=1, first_try=1)
    assert x.grad == math.inf


def test_an_operation_of_the_users_own():
    x = Value(2.0, label="x")

    def cube(x):
        out = Value(x.data**3, (x,), "cube")

        def _backward():
            x.grad += 3.0 * x.data**2 * out.grad

        out._backward = _backward
        return out

    y = cube(x)
    y.label = "y"
    score, _, said = play(y, "1", "hint", "12")
    assert "y = cube(x), so ∂y/∂x = 12.0; and ∂y/∂y = 1.0" in said
    assert score.right == 2
    assert x.grad == 12.0


def test_a_formula_in_the_hint():
    x = Value(2.0, label="x")
    y = x**3
    y.label = "y"
    _, _, said = play(y, "1", "hint")
    assert "y = x³, so ∂y/∂x = 3·x² = 12.0" in said


def test_wrong_calls():
    with pytest.raises(wg.OperandError, match="quiz.. takes a Value.*not float"):
        quiz(2.0)
    v = expression()
    with pytest.raises(wg.GraphError, match="nodes= are Values"):
        play(v["e"], nodes=[v["L"]])
    own = Value(1.0, (v["a"],), "own")
    with pytest.raises(wg.GraphError, match="no derivative yet"):
        play(own, "1")
    assert v["a"].grad == 0.0


def test_the_built_in_input_and_print(monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda question: "1")
    x = Value(1.0, label="x")
    quiz(x)
    assert "1 of 1 right" in capsys.readouterr().out
