"""Value, from the engine in use: the native one, or the plain one it is the twin of.

`plain.py` is the readable meaning; `wengert._native` gives the same answers, faster (PEP 399).
Setting WENGERT_PURE=1 before Python starts chooses the plain one, as does an installation without
the extension module.
"""

import gc
import os
from typing import TYPE_CHECKING

from wengert.ambient import ON_FIRST_USE

if TYPE_CHECKING:
    from wengert.plain import Value as Value

    engine: str
    why_plain: str
else:
    try:
        if os.environ.get("WENGERT_PURE", "0") not in ("", "0"):
            raise ImportError("WENGERT_PURE is set")
        from wengert._native import Value, after_collection, mind_surroundings

        ON_FIRST_USE.append(mind_surroundings)
        gc.callbacks.append(after_collection)

        engine, why_plain = "native", ""
    except ImportError as error:
        from wengert.plain import Value

        engine, why_plain = "plain", str(error)
    Value.__module__ = __name__  # one name for both: what one engine pickles, the other reads
