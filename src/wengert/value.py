"""Value, from the engine in use: the native one, or the plain one it is the twin of.

`plain.py` is the readable meaning; `wengert._native` gives the same answers, faster (PEP 399).
Setting WENGERT_PURE=1 before Python starts chooses the plain one, and so does an installation
without the extension module.
"""

import gc
import os
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from wengert import primitives, special
from wengert.ambient import ON_FIRST_USE
from wengert.dispatch import Primitive

if TYPE_CHECKING:
    from wengert.plain import Value as Value

    engine: str
    why_plain: str
else:

    def _native():
        """The native engine, if there is one and it was built for this very table."""
        if os.environ.get("WENGERT_PURE", "0") not in ("", "0"):
            raise ImportError("WENGERT_PURE is set")
        from wengert import _native

        files = [Path(module.__file__) for module in (primitives, special)]
        if all(file.suffix == ".py" and file.exists() for file in files):
            table = b"".join(file.read_bytes().replace(b"\r\n", b"\n") for file in files)
            if zlib.crc32(table) != _native.table_fingerprint:
                stale = "wengert._native was built for another table of primitives"
                warnings.warn(f"{stale}: build it again, or set WENGERT_PURE=1", stacklevel=2)
                raise ImportError(stale)
        return _native

    try:
        _engine = _native()
    except ImportError as error:
        from wengert.plain import Value

        engine, why_plain = "plain", str(error)
    else:
        Value = _engine.Value
        engine, why_plain = "native", ""
        ON_FIRST_USE.append(_engine.mind_surroundings)
        gc.callbacks.append(_engine.after_collection)
        Primitive.__call__ = _engine.faster_call(Primitive.__call__)
    Value.__module__ = __name__  # one name for both: what one engine pickles, the other reads
