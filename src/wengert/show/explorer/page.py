"""The page: one file with its style, its script and its tape, which loads nothing from anywhere."""

import base64
import hashlib
from functools import cache

from wengert.show.explorer.modules import WORKER, script, text_of
from wengert.show.explorer.payload import title_of
from wengert.show.explorer.rules import HELPERS, rules_module, tables_module
from wengert.show.explorer.tape import Tape
from wengert.show.shapes import BOLD, FILLS, STROKES, TEXTS, WIDTHS
from wengert.show.svg import escape

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
<body>
<div id="explorer"><noscript>This page computes by itself, in JavaScript.</noscript></div>
<script type="application/json" id="tape">{tape}</script>
<script type="module">{script}</script>
</body>
</html>
"""
POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob:; "
    "worker-src blob:; base-uri 'none'; form-action 'none'"
)


def page_of(tape: Tape, text: str) -> str:
    """The whole page.

    Args:
        tape: what is shown.
        text: the same as JSON.
    """
    kinds = [kind.row for kind in tape.kinds]
    code = script("main.js", {"rules.js": rules_module(kinds), "tables.js": tables_module()})
    code += WORKER + 'use("main.js").main(source);\n'
    style = style_text()
    policy = POLICY.format(script=_hash(code), style=_hash(style))
    title = escape(f"{title_of(tape)} – Wengert")
    return PAGE.format(policy=policy, title=title, style=style, tape=text, script=code)


@cache
def widget_script() -> str:
    """The module of a live explorer; it is given the rules of its operations apart."""
    helpers = "".join(f'import "./{name}";\n' for name in HELPERS)
    generated = {"tables.js": tables_module(), "all.js": f'{helpers}import "./widget.js";\n'}
    style = style_text() + FRAMED
    return (
        f"{script('all.js', generated)}{WORKER}const style = {_quoted(style)};\n"
        'export default use("widget.js").widget(source, style, use);\n'
    )


FRAMED = ".explorer.within{height:var(--frame);min-height:420px;overflow:auto;border-radius:12px}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    return f"`{escaped}`"


@cache
def style_text() -> str:
    """The style sheet: colours as pictures have them, and the page's own rules."""
    own = [
        *OWN,
        ("card", FILLS["card"]),
        *((name, STROKES[name]) for name in ("leaf", "value", "root")),
    ]
    palette = ";".join(f"--{name}:{_both(pair)}" for name, pair in own)
    return "".join([f".explorer{{{palette}}}\n", *_rules(), "\n", text_of("explorer.css")])


def _both(colors: tuple[str, str]) -> str:
    return f"light-dark({','.join(colors)})"


OWN = (  # what the page has beyond the pictures: light, dark
    ("page", ("#f4f6f8", "#0e1116")),
    ("panel", ("#ffffff", "#171b21")),
    ("line", ("#d5dbe2", "#323a45")),
    ("text", ("#14181d", "#f2f4f7")),
    ("soft", ("#55606c", "#a7b0bc")),
    ("accent", ("#8a5600", "#f0b84a")),
    ("accent-fill", ("#ffd98a", "#5a4310")),
    ("go", ("#0b6bb3", "#7cc0f5")),
    ("go-fill", ("#d7eafa", "#173450")),
    ("on-go", ("#ffffff", "#0b1420")),
    ("good", ("#12703a", "#6fd39a")),
    ("bad", ("#b3261e", "#ff9a8f")),
    ("bad-fill", ("#fdecea", "#3a1d1a")),
)


def _rules() -> list[str]:
    """How each style of shape is painted."""
    rules = []
    for style in {**FILLS, **STROKES}:
        if style in ("card", "caption"):  # which the page has none of
            continue
        paint = []
        if style in FILLS:
            paint.append(f"fill:{_both(FILLS[style])}")
        if style in STROKES:
            paint.append(f"stroke:{_both(STROKES[style])}")
            paint.append(f"stroke-width:{WIDTHS.get(style, 1.2)}")
            if style not in FILLS:
                paint.append("fill:none")
        if style in TEXTS and style in BOLD:
            paint.append("font-weight:600")
        rules.append(f".graph .s-{style.replace(' ', '-')}{{{';'.join(paint)}}}\n")
    return rules


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def framed(page: str, height: int) -> str:
    """The page within another one: a frame of its own that may run its script and nothing else."""
    return (
        f'<iframe title="Wengert explorer" sandbox="allow-scripts allow-downloads" '
        f'style="width:100%;height:{height}px;border:0" srcdoc="{escape(page)}"></iframe>'
    )
