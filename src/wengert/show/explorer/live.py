"""The live explorer: a widget whose leaves are those of the graph in Python, both ways."""

from functools import cache
from typing import Any

from wengert.errors import DrawError, MissingExtraError
from wengert.show.explorer.page import script_of, style_text
from wengert.show.explorer.payload import dumped, payload_of
from wengert.show.explorer.tape import Tape
from wengert.value import Value


def live(whole: Tape, height: int, limit: int, most: int) -> Any:
    """A widget for a tape of Values, of which it holds the last ones; more come when asked for.

    Raises:
        DrawError: the tape is not one of Values, whose numbers could follow.
        MissingExtraError: anywidget is not installed.
    """
    if not whole.values:
        raise DrawError(
            "live=True follows a graph of Values. A function or a Program has none: make Values of "
            "its arguments, call it with them, and explore the result."
        )
    code = script_of(whole, "widget.js")
    style = style_text() + FRAMED
    code += f'const {{ widget }} = use("widget.js");\nconst style = {_quoted(style)};\n'
    code += "export default widget(source, style);\n"
    return _widget_class()(whole, code, height, limit, most)


FRAMED = ".explorer.within{height:var(--frame);min-height:420px;overflow:auto;border-radius:12px}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    return f"`{escaped}`"


@cache
def _widget_class() -> type[Any]:
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise MissingExtraError("explore(live=True)", "anywidget", "widget") from None

    class LiveExplorer(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """An explorer whose leaves are those of the graph in Python."""

        tape = traitlets.Unicode("").tag(sync=True)
        step = traitlets.Int(0).tag(sync=True)
        selected = traitlets.Int(-1).tag(sync=True)
        height = traitlets.Int(640).tag(sync=True)

        def __init__(self, whole: Tape, code: str, height: int, limit: int, most: int) -> None:
            self._whole, self._limit, self._most = whole, limit, most
            self._shown = tape = whole.within(most)
            backward = sum(map(len, (node.operands for node in _below(tape))))
            forward = sum(bool(node.operands) for node in _below(tape))
            super().__init__(
                _esm=code, tape=dumped(payload_of(tape, limit)), height=height,
                step=forward + backward + 1,
            )  # fmt: skip
            self.on_msg(self._heard)

        @property
        def root(self) -> Value:
            """The Value at the end of the graph."""
            return self._shown.values[self._shown.roots[0]]

        def refresh(self) -> None:
            """Show the graph's numbers and gradients as they stand now."""
            values = self._shown.values
            self._shown.data[:] = [node.data for node in values]
            self._shown.grad[:] = [node.grad for node in values]
            self.tape = dumped(payload_of(self._shown, self._limit))

        def move(self, leaf: Value, number: float) -> None:
            """Give a leaf another number, here and on the page."""
            k = next(k for k, node in enumerate(self._shown.values) if node is leaf)
            self._moved([[k, number]])
            self.send({"leaves": [[k, repr(float(number))]]})

        def _heard(self, widget: Any, content: Any, buffers: Any) -> None:
            if not isinstance(content, dict):
                return
            if isinstance(content.get("moved"), list):
                self._moved(content["moved"])
            if content.get("more"):
                self._most *= 2
                self._shown = self._whole.within(self._most)
                self.refresh()

        def _moved(self, leaves: list[Any]) -> None:
            values = self._shown.values
            for k, number in leaves:
                if 0 <= k < len(values) and not values[k].operands and number is not None:
                    values[k].data = float(number)
            self.root.forward()
            for node in values:
                node.grad = 0.0
            self.root.backward()

    return LiveExplorer


def _below(tape: Tape) -> list[Value]:
    """The values that the root depends on."""
    from wengert.graph import topological_order

    return topological_order(tape.values[tape.roots[0]])
