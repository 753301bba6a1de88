"""The live explorer: a widget whose leaves are those of the graph in Python, both ways."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from wengert.errors import DrawError, MissingExtraError
from wengert.show.explorer.behind import Behind, ProgramBehind, ValuesBehind
from wengert.show.explorer.modules import as_function
from wengert.show.explorer.page import widget_script
from wengert.show.explorer.payload import Cap, column, fitted
from wengert.show.explorer.rules import rules_module
from wengert.show.explorer.tape import Tape
from wengert.value import Value


def live(behind: Behind, height: int, limit: int, cap: Cap) -> Any:
    """A widget that holds what fits under a cap; more comes when asked for.

    Args:
        behind: what is shown.
        height: of the widget, in pixels.
        limit: about how many cells are open at first.
        cap: how large it may be at first.

    Raises:
        MissingExtraError: anywidget is not installed.
    """
    return _widget_class()(behind, height, limit, cap)


@cache
def _widget_class() -> type[Any]:
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise MissingExtraError("explore(live=True)", "anywidget", "widget") from None

    class LiveExplorer(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """An explorer whose leaves are those of the graph in Python, or a function's arguments."""

        tape = traitlets.Unicode("").tag(sync=True)
        step = traitlets.Int(-1).tag(sync=True)  # -1 is the end, behind the last one
        selected = traitlets.Int(-1).tag(sync=True)
        height = traitlets.Int(640).tag(sync=True)

        def __init__(self, behind: Behind, height: int, limit: int, cap: Cap) -> None:
            self._behind, self._limit, self._cap = behind, limit, cap
            super().__init__(_esm=widget_script(), height=height, tape=self._fitted())
            self.on_msg(self._heard)

        @property
        def root(self) -> Value:
            """The Value at the end of the graph; a Program has none."""
            return _graph(self._behind, "root").roots[0]

        @property
        def chosen(self) -> Value | None:
            """The Value that is selected, if any; a Program has none."""
            values = _graph(self._behind, "chosen").values
            k = self.selected
            return values[self._shown.before(k)] if 0 <= k < len(self._shown.ops) else None

        @property
        def arguments(self) -> tuple[Any, ...]:
            """The arguments of the function or Program, as they stand on the page."""
            if not isinstance(self._behind, ProgramBehind):
                raise DrawError("arguments are there for a function or a Program, not for Values.")
            return self._behind.arguments

        def refresh(self) -> None:
            """Show the numbers as they stand now; of a function, the path that it takes now."""
            self._behind.read()
            self.tape = self._fitted()

        def move(self, leaf: Any, number: float) -> None:
            """Give a leaf another number, here and on the page.

            Args:
                leaf: a Value, or the name of a leaf: "a", "x[3]".
                number: the number.

            Raises:
                OperandError: there is no such leaf.
            """
            k = self._behind.put(leaf, float(number))
            at = self._shown.after(k) if k >= 0 else -1
            if at >= 0:
                self._tell([(at, float(number))])
            self._tell_cut([k])

        def _heard(self, widget: Any, content: Any, buffers: Any) -> None:
            if not isinstance(content, dict):
                return
            if isinstance(content.get("moved"), list):
                self._moved(content["moved"])
            if content.get("more"):
                self._cap = Cap(2 * self._cap.values, 2 * self._cap.bytes)
                self._behind.read(path=False)
                self.tape = self._fitted()
            if content.get("again"):
                self.refresh()

        def _moved(self, leaves: list[Any]) -> None:
            movable = self._behind.movable()
            known = range(len(self._shown.ops))
            asked = [(self._shown.before(k), float(x)) for k, x in leaves if k in known]
            taken = [(k, x) for k, x in asked if movable[k]]
            self._behind.move(taken)
            self._tell_cut([k for k, _ in taken])

        def _tell(self, leaves: Iterable[tuple[int, float]]) -> None:
            self.send({"leaves": [[k, repr(x)] for k, x in leaves]})

        def _tell_cut(self, moved: list[int]) -> None:
            """Tell the numbers of leaves that stand for what was left out, where these follow."""
            shown = self._shown
            if not len(shown.cut) or min(moved, default=0) >= len(shown.kept) + shown.left_out:
                return
            self._behind.read(path=False)
            data = self._behind.tape.data[shown.kept[shown.cut]]
            new = ~((data == shown.data[shown.cut]) | np.isnan(data))
            shown.data[shown.cut] = data
            self._tell(zip(shown.cut[new].tolist(), data[new].tolist(), strict=True))

        def _fitted(self) -> str:
            movable = self._behind.movable()

            def more(tape: Tape) -> dict[str, Any]:
                leaves = np.flatnonzero(tape.ops < 0)
                fixed = [k for k in leaves.tolist() if not movable[tape.before(k)]]
                return {
                    "fixed": column(np.array(fixed)),
                    "follows": self._behind.follows,
                    "rules": _rules(tape),
                }

            self._shown, text = fitted(self._behind.tape, self._limit, self._cap, more)
            return text

    return LiveExplorer


def _rules(tape: Tape) -> str:
    """A module that gives the rules of a tape's operations to who can give it other modules."""
    text = as_function(rules_module([kind.row for kind in tape.kinds]))
    return f"export default (use) => {{\n{text}}};\n"


def _graph(behind: Behind, name: str) -> ValuesBehind:
    if not isinstance(behind, ValuesBehind):
        raise DrawError(f"{name} is there for Values. A function or a Program has arguments.")
    return behind
