"""Functions of lanes, compiled by LLVM and applied to arrays.

Shared by the tests of lanes, by `tools/accuracy.py` and by `bench/vector_math.py`. Who imports this
needs llvmlite.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from wengert.run.lanes import Block, Lanes
from wengert.run.vector_math import definitions, operands, symbol

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

_keep: list[Any] = []  # code lives as long as its engine


def compiled(
    text: str, name: str, level: int = 2, cpu: str | None = None, features: str | None = None
) -> int:
    """The address of a function in a module of LLVM's text, for this processor or a simpler one."""
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name() if cpu is None else cpu,
        features=llvm.get_host_cpu_features().flatten() if features is None else features,
        opt=level,
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _keep.append((engine, machine))
    return int(engine.get_function_address(name))


def loop(function: str, lanes: int, operands: int) -> str:
    """LLVM's text of `void @loop(i64 n, ptr out, ptr in0, ...)`, N numbers at a time."""
    doubles = Block(lanes).doubles
    names = [f"%x{k}" for k in range(operands)]
    lines = [
        f"define void @loop(i64 %n, ptr %out, {', '.join(f'ptr %in{k}' for k in range(operands))})",
        "{",
        "entry:",
        "br label %again",
        "again:",
        "%i = phi i64 [0, %entry], [%next, %again]",
    ]
    for k, name in enumerate(names):
        lines.append(f"%p{k} = getelementptr double, ptr %in{k}, i64 %i")
        lines.append(f"{name} = load {doubles}, ptr %p{k}, align 8")
    lines += [
        f"%y = call {doubles} @{function}({', '.join(f'{doubles} {x}' for x in names)})",
        "%q = getelementptr double, ptr %out, i64 %i",
        f"store {doubles} %y, ptr %q, align 8",
        f"%next = add i64 %i, {lanes}",
        "%more = icmp slt i64 %next, %n",
        "br i1 %more, label %again, label %done",
        "done:",
        "ret void",
        "}",
    ]
    return "\n".join(lines) + "\n"


def on_arrays(
    text: str, function: str, lanes: int, operands: int, **machine: str
) -> Callable[..., Any]:
    """A function in lanes, given as text with all it calls, as a function of arrays."""
    address = compiled(text + loop(function, lanes, operands), "loop", **machine)
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (1 + operands))(address)

    def apply(*arrays: Any) -> Any:
        columns = [np.asarray(array, dtype=float) for array in np.broadcast_arrays(*arrays)]
        size = columns[0].size
        padded = [np.resize(column, max(1, -(-size // lanes)) * lanes) for column in columns]
        out = np.empty_like(padded[0])
        call(len(out), out.ctypes.data, *[each.ctypes.data for each in padded])
        return out[:size].reshape(columns[0].shape)

    return apply


def evaluated(
    formula: Callable[..., Lanes], lanes: int, operands: int, flags: str = ""
) -> Callable[..., Any]:
    """A formula over lanes as a function of arrays."""
    block = Block(lanes, flags)
    names = [f"%x{k}" for k in range(operands)]
    result = formula(*map(block.named, names))
    places = ", ".join(f"{block.doubles} {name}" for name in names)
    lines = [
        *block.declarations.values(),
        f"define {block.doubles} @formula({places}) {{",
        "entry:",
        *block.lines,
        f"ret {block.doubles} {result.name}",
        "}\n",
    ]
    return on_arrays("\n".join(lines), "formula", lanes, operands)


def vector_function(name: str, lanes: int = 8) -> Callable[..., Any]:
    """A function of the vector math, of arrays."""
    text = definitions([name], lanes)
    return on_arrays(text, symbol(name, lanes), lanes, len(operands(name)))
