"""The command line: `wengert tour | draw | explore | step | check | quiz | plot | record | ...`.

Exit status: 0 done, 1 the check failed, 2 the call or its target was wrong.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wengert as wg
from wengert import target
from wengert.errors import ExpressionError, WengertError
from wengert.graph import names, topological_order
from wengert.steps import BackwardStep, ForwardStep
from wengert.value import Value, why_plain

TARGET_HELP = (
    'FILE.py:NAME (a Value or a function), or an expression such as "tanh(x*w + b)"; statements '
    'label nodes: "e = a*b; e + 1"'
)

_NO_OPTION = re.compile(r"-(?!-|o|h$).+", re.DOTALL)  # the short options are -h and -o FILE


@dataclass(frozen=True)
class Verb:
    """One command: what it says of itself, its arguments, and what it does."""

    name: str
    about: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], object] = field(default=lambda parser: None)
    takes_target: bool = True


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after `wengert`; those of the process by default.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except WengertError as error:
        print(f"wengert: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("wengert: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has seen enough, as in `wengert step ... | head`
        _drop_output()
        return 0
    except OSError as error:  # a full disk behind `>`, say
        _drop_output()
        print(f"wengert: {error}", file=sys.stderr)
        return 2


def _run(words: Sequence[str]) -> int:
    try:
        options = _parser().parse_args(_spaced(words))
        status: int = options.run(options)
        return status
    finally:
        sys.stdout.flush()


def _drop_output() -> None:
    """What still waits to be written goes nowhere, so that the interpreter can exit in peace."""
    with contextlib.suppress(OSError):  # no file stands behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spaced(words: Sequence[str]) -> list[str]:
    """The words, those such as -x*y with a leading blank: argparse takes the others for options."""
    if not words or words[0] not in {verb.name for verb in VERBS if verb.takes_target}:
        return list(words)
    return [f" {word}" if _NO_OPTION.fullmatch(word) else word for word in words]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wengert", description="See, check and run scalar computations and their gradients."
    )
    parser.add_argument("--version", action="version", version=f"wengert {wg.__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    for verb in VERBS:
        sub = verbs.add_parser(verb.name, help=verb.about, description=verb.about)
        sub.set_defaults(run=verb.run)
        if verb.takes_target:
            sub.add_argument("target", type=str.strip, help=TARGET_HELP)
            sub.add_argument(
                "--at", metavar="x=2,y=-1/3", action="append", default=[],
                help="the numbers of the variables",
            )  # fmt: skip
        verb.arguments(sub)
    return parser


def _json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def _at(options: argparse.Namespace) -> dict[str, float]:
    return target.parse_at(",".join(options.at))


def _root(options: argparse.Namespace, backward: bool) -> Value:
    """The target's Value, its gradients filled where it was made just now."""
    root, fresh = target.root(options.target, _at(options))
    if fresh and backward:
        root.backward()
    return root


# --- the commands ---------------------------------------------------------------------------------


def _tour(options: argparse.Namespace) -> int:
    from wengert.learn.tour import tour

    tour(options.folder)
    return 0


def _tour_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", default="tour", metavar="DIR", help="where its pictures go"
    )


def _draw(options: argparse.Namespace) -> int:
    root = _root(options, backward=not options.no_backward)
    if options.json:
        print(_dumps(_graph(root)))
        return 0
    drawing = wg.draw(root, engine=options.engine, theme=options.theme)
    if options.output == "-":
        print(drawing.svg)
        return 0
    path = Path(options.output or f"{_stem(options)}.svg")
    drawing.save(path)
    print(f"{path}: {drawing!r}")
    return 0


def _draw_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="svg, png, pdf, dot or html by its ending; - for svg"
    )
    parser.add_argument("--engine", choices=["wengert", "dot"], default="wengert")
    parser.add_argument("--theme", choices=["auto", "light", "dark"], default="auto")
    parser.add_argument("--no-backward", action="store_true", help="leave the gradients at zero")
    _json_flag(parser)


