from hypothesis import given, settings
from made import nests, same_notes

from wengert.program.program import Program


@settings(max_examples=300)
@given(nests())
def test_what_is_printed_is_read_back_exactly(program: Program) -> None:
    text = str(program)
    again = Program.parse(text)
    assert again == program, text
    assert again.name == program.name
    assert same_notes(again, program)
    assert str(again) == text
