"""Names of the package whose modules are loaded when they are first asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def loader(names: dict[str, Any], later: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562).

    Args:
        names: the module's own, to which what was loaded is added.
        later: the modules that have the others, by name; one that has nothing of that name is
            meant itself.
    """

    def load(name: str) -> Any:
        if name not in later:
            raise AttributeError(f"module {names['__name__']!r} has no attribute {name!r}")
        module = import_module(later[name])
        found = names[name] = getattr(module, name, module)
        return found

    return load
