"""Arrays and columns of other libraries are read where they are, and nothing is lost silently."""

import numpy as np
import pytest

import wengert as wg
from wengert.foreign import is_foreign, numpy_of

CPU, CUDA = (1, 0), (2, 0)


class Tensor:
    """What offers DLPack, and nothing else."""

    def __init__(self, array, on=CPU, **attributes):
        self.array, self.on = np.asarray(array), on
        vars(self).update(attributes)

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.on


class Bits(Tensor):
    """Whose numbers DLPack does not know."""

    def __dlpack__(self, **options):
        raise BufferError("no bits.\nSee there.")


class Both(Bits):
    def __array__(self, dtype=None, copy=None):
        return self.array


class Silent:
    """Tells no device."""

    def __array__(self, dtype=None, copy=None):
        return np.arange(3.0)


def column(library, array, **attributes):
    """What calls itself a column of a library."""
    kind = type("Series", (Silent,), {"__module__": f"{library}.core"})
    made = kind()
    vars(made).update(attributes)
    return made


def test_numbers_are_read_where_they_are():
    array = np.arange(6.0).reshape(2, 3)
    for view in (array, array.T, array[:, ::2]):
        found = numpy_of(Tensor(view), "x")
        assert np.shares_memory(found, array)
        assert np.array_equal(found, view)
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    assert np.shares_memory(numpy_of(Tensor(frozen), "x"), frozen)
    assert numpy_of(array, "x") is array
    assert np.array_equal(numpy_of(Both([True, False]), "x"), [True, False])
    assert numpy_of([1.0, 2.0], "x").tolist() == [1.0, 2.0]


def test_what_is_an_array_of_another_library():
    assert [*map(is_foreign, (Tensor(1.0), Silent(), np.ones(2)))] == [True] * 3
    assert not any(map(is_foreign, (1.0, np.float64(1.0), [1.0], Tensor, None)))


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (Tensor(1.0, requires_grad=True), wg.LostDerivativeError, r"detach.*wg\.torch\.function"),
        (Tensor(1.0, CUDA), wg.OperandError, "on another device than the CPU. Copy it first"),
        (Tensor(1.0, CUDA, device="cuda:0"), wg.OperandError, "than the CPU, cuda:0. Copy"),
        (Bits(1.0), wg.OperandError, "cannot be read as an array of numbers: no bits.$"),
        (column("polars", 0, null_count=lambda: 2), wg.OperandError, "2 numbers are missing"),
        (column("pyarrow", 0, null_count=1), wg.OperandError, "in which 1 number is missing"),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_said(given, error, says):
    with pytest.raises(error, match=says):
        numpy_of(given, "x")


def test_columns_without_missing_numbers():
    for given in (column("polars", 0, null_count=lambda: 0), column("pyarrow", 0, null_count=0)):
        assert numpy_of(given, "x").tolist() == [0.0, 1.0, 2.0]


def test_compiled_functions_take_them():
    array = np.arange(3.0)
    assert wg.vectorize(lambda x: 2.0 * x)(Tensor(array)).tolist() == [0.0, 2.0, 4.0]
    assert wg.vectorize(lambda x: 2.0 * x)(Tensor(array.astype(np.float32))).dtype == np.float32
    assert wg.jit(wg.grad(lambda x: wg.sum(x * x)))(Tensor(array)).tolist() == [0.0, 2.0, 4.0]
    assert wg.jit(lambda x: 2.0 * x)(Tensor(3.0)) == 6.0
    total = wg.sum_over(lambda a, x: a * x, Tensor(array))
    assert np.shares_memory(total.data.examples.columns[0].array, array)
    assert total(2.0) == 6.0
    assert wg.record(lambda x: x[0], Tensor(array)).arguments.size == 3
    with pytest.raises(wg.LostDerivativeError, match="vec.*argument x"):
        wg.vectorize(vec)(Tensor(array, requires_grad=True))
    with pytest.raises(wg.LostDerivativeError, match="argument data0"):
        wg.sum_over(vec, Tensor(array, requires_grad=True))


def vec(x):
    return x


