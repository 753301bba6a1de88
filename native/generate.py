"""Writes `rows.h`: what the native engine knows about the primitives, generated from the table.

    python native/generate.py build/rows.h

The value of a row is its own C spelling. Its partials are the row's own partials, run once on
operands that write down what is done to them, one C statement per operation, in the order in which
Python does it. So no derivative is stated twice, and both engines round alike. What has no spelling
is evaluated by calling the row.
"""

import re
import sys
import types
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent / "src" / "wengert"


def table() -> Any:
    """The module of the table, without importing the package: it is not installed yet."""
    package = types.ModuleType("wengert")
    package.__path__ = [str(SOURCE)]
    sys.modules.setdefault("wengert", package)
    from wengert import primitives

    return primitives


primitives = table()

from wengert.dispatch import Family, Primitive  # noqa: E402
from wengert.operand import Operand  # noqa: E402

OPERANDS = ("x", "y", "w")
VECTORS = {"sqrt", "fabs", "floor", "ceil", "trunc", "rint", "fma", "strong_product"}
SAMPLES = {int: 7, float: 2.75}  # constants of the families' members that are traced


class UnwritableError(Exception):
    """A partial uses what has no spelling in C."""


class Statements:
    """The C statements that a row's partials come to; what is computed twice stands once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.calls_python = False
        self._known: dict[str, str] = {}

    def name_of(self, expression: str) -> str:
        """A constant that holds the expression's value."""
        if expression not in self._known:
            name = f"t{len(self.lines)}"
            self.lines.append(f"const double {name} = {expression};")
            self._known[expression] = name
        return self._known[expression]


class Text(Operand):
    """A double that C code computes."""

    __slots__ = ("c", "into")

    def __init__(self, c: str, into: Statements) -> None:
        self.c = c
        self.into = into

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "Text":
        return Text(self.into.name_of(written(row, [spelled(arg) for arg in args], self.into)),
                    self.into)  # fmt: skip


def written(row: Any, args: list[str], into: Statements) -> str:
    """The value of a row as a C expression."""
    if row.params:
        args = [*args, *map(spelled, row.params)]
        if not row.c:
            raise UnwritableError(row.name)
    if row.c:
        return str(row.c.format(*args))
    into.calls_python = True
    return f"call_row(OP_{row.name.upper()}, {', '.join(args)})"


class IntegerConstant(int):
    """The constant of a family, an integer, that C code knows under a name."""

    c = "n"

    def __sub__(self, other: Any) -> Any:
        return shifted(self, int(self) - other, f"({self.c} - {float(other)!r})")


class RealConstant(float):
    """The constant of a family, a real number, that C code knows under a name."""

    c = "n"

    def __sub__(self, other: Any) -> Any:
        return shifted(self, float(self) - other, f"({self.c} - {other!r})")


CONSTANTS: dict[type, Any] = {int: IntegerConstant, float: RealConstant}


def shifted(constant: Any, number: float, c: str) -> Any:
    """The same kind of constant under another name."""
    other = type(constant)(number)
    other.c = c
    return other


def spelled(arg: Any) -> str:
    """An operand in C."""
    if isinstance(arg, Text | IntegerConstant | RealConstant):
        return arg.c
    number = float(arg)
    if number != number:
        return "(double)NAN"
    text = repr(number).replace("inf", "(double)INFINITY")
    return f"({text})" if text.startswith("-") else text


class Traced:
    """Stands for a family while partials are traced: its members keep the constant's name."""

    def __init__(self, family: Family) -> None:
        self.family = family

    def __call__(self, constant: Any) -> Any:
        """The member for a constant."""
        if isinstance(constant, IntegerConstant | RealConstant):
            return self.family._make.__wrapped__(constant)
        return self.family(constant)


def traced(row: Any, rule: Any, nin: int) -> tuple[Statements, list[str]] | None:
    """The statements of a row's partials and the names of the results; None if unwritable."""
    into = Statements()
    try:
        partials = rule(Text("z", into), *(Text(name, into) for name in OPERANDS[:nin]))
    except UnwritableError:
        return None
    return into, [spelled(partial) for partial in partials]


