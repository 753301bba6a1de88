"""A picture as PNG or PDF, drawn by matplotlib with the fonts that come with it.

The shapes are those of the SVG text. Nothing is shown on a screen, and no global state of
matplotlib's is left changed.
"""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from math import sqrt
from typing import Any

from wengert.errors import DrawError
from wengert.show.plot import matplotlib
from wengert.show.shapes import BOLD, FILLS, STROKES, WIDTHS, Box, Line, Picture, Shape, Text, Tiles

FONTS = ["DejaVu Sans Mono", "DejaVu Sans"]
MISSING = "□"  # for a character that neither font has
DPI, LEAST_DPI = 144.0, 18.0  # of a PNG: usual resolution, and the least that can be read
SIDE, PIXELS = 32_000.0, 6e7  # its longest side and its most pixels
KAPPA = 0.5523  # where the control points of a quarter of a circle lie, in radii
FEATURE = "Writing a picture as PNG or PDF"


def page_of(picture: Picture, form: str, theme: str = "auto") -> bytes:
    """The file of a picture; "auto" is light here, where nobody says which it shall be.

    Raises:
        DrawError: a PNG of it would be too large.
        MissingExtraError: matplotlib is not installed.
    """
    draw = {name: matplotlib(FEATURE, f"matplotlib.{name}") for name in _MODULES}
    dpi = _resolution(picture) if form == "png" else 72.0
    settings = {"pdf.fonttype": 42, "text.usetex": False, "path.sketch": None}
    with matplotlib(FEATURE, "matplotlib").rc_context(settings):
        figure = draw["figure"].Figure((picture.width / 72, picture.height / 72), dpi=dpi)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(picture.left, picture.left + picture.width)
        axes.set_ylim(picture.top + picture.height, picture.top)
        shade = int(theme == "dark")
        depth = 0
        for group in picture.groups:
            for shape in group.shapes:
                depth += 1
                axes.add_artist(_artist(draw, shape, shade, depth, picture.palette))
        page = BytesIO()
        metadata = {"CreationDate": None} if form == "pdf" else None
        figure.savefig(page, format=form, metadata=metadata, transparent=True)
    return page.getvalue()


_MODULES = ("figure", "patches", "path", "text")


def _resolution(picture: Picture) -> float:
    width, height = picture.width / 72, picture.height / 72
    dpi = min(DPI, SIDE / max(width, height), sqrt(PIXELS / (width * height)))
    if dpi < LEAST_DPI:
        raise DrawError(
            f"The picture, {picture.width:.0f} by {picture.height:.0f} points, is too large for a "
            "PNG. Save it as .svg or .pdf, or fold more of it with a smaller max_cells."
        )
    return dpi


def _artist(
    draw: dict[str, Any], shape: Shape, shade: int, depth: int,
    palette: Mapping[str, tuple[str, str]],
) -> Any:  # fmt: skip
    style = shape.style
    fills = FILLS[style] if style in FILLS else palette.get(style, ("none", "none"))
    fill = fills[shade]
    if isinstance(shape, Text):
        weight = "bold" if style in BOLD else "normal"
        return draw["text"].Text(
            shape.x, shape.y, _printable(shape.text), color=fill, fontsize=shape.size,
            fontfamily=FONTS, fontweight=weight, parse_math=False, zorder=depth,
        )  # fmt: skip
    paint = {
        "facecolor": fill,
        "edgecolor": STROKES[style][shade] if style in STROKES else "none",
        "linewidth": WIDTHS.get(style, 1.2),
        "zorder": depth,
    }
    if isinstance(shape, Box):
        paint["linestyle"] = (0, (4, 3)) if style == "frame" else "-"
        return draw["patches"].PathPatch(_round(draw["path"].Path, shape), **paint)
    if isinstance(shape, Tiles):
        return draw["patches"].PathPatch(_outlines(draw["path"].Path, shape), **paint)
    return draw["patches"].PathPatch(_path(draw["path"].Path, shape), **paint)


def _round(make: Any, box: Box) -> Any:
    """The outline of a box: four lines and four curves that are nearly circles."""
    r = min(box.radius, box.width / 2, box.height / 2)
    bend = r * (1 - KAPPA)
    left, top, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    points = [(left + r, top), (right - r, top)]
    points += [(right - bend, top), (right, top + bend), (right, top + r), (right, bottom - r)]
    points += [(right, bottom - bend), (right - bend, bottom), (right - r, bottom)]
    points += [(left + r, bottom), (left + bend, bottom), (left, bottom - bend), (left, bottom - r)]
    points += [(left, top + r), (left, top + bend), (left + bend, top), (left + r, top)]
    corner = [make.LINETO] + [make.CURVE4] * 3
    return make([*points, points[0]], [make.MOVETO, *corner * 4, make.CLOSEPOLY])


def _outlines(make: Any, tiles: Tiles) -> Any:
    points = [
        point
        for x, y, w, h in tiles.boxes
        for point in ((x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y))
    ]
    codes = [make.MOVETO, make.LINETO, make.LINETO, make.LINETO, make.CLOSEPOLY]
    return make(points, codes * len(tiles.boxes))


def _path(make: Any, line: Line) -> Any:
    bent = 3 * line.curves
    codes = [make.MOVETO] + [make.CURVE4] * bent + [make.LINETO] * (len(line.points) - 1 - bent)
    if line.style == "arrow":
        return make([*line.points, line.points[0]], [*codes, make.CLOSEPOLY])
    return make(line.points, codes)


def _printable(text: str) -> str:
    """The text, with a box for each character that the fonts do not have."""
    if text.isascii():
        return text
    return "".join(c if _has_glyph(c) else MISSING for c in text)


@cache
def _has_glyph(character: str) -> bool:
    fonts = matplotlib(FEATURE, "matplotlib.font_manager")
    files = [fonts.findfont(name) for name in FONTS]
    return any(fonts.get_font(file).get_char_index(ord(character)) for file in files)