@pytest.mark.parametrize("missing", [None, "1.0"])
def test_objects_are_numbers_each(missing):
    column = np.array([1.0, missing], object)
    with pytest.raises(wg.OperandError, match="argument x takes real numbers"):
        wg.vectorize(vec)(column)
    with pytest.raises(wg.OperandError, match="argument data0 takes real numbers"):
        wg.sum_over(vec, column)
    assert wg.vectorize(vec)(np.array([1, 2.5], object)).tolist() == [1.0, 2.5]


# --- the libraries themselves, where they are installed -------------------------------------------


def checked(make, missing, *others):
    """Columns give what arrays of their numbers give."""
    numbers = np.array([1.0, 2.5, -3.0])
    scaled = wg.vectorize(lambda a, x: a * x)
    assert scaled(2.0, make(numbers)).tolist() == [2.0, 5.0, -6.0]
    assert wg.sum_over(lambda a, x: a * x, make(numbers))(2.0) == 1.0
    assert wg.sum_over(lambda a, x: a * x, make(np.array([1, 2])))(2.0) == 6.0
    assert scaled(2.0, make(np.array([True, False]))).tolist() == [2.0, 0.0]
    with pytest.raises(wg.OperandError, match="1 number is missing"):
        scaled(2.0, missing)
    for other in others:
        with pytest.raises(wg.OperandError):
            scaled(2.0, other)


def test_pandas():
    pd = pytest.importorskip("pandas")
    checked(pd.Series, pd.Series([1, None], dtype="Int64"), pd.Series(["a"]),
            pd.Series([1.0, None], dtype=object))  # fmt: skip
    assert np.isnan(wg.vectorize(vec)(pd.Series([1.0, np.nan]))[1])  # that is a number of its own
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    assert wg.sum_over(lambda w, x: w @ x, frame)(np.array([1.0, 10.0])) == 73.0
    with pytest.raises(wg.OperandError, match="DataFrame in which 1 number is missing"):
        wg.sum_over(lambda w, x: w, pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}))


def test_polars():
    pl = pytest.importorskip("polars")
    checked(pl.Series, pl.Series([1.0, None]), pl.Series(["a"]))
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    assert wg.sum_over(lambda w, x: w @ x, frame)(np.array([1.0, 10.0])) == 73.0
    with pytest.raises(wg.OperandError, match="DataFrame in which 1 number is missing"):
        wg.sum_over(lambda w, x: w, pl.DataFrame({"a": [1.0, None], "b": [3, 4]}))


def test_arrow():
    pa = pytest.importorskip("pyarrow")
    checked(pa.array, pa.array([1.0, None]), pa.array(["a"]))
    checked(lambda x: pa.chunked_array([x[:1], x[1:]]), pa.chunked_array([[1.0], [None]]))
    table = pa.table({"a": [1.0, 2.0], "b": [3, 4]})
    assert wg.sum_over(lambda w, x: w @ x, table)(np.array([1.0, 10.0])) == 73.0
    with pytest.raises(wg.OperandError, match="Table in which 1 number is missing"):
        wg.sum_over(lambda w, x: w, pa.table({"a": [1.0, None], "b": [3, 4]}))
    whole = np.arange(5.0)
    assert np.shares_memory(numpy_of(pa.array(whole), "x"), whole)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(3.0, dtype=torch.float64)
    assert np.shares_memory(numpy_of(tensor, "x"), tensor.numpy())
    assert wg.vectorize(vec)(tensor.float()).dtype == np.float32
    for other in (tensor.to(torch.bfloat16), tensor.to_sparse(), torch.ones(3, device="meta")):
        with pytest.raises(wg.OperandError, match="cannot be read as an array of numbers"):
            wg.vectorize(vec)(other)
    with pytest.raises(wg.LostDerivativeError, match="Parameter that requires a gradient"):
        wg.jit(vec)(torch.nn.Parameter(tensor))


def test_jax_arrays():
    jax = pytest.importorskip("jax")
    assert wg.vectorize(lambda x: 2.0 * x)(jax.numpy.ones(2)).tolist() == [2.0, 2.0]
    with pytest.raises(wg.OperandError, match=r"write wg\.jax\.function"):
        jax.jit(wg.jit(vec))(jax.numpy.ones(2))
    with pytest.raises(wg.OperandError, match="not an array of bfloat16"):
        wg.vectorize(vec)(jax.numpy.ones(2, "bfloat16"))
