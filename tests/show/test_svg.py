import re
from xml.etree import ElementTree

import pytest
from show_graphs import HOSTILE, chain, lesson, network
from test_place import hostile

from wengert.show.place import place
from wengert.show.scene import scene_of
from wengert.show.shapes import FILLS, STROKES, TEXTS
from wengert.show.svg import svg_of
from wengert.show.text import shorten

SVG = "{http://www.w3.org/2000/svg}"


def parsed(root: object, theme: str = "auto", **options: object) -> ElementTree.Element:
    scene = scene_of([root], **options)  # type: ignore[arg-type]
    return ElementTree.fromstring(svg_of(place(scene), "wg1-0", theme))


def groups(svg: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [g for g in svg.iter(SVG + "g") if g.get("class") == kind]


def test_the_lesson_has_its_records_rounds_and_edges() -> None:
    svg = parsed(lesson())
    records = [g for kind in ("leaf", "value", "root") for g in groups(svg, kind)]
    rounds = [r for r in svg.iter(SVG + "rect") if r.get("class") == "s-op"]
    arrows = [p for p in svg.iter(SVG + "path") if p.get("class") == "s-arrow"]
    assert (len(records), len(rounds), len(arrows)) == (7, 3, 9)
    texts = {" ".join(t.text or "" for t in g.iter(SVG + "text")) for g in records}
    assert "a data 2.0000 grad 6.0000" in texts
    assert "* L data -8.0000 grad 1.0000" in texts


def test_text_is_fitted_to_its_width() -> None:
    for text in parsed(lesson()).iter(SVG + "text"):
        assert float(text.get("textLength", 0)) > 0
        assert text.get("lengthAdjust") == "spacingAndGlyphs"


def test_hostile_text_is_only_text() -> None:
    svg = parsed(hostile())
    assert shorten(HOSTILE[0], 24) in {t.text for t in svg.iter(SVG + "text")}
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} == {
        "svg", "title", "style", "g", "rect", "path", "text",
    }  # fmt: skip
    titles = [title.text or "" for title in svg.iter(SVG + "title")]
    assert any("a" * 3000 in title for title in titles)
    assert all(len(t.text or "") < 200 for t in svg.iter(SVG + "text"))


def test_it_can_be_read_aloud() -> None:
    svg = parsed(lesson())
    assert svg.get("role") == "img"
    [title] = [t for t in svg.iter(SVG + "title") if t.get("id") == svg.get("aria-labelledby")]
    assert title.text == "Computation graph of 7 values and 3 operations"


def test_every_rule_is_under_the_drawings_own_class() -> None:
    style = next(parsed(network(2, 1)).iter(SVG + "style")).text or ""
    plain = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\}", r"\1", style)
    rules = re.findall(r"([^{}]+)\{", plain)
    assert len(rules) > 20
    assert all(rule.startswith(".wg1-0 ") for rule in rules)


def test_themes_are_offered_or_forced() -> None:
    def style(theme: str) -> str:
        return next(parsed(lesson(), theme).iter(SVG + "style")).text or ""

    assert "prefers-color-scheme" in style("auto")
    assert "prefers-color-scheme" not in style("light") + style("dark")
    assert FILLS["card"][1] not in style("light")
    assert FILLS["card"][1] in style("dark")


def test_folded_pictures_say_so() -> None:
    svg = parsed(chain(1000))
    [caption] = groups(svg, "caption")
    assert "".join(caption.itertext()).startswith("2,003 values and 2,000 operations drawn as")


def test_wide_pictures_keep_their_size() -> None:
    assert "max-width:none" in (parsed(chain(20)).get("style") or "")
    assert "max-width:100%" in (parsed(lesson()).get("style") or "")


def luminance(color: str) -> float:
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("shade", [0, 1])
def test_text_and_lines_stand_out(shade: int) -> None:
    backs = [FILLS[s][shade] for s in ("card", "frame", "leaf", "value", "root", "group", "op")]
    for style in TEXTS:
        assert min(contrast(FILLS[style][shade], back) for back in backs) >= 4.5
    assert contrast(STROKES["edge"][shade], FILLS["card"][shade]) >= 3.0
    for style in ("leaf", "value", "root", "group"):
        assert contrast(STROKES[style][shade], FILLS["card"][shade]) >= 3.0
