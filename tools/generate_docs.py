"""Write the generated pages: the lesson (page, script and notebook), reference and tables.

python tools/generate_docs.py            write them
python tools/generate_docs.py --check    only say which are not current; exit status 1 if any
"""

import argparse
import ast
import inspect
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import nbformat

import wengert as wg
from wengert.dispatch import Primitive
from wengert.learn.tour import Played, markdown, play
from wengert.plain import Value

sys.path.insert(0, str(Path(__file__).parent))
import accuracy
import edge_cases
import patterns
import recorded

ROOT = Path(__file__).parent.parent
mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "wengert"
mpl.rcParams["svg.fonttype"] = "none"

GROUPS = {
    "Values": ["Value", "trace", "scope", "debug_nans"],
    "See": ["draw", "draw_dot", "explore", "steps", "plot", "plot_history"],
    "Check": ["check", "quiz"],
    "Programs": ["record", "Program", "load", "scan", "fori", "while_loop"],
    "Compiled": ["jit", "vectorize", "sum_over", "mean_over"],
    "Derivatives": [
        "grad",
        "value_and_grad",
        "jacobian",
        "hessian",
        "jvp",
        "vjp",
        "linearize",
        "hvp",
        "sparsity",
        "stop_gradient",
        "checkpoint",
        "custom_rule",
        "implicit",
        "clear_cache",
    ],
}
PUBLIC = sorted([*wg.__all__, "abs", "pow", "sum"])  # these three hide from `import *`
SECTIONS = ("Args", "Returns", "Yields", "Raises", "Attributes", "Examples", "Source")


def pages(folder: Path) -> Iterator[tuple[str, str]]:
    """The path of each generated file, seen from the repository, and its contents."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    played = list(play(pictures))
    intro = (
        "# The lesson\n\nTen short flows from the slope of a function to back-propagation, and one "
        "more that trains a neuron. `make tour` runs them on your machine; "
        "[examples/lesson.py](../examples/lesson.py) and "
        "[examples/lesson.ipynb](../examples/lesson.ipynb) hold the same code.\n\n"
    )
    yield "docs/lesson.md", intro + markdown(played, "pictures")
    programs = recorded.generate(pictures)
    patterns.draw(pictures)
    for picture in sorted(pictures.iterdir()):
        yield f"docs/pictures/{picture.name}", picture.read_text(encoding="utf-8")
    yield "examples/lesson.py", script(played)
    yield "docs/reference.md", reference()
    yield "docs/edge-cases.md", edge_cases.generate()
    yield "docs/programs.md", programs


# --- the lesson as a script -----------------------------------------------------------------------


def script(played: list[Played]) -> str:
    """The lesson's code; what a session would show is printed, pictures are saved."""
    parts = ['"""The lesson as a script: it prints its numbers and saves its pictures here."""']
    for each in played:
        parts.append(f"\n# --- {each.number}. {each.flow.title}\n")
        parts += [_printed(shown.code, shown.picture) for shown in each.shown]
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "-"]
    source = "\n".join(parts) + "\n"
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return done.stdout


def _printed(code: str, picture: str) -> str:
    last = ast.parse(code).body[-1]
    if not isinstance(last, ast.Expr) or _SAYS_NOTHING.match(code):
        return code
    comment = re.search(r"\s+#.*$", code)
    expression = code[: comment.start()] if comment else code
    if picture and "plot" in expression:
        return f'{expression}.get_figure().savefig("{picture}")'
    if picture:
        return f'{expression}.save("{picture}")'
    return f"print({expression}){comment.group() if comment else ''}"


_SAYS_NOTHING = re.compile(r"print\(|build_topo|.*\.(backward|zero_grad|_backward)\(")


def notebook() -> nbformat.NotebookNode:
    """The lesson as a notebook, not run yet."""
    from wengert.learn.lesson import FLOWS

    cells = [nbformat.v4.new_markdown_cell("# The lesson", id="title")]
    for number, flow in enumerate(FLOWS, 1):
        text = f"## {number}. {flow.title}\n\n{flow.text}"
        cells.append(nbformat.v4.new_markdown_cell(text, id=f"text-{number}"))
        code = flow.code.strip("\n")
        cells.append(nbformat.v4.new_code_cell(code, id=f"code-{number}"))
    return nbformat.v4.new_notebook(cells=cells)


