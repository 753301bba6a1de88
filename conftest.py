"""Runs the Python in README.md and in the hand-written pages of docs/."""

import doctest
import re
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser


def in_a_folder_of_its_own(namespace: dict[str, object]) -> None:
    """Examples write files; let them do so elsewhere."""
    import os
    import tempfile

    folder = tempfile.TemporaryDirectory()
    namespace["_folder"], namespace["_before"] = folder, Path.cwd()
    os.chdir(folder.name)


def back_again(namespace: dict[str, object]) -> None:
    import os

    os.chdir(str(namespace["_before"]))
    namespace["_folder"].cleanup()  # type: ignore[attr-defined]


class Placeless(doctest.OutputChecker):
    """Compares output without the places of source: a page's examples stand in no file."""

    PLACE = re.compile(r" +# (<doctest [^>]*>:\d+|-)$| \(<doctest [^>]*>:\d+\)", re.MULTILINE)

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether an example gives what it says, wherever doctest says that it stands."""
        return super().check_output(want, self.PLACE.sub("", got), optionflags)


examples = DocTestParser()
examples.string_parser.evaluator.runner = doctest.DocTestRunner(Placeless(), verbose=False)

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), examples],
    patterns=[
        "README.md",
        "docs/compile.md",
        "docs/getting-started.md",
        "docs/explorer.md",
        "docs/programs.md",
        "docs/export.md",
        "docs/scipy.md",
        "docs/coming-from.md",
        "docs/transforms/*.md",
    ],
    setup=in_a_folder_of_its_own,
    teardown=back_again,
).pytest()
