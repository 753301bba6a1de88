"""How a report reads."""

import math
from html.parser import HTMLParser

import pytest

from wengert.errors import CheckError
from wengert.proof.check import check
from wengert.proof.report import Finding, Report
from wengert.value import Value


def product(label="a"):
    a, b = Value(2.0, label=label), Value(-3.0, label="b")
    out = a * b
    out.label = "L"
    out.backward()
    return a, b, out


def test_the_table():
    a, _, out = product()
    a.grad = 3.0
    report = check(out)
    assert str(report) == repr(report) == "\n".join(
        [
            "node  data  .grad  numerical  error  verdict",
            "L     -6.0    1.0        1.0      0  right",
            "b     -3.0    2.0        2.0      0  right",
            "a      2.0    3.0       -3.0      6  wrong    the sign is wrong",
            "2 right, 1 wrong.",
        ]
    )  # fmt: skip


def test_a_long_report_is_shortened_wrong_ones_first():
    x = Value(0.1, label="x")
    y = x
    for _ in range(100):
        y = y + 1.0
    y.backward()
    x.grad = 0.0
    lines = str(check(y)).splitlines()
    assert lines[1].startswith("x ")
    assert lines[-2] == "… and 161 more right"
    assert lines[-1] == "200 right, 1 not filled."
    assert len(lines) == 43
    assert len(check(y)) == 201
    html = check(y)._repr_html_()
    assert html.count("<tr>") == 41
    assert "… and 161 more right" in html


def test_as_data():
    a, b, out = product()
    a.grad = 3.0
    report = check(out)
    assert report.worst is report["a"]
    assert [row.ok for row in report] == [True, True, False]
    assert list(report) == list(report.rows)
    assert report["b"].as_dict() == {
        "name": "b", "data": -3.0, "grad": 2.0, "numeric": 2.0, "error": 0.0,
        "bound": report["b"].bound, "left": 2.0, "right": 2.0, "verdict": "right", "reason": "",
    }  # fmt: skip
    assert report[b].node is b
    assert repr(report["a"]) == "<a: wrong>"
    with pytest.raises(KeyError):
        report["c"]


def test_the_worst():
    assert Report((), (), 0).worst is None
    assert Report((), (), 0).ok
    node = Value(1.0)
    numbers = [("a", 1.0, 1.001), ("b", 100.0, 100.01), ("c", 0.0, 0.0)]
    rows = [
        Finding(node, name, 1.0, grad, numeric, 0.0, 0.0, 0.0, "right", "")
        for name, grad, numeric in numbers
    ]
    assert Report(tuple(rows), (), 3).worst.name == "a"
    unknown = Finding(node, "d", 1.0, 1.0, math.nan, 0.0, 0.0, 0.0, "undecided", "")
    assert Report((unknown,), (), 1).worst is unknown


def test_raising_names_ten():
    x = Value(0.1, label="x")
    y = x
    for _ in range(10):
        y = y + 1.0
    with pytest.raises(CheckError) as caught:
        check(y).raise_if_wrong()
    lines = str(caught.value).splitlines()
    assert lines[0] == "21 of 21 gradients are wrong or not filled:"
    assert lines[1].startswith("  v20: .grad is 0.0, and the derivative is 1: not filled yet")
    assert lines[-1] == "  … and 11 more"
    x.data = 5.0
    with pytest.raises(CheckError, match="not what the leaves give now"):
        check(y).raise_if_wrong()


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "a&b", '"><img src=x>', "a\nb"])
def test_html_is_escaped_and_well_formed(label):
    _, _, out = product(label)
    html = check(out)._repr_html_()
    parser = Tags()
    parser.feed(html)
    parser.close()
    assert not parser.open
    assert set(parser.seen) <= {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert "<style" not in html
    assert "color:inherit" in html, "it reads on light and on dark"


def test_a_label_cannot_break_the_table():
    _, _, out = product("a\nb\tc\r")
    assert len(str(check(out)).splitlines()) == 5


def test_wrong_rows_stand_out_in_html():
    a, _, out = product()
    a.grad = 3.0
    html = check(out)._repr_html_()
    assert html.count("font-weight:bold") == 7