# --- the reference --------------------------------------------------------------------------------


def reference() -> str:
    """Every public name with its docstring."""
    grouped = {name for names in GROUPS.values() for name in names}
    objects = {name: getattr(wg, name) for name in PUBLIC if name not in grouped}
    groups = GROUPS | {
        "Primitives": [name for name, each in objects.items() if isinstance(each, Primitive)],
        "Functions": [name for name, each in objects.items() if inspect.isfunction(each)],
        "Errors": [name for name, each in objects.items() if inspect.isclass(each)],
    }
    parts = ["# Reference", "Every public name, from its docstring. `wg` stands for `wengert`."]
    for title, names in groups.items():
        parts.append(f"## {title}")
        for name in names:
            # The plain engine's Value: the native one is the same, without annotations.
            parts.append(_entry(name, Value if name == "Value" else getattr(wg, name)))
            if name == "Value":
                methods = ("backward", "forward", "zero_grad")
                parts += [_entry(f"Value.{m}", getattr(Value, m)) for m in methods]
            if name == "Program":
                methods = ("simplify", "expand", "explain", "text", "parse", "save")
                parts += [_entry(f"Program.{m}", getattr(wg.Program, m)) for m in methods]
    return "\n\n".join(parts) + "\n"


def _entry(name: str, each: object) -> str:
    if isinstance(each, Primitive):
        signature = f"({', '.join(each.operands)})"
    elif inspect.isclass(each) and issubclass(each, Exception):
        signature = ""
    else:
        signature = re.sub(r"(?<!= )'([A-Z]\w*)'", r"\1", str(inspect.signature(each)))
        signature = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", signature)
        signature = re.sub(r"(wengert|collections|typing)\.(\w+\.)*", "", signature)
        signature = (
            signature.replace("~N", "Value")
            .replace("[Node]", "[Value]")
            .replace("<built-in function print>", "print")
        )
        signature = signature.removesuffix(" -> None")
    return f"### `{name}{signature}`\n\n{_markdown(inspect.getdoc(each) or '')}"


def _markdown(doc: str) -> str:
    """A docstring's sections as Markdown."""
    parts = []
    for block in re.split(rf"\n(?=(?:{'|'.join(SECTIONS)}):)", doc):
        head, colon, body = block.partition(":")
        if not colon or head not in SECTIONS:
            parts.append(block.strip())
            continue
        body = inspect.cleandoc(body) if head == "Source" else inspect.cleandoc("\n" + body)
        flowing = re.sub(r"\n\s+", " ", body)
        if head == "Examples":
            parts.append(f"```pycon\n{body}\n```")
        elif head in {"Args", "Raises", "Attributes"}:
            listed = re.sub(r"(?m)^(\w+): ", r"- `\1`: ", flowing)
            parts.append(f"**{head}**\n\n{listed}")
        else:
            sentence = re.sub(r"\n\s*", " ", body)
            parts.append(f"**{head}**: {sentence}")
    return "\n\n".join(parts)


# --- writing and checking -------------------------------------------------------------------------


def _same(path: str, fresh: str, written: str) -> bool:
    """Plots depend on matplotlib's version, so of them only the presence is checked."""
    return fresh == written or (path.endswith(".svg") and "matplotlib" in written.lower())


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the generated pages.")
    parser.add_argument("--check", action="store_true", help="only say which are not current")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        generated = dict(pages(Path(folder)))
    stale = [
        path for path, text in generated.items()
        if not (ROOT / path).is_file() or not _same(path, text, (ROOT / path).read_text("utf-8"))
    ]  # fmt: skip
    left = {f"docs/pictures/{p.name}" for p in (ROOT / "docs/pictures").glob("[0-9]*.svg")}
    orphans = sorted(left - generated.keys())
    figures = ROOT / "docs/accuracy.md"  # measured, so it differs a little between machines
    if check:
        complaints = [f"{path} is not current. Run `make docs`." for path in stale + orphans]
        complaints += accuracy.check(figures.read_text("utf-8"))
        print(*complaints, sep="\n", end="\n" if complaints else "")
        return bool(complaints)
    figures.write_text(accuracy.generate(), encoding="utf-8")
    for path in orphans:
        (ROOT / path).unlink()
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(generated[path], encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
