"""Where the examples of a sum come from changes no bit of it: arrays, mapped files, chunks."""

import itertools
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert.run import data, llvm, summing

TIERS = ["interpreter", *(["native"] if llvm.is_there() else [])]
every_tier = pytest.mark.parametrize("tier", TIERS)
RNG = np.random.default_rng(3)
COUNT = 1003
X, Y = RNG.standard_normal((COUNT, 3)), RNG.standard_normal(COUNT)
X[[333, 800], 0] = 0.0
W = np.array([0.1, -0.4, 0.3])


def loss(w, x, y):
    return wg.exp(-0.1 * (w @ x - y) ** 2)


def bent(w, x, y):
    return (w @ x - y) ** 2 if w @ x > y else abs(w @ x - y)


def rooted(w, x, y):
    """Whose gradient has a zero that absorbs an infinity, where x[0] is 0."""
    return wg.where(x[0] > 0.0, wg.sqrt(abs(w[0] * x[0])), w[1] * y) + w[2]


class Cut:
    """Data in chunks of these sizes, again and again."""

    def __init__(self, *sizes, x=X, y=Y):
        self.sizes, self.x, self.y = sizes, x, y

    def __iter__(self):
        start = 0
        for size in itertools.cycle(self.sizes):
            yield self.x[start : start + size], self.y[start : start + size]
            start += size
            if start >= len(self.x):
                return


@pytest.fixture
def small_portions(monkeypatch):
    """So that a few hundred examples are many portions."""
    monkeypatch.setattr(summing, "PORTION", 32)
    monkeypatch.setattr(summing, "LARGER", 64)
    monkeypatch.setattr(summing, "FROM", 512)
    monkeypatch.setattr(summing, "TOGETHER", 3)
    monkeypatch.setattr(data, "FEW", 64)


CUTS = [(7,), (64,), (100,), (2000,), (1, 200, 0, 3), (129, 5, 63)]


def same(a, b):
    assert np.array_equal(a[0], b[0])
    assert np.array_equal(a[1], b[1])


@every_tier
@pytest.mark.parametrize("function", [loss, bent, rooted])
def test_bits_do_not_depend_on_chunks(function, tier, small_portions):
    def total(*given, threads=2):
        return wg.value_and_grad(wg.sum_over(function, *given, tier=tier, threads=threads))

    whole = total(X, Y, threads=1)(W)
    np.testing.assert_allclose(
        whole[0], sum(function(W, x, y) for x, y in zip(X, Y, strict=True)), rtol=1e-12
    )
    for sizes in CUTS:
        same(total(Cut(*sizes))(W), whole)


def test_portions_begin_at_the_same_examples():
    whole = [part.end - part.begin for part in summing.portions(700_000, 0)]
    assert whole == [8192] * 32 + [32768] * 13 + [700_000 - 32 * 8192 - 13 * 32768]
    ends, before = [], 0
    for size in (5000, 300_000, 3 * 8192 - 5000, 700_000 - 300_000 - 3 * 8192):
        parts = summing.portions(size, before)
        ends += [before + part.end for part in parts if part.closed]
        before += size
    assert ends == np.cumsum(whole)[:-1].tolist()


@pytest.mark.parametrize("count", range(20))
def test_neighbours_are_added_in_pairs(count):
    tree = summing.Tree()
    rows = [np.array([f"{k}"], object) for k in range(count)]
    for row in rows:
        tree.add(row)
    assert len(tree.kept) == count.bit_count()
    while len(rows) > 1:
        pairs = [a + b for a, b in zip(rows[::2], rows[1::2], strict=False)]
        rows = [*pairs, *rows[2 * len(pairs) :]]
    assert tree.total(1) == (rows[0] if rows else np.zeros(1))


