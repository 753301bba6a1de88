"""The lesson's two graphs, by label, as many tests use them."""

from wengert import Value


def expression() -> dict[str, Value]:
    """L = (a*b + c)*f."""
    a, b, c, f = (Value(x, label=n) for n, x in zip("abcf", (2.0, -3.0, 10.0, -2.0), strict=True))
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    loss = d * f
    loss.label = "L"
    return {"a": a, "b": b, "c": c, "f": f, "e": e, "d": d, "L": loss}
