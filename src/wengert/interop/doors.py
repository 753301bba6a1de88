"""The one door to each optional package, opened when it is first needed."""

from typing import Any

from wengert.errors import MissingExtraError


def scipy_optimize(feature: str) -> Any:
    """The package `scipy.optimize`.

    Raises:
        MissingExtraError: SciPy is not installed; the message says for which feature it is needed.
    """
    try:
        import scipy.optimize
    except ImportError:
        raise MissingExtraError(feature, "scipy", "scipy") from None
    return scipy.optimize


def scipy_sparse(feature: str) -> Any:
    """The package `scipy.sparse`.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        import scipy.sparse.linalg
    except ImportError:
        raise MissingExtraError(feature, "scipy", "scipy") from None
    return scipy.sparse


def cyipopt(feature: str) -> Any:
    """The package `cyipopt`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import cyipopt
    except ImportError:
        raise MissingExtraError(feature, "cyipopt", "ipopt") from None
    return cyipopt


def torch(feature: str) -> Any:
    """The package `torch`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError(feature, "torch", "torch") from None
    return torch


def jax(feature: str) -> Any:
    """The package `jax`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import jax
    except ImportError:
        raise MissingExtraError(feature, "jax", "jax") from None
    return jax
