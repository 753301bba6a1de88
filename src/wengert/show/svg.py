"""A picture as SVG text: one element that carries its own card, colours and fonts.

Everything is named after the drawing's own identity, so that pictures on one page leave each
other alone; and every text is given its width, so that it fits its box in any font.
"""

from collections.abc import Mapping

from wengert.show.shapes import (
    BOLD,
    FILLS,
    STROKES,
    TEXTS,
    WIDTHS,
    Box,
    Group,
    Line,
    Picture,
    Shape,
    Text,
    Tiles,
)

FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
SHRINKS = 2400  # wider pictures keep their size and scroll
XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def svg_of(picture: Picture, identity: str, theme: str = "auto") -> str:
    """The SVG text of a picture.

    Args:
        picture: the picture.
        identity: a name that no other drawing has; letters, digits and hyphens.
        theme: "light", "dark", or "auto" for what the reader's system says.
    """
    width, height = round(picture.width, 1), round(picture.height, 1)
    fits = "max-width:100%;height:auto" if width <= SHRINKS else "max-width:none"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{identity}" role="img" '
        f'aria-labelledby="{identity}-title" width="{width:g}" height="{height:g}" '
        f'viewBox="{picture.left:.1f} {picture.top:.1f} {width:g} {height:g}" style="{fits}">'
    )
    title = f'<title id="{identity}-title">{escape(picture.about)}</title>'
    return "\n".join(
        [head, title, f"<style>{_styles(identity, theme, picture.palette)}</style>"]
        + [_group(group) for group in picture.groups]
        + ["</svg>"]
    )


def escape(text: str) -> str:
    """Text as it stands in XML."""
    return text.translate(XML)


def _styles(identity: str, theme: str, palette: Mapping[str, tuple[str, str]]) -> str:
    """The style sheet, every rule of it under the drawing's own class."""
    rules = [
        f".{identity} text{{font-family:{FONT};direction:ltr;unicode-bidi:isolate;stroke:none}}",
        f".{identity} path{{fill:none;stroke-linecap:round}}",
        f".{identity} .frame rect{{stroke-dasharray:4 3}}",
    ]
    for style in {**FILLS, **STROKES}:
        if style in TEXTS:
            weight = ";font-weight:600" if style in BOLD else ""
            rules.append(f"{_select(identity, style)}{{fill:{FILLS[style][0]}{weight}}}")
        else:
            rules.append(f"{_select(identity, style)}{{{_paint(style, 0)}{_stroke(style)}}}")
    rules += [f"{_select(identity, name)}{{fill:{fill[0]}}}" for name, fill in palette.items()]
    if theme == "auto":
        dark = "".join(_dark(identity, palette))
        rules.append(f"@media (prefers-color-scheme:dark){{{dark}}}")
    elif theme == "dark":
        rules += _dark(identity, palette)
    return "".join(rules)


def _dark(identity: str, palette: Mapping[str, tuple[str, str]]) -> list[str]:
    rules = [f"{_select(identity, style)}{{{_paint(style, 1)}}}" for style in {**FILLS, **STROKES}]
    return rules + [
        f"{_select(identity, name)}{{fill:{fill[1]}}}" for name, fill in palette.items()
    ]


def _select(identity: str, style: str) -> str:
    return f".{identity} .{_class(style)}"


def _class(style: str) -> str:
    return "s-" + style.replace(" ", "-")


def _paint(style: str, shade: int) -> str:
    fill = f"fill:{FILLS[style][shade]};" if style in FILLS else ""
    return fill + (f"stroke:{STROKES[style][shade]};" if style in STROKES else "")


def _stroke(style: str) -> str:
    return f"stroke-width:{WIDTHS.get(style, 1.2)}" if style in STROKES else ""


def _group(group: Group) -> str:
    title = f"<title>{escape(group.about)}</title>" if group.about else ""
    return f'<g class="{group.kind}">{title}{"".join(map(_shape, group.shapes))}</g>'


def _shape(shape: Shape) -> str:
    style = _class(shape.style)
    if isinstance(shape, Tiles):
        corners = (f"M{x:.2f} {y:.2f}h{w:.2f}v{h:.2f}h{-w:.2f}z" for x, y, w, h in shape.boxes)
        return f'<path class="{style}" d="{"".join(corners)}"/>'
    if isinstance(shape, Box):
        return (
            f'<rect class="{style}" x="{shape.x:.1f}" y="{shape.y:.1f}" '
            f'width="{shape.width:.1f}" height="{shape.height:.1f}" rx="{shape.radius:g}"/>'
        )
    if isinstance(shape, Text):
        fit = ""
        if shape.text.strip() and shape.width:
            fit = f' textLength="{shape.width:.1f}" lengthAdjust="spacingAndGlyphs"'
        return (
            f'<text class="{style}" x="{shape.x:.1f}" y="{shape.y:.1f}" '
            f'font-size="{shape.size:g}"{fit}>{escape(shape.text)}</text>'
        )
    return f'<path class="{style}" d="{_path(shape)}"/>'


def _path(line: Line) -> str:
    points = [f"{x:.1f} {y:.1f}" for x, y in line.points]
    bent = 1 + 3 * line.curves
    curves = ["C" + " ".join(points[k : k + 3]) for k in range(1, bent, 3)]
    straight = ["L" + point for point in points[bent:]]
    return "".join(["M" + points[0], *curves, *straight, "Z" * (line.style == "arrow")])
