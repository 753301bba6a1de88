"""Imports point down only, and what is heavy is loaded where it is used and nowhere else.

Read from the source: an import inside a function, or under TYPE_CHECKING, is no arrow of the
house, but who imports matplotlib is asked of every line.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wengert

PACKAGE = Path(wengert.__file__).parent

# A module may import what stands above it here, and what stands beside it as long as no circle
# closes. A name ending in a dot stands for a whole package.
LAYERS: list[list[str]] = [
    ["errors", "later"],
    ["source", "special", "foreign"],
    ["dispatch"],
    ["primitives"],
    ["definition", "registry"],
    ["functions"],
    ["operand"],
    ["ambient", "graph", "own", "copies", "chain_rule", "node", "plain", "value"],
    ["formula", "steps", "expression"],
    ["program.quick", "program.address", "program.structure"],
    ["program.statements"],
    ["program.program"],
    ["program."],
    ["derive."],
    ["run."],
    ["interop."],
    ["proof."],
    ["custom"],
    ["show."],
    ["target", "learn."],
    ["__init__"],
    ["cli"],
    ["__main__"],
]
HEAVY = {
    "matplotlib",
    "IPython",
    "llvmlite",
    "dask",
    "graphviz",
    "scipy",
    "torch",
    "jax",
    "rich",
    "sympy",
    "cyipopt",
    "anywidget",
    "traitlets",
}
ALLOWED = {  # who may import what is heavy, and inside functions only
    "derive.pattern": {"scipy"},
    "run.llvm": {"llvmlite"},
    "show.explorer.live": {"anywidget", "traitlets"},
    "show.plot": {"matplotlib", "IPython"},
    "interop.symbolic": {"sympy"},
    "interop.doors": {"scipy", "cyipopt", "torch", "jax"},
    "learn.tour": {"matplotlib"},  # closes the figures it has saved
}
MAY_SHOW = {"__init__", "cli"}  # besides `show` itself and `learn`


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def nodes_of(tree: ast.AST, everywhere: bool) -> Iterator[ast.AST]:
    """Statements that run when the module is imported; or all that ever run."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        for child in ast.iter_child_nodes(node):
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if not is_type_checking(child) and (everywhere or not inner):
                stack.append(child)


def imported(source: str, everywhere: bool = False) -> set[str]:
    """Full names of the modules that a source imports."""
    found: set[str] = set()
    for node in nodes_of(ast.parse(source), everywhere):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            base = node.module or ""
            for alias in node.names:  # `from wengert import own` imports a module
                if alias.name == "_native":  # the twins in C are below everything
                    continue
                inner = f"{base}.{alias.name}".removeprefix("wengert.")
                found.add(f"wengert.{inner}" if inner in SOURCES else base)
    return found


def ours(source: str, everywhere: bool = False) -> set[str]:
    """The modules of the package that a source imports, without the package's name."""
    names = {name for name in imported(source, everywhere) if name.split(".")[0] == "wengert"}
    return {name.removeprefix("wengert").lstrip(".") or "__init__" for name in names}


def text(module: str) -> str:
    return SOURCES[module].read_text(encoding="utf-8")


def layer(module: str) -> int:
    for k, members in enumerate(LAYERS):
        if module in members or f"{module.split('.')[0]}." in members:
            return k
    pytest.fail(f"wengert.{module} has no place in LAYERS: give it one")


def test_the_reader_of_imports_sees_what_is_to_be_seen() -> None:
    source = """
import os.path
from wengert import own, Value
import wengert.graph
if TYPE_CHECKING:
    from wengert.value import Notes
class C:
    from wengert.errors import WengertError
def f():
    import matplotlib.pyplot
"""
    assert imported(source) == {
        "os.path", "wengert", "wengert.own", "wengert.graph", "wengert.errors",
    }  # fmt: skip
    assert imported(source, everywhere=True) - imported(source) == {"matplotlib.pyplot"}
    assert ours(source) == {"__init__", "own", "graph", "errors"}


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module: str) -> None:
    upward = {other for other in ours(text(module)) if layer(other) > layer(module)}
    assert not upward, f"{module} imports from above: {sorted(upward)}"


def test_every_layer_is_inhabited() -> None:
    inhabited = {layer(module) for module in SOURCES}
    assert inhabited == set(range(len(LAYERS)))
    for members in LAYERS:
        for member in members:
            assert member.endswith(".") or member in SOURCES, f"{member} is gone"


def test_no_circle_closes() -> None:
    waiting = {module: ours(text(module)) - {module} for module in SOURCES}
    while free := {module for module, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {module: needs for module, needs in waiting.items() if module not in free}
    assert not waiting, f"these import each other: {sorted(waiting)}"


@pytest.mark.parametrize("module", SOURCES)
def test_only_the_top_of_the_house_shows_pictures(module: str) -> None:
    if module not in MAY_SHOW and module.split(".")[0] not in ("show", "learn"):
        shown = {other for other in ours(text(module), True) if other.split(".")[0] == "show"}
        assert not shown


@pytest.mark.parametrize("module", SOURCES)
def test_pictures_are_not_made_by_running_programs(module: str) -> None:
    if module.split(".")[0] == "show":
        assert not {other for other in ours(text(module), True) if other.split(".")[0] == "run"}


@pytest.mark.parametrize("module", SOURCES)
def test_heavy_packages_have_one_door_each(module: str) -> None:
    heavy = {name.split(".")[0] for name in imported(text(module), everywhere=True)} & HEAVY
    assert heavy <= ALLOWED.get(module, set())
    assert not {name.split(".")[0] for name in imported(text(module))} & HEAVY


@pytest.mark.parametrize("module", ALLOWED)
def test_the_exceptions_are_still_needed(module: str) -> None:
    assert any(package in text(module) for package in ALLOWED[module])


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys, json\n{statement}\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_importing_wengert_loads_little() -> None:
    loaded = loaded_by("import wengert")
    assert "wengert.value" in loaded
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    beside = loaded - loaded_by("import numpy, importlib.metadata")
    assert len(beside) < 100, sorted(beside)
