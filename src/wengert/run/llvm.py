"""Kernels made into machine code by LLVM, through llvmlite. Nothing else imports that."""

import ctypes
from functools import cache
from threading import RLock
from typing import Any

from wengert.dispatch import Primitive
from wengert.errors import MissingExtraError
from wengert.run.module import Code

QUICK, HOT = 0, 2  # how much the code generator tries
_lock = RLock()  # LLVM's own state is one for all threads
_symbols: dict[str, Any] = {}  # what Python gives to machine code, kept for good


@cache
def _llvm() -> Any:
    try:
        import llvmlite.binding as llvm
    except ImportError as error:
        raise MissingExtraError("The native tier", "llvmlite", "jit") from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def is_there() -> bool:
    """Whether llvmlite is installed."""
    try:
        _llvm()
    except MissingExtraError:
        return False
    return True


@cache
def cpu() -> tuple[str, str]:
    """The name of this machine's CPU, and its features."""
    llvm = _llvm()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def lanes() -> int:
    """How many doubles a vector register holds."""
    features = set(cpu()[1].split(","))
    return 8 if "+avx512f" in features else 4 if "+avx2" in features else 2


def _machine(level: int) -> Any:
    """What writes code for this CPU; vectors as long as they can be."""
    llvm = _llvm()
    name, features = cpu()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=name, features=f"{features},-prefer-256-bit", opt=level, jit=True
    )


class Native:
    """A kernel in machine code.

    Args:
        code: the kernel as text.
        level: how much the code generator tries, from 0 to 3.
        passes: whether LLVM's own passes go over it before.
    """

    def __init__(self, code: Code, level: int = HOT, passes: bool = False) -> None:
        llvm = _llvm()
        with _lock:
            for symbol, row in code.python.items():
                _offer(symbol, row)
            self.machine = _machine(level)
            module = llvm.parse_assembly(code.text)
            module.triple = llvm.get_default_triple()
            if passes:
                _improve(module, self.machine)
            self.engine = llvm.create_mcjit_compiler(module, self.machine)
            self.engine.finalize_object()
            address = self.engine.get_function_address("kernel")
        kind = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
        )
        self.run = kind(address)


def assembly(code: Code) -> str:
    """The instructions of this CPU that a kernel comes to."""
    llvm = _llvm()
    with _lock:
        module = llvm.parse_assembly(code.text)
        module.triple = llvm.get_default_triple()
        text: str = _machine(HOT).emit_assembly(module)
    return text


def _improve(module: Any, machine: Any) -> None:
    llvm = _llvm()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _offer(symbol: str, row: Primitive) -> None:
    """A row's own value, for machine code to call."""
    kind = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * row.nin)
    known = _symbols.get(symbol)
    if known is None or known[0] is not row:
        function = kind(row.scalar)
        _symbols[symbol] = row, function
        _llvm().add_symbol(symbol, ctypes.cast(function, ctypes.c_void_p).value)
