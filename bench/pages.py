"""What bench/native.py and bench/scaling.py measured, as tables and as docs/performance.md.

Runs are kept in docs/performance/, so that one row can be measured again alone; the page's parts
and plots are written from there.
"""

import importlib
import json
import math
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from timing import table

import wengert
from wengert.run import llvm

PEERS = ("numpy", "llvmlite", "numba", "jax", "torch", "casadi", "ddx-ad", "heyoka", "drjit")
DOCS = Path(__file__).parent.parent / "docs"
FOLDER = DOCS / "performance"
PAGE = DOCS / "performance.md"
OURS, NATIVE = "wengert", "wengert, native"


def machine() -> dict[str, str]:
    """What a run is made on, and with what."""
    versions = []
    for peer in PEERS:
        try:
            versions.append(f"{peer} {version(peer)}")
        except PackageNotFoundError:
            continue
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        model = next((x.split(": ")[1] for x in lines if x.startswith("model name")), model)
    text = (
        f"{model} ({llvm.cpu()[0]}, {llvm.lanes()} lanes), {platform.system()}, "
        f"CPython {platform.python_version()}, wengert {wengert.__version__} ({wengert.engine}); "
        f"{', '.join(versions)}"
    )
    return {"text": text}


# --- tables ---------------------------------------------------------------------------------------


def quantity(x: float, digits: int = 3) -> str:
    """A number as tables show it."""
    if math.isnan(x):
        return "–"
    return f"{x:,.0f}" if x >= 1000 else f"{x:#.{digits}g}".rstrip(".")


def native_section(name: str, row: dict[str, Any]) -> str:
    """A row's table, and what is to be said about it."""
    measured = row["measured"]
    times = {each["label"]: each for each in measured}
    beside = times.get(row["beside"], {}).get("both", math.nan)
    ours = times[OURS]["both"]
    lines, notes = [], []
    for each in measured:
        value, both = each["value"], each["both"]
        note = f"{each['label'].split(',')[0]}: {each['note']}."
        if each["note"] and note not in notes:
            notes.append(note)
        if math.isnan(value) and math.isnan(both):
            continue
        written = f"{each['label']}: {each['way']}" if each["way"] else each["label"]
        lines.append([
            written, quantity(1e3 * value), quantity(1e3 * both), quantity(both / beside),
            quantity(both / ours), quantity(both / value), quantity(each["first"]),
        ])  # fmt: skip
    headers = [f"{name}", "value, ms", "and gradient, ms", f"÷ {row['beside']}", "÷ wengert",
               "÷ value", "first answer, s"]  # fmt: skip
    shown = [table(lines, headers)]
    stages = times[OURS]["stages"]
    if stages:
        spent = ", ".join(f"{stage} {quantity(1e3 * s)}" for stage, s in stages.items())
        rest = times[OURS]["first"] - sum(stages.values()) - ours
        shown.append(f"wengert's first answer, in ms: {spent}, compile and the rest "
                     f"{quantity(1e3 * max(rest, 0.0))}.")  # fmt: skip
    return "\n\n".join([*shown, "\n".join(f"- {note}" for note in notes)]).strip()


def scaling_section(name: str, row: dict[str, Any]) -> str:
    """Tables of first answers, of one point and of batches, and where preparation goes."""
    measured = row["measured"]
    sizes = sorted({each["size"] for each in measured})
    labels = list(dict.fromkeys(each["label"] for each in measured))
    cells = {(each["label"], each["size"]): each for each in measured}
    shown = []
    for title, what, scale in (
        ("first answer, s", "first", 0.0), ("one point, ns per operation", "one", 1e9),
        ("a batch, ns per operation and example", "batch", 1e9),
    ):  # fmt: skip
        lines = []
        for label in labels:
            found = [cells.get((label, size), {}).get(what, math.nan) for size in sizes]
            if all(map(math.isnan, found)):
                continue
            per = [scale / size if scale else 1.0 for size in sizes]
            lines.append([label, *(quantity(x * p) for x, p in zip(found, per, strict=True))])
        shown.append(table(lines, [f"{name}: {title}", *(f"{size:,}" for size in sizes)]))
    lines = []
    for stage in ("record", "roll", "simplify", "derive"):
        spent = [cells.get((NATIVE, size), {}).get("stages", {}) for size in sizes]
        per = [x.get(stage, math.nan) / n * 1e6 for x, n in zip(spent, sizes, strict=True)]
        lines.append([stage, *map(quantity, per)])
    lines.append(["compile and the rest", *(quantity(rest(cells, size)) for size in sizes)])
    headers = [f"{name}: {NATIVE}, µs per operation", *(f"{size:,}" for size in sizes)]
    shown.append(table(lines, headers))
    notes = dict.fromkeys(
        f"- {each['label']}, {each['size']:,}: {each['note']}." for each in measured
        if each["note"] and not each["note"].startswith("not asked")
    )  # fmt: skip
    return "\n\n".join([*shown, "\n".join(notes)]).strip()


def rest(cells: dict[tuple[str, int], Any], size: int) -> float:
    """Microseconds per operation of the first answer that no stage has taken."""
    each = cells.get((NATIVE, size))
    if not each or not each["stages"]:
        return math.nan
    return max(each["first"] - sum(each["stages"].values()) - each["one"], 0.0) / size * 1e6


# --- the page -------------------------------------------------------------------------------------


def keep(kind: str, name: str, row: dict[str, Any]) -> None:
    """Keep a run, and write the page's part and the plot again."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{kind}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    sizes = {each["size"] for each in row["measured"] if "size" in each}
    if sizes and name in kept:  # the other sizes stay
        others = [each for each in kept[name]["measured"] if each["size"] not in sizes]
        row = {**row, "measured": others + row["measured"]}
    kept[name] = rounded(row)
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    plot, section = WRITERS[kind]
    plots = importlib.import_module("plots")  # and so matplotlib, in no contestant's process
    texts = {each["machine"]["text"] for each in kept.values()}
    written = []
    for each, one in kept.items():
        getattr(plots, plot)(each, one, FOLDER / f"{kind}-{each}.svg")
        parts = [f"### {one['about']}", f"![Times of {each}](performance/{kind}-{each}.svg)"]
        parts.append(section(each, one))
        if len(texts) > 1:
            parts.append(one["machine"]["text"] + ".")
        written.append("\n\n".join(parts))
    if len(texts) == 1:
        written.insert(0, f"Measured on {texts.pop()}.")
    begin, end = f"<!-- written by bench/{kind}.py -->", f"<!-- end of bench/{kind}.py -->"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    _, after = rest.split(end)
    new = before + begin + "\n\n" + "\n\n".join(written) + "\n\n" + end + after
    PAGE.write_text(new, encoding="utf-8")


def rounded(x: Any) -> Any:
    """The same with four digits; NaN stays, as Python's JSON has it."""
    if isinstance(x, dict):
        return {key: rounded(each) for key, each in x.items()}
    if isinstance(x, list):
        return [rounded(each) for each in x]
    return float(f"{x:.4g}") if isinstance(x, float) else x


WRITERS = {
    "native": ("places", native_section),
    "scaling": ("lines", scaling_section),
}
