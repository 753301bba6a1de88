"""Builds the native engine, where there is a compiler; all else is in pyproject.toml.

WENGERT_PURE=1 leaves it out, which gives a wheel for any machine.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = Path(__file__).parent / "native"
PURE = (
    os.environ.get("WENGERT_PURE", "0") not in ("", "0")
    or sys.implementation.name != "cpython"
    or bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
)
HEADERS = [
    "native/codes.h",
    "native/derive.h",
    "native/lane_loops.h",
    "native/lanes.h",
    "native/machine.h",
    "native/node.h",
    "native/stretch.h",
    "native/tape.h",
    "src/wengert/c/scalars.h",
    "native/generate.py",
]
TABLE = [f"src/wengert/{name}.py" for name in ("primitives", "special", "operand", "plain")]


class BuildNative(build_ext):
    """Generates the rows' C, and goes on without the native engine if it cannot be built."""

    def build_extension(self, ext: Extension) -> None:
        """Generate, then compile."""
        generated = Path(self.build_temp) / "generated"
        subprocess.run(
            [sys.executable, str(NATIVE / "generate.py"), str(generated / "rows.h")], check=True
        )
        ext.include_dirs.append(str(generated))
        if self.compiler.compiler_type != "msvc":
            # No fused multiply-add: results are those of the plain engine, bit for bit.
            flags = ["-std=c11", "-O3", "-g0", "-ffp-contract=off", "-fno-math-errno"]
            ext.extra_compile_args = [*flags, "-fvisibility=hidden", *ext.extra_compile_args]
        else:
            ext.extra_compile_args = ["/std:c11", "/fp:precise", *ext.extra_compile_args]
        super().build_extension(ext)

    def run(self) -> None:
        """Build; on failure say so in a line."""
        try:
            super().run()
        except Exception as error:
            if os.environ.get("WENGERT_NATIVE", "0") not in ("", "0"):
                raise
            print(f"NOTICE: building Wengert without its native engine: {error}", file=sys.stderr)
            self.extensions = self.distribution.ext_modules = []
            self.distribution.get_command_obj("bdist_wheel").root_is_pure = True


setup(
    ext_modules=[]
    if PURE
    else [
        Extension(
            "wengert._native",
            sorted(f"native/{path.name}" for path in NATIVE.glob("*.c")),
            include_dirs=["native", "src/wengert/c"],
            extra_compile_args=os.environ.get("WENGERT_CFLAGS", "").split(),
            extra_link_args=os.environ.get("WENGERT_LDFLAGS", "").split(),
            depends=[*HEADERS, *TABLE],
        )
    ],
    cmdclass={"build_ext": BuildNative},
)
