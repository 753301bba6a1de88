"""Scalar functions inside of torch's programs; torch's own derivatives beside them."""

import doctest
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(wg.MissingExtraError, match=r"wg\.torch\.function needs torch.*\[torch\]"):
        wg.torch.function(abs)


torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
tensor = torch.tensor
gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck


def doubles(*shape, seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(np.asarray(numbers)).requires_grad_()


def g(x, y):
    return wg.sin(x) * y**2 if x > 0.0 else x * y


def torch_g(x, y):
    return torch.where(x > 0.0, torch.sin(x) * y**2, x * y)


def same(mine, others):
    for a, b in zip(mine, others, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", [lambda f: f, wg.jit, wg.vectorize])
@pytest.mark.parametrize("x", [1.3, -0.4])
def test_derivatives_of_every_order(make, x):
    f = wg.torch.function(make(g))
    args = tensor(x).double().requires_grad_(), tensor(0.7).double().requires_grad_()
    assert gradcheck(f, args, nondet_tol=1e-12)
    assert gradgradcheck(f, args, nondet_tol=1e-12)
    third = []
    for each in (f, torch_g):
        first = torch.autograd.grad(each(*args), args[0], create_graph=True)[0]
        second = torch.autograd.grad(first, args[1], create_graph=True)[0]
        third.append(
            torch.autograd.grad(second, args[0], allow_unused=True, materialize_grads=True)
        )
    same(*third)


def test_batches_are_broadcast():
    f = wg.torch.function(wg.vectorize(g))
    args = doubles(5, 1), doubles(4, seed=1)
    assert f(*args).shape == (5, 4)
    assert gradcheck(f, args, nondet_tol=1e-12)
    assert gradgradcheck(f, args, nondet_tol=1e-12)
    same([f(*args)], [torch_g(*args)])
    assert f(torch.ones(0, requires_grad=True), 1.0).shape == (0,)


def test_signatures_and_shared_parameters():
    f = wg.torch.function(wg.vectorize(lambda w, x: wg.tanh(w @ x), signature="(n),(n)->()"))
    w, x = doubles(3), doubles(10, 3, seed=1)
    f(w, x).sum().backward()
    expected = torch.autograd.grad(torch.tanh(x @ w).sum(), (w, x))
    same((w.grad, x.grad), expected)


@pytest.mark.parametrize("over", [wg.sum_over, wg.mean_over])
def test_sums_over_data(over):
    data = doubles(20, 3, seed=2).detach()
    f = wg.torch.function(over(lambda w, x: wg.tanh(w @ x) ** 2, data))
    w = doubles(3)
    assert gradgradcheck(f, (w,), nondet_tol=1e-12)
    total = torch.sum if over is wg.sum_over else torch.mean
    same([f(w)], [total(torch.tanh(data @ w) ** 2)])
    same(torch.autograd.grad(f(w, batch=[0, 3]), w),
         torch.autograd.grad(total(torch.tanh(data[[0, 3]] @ w) ** 2), w))  # fmt: skip
    moved = torch.func.vmap(torch.func.grad(f))(torch.eye(3).double())
    same([moved[1]], torch.autograd.grad(f(v := torch.eye(3).double()[1].requires_grad_()), v))


def test_structures():
    def model(p, x):
        return {"y": p["a"][0] * x + p["a"][1], "of": ("name", None, x)}

    a, x = doubles(2), tensor([1.0, 2.0])
    out = wg.torch.function(model)({"a": [a[0], 3.0]}, x)
    assert out["of"][:2] == ("name", None)
    same(torch.autograd.grad(out["y"].sum(), a), [tensor([3.0, 0.0]).double()])


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(["float32"], "float32"), (["float64"], "float64"), (["float16"], "float16"),
     (["bfloat16"], "bfloat16"), (["float32", "float64"], "float64"),
     (["int64", "float32"], "float32"), (["int64"], "float32")],
)  # fmt: skip
@pytest.mark.parametrize("make", [wg.jit, wg.vectorize])
def test_dtypes_are_promoted_as_torch_does(make, kinds, expected):
    f = wg.torch.function(make(lambda *x: 2.0 * sum(x)))
    args = [torch.ones((), dtype=getattr(torch, kind)) for kind in kinds]
    assert f(*args).dtype == getattr(torch, expected)
    assert f(*args).item() == 2.0 * len(kinds)
    for arg in args:
        if arg.is_floating_point():
            arg.requires_grad_()
            (slope,) = torch.autograd.grad(f(*args), arg)
            assert (slope.dtype, slope.item()) == (arg.dtype, 2.0)


