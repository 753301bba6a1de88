"""The exceptions a user can catch.

Each is a `WengertError` and also the built-in exception a Python programmer would expect in its
place, so `except TypeError` and `except ValueError` keep working.
"""


class WengertError(Exception):
    """Base of every exception that Wengert raises on purpose."""


class OperandError(WengertError, TypeError):
    """An operation met something it cannot compute with, such as a string or a float array."""


class LostDerivativeError(OperandError):
    """A conversion to a plain number would have dropped a derivative silently."""


class GraphError(WengertError, ValueError):
    """A graph cannot do what was asked of it, such as re-evaluate an operation it does not know."""


class NonFiniteError(WengertError, ArithmeticError):
    """Inside `debug_nans`, an operation made the first NaN or infinity."""


class CheckError(WengertError, ValueError):
    """A gradient does not agree with the numerical derivative."""


class DrawError(WengertError, ValueError):
    """A picture cannot be drawn or saved as asked."""


class ExpressionError(WengertError, ValueError):
    """A target or an expression given on the command line cannot be understood."""


class ProgramError(WengertError, ValueError):
    """A Program, its text or its file is not well-formed, or is used in a way it cannot serve."""


class PathChanged(WengertError, ValueError):  # noqa: N818 - says what happened, as StopIteration does
    """A recorded program met inputs for which the code it was recorded from takes another path."""


class ManyPathsWarning(UserWarning):
    """A compiled function takes very many different paths, and each is compiled."""


class MissingExtraError(WengertError, ImportError):
    """A feature needs an optional package that is not installed."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs {package}, which is not installed. "
            f'Install it with: pip install "wengert[{extra}]"'
        )
