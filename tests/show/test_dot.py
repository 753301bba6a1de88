import re

import pytest
from show_graphs import HOSTILE, chain, lesson, network

from wengert import Value
from wengert.show.dot import dot_of, quoted
from wengert.show.scene import scene_of
from wengert.show.text import clean, shorten

TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z0-9_.]+)|(?P<sign>->|[{}\[\]=,]))', re.S
)


def tokens(source: str) -> list[str]:
    """The tokens of DOT text; fails where anything is left over."""
    found, at = [], 0
    source = source.rstrip()
    while at < len(source):
        match = TOKEN.match(source, at)
        assert match, source[at : at + 40]
        found.append(match.group().strip())
        at = match.end()
    return found


def fields(label: str) -> list[str]:
    """What Graphviz shows of a record's label in braces."""
    assert label[0] == "{"
    assert label[-1] == "}"
    parts, shown, escaped = [], "", False
    for character in label[1:-1]:
        if escaped:
            shown, escaped = shown + "\0" + character, False
        elif character == "\\":
            escaped = True
        elif character == "|":
            parts.append(shown)
            shown = ""
        else:
            assert character not in "{}<>"
            shown += character
    parts.append(shown)
    return [part.strip(" ").replace("\0", "").replace("&amp;", "&") for part in parts]


def records(source: str) -> list[list[str]]:
    found = tokens(source)
    labels = [found[k + 2] for k, token in enumerate(found) if token == "label"]
    # the lexer of DOT takes off only the backslash before a quotation mark
    inner = [label[1:-1] for label in labels]
    return [fields(label) for label in inner if label.startswith("{")]


def test_the_lesson_has_its_records_rounds_and_edges() -> None:
    source = dot_of(scene_of([lesson()]))
    assert source.count("shape=record") == 7
    assert source.count("shape=ellipse") == 3
    assert source.count("->") == 9
    assert ["a", "data 2.0000", "grad 6.0000"] in records(source)
    assert "rankdir=LR" in source


def test_values_without_labels_have_two_fields() -> None:
    assert records(dot_of(scene_of([Value(2.0)]))) == [["data 2.0000", "grad 0.0000"]]


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_stay_in_their_field(label: str) -> None:
    root = Value(1.0, (Value(2.0, label=label),), label)
    found = records(dot_of(scene_of([root])))
    assert len(found) == 2
    shown = found[0][0] if label != " " else " "
    assert shown == shorten(clean(label), 24)


def test_a_square_has_two_edges() -> None:
    a = Value(3.0)
    assert dot_of(scene_of([a * a])).count("v0 -> v1op") == 2


def test_scopes_are_clusters() -> None:
    source = dot_of(scene_of([network(2, 2, 1)]))
    found = tokens(source)
    assert found.count("subgraph") == 5
    assert found.count("{") == found.count("}") == 6


def test_folded_parts_and_the_caption_are_there() -> None:
    source = dot_of(scene_of([chain(1000)]))
    assert tokens(source)
    assert "peripheries=2" in source
    assert "2,003 values and 2,000 operations" in source


def test_downwards_records_need_no_braces() -> None:
    source = dot_of(scene_of([lesson()]), "TB")
    assert "rankdir=TB" in source
    assert r'"a | data\ 2.0000 | grad\ 6.0000"' in source


def test_quoted_text_shows_as_it_is() -> None:
    assert quoted('a"b\\N\n&lt;') == '"a\\"b\\\\N\\n&amp;lt;"'
