"""Draw the sparsity patterns that README.md and docs/ show, of the functions that stand there."""

import doctest
import re
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg

ROOT = Path(__file__).resolve().parent.parent


def draw(pictures: Path) -> None:
    """Write the pictures to a folder."""
    page = functions(examples("docs/transforms/sparse.md"))
    outcome = np.tile([0.2, 0.7], 10)
    drawings = {
        "rod": wg.sparsity(page["residual"], np.ones(24), np.ones(22), theme="light"),
        "clinics": wg.sparsity(page["surprise"], np.ones(22), outcome, theme="light"),
        "springs": wg.sparsity(
            functions(blocks("README.md"))["energy"], np.linspace(0.0, 1.0, 20), theme="light"
        ),
    }
    for name, drawing in drawings.items():
        drawing.save(pictures / f"sparsity-{name}.svg")


def examples(path: str) -> list[str]:
    """The code behind the prompts of a page."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return [example.source for example in doctest.DocTestParser().get_examples(text)]


def blocks(path: str) -> list[str]:
    """The blocks of Python of a page."""
    return re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / path).read_text(encoding="utf-8"))


def functions(codes: list[str]) -> dict[str, Any]:
    """What is defined by the pieces of code that define functions."""
    names: dict[str, Any] = {"np": np, "wg": wg}
    for code in codes:
        for definition in re.findall(r"(?m)^def .*\n(?:[ \n].*\n?)+", code):
            exec(definition, names)
    return names