def test_what_torch_func_has():
    f = wg.torch.function(g)
    args = tensor(1.3).double(), tensor(0.7).double()
    same(torch.func.jacrev(torch.func.grad(f, (0, 1)))(*args),
         torch.func.jacrev(torch.func.grad(torch_g, (0, 1)))(*args))  # fmt: skip
    same([torch.func.hessian(f, 1)(*args)], [torch.func.hessian(torch_g, 1)(*args)])
    same(torch.func.jvp(f, args, args), torch.func.jvp(torch_g, args, args))
    many = doubles(6).detach()
    same([torch.func.vmap(torch.func.grad(f), (0, None))(many, args[1])],
         [torch.func.vmap(torch.func.grad(torch_g), (0, None))(many, args[1])])  # fmt: skip
    rows = wg.torch.function(wg.vectorize(g))
    table = doubles(5, 2).detach()
    same([torch.func.vmap(rows, (1, None))(table, many[:5])], [torch_g(table.T, many[:5])])


def test_no_gradient_is_kept_where_none_is_wanted():
    f = wg.torch.function(g)
    assert not f(tensor(1.0), 2.0).requires_grad
    with torch.no_grad():
        assert not f(doubles()[()], 2.0).requires_grad
    x = doubles()
    f(x, tensor(2)).backward()
    assert x.grad is not None


def test_modules_train():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(2))
            self.f = wg.torch.function(
                wg.vectorize(lambda w, x: w[0] * x + w[1], signature="(p),()->()")
            )

        def forward(self, x):
            return self.f(self.w, x)

    model, x = Model(), torch.linspace(-1.0, 1.0, 20)
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = torch.mean((model(x) - (3.0 * x - 1.0)) ** 2)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    torch.testing.assert_close(model.w.detach(), tensor([3.0, -1.0]), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")  # torch's own, while it compiles
def test_torch_compile_leaves_it_as_it_is():
    f = wg.torch.function(wg.vectorize(g))
    x = doubles(4)
    made = torch.compile(lambda x: f(2.0 * x, 3.0).sum() + 1.0, backend="eager")
    same(torch.autograd.grad(made(x), x), torch.autograd.grad(torch_g(2.0 * x, 3.0).sum(), x))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda f: f(torch.ones(2, device="meta"), 1.0), r"argument 0 is on meta.*Write x\.cpu"),
        (lambda f: f({"a": torch.eye(2).to_sparse()}, 1), r"argument 0\['a'\] is a sparse tensor"),
        (lambda f: f(torch.ones(2, dtype=torch.complex64), 1.0), "argument 0 is complex"),
        (lambda f: f(1.0, y=tensor(1.0)), "held fixed, and y is a tensor. Pass it by its position"),
        (lambda f: f(object(), 1.0), "argument 0 is object, and not a tensor"),
        (lambda f: wg.torch.function(3.0), r"wg\.torch\.function takes a function, not float 3\.0"),
    ],
)
def test_what_cannot_be_computed_is_said(call, says):
    with pytest.raises(wg.OperandError, match=says):
        call(wg.torch.function(g))


def test_errors_of_the_function_are_its_own():
    def f(x):
        if x > 1.0:
            raise KeyError("too much")
        return x

    with pytest.raises(KeyError, match="too much"):
        wg.torch.function(f)(tensor(2.0))
    assert repr(wg.torch.function(f)).startswith("<torch function of <jit of ")


def test_the_page_shows_what_is_given():
    pytest.importorskip("jax")
    page = Path(__file__).parents[2] / "docs" / "torch-and-jax.md"
    assert not doctest.testfile(str(page), module_relative=False).failed