def _explore(options: argparse.Namespace) -> int:
    called = target.called(options.target, ",".join(options.at))
    if called:
        function, arguments = called
        with target.user_code(f"Calling {options.target}"):
            explorer = wg.explore(function, *arguments)
    else:
        explorer = wg.explore(_root(options, backward=False))
    path = Path(options.output or f"{_stem(options)}.html")
    explorer.save(path)
    print(f"{path}: {explorer!r}")
    if not options.no_open:
        import webbrowser  # it loads subprocess and more

        webbrowser.open(path.resolve().as_uri())
    return 0


def _explore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="where the page goes")
    parser.add_argument("--no-open", action="store_true", help="write the page, do not open it")


def _stem(options: argparse.Namespace) -> str:
    """What a file is called that nobody has named: as the target, or "graph"."""
    name: str = options.target.rpartition(":")[2]
    return name if name.isidentifier() else "graph"


def _step(options: argparse.Namespace) -> int:
    root = _root(options, backward=False)
    if not root.operands and not options.json:
        print(f"{names([root])[root]} is a leaf, so there are no steps.")
    for step in wg.steps(root, options.direction):
        print(_dumps(_step_as_dict(step)) if options.json else step)
    return 0


def _step_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--direction", choices=["backward", "forward"], default="backward")
    _json_flag(parser)


def _check(options: argparse.Namespace) -> int:
    how = {"order": options.order, "mode": options.mode}
    called = target.called(options.target, ",".join(options.at))
    if called:
        function, arguments = called
        with target.user_code(f"Calling {options.target}"):
            report: Any = wg.check(function, *arguments, **how)
    else:
        report = wg.check(_root(options, backward=True), **how)
    if options.json:
        print(_dumps({"ok": report.ok, "rows": [row.as_dict() for row in report.rows]}))
    else:
        print(report)
    return 0 if report.ok else 1


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--order", type=int, choices=[1, 2, 3], default=1,
        help="of a function, check derivatives up to this order (1)",
    )  # fmt: skip
    parser.add_argument(
        "--mode", choices=["forward", "reverse"], help="of a function, check this mode alone"
    )
    _json_flag(parser)


def _quiz(options: argparse.Namespace) -> int:
    wg.quiz(_root(options, backward=False))
    return 0


def _plot(options: argparse.Namespace) -> int:
    at = _at(options)
    variable, function = target.function(options.target, at, options.variable)
    axes = wg.plot(function, options.lo, options.hi, at=at.get(variable), h=options.h)
    axes.set_xlabel(variable)
    try:
        axes.get_figure().savefig(options.output)
    except (OSError, ValueError) as error:
        raise ExpressionError(f"Cannot write {options.output}: {error}.") from None
    print(options.output)
    return 0


def _plot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lo", type=float, default=-5.0, help="left end (-5)")
    parser.add_argument("--hi", type=float, default=5.0, help="right end (5)")
    parser.add_argument("--h", type=float, help="draw the secant over this step, too")
    parser.add_argument("--variable", metavar="x", default="", help="the variable along the axis")
    parser.add_argument("-o", "--output", metavar="FILE", default="plot.svg", help="plot.svg")


def _record(options: argparse.Namespace) -> int:
    how = {"passes": ()} if options.raw else {}
    program = target.recorded(options.target, ",".join(options.at), **how)
    if options.simplify:
        program = program.simplify()
    if options.output:
        try:
            program.save(options.output)
        except OSError as error:
            raise ExpressionError(f"Cannot write {options.output}: {error}.") from None
    if options.json:
        facts = {"operations": len(program), "statements": program.size, "key": program.key}
        print(_dumps({**facts, "text": str(program), "passes": program.explain()}))
        return 0
    print(program.text(limit=options.lines))
    print(program.explain())
    return 0


def _record_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--raw", action="store_true", help="the flat list, as it was recorded")
    parser.add_argument("--simplify", action="store_true", help="simplify it, bit for bit")
    parser.add_argument("--lines", type=int, default=200, help="print at most so many lines (200)")
    parser.add_argument("-o", "--output", metavar="FILE", help="save it, for wengert.load")
    _json_flag(parser)


