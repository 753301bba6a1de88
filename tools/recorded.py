"""Write docs/programs.md: what Wengert records of the functions in examples/programs.py."""

import inspect
import runpy
from pathlib import Path

import wengert as wg

ROOT = Path(__file__).resolve().parent.parent
FILE = "examples/programs.py"
PICTURED = "layer"

INTRODUCTION = """\
# What Wengert recorded

<!-- Written by tools/recorded.py from examples/programs.py: change those, not this. -->

`wg.record(f, *example)` runs a plain Python function once and gives a Program: the flat list of
scalar operations that `f` performed, stored with the loops that were found in it. It takes and
gives what `f` does, and its numbers are those of `f`, bit for bit
([almost](#what-a-recording-does-not-see)). Here are five functions, and their programs as `print`
shows them; `python examples/programs.py` prints them on your machine.

How to read a program: a value has a name, `t1`, or its label; in a loop it has one for each
iteration, and `t2[j - 1]` is the one before. `t2[-1] = ...` in front of a loop is where it begins.
[The format](program-format.md) says the rest;
[what a Program is made of](decisions/program-statements.md) and
[how loops are found](decisions/rolling.md) are decisions.
"""

CLOSING = """\
## What becomes of a branch

An `if` on recorded numbers leaves a guard, which holds the program to the path it was recorded on.
Where other arguments would take another path, the program says so instead of giving a wrong answer:

```pycon
>>> import wengert as wg
>>> def f(x):
...     return wg.log(x) if x > 1.0 else x - 1.0
>>> program = wg.record(f, 2.0)
>>> program(3.0)
1.0986122886681098
>>> try:
...     program(0.5)
... except wg.PathChanged as error:
...     print(str(error).partition(" (")[0])
the recorded path no longer holds: x > 1.0 was true when recorded, and 0.5 > 1.0 is false

```

`wg.where(condition, x, y)` records both ways, and `wg.while_loop`, `wg.fori` and `wg.scan` state a
loop whose count depends on the arguments or is too large to be run once for the record.

## What a recording does not see

- *How NumPy adds up floats.* A recording adds from the left. `np.sum` and `@` on arrays of floats
  add in an order of their own, and may differ from the program in the last digits; on arrays of
  objects they do not.
- *Kinds of numbers.* A program gives floats: 3.0 for an integer 3, and 1.0 or 0.0 for a comparison
  that is returned. In the recorded function `isinstance(x, float)` is false, and arrays have the
  dtype `object`; where one of them holds indices, `xs[k.astype(int)]` uses them.
- *What Python makes without numbers.* Random numbers, the time, global variables and what is read
  from files are constants of the program, and a text such as `f"{x:.2f}"` stays as it is.
- *What is changed in place.* A function may change its arguments; a program leaves them alone.

## What does not roll

- *A loop of one or two rounds* stays as it is: there is nothing to tell its strides by.
- *The first round of a loop that carries a number* often reads an argument or a constant where the
  others read the round before. It stays in front of the loop: `t2[-1] = ...`.
- *Triangular nests, ragged rows, a branch for each element*: what repeats there has no constant
  strides. Operations of one kind become a loop through index tables. That is small and exact, but
  the tables grow with the program, and there is less to read in it.
- *Code without repetition* stays flat, in columns: about 24 bytes per operation.
"""


def generate(pictures: Path) -> str:
    """The page; the picture in it goes to a folder."""
    examples = runpy.run_path(str(ROOT / FILE))["EXAMPLES"]
    parts = [INTRODUCTION]
    for function, example in examples.items():
        program = wg.record(function, *example)
        name = function.__name__
        source = inspect.getsource(function)
        doc = inspect.getdoc(function) or ""
        code = source.replace(f'    """{doc}"""\n', "")
        parts.append(f"## {name}\n\n{doc}\n\n```python\n{code.rstrip()}\n```\n")
        parts.append(f"```\n{_shown(program)}\n```\n")
        if name == PICTURED:
            wg.draw(program, theme="light").save(pictures / f"program-{name}.svg")
            parts.append(f"`wg.draw(program)`:\n\n![{name}](pictures/program-{name}.svg)\n")
    return "\n".join([*parts, CLOSING])


def _shown(program: wg.Program) -> str:
    """Head and statements; of constants and tables only that they are there."""
    head, statements, *data = str(program).rstrip().split("\n\n")
    more = [f"... and {len(data)} blocks of constants and tables"] if data else []
    return "\n\n".join([head, statements, *more, program.explain()])
