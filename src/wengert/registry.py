"""Rows by their names: those of the table, and beside it the rules that users have made.

The table never changes. Whoever looks a row up by name, as a file, a text or a pickle gives it,
asks `known`.
"""

from threading import Lock

from wengert.dispatch import Family, Primitive
from wengert.errors import ProgramError
from wengert.primitives import TABLE

_RULES: dict[str, Primitive] = {}
_LOCK = Lock()


def known(name: str) -> Primitive | Family | None:
    """The row or the family of a name, None where there is none."""
    return TABLE.get(name) or _RULES.get(name)


def rule_of(name: str) -> Primitive | None:
    """The user's rule of a name, None where there is none."""
    return _RULES.get(name)


def registered(rule: Primitive) -> Primitive:
    """Keep a user's rule under its name, in place of another one that has been kept so far.

    Returns:
        The rule; the one kept so far where that has the same definition.
    """
    with _LOCK:
        before = _RULES.get(rule.name)
        if before is not None and before.definition == rule.definition:
            return before
        _RULES[rule.name] = rule
        return rule


def stored_name(row: Primitive) -> str:
    """The name that `known` finds a row by.

    Raises:
        ProgramError: it is a rule that another one has replaced.
    """
    if row.definition and _RULES.get(row.name) is not row:
        raise ProgramError(
            f"The rule {row.name} has been replaced by another one of that name, so this cannot be "
            "stored: it would be read as the new one. Record it again, or name the new rule "
            "otherwise."
        )
    return row.name


def unknown(name: str) -> str:
    """What a message says about a name that nothing is known by."""
    return (
        f"It names {name!r:.80}, which is no primitive that this Wengert knows. If it is a rule of "
        "your own, make it first, by the wg.custom_rule of the code that made this."
    )