class Op:
    """One operation of the native engine: a row of the table, or a family of them."""

    def __init__(self, row: Any) -> None:
        self.name = row.name
        self.code = f"OP_{row.name.upper()}"
        self.is_family = isinstance(row, Family)
        if self.is_family:
            kind = row.kind
            make = row._make.__wrapped__
            member = make(CONSTANTS[kind](SAMPLES[kind]))
            self.nin = member.nin
            self.partials = traced(row, member.partials, self.nin)
            self.at_zero = traced(row, make(kind(0)).partials, self.nin)
        else:
            self.nin = row.nin
            self.partials = traced(row, row.partials, self.nin)
            self.at_zero = None
        self.value = (member if self.is_family else row).c

    def c_value(self) -> str:
        """The value as a C expression in x, y, w, and n for the constant."""
        names = [*OPERANDS[: self.nin], *(["n"] if self.is_family else [])]
        if not self.value:
            return f"call_row({self.code}, {', '.join(names)})"
        return self.value.format(*names)

    def c_call(self) -> str:
        """The value as a call, of operands x, y, w and the constant n."""
        names = [*OPERANDS[: self.nin], *(["n"] if self.is_family else [])]
        if not self.value:
            return f"call_row({self.code}, {', '.join(names)})"
        return f"value_{self.name}({', '.join(names)})"

    def pushing(self) -> list[str]:
        """The case of the switch in `push` that adds to the operands' gradients."""
        if self.partials is None or (self.is_family and not self.value):
            return []
        into, names = self.partials
        used = " ".join([*into.lines, *names])
        lines = [f"case {self.code}: {{"]
        for k, name in enumerate(OPERANDS[: self.nin]):
            if mentions(used, name):
                lines.append(f"    const double {name} = operands[{k}]->data;")
        if mentions(used, "z"):
            lines.append("    const double z = node->data;")
        if self.is_family:
            lines.append("    const double n = constant;")
            zero_into, zero_names = self.at_zero
            if zero_into.lines:
                raise ValueError(f"The partials of {self.name} at 0 are not constant.")
            lines.append("    if (n == 0.0) {")
            lines += [f"        operands[{k}]->grad += strong_product({partial}, upstream);"
                      for k, partial in enumerate(zero_names)]  # fmt: skip
            lines += ["        break;", "    }"]
        lines += [f"    {line}" for line in into.lines]
        if into.calls_python:
            lines += ["    if (PyErr_Occurred())", "        return false;"]
        lines += [
            f"    operands[{k}]->grad += strong_product({partial}, upstream);"
            for k, partial in enumerate(names)
        ]
        lines += ["    break;", "}"]
        return lines


def mentions(text: str, name: str) -> bool:
    """Whether C code refers to a name."""
    return re.search(rf"\b{name}\b", text) is not None


def operations() -> list[Op]:
    """Every row, and every family whose members have a C spelling."""
    families = {name: row for name, row in primitives.TABLE.items() if isinstance(row, Family)}
    for name, row in families.items():
        setattr(primitives, name, Traced(row))
    try:
        ops = [
            Op(row)
            for row in primitives.TABLE.values()
            if not isinstance(row, Family) or next(iter(row)).c
        ]
    finally:
        for name, row in families.items():
            setattr(primitives, name, row)
    return ops


def fingerprint() -> int:
    """Of the table this was generated from; the module refuses to work with another."""
    files = (SOURCE / "primitives.py", SOURCE / "special.py")
    return zlib.crc32(b"".join(path.read_bytes().replace(b"\r\n", b"\n") for path in files))


def c_string(text: str) -> str:
    """A C string literal, one line of source per line of text."""
    lines = text.splitlines(keepends=True) or [""]
    return "\n    ".join(f'"{"".join(map(c_character, line))}"' for line in lines)