def test_what_gives_chunks():
    whole = wg.sum_over(loss, X, Y)(W)

    def generator():
        yield from Cut(400)

    for source in (Cut(400), generator, lambda: Cut(400), lambda: iter(Cut(400)),
                   lambda: ([x, y] for x, y in Cut(400))):  # fmt: skip
        total = wg.sum_over(loss, source)
        assert total(W) == whole == total(W)
    assert wg.sum_over(lambda a, x: a * x, lambda: iter([Y[:7], Y[7:]]))(2.0) == pytest.approx(
        2.0 * Y.sum(), rel=1e-12
    )
    named = ({"x": x, "y": y} for x, y in Cut(400))
    assert wg.sum_over(lambda w, d: loss(w, d["x"], d["y"]), named)(W) == whole


def test_every_transform_of_chunks():
    whole, cut = (wg.mean_over(loss, *given) for given in ((X, Y), (Cut(77),)))
    for made in (wg.grad, wg.hessian, lambda f: lambda w: wg.jvp(f, (w,), (w,)),
                 lambda f: wg.jit(wg.value_and_grad(f))):  # fmt: skip
        np.testing.assert_allclose(
            np.hstack(made(cut)(W)), np.hstack(made(whole)(W)), rtol=1e-11, atol=1e-13
        )
    of_values = cut([wg.Value(w) for w in W.tolist()])
    assert of_values.data == pytest.approx(whole(W), rel=1e-12)


@every_tier
@pytest.mark.parametrize("rows", [slice(3, 400), slice(None, None, -2), [0, 5, -1], Y > 0.5,
                                  np.array([7, 7, 999, 0]), slice(5, 5)])  # fmt: skip
def test_minibatches_of_chunks(rows, tier):
    whole, cut = (
        wg.value_and_grad(wg.sum_over(loss, *given, tier=tier)) for given in ((X, Y), (Cut(77, 9),))
    )
    same(cut(W, batch=rows), whole(W, batch=rows))
    with pytest.raises(wg.OperandError, match="row numbers below 1003"):
        cut(W, batch=[1003])


def test_no_more_is_read_than_a_minibatch_needs():
    read = []

    def chunks():
        for k, chunk in enumerate(Cut(100)):
            read.append(k)
            yield chunk

    total = wg.sum_over(loss, chunks)
    total(W)
    assert read == [*range(11)]
    total(W, batch=[150])
    assert read == [*range(11), 0, 1]


def test_a_chunk_may_be_written_to_when_the_next_one_is_read():
    def chunks():
        x, y = np.empty((100, 3)), np.empty(100)
        for start in range(0, 1000, 100):
            x[...], y[...] = X[start : start + 100], Y[start : start + 100]
            yield x, y

    assert wg.sum_over(loss, chunks)(W) == wg.sum_over(loss, X[:1000], Y[:1000])(W)


@pytest.mark.parametrize("make", [lambda: iter(Cut(500)), lambda: zip([X], [Y], strict=True)])
def test_what_can_be_read_once_is_read_once(make):
    once = make()
    total = wg.sum_over(loss, once)
    assert total(W) == wg.sum_over(loss, X, Y)(W)
    again = "can be read only once, and have been: .*Give a function that makes a new one"
    with pytest.raises(wg.OperandError, match=again):
        total(W)
    given = make()
    total = wg.sum_over(loss, lambda: given)
    total(W)
    with pytest.raises(wg.OperandError, match=again):
        total(W)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((lambda: 3,), "a function among the data gives an iterator of chunks, not int 3"),
        ((lambda: iter([]),), "the data are no chunks at all"),
        ((Cut(10), Y), "chunks are the only data"),
        ((lambda: iter([(X, Y[:5])]),), "chunk 0: the data are of different lengths"),
        ((lambda: iter([3.0]),), "chunk 0: argument data0 is one number"),
        ((lambda: iter([([wg.Value(1.0)], Y[:1])]),), "chunk 0: the data are plain numbers"),
        ((lambda: iter([(X, Y), (X[:, :2], Y)]),),
         r"chunk 1: an example is an array of shape \(2,\), one number, and was an array of shape "
         r"\(3,\)"),
    ],
)  # fmt: skip
def test_chunks_that_do_not_fit(given, says):
    with pytest.raises(wg.OperandError, match=f"sum_over of loss.*{says}"):
        wg.sum_over(loss, *given)(W)


