"""The lesson: ten short flows from the slope of a function to back-propagation.

Each flow is a title, a few sentences, and code. The tour runs the code and shows what it prints;
the page `docs/lesson.md` is written from the same flows. Nothing here is output: every number a
reader sees was computed when it was shown.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of the lesson. The code of all flows runs in one namespace, in order."""

    title: str
    text: str
    code: str


FLOWS = (
    Flow(
        "The slope of a function",
        "A derivative is a slope: how much the result moves when the input moves a little. "
        "You can measure it: go a step h to the right, and divide the rise by h. The curve below "
        "is flat at x = 2/3, and there the measured slope is zero.",
        """
import wengert as wg
from wengert import Value, draw_dot, trace

def f(x):
    return 3*x**2 - 4*x + 5

f(3.0)
h = 1e-10
(f(2/3 + h) - f(2/3)) / h
wg.plot(f, -5, 5, at=3.0, h=1.0)

def d(a, b, c):
    return a*b + c

h = 1e-5
(d(2.0 + h, -3.0, 10.0) - d(2.0, -3.0, 10.0)) / h   # b
(d(2.0, -3.0 + h, 10.0) - d(2.0, -3.0, 10.0)) / h   # a
(d(2.0, -3.0, 10.0 + h) - d(2.0, -3.0, 10.0)) / h   # 1
""",
    ),
    Flow(
        "Build an expression and see it",
        "A `Value` is a number that remembers how it was made. Arithmetic on Values builds a "
        "graph: boxes hold numbers, circles are operations, and everything flows to the right. "
        "Each box shows its label, its number and its gradient, which nobody has filled in yet.",
        """
a = Value(2.0, label="a")
b = Value(-3.0, label="b")
c = Value(10.0, label="c")
f = Value(-2.0, label="f")
e = a*b; e.label = "e"
d = e + c; d.label = "d"
L = d*f; L.label = "L"
L
nodes, edges = trace(L)
len(nodes)
wg.draw(L)
for step in wg.steps(L, "forward"): print(step)
""",
    ),
    Flow(
        "Fill in the gradients by hand",
        "The gradient of a node is the slope of L with respect to it. Start at L, whose slope "
        "with respect to itself is 1, and walk left: multiply the gradient you have by the slope "
        "of the one operation in between. That is the chain rule. `wg.check` grades what stands "
        "there after each step.",
        """
L.grad = 1.0
f.grad = d.data * L.grad
d.grad = f.data * L.grad
wg.check(L)
c.grad = 1.0 * d.grad
e.grad = 1.0 * d.grad
a.grad = b.data * e.grad
b.grad = a.data * e.grad
draw_dot(L)
wg.check(L).ok
""",
    ),
    Flow(
        "Verify each gradient by nudging",
        "Do not believe a gradient: measure it. Move one number by h, compute everything again, "
        "and see how far L moved. `forward()` computes an expression again from its leaves; an "
        "intermediate number can be nudged by adding h where it is used.",
        """
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
""",
    ),
    Flow(
        "Nudge along the gradient",
        "Gradients say which way is up. Move every leaf a little along its gradient and L must "
        "grow. This is all that training is, only that a loss is moved down instead of up.",
        """
for _ in range(2):
    for leaf in (a, b, c, f):
        leaf.data += 0.01 * leaf.grad
    print(L.forward().data)
""",
    ),
    Flow(
        "A neuron",
        "A neuron weighs its inputs, adds a bias and squashes the sum with tanh. `backward()` "
        "does for any expression what you did by hand above.",
        """
x1 = Value(2.0, label="x1")
x2 = Value(0.0, label="x2")
w1 = Value(-3.0, label="w1")
w2 = Value(1.0, label="w2")
b = Value(6.8813735870195432, label="b")
x1w1 = x1*w1; x1w1.label = "x1w1"
x2w2 = x2*w2; x2w2.label = "x2w2"
s = x1w1 + x2w2; s.label = "x1w1 + x2w2"
n = s + b; n.label = "n"
o = n.tanh(); o.label = "o"
o.backward()
wg.draw(o)
x1.grad, w1.grad, x2.grad, w2.grad
""",
    ),
    Flow(
        "Backward, one node at a time",
        "`backward()` holds no secret: it sets the gradient of the root to 1 and asks each node, "
        "from the root to the leaves, to pass its gradient on to its operands. Here you ask.",
        """
o.zero_grad()
o.grad = 1.0
o._backward()
n._backward()
b._backward()
s._backward()
x1w1._backward()
x2w2._backward()
x1.grad, w1.grad, x2.grad, w2.grad
for step in wg.steps(o): print(step)
""",
    ),
    Flow(
        "A value used twice",
        "When a node is used in two places, both contribute, and their contributions add up. "
        "Overwriting one with the other is the classic mistake.",
        """
a = Value(3.0, label="a")
b = a + a; b.label = "b"
b.backward()
a.grad
wg.draw(b)
a.grad = 1.0   # as if the second contribution had overwritten the first
wg.check(b)
""",
    ),
    Flow(
        "Topological order by hand",
        "A node may pass its gradient on only when it has received all of it. Sorting the graph "
        "so that operands come before their users, and walking it backwards, makes sure of that.",
        """
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

x1.grad, w1.grad, x2.grad, w2.grad
""",
    ),
    Flow(
        "The neuron by hand, graded",
        "Now fill all the neuron's gradients yourself. One of them is wrong below, and the check "
        "says which, and why. (`wg.quiz(o)` asks you for one after the other.)",
        """
o.zero_grad()
o.grad = 1.0
n.grad = 1 - o.data**2
s.grad = 1.0 * n.grad
b = o.operands[0].operands[1]
b.grad = 1.0 * n.grad
x1w1.grad = 1.0 * s.grad
x2w2.grad = 1.0 * s.grad
x1.grad = w1.data * x1w1.grad
w1.grad = w1.data * x1w1.grad   # the mistake: it should be x1.data
x2.grad = w2.data * x2w2.grad
w2.grad = x2.data * x2w2.grad
wg.check(o)
w1.grad = x1.data * x1w1.grad
wg.check(o).ok
""",
    ),
    Flow(
        "Train it",
        "Let the neuron answer 0.9 instead of 0.7: measure how wrong it is, get the gradient of "
        "that, and move weights and bias a little downhill. Again and again.",
        """
loss = (o - 0.9)**2; loss.label = "loss"
losses = []
for _ in range(60):
    loss.zero_grad()
    loss.backward()
    for leaf in (w1, w2, b):
        leaf.data -= 0.2 * leaf.grad
    losses.append(loss.forward().data)

round(o.data, 3)
wg.plot_history(losses, log=True)
""",
    ),
)

NEXT = """\
What to try next:
  wengert quiz "tanh(x1*w1 + x2*w2 + b)" --at x1=2,x2=0,w1=-3,w2=1,b=6.88
  wengert step "sin(x)*y**2" --at x=1,y=2
  wengert draw "x*x + relu(x)" --at x=3 -o mine.svg
  wengert doctor
and, in Python: import wengert as wg; help(wg.Value)
"""
