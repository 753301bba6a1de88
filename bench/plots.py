"""Plots of what was measured, as small SVG files that are read on light and dark pages."""

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

INK = "#010203"  # becomes the page's own colour
OURS, OTHERS = "#3b82f6", "#8b949e"
STYLE = (
    "<style>svg{color:#24292f}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}"
    "text{font-family:system-ui,sans-serif!important}</style>"
)
mpl.use("Agg")
mpl.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "wengert", "text.color": INK, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
})  # fmt: skip


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    if path.suffix != ".svg":
        return
    text = path.read_text(encoding="utf-8").replace(INK, "currentColor")
    head, rest = text.split("<defs>", 1)
    lines = (line.rstrip() for line in f"{head}{STYLE}<defs>{rest}".splitlines())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def places(name: str, row: dict[str, Any], path: Path) -> None:
    """The times of the value, and of value and gradient, fastest gradient first."""
    shown = [each for each in row["measured"] if not math.isnan(each["value"])]
    shown.sort(key=lambda each: (math.isnan(each["both"]), each["both"], each["value"]))
    figure, axes = plt.subplots(figsize=(7, 0.9 + 0.2 * len(shown)))
    for place, each in enumerate(shown):
        colour = OURS if each["label"].startswith("wengert") else OTHERS
        times = 1e3 * each["value"], 1e3 * each["both"]
        axes.plot(times, (place, place), color=colour, linewidth=1)
        axes.plot(times[:1], [place], "o", color=colour, markersize=5, fillstyle="none")
        axes.plot(times[1:], [place], "o", color=colour, markersize=6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(shown)), [named(each) for each in shown])
    axes.invert_yaxis()
    axes.grid(axis="x", color=OTHERS, alpha=0.3, linewidth=0.5)
    axes.set_xlabel("ms: a ring is the value, a dot value and gradient")
    axes.set_title(f"{name}: {row['about']}", fontsize=9, loc="left")
    save(figure, path)


def named(each: dict[str, Any]) -> str:
    """A contestant, and which way a program is written that can be written in two."""
    return f"{each['label'].split(',')[0]}, {each['way']}" if each["way"] else each["label"]


MARKS = {"wengert": OURS, "jax": "#a855f7", "casadi": "#f59e0b", "ddx": "#22a06b"}
STYLES = "-", "--", ":"


def lines(name: str, row: dict[str, Any], path: Path) -> None:
    """First answers, and times per operation, over the number of operations."""
    measured = row["measured"]
    labels = list(dict.fromkeys(each["label"] for each in measured))
    figure, panels = plt.subplots(1, 3, figsize=(10, 3.4))
    panels_of = (
        ("first answer, s", "first", 0.0), ("one point, ns per operation", "one", 1e9),
        ("a batch, ns per operation and example", "batch", 1e9),
    )  # fmt: skip
    for axes, (title, what, scale) in zip(panels, panels_of, strict=True):
        used = dict.fromkeys(MARKS, 0)
        for label in labels:
            family = next(mark for mark in MARKS if label.startswith(mark))
            style = STYLES[used[family] % len(STYLES)]
            used[family] += 1
            points = sorted(
                (each["size"], each[what] * (scale / each["size"] if scale else 1.0))
                for each in measured if each["label"] == label and not math.isnan(each[what])
            )  # fmt: skip
            axes.plot(*zip(*points, strict=True) if points else ([], []), style, marker="o",
                      markersize=3, color=MARKS[family], label=label)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="operations")
        axes.grid(color=OTHERS, alpha=0.3, linewidth=0.5)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title(title, fontsize=9, loc="left")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower center", ncols=5,
                  fontsize=8, bbox_to_anchor=(0.5, -0.12))  # fmt: skip
    figure.tight_layout()
    save(figure, path)
