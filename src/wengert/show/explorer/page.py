"""The page: one file with its style, its script and its tape, which loads nothing from anywhere."""

import base64
import hashlib
from functools import cache

from wengert.show.explorer.modules import WORKER, script, text_of
from wengert.show.explorer.payload import dumped, payload_of
from wengert.show.explorer.rules import rules_module, tables_module
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


def page_of(tape: Tape, limit: int) -> str:
    """The whole page as text."""
    code = script_of(tape, "main.js") + 'use("main.js").main(source);\n'
    style = style_text()
    payload = payload_of(tape, limit)
    policy = POLICY.format(script=_hash(code), style=_hash(style))
    title = escape(f"{payload['title']} – Wengert")
    return PAGE.format(policy=policy, title=title, style=style, tape=dumped(payload), script=code)


def script_of(tape: Tape, entry: str) -> str:
    """The modules, with the rules of the operations that the tape has."""
    rows = [kind.row for kind in tape.kinds]
    code = script(entry, {"rules.js": rules_module(rows), "tables.js": tables_module()})
    return code + WORKER


@cache
def style_text() -> str:
    """The style sheet: colours as pictures have them, and the page's own rules."""
    light = _palette(0)
    dark = _palette(1)
    rest = "".join([*_rules(), "\n", text_of("explorer.css")])
    return (
        f".explorer{{{light}}}\n"
        "@media screen and (prefers-color-scheme:dark)"
        f"{{.explorer:not([data-theme=light]){{{dark}}}}}\n"
        f"@media screen{{.explorer[data-theme=dark]{{{dark}}}}}\n{rest}"
    )


def _palette(shade: int) -> str:
    fills = [f"--fill-{_name(style)}:{colors[shade]};" for style, colors in FILLS.items()]
    strokes = [f"--stroke-{_name(style)}:{colors[shade]};" for style, colors in STROKES.items()]
    scheme = ("light", "dark")[shade]
    return "".join([*fills, *strokes, f"color-scheme:{scheme};--shade:{shade};"]) + OWN[shade]


# What the page has beyond the pictures: light, then dark.
OWN = (
    "--page:#f4f6f8;--panel:#ffffff;--line:#d5dbe2;--text:#14181d;--soft:#55606c;"
    "--accent:#8a5600;--accent-fill:#ffd98a;--go:#0b6bb3;--go-fill:#d7eafa;--on-go:#ffffff;"
    "--good:#12703a;--bad:#b3261e;--bad-fill:#fdecea;",
    "--page:#0e1116;--panel:#171b21;--line:#323a45;--text:#f2f4f7;--soft:#a7b0bc;"
    "--accent:#f0b84a;--accent-fill:#5a4310;--go:#7cc0f5;--go-fill:#173450;--on-go:#0b1420;"
    "--good:#6fd39a;--bad:#ff9a8f;--bad-fill:#3a1d1a;",
)


def _name(style: str) -> str:
    return style.replace(" ", "-")


def _rules() -> list[str]:
    """How each style of shape is painted."""
    rules = []
    for style in {**FILLS, **STROKES}:
        paint = []
        if style in FILLS:
            paint.append(f"fill:var(--fill-{_name(style)})")
        if style in STROKES:
            paint.append(f"stroke:var(--stroke-{_name(style)})")
            paint.append(f"stroke-width:{WIDTHS.get(style, 1.2)}")
            if style not in FILLS:
                paint.append("fill:none")
        if style in TEXTS and style in BOLD:
            paint.append("font-weight:600")
        rules.append(f".graph .s-{_name(style)}{{{';'.join(paint)}}}\n")
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