def c_character(character: str) -> str:
    """A character within a C string literal."""
    if character == "\n":
        return "\\n"
    if character in '"\\':
        return "\\" + character
    if " " <= character <= "~":
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def docstrings() -> list[str]:
    """Those of the plain Value, so that both engines are documented alike."""
    from wengert.plain import Value

    docs = {"Value": "Value(data, _children=(), _op='', label='')\n--\n\n" + Value.__doc__}
    for name in ("backward", "forward", "zero_grad"):
        docs[name] = f"{name}($self, /)\n--\n\n{getattr(Value, name).__doc__}"
    return [
        line
        for name, doc in docs.items()
        for line in (f"static const char doc_{name}[] =", f"    {c_string(doc)};", "")
    ]


def lane_rows(ops: list[Op]) -> list[str]:
    """The rows that C knows, by how many operands they have, for loops over many examples.

    Those that are all arithmetic come first: such loops become vectors.
    """
    known = [op for op in ops if op.value]
    plain = [op for op in known if set(re.findall(r"[a-z_]\w*(?=\()", op.value)) <= VECTORS]
    lists = {"VECTOR_ROWS": plain, "CALLING_ROWS": [op for op in known if op not in plain]}
    lines = []
    for name, chosen in lists.items():
        lines += [f"#define {name}(x, y, w, n) \\"]
        lines += [f"    LANE_ROW{op.nin}({op.code}, {op.name}, {op.c_call()}) \\" for op in chosen]
        lines += ["", ""]
    return lines


def one_of(name: str, rows: Sequence[Primitive]) -> list[str]:
    """A function that says whether an operation is one of these rows."""
    cases = " || ".join(f"op == OP_{row.name.upper()}" for row in rows)
    return [f"static inline bool {name}(int op)", "{", f"    return {cases};", "}", ""]


def methods(ops: list[Op]) -> list[str]:
    """The methods of the one-operand rows, under each of their names."""
    lines = []
    table = []
    for op in ops:
        if op.nin != 1 or op.is_family:
            continue
        names = names_of(op)
        lines += [
            f"static PyObject *method_{op.name}(PyObject *self, PyObject *unused)",
            "{", "    (void)unused;",
            f"    return unary({op.code}, self);" if not op.value else
            f"    return is_exact(self) ? unary_of(value_{op.name}(((Node *)self)->data), "
            f"{op.code}, (Node *)self)\n                          : unary({op.code}, self);",
            "}", "",
        ]  # fmt: skip
        doc = f"{names[0]}($self, /)\n--\n\n{getattr(Operand, names[0]).__doc__}"
        table += [
            f'    {{"{name}", method_{op.name}, METH_NOARGS,\n     {c_string(doc)}}},'
            for name in names
        ]
    end = ["    {NULL, NULL, 0, NULL},", "};", ""]
    return [*lines, "PyMethodDef row_methods[] = {", *table, *end]


def recorded_methods(ops: list[Op]) -> list[str]:
    """The same for recorded numbers."""
    lines = []
    table = []
    for op in ops:
        if op.nin != 1 or op.is_family:
            continue
        lines += [
            f"static PyObject *recorded_{op.name}(PyObject *self, PyObject *unused)",
            "{", "    (void)unused;", f"    return record_unary({op.code}, self);", "}", "",
        ]  # fmt: skip
        table += [
            f'    {{"{name}", recorded_{op.name}, METH_NOARGS, NULL}},' for name in names_of(op)
        ]
    end = ["    {NULL, NULL, 0, NULL},", "};", ""]
    return [*lines, "static PyMethodDef recorded_methods[] = {", *table, *end]


def names_of(op: Op) -> list[str]:
    """What the methods of a one-operand row are called."""
    row = primitives.TABLE[op.name]
    return [name for name in sorted(dir(Operand)) if not name.startswith("_")
            and is_method_of(getattr(Operand, name), row)]  # fmt: skip


def is_method_of(method: Any, row: Primitive) -> bool:
    """Whether it is the method that `operand.py` made for that row."""
    cells = getattr(method, "__closure__", None) or ()
    return any(cell.cell_contents is row for cell in cells)


