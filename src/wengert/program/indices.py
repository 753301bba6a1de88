"""Places taken apart into indices that are affine in the counters of loops."""

from collections.abc import Iterator, Sequence

from wengert.program.address import span

Affine = tuple[int, tuple[int, ...]]  # a constant, and a factor for each counter
Match = tuple[tuple[float, int], tuple[Affine, ...]]
TRIES = 64  # ways to take a place apart that are looked at


def match(
    offset: int, strides: Sequence[int], counts: Sequence[int],
    radices: Sequence[int], sizes: Sequence[int], common: int = 0, beyond: bool = False,
) -> Match | None:  # fmt: skip
    """Indices, affine in counters, such that `Σ radices·index` is `offset + Σ strides·counter`.

    Args:
        offset: what the indices come to where all counters are 0.
        strides: by how much each counter moves it.
        counts: how far each counter runs.
        radices: what each index counts for.
        sizes: below which each index should stay.
        common: so many counters are also the first indices, if possible.
        beyond: whether a counter may move an index further than its size.

    Returns:
        Which part of the indices is within the sizes, and (below 0) how far the others are off;
        and the indices. None, if there are none.
    """
    factors = [[0] * len(counts) for _ in radices]
    for d, stride in enumerate(strides):
        if stride:
            k = _index_for(stride, counts[d], radices, sizes, d if d < common else -1, beyond)
            if k is None:
                return None
            factors[k][d] = stride // radices[k]
    spans = [span(0, row, [max(n, 1) for n in counts]) for row in factors]
    order = sorted((k for k, radix in enumerate(radices) if radix), key=lambda k: -abs(radices[k]))
    best: tuple[tuple[float, int], list[int]] | None = None
    for offsets in _offsets(offset, order, radices, spans, sizes):
        score = _score(offsets, spans, sizes)
        if best is None or score > best[0]:
            best = score, offsets
    if best is None:
        return None
    indices = tuple((o, tuple(row)) for o, row in zip(best[1], factors, strict=True))
    return best[0], indices


def _index_for(
    stride: int, count: int, radices: Sequence[int], sizes: Sequence[int], own: int, beyond: bool
) -> int | None:
    """The index that a counter moves."""
    if own >= 0 and radices[own] == stride:
        return own
    choices = [
        (abs(stride // radix) * (count - 1) >= sizes[k], abs(stride // radix), -k)
        for k, radix in enumerate(radices)
        if radix and stride % radix == 0
    ]
    if not choices or (min(choices)[0] and not beyond):
        return None
    return -min(choices)[2]


def _offsets(
    rest: int, order: Sequence[int], radices: Sequence[int],
    spans: Sequence[tuple[int, int]], sizes: Sequence[int],
) -> Iterator[list[int]]:  # fmt: skip
    """Ways to write a number in mixed radices, those that may stay within the sizes."""
    pending = [(rest, 0, [0] * len(radices))]
    for _ in range(TRIES):
        if not pending:
            return
        rest, depth, offsets = pending.pop()
        if depth == len(order):
            if rest == 0:
                yield offsets
            continue
        k = order[depth]
        quotient, remainder = divmod(rest, radices[k])
        for choice in (quotient + 1, quotient) if remainder else (quotient,):
            chosen = [*offsets]
            chosen[k] = choice
            pending.append((rest - choice * radices[k], depth + 1, chosen))


def _score(
    offsets: Sequence[int], spans: Sequence[tuple[int, int]], sizes: Sequence[int]
) -> tuple[float, int]:
    part, off = 1.0, 0
    for offset, (low, high), size in zip(offsets, spans, sizes, strict=True):
        first, last = max(low + offset, 0), min(high + offset, size - 1)
        part *= max(last - first + 1, 0) / (high - low + 1)
        off -= max(-(low + offset), 0) + max(high + offset - size + 1, 0)
    return part, off


def composed(outer: Sequence[Affine], inner: Sequence[Affine], width: int) -> tuple[Affine, ...]:
    """Indices affine in counters that are themselves affine in `width` others."""
    result = []
    for constant, factors in outer:
        total, row = constant, [0] * width
        for factor, (c, below) in zip(factors, inner, strict=True):
            total += factor * c
            row = [a + factor * b for a, b in zip(row, below, strict=True)]
        result.append((total, tuple(row)))
    return tuple(result)