def _doctor(options: argparse.Namespace) -> int:
    facts = {
        "wengert": wg.__version__,
        "engine": wg.engine,
        **({"why plain": why_plain} if why_plain else {}),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "numpy": importlib.metadata.version("numpy"),
        "matplotlib (extra plot)": _version("matplotlib", "plots, and pictures as PNG and PDF"),
        "llvmlite (extra jit)": _version("llvmlite", "compiled functions", "jit"),
        "compiled functions": _cache_line(),
        "graphviz (optional)": shutil.which("dot") or "not installed; needed only for engine='dot'",
    }
    if options.json:
        print(_dumps(facts))
    else:
        width = max(map(len, facts))
        for name, fact in facts.items():
            print(f"{name:{width}}  {fact}")
    return 0


def _cache(options: argparse.Namespace) -> int:
    from wengert.run import cache

    if options.clear:
        count = cache.clear()
        print(f"{count} compiled function{'s' * (count != 1)} removed.")
    elif options.json:
        print(_dumps(cache.described()))
    else:
        print(_cache_line())
    return 0


def _cache_line() -> str:
    from wengert.run import cache

    facts = cache.described()
    if facts["folder"] is None:
        return "not kept on disk (WENGERT_CACHE=off)"
    return f"{facts['kernels']:,} in {facts['folder']}, {facts['bytes'] / 1e6:,.1f} MB"


def _cache_arguments(parser: argparse.ArgumentParser) -> None:
    _json_flag(parser)
    parser.add_argument("--clear", action="store_true", help="remove them all")


def _version(package: str, purpose: str, extra: str = "plot") -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f'not installed; for {purpose}: pip install "wengert[{extra}]"'


VERBS = (
    Verb("tour", "Walk through the lesson, drawing its pictures.", _tour, _tour_arguments, False),
    Verb("draw", "Draw the graph of an expression.", _draw, _draw_arguments),
    Verb(
        "explore",
        "Write the page to step, change and check a computation, and open it.",
        _explore,
        _explore_arguments,
    ),
    Verb(
        "step", "Print back-propagation, or the evaluation, step by step.", _step, _step_arguments
    ),
    Verb("check", "Compare every derivative with a numerical one.", _check, _check_arguments),
    Verb("quiz", "Fill in the gradients yourself, and be graded.", _quiz),
    Verb(
        "plot", "Plot a function of one variable, with tangent and secant.", _plot, _plot_arguments
    ),
    Verb("record", "Record a function as a program, with its loops.", _record, _record_arguments),
    Verb(
        "cache",
        "Show or clear the compiled functions kept on disk.",
        _cache,
        _cache_arguments,
        False,
    ),
    Verb("doctor", "Show versions, the engine in use and the extras.", _doctor, _json_flag, False),
)

# --- JSON -----------------------------------------------------------------------------------------


def _dumps(data: Any) -> str:
    return json.dumps(_plain(data), ensure_ascii=False, allow_nan=False)


def _plain(data: Any) -> Any:
    """Numbers that JSON cannot write, as the strings "nan", "inf" and "-inf"."""
    if isinstance(data, float) and not math.isfinite(data):
        return repr(data)
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return data


def _graph(root: Value) -> dict[str, Any]:
    order = topological_order(root)
    known = names(order)
    return {
        "root": known[root],
        "nodes": [
            {
                "name": known[node], "label": node.label, "data": node.data, "grad": node.grad,
                "op": node._op, "operands": [known[operand] for operand in node.operands],
                "scope": node.scope,
            }
            for node in order
        ],
    }  # fmt: skip


def _step_as_dict(step: BackwardStep | ForwardStep) -> dict[str, Any]:
    if isinstance(step, ForwardStep):
        return {"node": step.name, "formula": step.formula.text, "data": step.node.data}
    _, node, operand = step.names
    return {
        "node": node, "operand": operand, "upstream": step.upstream, "partial": step.partial,
        "formula": step.formula, "contribution": step.contribution, "total": step.total,
    }  # fmt: skip
