"""The lesson as a script: it prints its numbers and saves its pictures here."""

# --- 1. The slope of a function

import wengert as wg
from wengert import Value, draw_dot, trace


def f(x):
    return 3 * x**2 - 4 * x + 5


print(f(3.0))
h = 1e-10
print((f(2 / 3 + h) - f(2 / 3)) / h)
wg.plot(f, -5, 5, at=3.0, h=1.0).get_figure().savefig("01-the-slope-of-a-function-07.svg")


def d(a, b, c):
    return a * b + c


h = 1e-5
print((d(2.0 + h, -3.0, 10.0) - d(2.0, -3.0, 10.0)) / h)  # b
print((d(2.0, -3.0 + h, 10.0) - d(2.0, -3.0, 10.0)) / h)  # a
print((d(2.0, -3.0, 10.0 + h) - d(2.0, -3.0, 10.0)) / h)  # 1

# --- 2. Build an expression and see it

a = Value(2.0, label="a")
b = Value(-3.0, label="b")
c = Value(10.0, label="c")
f = Value(-2.0, label="f")
e = a * b
e.label = "e"
d = e + c
d.label = "d"
L = d * f
L.label = "L"
print(L)
nodes, edges = trace(L)
print(len(nodes))
wg.draw(L).save("02-build-an-expression-and-see-it-11.svg")
for step in wg.steps(L, "forward"):
    print(step)

# --- 3. Fill in the gradients by hand

L.grad = 1.0
f.grad = d.data * L.grad
d.grad = f.data * L.grad
print(wg.check(L))
c.grad = 1.0 * d.grad
e.grad = 1.0 * d.grad
a.grad = b.data * e.grad
b.grad = a.data * e.grad
draw_dot(L).save("03-fill-in-the-gradients-by-hand-09.svg")
print(wg.check(L).ok)

# --- 4. Verify each gradient by nudging


def slope(name, h):
    def run(nudge):
        n = {key: nudge if key == name else 0.0 for key in "abcdefL"}
        a, b, c, f = 2.0 + n["a"], -3.0 + n["b"], 10.0 + n["c"], -2.0 + n["f"]
        e = Value(a) * Value(b) + n["e"]
        d = e + Value(c) + n["d"]
        return (d * f + n["L"]).data

    return (run(h) - run(0.0)) / h


steps = {"L": 1e-3, "d": 1e-3, "f": 1e-5, "c": 1e-7, "e": 1e-5, "a": 1e-5, "b": 1e-5}
for name, h in steps.items():
    print(name, slope(name, h))

# --- 5. Nudge along the gradient

for _ in range(2):
    for leaf in (a, b, c, f):
        leaf.data += 0.01 * leaf.grad
    print(L.forward().data)

# --- 6. A neuron

x1 = Value(2.0, label="x1")
x2 = Value(0.0, label="x2")
w1 = Value(-3.0, label="w1")
w2 = Value(1.0, label="w2")
b = Value(6.8813735870195432, label="b")
x1w1 = x1 * w1
x1w1.label = "x1w1"
x2w2 = x2 * w2
x2w2.label = "x2w2"
s = x1w1 + x2w2
s.label = "x1w1 + x2w2"
n = s + b
n.label = "n"
o = n.tanh()
o.label = "o"
o.backward()
wg.draw(o).save("06-a-neuron-12.svg")
print(x1.grad, w1.grad, x2.grad, w2.grad)

# --- 7. Backward, one node at a time

o.zero_grad()
o.grad = 1.0
o._backward()
n._backward()
b._backward()
s._backward()
x1w1._backward()
x2w2._backward()
print(x1.grad, w1.grad, x2.grad, w2.grad)
for step in wg.steps(o):
    print(step)

# --- 8. A value used twice

a = Value(3.0, label="a")
b = a + a
b.label = "b"
b.backward()
print(a.grad)
wg.draw(b).save("08-a-value-used-twice-05.svg")
a.grad = 1.0  # as if the second contribution had overwritten the first
print(wg.check(b))

# --- 9. Topological order by hand

topo = []
visited = set()


def build_topo(v):
    if v not in visited:
        visited.add(v)
        for child in v._prev:
            build_topo(child)
        topo.append(v)


build_topo(o)
o.zero_grad()
o.grad = 1.0
for node in reversed(topo):
    node._backward()
print(x1.grad, w1.grad, x2.grad, w2.grad)

# --- 10. The neuron by hand, graded

o.zero_grad()
o.grad = 1.0
n.grad = 1 - o.data**2
s.grad = 1.0 * n.grad
b = o.operands[0].operands[1]
b.grad = 1.0 * n.grad
x1w1.grad = 1.0 * s.grad
x2w2.grad = 1.0 * s.grad
x1.grad = w1.data * x1w1.grad
w1.grad = w1.data * x1w1.grad  # the mistake: it should be x1.data
x2.grad = w2.data * x2w2.grad
w2.grad = x2.data * x2w2.grad
print(wg.check(o))
w1.grad = x1.data * x1w1.grad
print(wg.check(o).ok)

# --- 11. Train it

loss = (o - 0.9) ** 2
loss.label = "loss"
losses = []
for _ in range(60):
    loss.zero_grad()
    loss.backward()
    for leaf in (w1, w2, b):
        leaf.data -= 0.2 * leaf.grad
    losses.append(loss.forward().data)
print(round(o.data, 3))
wg.plot_history(losses, log=True).get_figure().savefig("11-train-it-05.svg")
