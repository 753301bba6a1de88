"""Pictures: the graph of a Value, and the curves of functions.

`drawing` is what users meet. Below it, each step has a file: `fold` chooses what is shown as one,
`scene` says what is drawn, `layout` finds the positions, `place` turns both into shapes, and
`svg`, `dot` and `plot` write them.
"""
