"""Signatures are those of NumPy's gufuncs."""

import numpy as np
import pytest

import wengert as wg
from wengert.run.signature import Signature

GOOD = [
    "()", "(n)", "(n)->()", "(m,n),(n)->(m)", "(),()->(),()", " ( n ) , ( m )->( n ,m)",
    "(p_1)->(q)",
]  # fmt: skip
BAD = [
    "", "n", "(n", "(n)->", "->()", "(n)(m)", "(n,)->()", "(n)->()->()", "(-1)", "(n m)", None, 3,
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_good_ones(text):
    found = Signature.parse(text)
    assert found.text == text
    if "->" in text:
        inputs, outputs = np.vectorize(len, signature=text)._in_and_out_core_dims
        assert list(found.arguments) == inputs
        assert list(found.results) == outputs
    else:
        assert found.results is None


@pytest.mark.parametrize("text", BAD)
def test_bad_ones(text):
    with pytest.raises(wg.OperandError, match="core dimensions of arguments and results"):
        Signature.parse(text)


def test_core_shapes():
    signature, sizes = Signature.parse("(m,n),(n,3)->(m)"), {}
    assert signature.core(("m", "n"), (7, 2, 4), "a", sizes) == (2, 4)
    assert sizes == {"m": 2, "n": 4}
    assert signature.core(("n", "3"), (4, 3), "b", sizes) == (4, 3)
    assert signature.core((), (4, 3), "c", sizes) == ()
    for dims, shape, says in [
        (("n", "3"), (4, 2), "b has 2 numbers along 3"),
        (("n", "3"), (5, 3), "b has 5 numbers along n, which is 4"),
        (("n", "3"), (3,), r"at least 2 axes, \(n,3\)"),
    ]:
        with pytest.raises(wg.OperandError, match=says):
            signature.core(dims, shape, "b", sizes)


def test_counts():
    with pytest.raises(wg.OperandError, match="is of 2 arguments, and 3 were given"):
        Signature.parse("(),()").count(3, "f()")