def rows_h() -> str:
    """The whole header."""
    ops = operations()
    lines = ["/* Generated from the table of primitives by native/generate.py: do not edit. */", ""]
    lines += [f"#define TABLE_FINGERPRINT {fingerprint()}U", ""]
    lines += ["enum {", "    OP_NONE, /* a leaf, or an operation of the user's own */",
              "    OP_ROW,  /* a row that C does not know: the node says which */"]  # fmt: skip
    lines += [f"    {op.code}," for op in ops]
    lines += ["    OP_COUNT", "};", ""]
    lines += ["#ifdef ROWS_DATA", "static const char *const op_names[OP_COUNT] = {"]
    lines += ["    NULL, NULL,"]
    lines += [f'    "{op.name}",' for op in ops]
    lines += ["};", "static const unsigned char op_arity[OP_COUNT] = {", "    0, 0,"]
    lines += [f"    {op.nin}, /* {op.name} */" for op in ops]
    lines += ["};", "#endif", ""]
    lines += one_of("is_comparison", primitives.COMPARISONS)
    lines += one_of("is_of_truths", primitives.OF_TRUTHS)
    lines += ['#include "scalars.h"', ""]
    for op in ops:
        names = [*OPERANDS[: op.nin], *(["n"] if op.is_family else [])]
        if op.value:
            parameters = ", ".join(f"double {name}" for name in names)
            lines += [f"static inline double value_{op.name}({parameters})", "{",
                      f"    return {op.c_value()};", "}", ""]  # fmt: skip
    lines += ["/* The value of an operation; false with an exception set if Python raised. */",
              "static inline bool evaluate(int op, double constant, Node *const *operands,",
              "                            double *result)", "{", "    switch (op) {"]  # fmt: skip
    for op in ops:
        data = [f"operands[{k}]->data" for k in range(op.nin)]
        if not op.value:
            call = f"call_row({', '.join([op.code, *data])})"
            lines += [f"    case {op.code}:", f"        *result = {call};",
                      "        return !PyErr_Occurred();"]  # fmt: skip
        else:
            call = f"value_{op.name}({', '.join([*data, *(['constant'] if op.is_family else [])])})"
            lines += [f"    case {op.code}:", f"        *result = {call};", "        return true;"]
    lines += ["    default:", "        (void)constant;",
              '        PyErr_SetString(PyExc_SystemError, "an unknown operation");',
              "        return false;", "    }", "}", ""]  # fmt: skip
    lines += ["/* The value of each operation on operands and a constant, as cases of a switch. */",
              "#define ROW_CASES(x, y, w, n) \\"]  # fmt: skip
    lines += [f"    ROW_CASE({op.code}, {op.c_call()}) \\" for op in ops]
    lines += ["", ""]
    asking = [f"op == {op.code}" for op in ops if not op.value]
    lines += ["/* Whether Python is asked for its value. */",
              "static inline bool asks_python(int op)", "{",
              f"    return {' || '.join(['op == OP_ROW', *asking])};", "}", ""]  # fmt: skip
    lines += ["/* The same, as loops over examples. */", *lane_rows(ops)]
    lines += [
        "/* Adds a node's gradient, times the partials, to those of its operands. */",
        "static inline bool push(Node *node, double constant, Node *const *operands)",
        "{", "    const double upstream = node->grad;", "    switch (op_of(node)) {",
    ]  # fmt: skip
    for op in ops:
        lines += [f"    {line}" for line in op.pushing()]
    lines += ["    default:", "        (void)constant;", "        return push_in_python(node);",
              "    }", "    return true;", "}", ""]  # fmt: skip
    lines += ["#ifdef ROWS_METHODS", *methods(ops), "#endif", "",
              "#ifdef ROWS_RECORDED", *recorded_methods(ops), "#endif", "", "#ifdef ROWS_DOCS",
              *docstrings(), "#endif"]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the header to the path given."""
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rows_h())


if __name__ == "__main__":
    main()
