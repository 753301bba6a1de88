"""CasADi's generated C, compiled: the same functions as in the virtual machine."""

from functools import partial

from entrants import casadi_

NAMES = "w1", "w2", "w3", "mlp", "heat", "rosenbrock", "rk4"
w1, w2, w3, mlp, heat, rosenbrock, rk4 = (
    partial(getattr(casadi_, name), compiled=True) for name in NAMES
)