def test_an_error_while_reading_is_the_readers():
    def chunks():
        yield X[:5], Y[:5]
        raise OSError("disk")

    total = wg.sum_over(loss, chunks)
    for _ in range(2):
        with pytest.raises(OSError, match="disk"):
            total(W)


def test_means_of_chunks():
    assert wg.mean_over(loss, Cut(90))(W) == wg.mean_over(loss, X, Y)(W)
    with pytest.raises(wg.OperandError, match="no mean of no examples"):
        wg.mean_over(loss, lambda: iter([(X[:0], Y[:0])]))(W)
    assert wg.sum_over(loss, lambda: iter([(X[:0], Y[:0])]))(W) == 0.0


def test_sums_over_chunks_say_what_they_are():
    total = wg.sum_over(loss, Cut(500))
    assert repr(total) == "<sum_over of loss: chunks of examples, 0 paths>"
    total(W)
    assert repr(total) == "<sum_over of loss: 1,003 examples, 1 paths>"
    assert pickle.loads(pickle.dumps(total))(W) == total(W)


@pytest.fixture
def mapped(tmp_path):
    def make(array):
        made = np.memmap(tmp_path / f"{array.dtype}.bin", array.dtype, "w+", shape=array.shape)
        made[...] = array
        return made

    return make


def test_mapped_files_are_read_where_they_are(mapped):
    x = mapped(X)
    total = wg.sum_over(loss, x, Y)
    assert np.shares_memory(total.data.examples.columns[0].array, x)
    assert total(W) == wg.sum_over(loss, X, Y)(W)
    assert np.shares_memory(total.data.taken(slice(2, 50, 3)).columns[0].array, x)


@pytest.mark.parametrize("rows", [None, slice(3, 400, 2), [5, -1, 5]])
def test_mapped_files_of_other_numbers_are_converted_in_parts(mapped, rows, monkeypatch):
    monkeypatch.setattr(data, "CONVERTED", 8 * 8 * 4 * 10)
    x, y = X.astype(np.float32), np.round(100.0 * Y).astype(np.int16)
    total = wg.sum_over(loss, mapped(x), y)
    assert [block.count for block in total.data.blocks()] == [80] * 12 + [43]
    assert total(W, batch=rows) == wg.sum_over(loss, x, y)(W, batch=rows)
    named = wg.sum_over(lambda w, d: loss(w, d["x"], d["y"]), {"x": mapped(x), "y": y})
    assert named(W, batch=rows) == total(W, batch=rows)
    with pytest.raises(wg.OperandError, match="different lengths"):
        wg.sum_over(loss, mapped(x), y[:5])
    with pytest.raises(wg.OperandError, match="data1 is one number"):
        wg.sum_over(loss, mapped(x), 3.0)


def test_report_of_sums():
    total = wg.value_and_grad(wg.sum_over(loss, X, Y, tier="interpreter"))
    assert total.programs == ()
    total(W)
    (program,) = total.programs
    assert program.arguments.size == 7
    (row,) = total.report().rows
    assert row.tier == "interpreter"
    assert row.measured > 0.0
    assert "value_and_grad of loss: 1,003 examples, 1 paths" in str(total.report())


@pytest.mark.skipif("native" not in TIERS, reason="needs llvmlite")
def test_report_of_compiled_sums():
    total = wg.jit(wg.sum_over(loss, X, Y), tier="native")
    total(W)
    (row,) = total.report().rows
    assert row.tier.startswith("native")
    assert row.measured > 0.0
    assert "define" in total.llvm[0]
    assert total.assembly[0]


@pytest.mark.skipif("native" not in TIERS, reason="needs llvmlite")
@pytest.mark.parametrize("count", [33, 39, 64])
def test_one_kernel_serves_for_all_portions(count, small_portions):
    total = wg.sum_over(loss, X[:count], Y[:count], tier="native")
    total(W)
    assert len(total.llvm) == 1
