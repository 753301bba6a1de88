"""Kernels made into machine code by LLVM, through llvmlite. Nothing else imports that."""

import ctypes
from collections.abc import Mapping
from functools import cache
from math import nan
from threading import RLock, local
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import MissingExtraError

Told = np.ndarray[Any, np.dtype[np.int32]]
Taken = np.ndarray[Any, np.dtype[np.int64]]

QUICK = 0
HOT = 1  # how much the code generator tries, from 0 to 3: more takes longer, and gains nothing
PASSES = (
    "always_inliner", "sroa", "simplify_cfg", "instruction_combine", "new_gvn",
    "dead_store_elimination", "simplify_cfg", "instruction_combine",
)  # fmt: skip
_lock = RLock()  # LLVM's own state is one for all threads
_calls = local()  # the call that a thread is in


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


def machine_code(text: str, level: int = HOT, passes: bool = False) -> bytes:
    """The object file that a module comes to.

    Args:
        text: the module.
        level: how much the code generator tries, from 0 to 3.
        passes: whether LLVM's own passes go over it before.
    """
    llvm = _llvm()
    with _lock:
        machine = _machine(level)
        module = llvm.parse_assembly(text)
        module.triple = llvm.get_default_triple()
        if passes:
            _improve(module, machine)
        code: bytes = machine.emit_object(module)
    return code


def versions() -> tuple[str, ...]:
    """Of all that decides what machine code a text comes to."""
    llvm = _llvm()
    return (*map(str, llvm.llvm_version_info), llvm.get_default_triple(), *cpu())


class Native:
    """A kernel in machine code, ready to run.

    Args:
        code: an object file.
        python: the rows that it calls in Python, by their symbols.

    Attributes:
        address: where the function begins that is called.
    """

    def __init__(self, code: bytes, python: Mapping[str, Primitive]) -> None:
        llvm = _llvm()
        # They live as long as the code. A symbol is one until another kernel is linked.
        self.python = [_callable(row) for row in python.values()]
        with _lock:
            for symbol, function in zip(python, self.python, strict=True):
                llvm.add_symbol(symbol, ctypes.cast(function, ctypes.c_void_p).value)
            self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(HOT))
            self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self.engine.finalize_object()
            self.address = self.engine.get_function_address("kernel")
            share = self.engine.get_function_address("share")
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self._run = ctypes.CFUNCTYPE(None, pointer, number, number, pointer)(self.address)
        self._share = ctypes.CFUNCTYPE(None, pointer, pointer, number, number, pointer)(share)

    def run(self, table: bytes, begin: int, end: int, scratch: int, stop: Told) -> None:
        """Compute the examples from one to another.

        Args:
            table: what the kernel is told, `stop` in it.
            begin: the first example.
            end: the one behind the last.
            scratch: the address of memory of its own.
            stop: becomes 1 where a row that is called in Python raises, and that is raised here.
        """
        if not self.python:
            self._run(table, begin, end, scratch)
            return
        around = getattr(_calls, "now", None)  # of a row which itself calls a kernel
        now = _calls.now = _Call(stop)
        try:
            self._run(table, begin, end, scratch)
        finally:
            _calls.now = around
        if now.error is not None:
            raise now.error

    def share(self, table: bytes, taken: Taken, size: int, end: int, scratch: int) -> None:
        """Compute examples that other threads compute, too, until none are left.

        Args:
            table: what the kernel is told.
            taken: the first example that nobody has taken; it is changed.
            size: how many are taken at a time.
            end: the example behind the last one.
            scratch: the address of memory of its own.
        """
        assert not self.python
        self._share(table, taken.ctypes.data, size, end, scratch)


class _Call:
    """One call of a kernel that calls Python."""

    def __init__(self, stop: Told) -> None:
        self.stop = stop
        self.error: BaseException | None = None


def assembly(text: str) -> str:
    """The instructions of this CPU that a module comes to."""
    llvm = _llvm()
    with _lock:
        module = llvm.parse_assembly(text)
        module.triple = llvm.get_default_triple()
        written: str = _machine(HOT).emit_assembly(module)
    return written


def _improve(module: Any, machine: Any) -> None:
    """Make registers of variables, and leave out what is computed twice.

    The pipelines of compilers find little more here, and take two to three times as long.
    """
    llvm = _llvm()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    manager = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(manager, f"add_{name}_pass")()
    manager.run(module, builder)


def _callable(row: Primitive) -> Any:
    """A row's own value, for machine code to call. What it raises must not get lost there."""
    scalar = row.scalar

    def value(*operands: float) -> float:
        call: _Call = _calls.now
        if call.error is None:
            try:
                return scalar(*operands)
            except BaseException as error:  # Ctrl-C, too
                call.error = error
                call.stop[0] = 1
        return nan

    return ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * row.nin)(value)
