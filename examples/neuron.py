"""A neuron with two inputs: its output, its gradients, and their numerical proof."""

import wengert as wg
from wengert import Value

x = [Value(2.0, label="x1"), Value(0.0, label="x2")]
w = [Value(-3.0, label="w1"), Value(1.0, label="w2")]
b = Value(6.8813735870195432, label="b")

o = wg.tanh(wg.dot(x, w) + b)
o.label = "o"
o.backward()

for step in wg.steps(o):
    print(step)
print(wg.check(o))
wg.draw(o).save("neuron.svg")
