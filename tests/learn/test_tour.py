"""The tour: what it shows must be what its code does."""

import re
import xml.etree.ElementTree as ET

import pytest

from wengert.learn.lesson import FLOWS, Flow
from wengert.learn.tour import markdown, page, play


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    return folder, list(play(folder))


def printed(played, number):
    return "\n".join(shown.printed for shown in played[1][number - 1].shown)


@pytest.mark.parametrize(
    ("number", "figures"),
    [
        (1, ["20.0", "-3.0", "2.0", "0.99999"]),
        (2, ["Value(data=-8.0)", "7"]),
        (3, ["True"]),
        (
            4,
            [
                "L 1.000000000000334", "d -2.000000000000668", "f 4.000000000026205",
                "c -1.999999987845058", "e -1.9999999999242843", "a 6.000000000128124",
                "b -4.000000000026205",
            ],
        ),
        (5, ["-7.286496", "-6.586368000000001"]),
        (7, ["∂o/∂(x1w1 + x2w2) = ∂o/∂n · ∂n/∂(x1w1 + x2w2)"]),
        (8, ["2.0"]),
        (10, ["True"]),
        (11, ["0.9"]),
    ],
)  # fmt: skip
def test_the_figures_of_the_lesson(played, number, figures):
    text = printed(played, number)
    for figure in figures:
        assert figure in text


def test_flows_six_seven_and_nine_agree(played):
    ends = {printed(played, n).splitlines()[-1] for n in (6, 9)}
    assert len(ends) == 1
    assert ends.pop() in printed(played, 7)


def test_the_check_names_the_mistake(played):
    assert "wrong" in printed(played, 10)
    assert "w1" in printed(played, 10)


def test_pictures_are_files_and_well_formed(played):
    folder, flows = played
    names = [shown.picture for each in flows for shown in each.shown if shown.picture]
    assert len(names) == len(set(names)) >= 6
    for name in names:
        ET.parse(folder / name)


def test_all_code_is_shown(played):
    for each in played[1]:
        shown = "\n".join(part.code for part in each.shown)
        wanted = [line for line in each.flow.code.splitlines() if line.strip()]
        assert [line for line in shown.splitlines() if line.strip()] == wanted


def test_pages_show_code_output_and_pictures(played):
    flows = played[1]
    html, text = page(flows), markdown(flows, "pictures")
    for each in flows:
        assert each.flow.title in text
        for shown in each.shown:
            if shown.picture:
                assert f'src="{shown.picture}"' in html
                assert f"](pictures/{shown.picture})" in text
    assert html.count("<pre>") == html.count("</pre>")
    assert not re.search(r"https?://", html)


def test_hostile_text_is_escaped(tmp_path):
    flow = Flow("<b>", "a `<i>` & b", 'print("<script>")\n')
    html = page(list(play(tmp_path, [flow])))
    assert "<script>" not in html
    assert "<code>&lt;i&gt;</code> &amp; b" in html


def test_statements_that_share_a_line_run_in_order(tmp_path):
    flow = Flow("t", "t", "x = 1; y = 2\nx + y\n")
    (played,) = play(tmp_path, [flow])
    assert [(shown.code, shown.printed) for shown in played.shown] == [
        ("x = 1; y = 2", ""),
        ("x + y", "3\n"),
    ]


def test_there_are_ten_flows_and_one_more():
    assert len(FLOWS) == 11
