"""Run the notebooks of examples/.

python tools/notebooks.py            write them afresh from the lesson, with their output
python tools/notebooks.py --check    run them, and see that their code is current
"""

import argparse
import sys
from pathlib import Path

import nbformat
from generate_docs import notebook
from nbclient import NotebookClient

PATH = Path(__file__).parent.parent / "examples" / "lesson.ipynb"


def code_of(node: nbformat.NotebookNode) -> list[str]:
    """The sources of a notebook's cells."""
    return [cell.source for cell in node.cells]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the notebooks of examples/.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    fresh = notebook()
    NotebookClient(fresh, timeout=300, kernel_name="python3").execute()
    if check:
        written = (
            nbformat.read(PATH, as_version=4) if PATH.is_file() else nbformat.v4.new_notebook()
        )
        if code_of(written) != code_of(fresh):
            print(f"{PATH.name} is not current. Run `make docs`, and look at the difference.")
            return 1
        return 0
    fresh.metadata = nbformat.from_dict(
        {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    )
    for cell in fresh.cells:
        cell.metadata = nbformat.from_dict({})
    nbformat.write(fresh, PATH)
    print(PATH.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
