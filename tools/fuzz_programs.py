"""Hostile program files and texts: each is refused, or gives a program within its bounds.

    python tools/fuzz_programs.py [--count 100000] [--seed 0]

Saved and printed programs are mutated: bytes, characters, words, lines and whole parts of what the
JSON holds. What is read may raise `ProgramError` and nothing else, within a limit of time and of
memory, and may not open, import, compile or start anything; then it is run.
"""

import argparse
import hashlib
import json
import random
import signal
import sys
import traceback
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "program"))

import numpy as np
from evaluate import bits
from samples import SAMPLES

from wengert.errors import PathChanged, ProgramError
from wengert.program.file import DEFLATED, HEAD, MAGIC, STORED, VERSION, dumped, undumped
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.statements import While, walk
from wengert.run.interpret import Interpreter, interpret

SECONDS, RUNNING = 10, 2  # for reading one case, and for running it
MEMORY = 3 << 30
SMALL = 100_000  # operations that are written out
FORBIDDEN = ("open", "import", "compile", "exec", "subprocess", "os.", "socket", "shutil", "ctypes")
HUGE = [-1, 0, 1, 2, 3, 63, 2**31, 2**56, 2**63, 2**64, 10**9, 10**18, 10**40, -(2**63)]
ODD: list[Any] = [*HUGE, 0.5, 1e308, float("nan"), None, True, "", "value", "x", [], {}, [[]]]


class ForbiddenError(Exception):
    """Something was done that reading data never needs."""


class _Watch:
    """Notices what happens while it is on."""

    def __init__(self) -> None:
        self.on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _: Any) -> None:
        if self.on and event.startswith(FORBIDDEN):
            self.on = False
            raise ForbiddenError(event)


# --- mutations ------------------------------------------------------------------------------------


def hostile_bytes(data: bytes, choose: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled, or put in from elsewhere."""
    changed = bytearray(data)
    for _ in range(choose.choice([1, 1, 2, 5])):
        if not changed:
            break
        at = choose.randrange(len(changed))
        size = min(choose.choice([1, 4, 8, 64]), len(changed) - at)
        fate = choose.randrange(5)
        if fate == 0:
            changed[at] ^= 1 << choose.randrange(8)
        elif fate == 1:
            del changed[at : at + size]
        elif fate == 2:
            changed[at:at] = changed[at : at + size]
        elif fate == 3:
            changed[at : at + size] = choose.randbytes(size)
        else:
            del changed[at:]
    return bytes(changed)


def hostile_text(text: str, choose: random.Random) -> str:
    """Words and lines changed, doubled, moved, or taken from another program."""
    lines = text.split("\n")
    for _ in range(choose.choice([1, 1, 2, 4])):
        at = choose.randrange(len(lines))
        fate = choose.randrange(9)
        if fate == 0:
            lines.insert(at, choose.choice(lines))
        elif fate == 1 and len(lines) > 1:
            del lines[at]
        elif fate == 2:
            lines[at] = _hostile_words(lines[at], choose)
        elif fate == 3:
            other = choose.choice(TEXTS).split("\n")
            start = choose.randrange(len(other))
            lines[at:at] = other[start : start + choose.choice([1, 3, 100])]
        elif fate == 4:
            depth = choose.choice([1, 3, 70, 2000])
            nested = [f"{'    ' * k}for n{k} in 2:" for k in range(depth)]
            lines[at:at] = [*nested, f"{'    ' * depth}t999 = 1.0"]
        elif fate == 5:
            k = choose.randrange(len(lines[at]) + 1)
            lines[at] = (
                lines[at][:k] + choose.choice("()[]{}=*+-.,:#\"'@~\\\0\u2028 é9") + lines[at][k:]
            )
        elif fate == 6:
            lines[at] = " " * choose.choice([1, 2, 4, 8]) + lines[at]
        elif fate == 7:
            k = choose.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:k] + choose.choice("([{-*") * 5000 + lines[at][k:]
        else:
            lines[at] = _hostile_words(lines[at], choose)
    return "\n".join(lines)


def _hostile_words(line: str, choose: random.Random) -> str:
    words = line.split(" ")
    at = choose.randrange(len(words))
    strange = [*map(str, HUGE), "inf", "nan", "x", "t1", "value[0]", "const[9]", "out", "if", "@"]
    other = choose.choice(choose.choice(TEXTS).split())
    words[at] = choose.choice([choose.choice(strange), other, words[at] * 2, "", words[at][:-1]])
    digits = [k for k, letter in enumerate(line) if letter.isdigit()]
    if digits and choose.randrange(2):
        k = choose.choice(digits)
        return line[:k] + str(choose.choice(HUGE)) + line[k + 1 :]
    return " ".join(words)


def hostile_json(data: Any, choose: random.Random) -> Any:
    """Some part of what a file describes replaced, dropped, doubled, swapped or nested."""
    data = _copied(data)
    for _ in range(choose.choice([1, 1, 2, 3])):
        inside = _some_container(data, choose)
        if not inside:
            continue
        key = choose.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        fate = choose.randrange(6)
        if fate == 0:
            inside[key] = choose.choice(ODD)
        elif fate == 1:
            del inside[key]
        elif fate == 2:
            other = _some_container(data, choose)
            inside[key] = _copied(other)
        elif fate == 3 and isinstance(inside, list):
            inside.insert(key, _copied(inside[key]))
        elif fate == 4 and isinstance(inside[key], int):
            inside[key] += choose.choice([-1, 1, 2**31, 2**55])
        else:
            for _ in range(choose.choice([1, 35, 70])):
                inside[key] = ["for", 2, [inside[key]]]
    return data


def _copied(data: Any) -> Any:
    return json.loads(json.dumps(data))


def _some_container(data: Any, choose: random.Random) -> Any:
    found = []
    pending = [data]
    while pending:
        each = pending.pop()
        if isinstance(each, list | dict):
            if each:
                found.append(each)
            pending += each.values() if isinstance(each, dict) else each
    return choose.choice(found)


# --- cases ----------------------------------------------------------------------------------------


def taken_apart(data: bytes) -> tuple[Any, bytes]:
    """What a file describes, and its arrays."""
    _, _, packing, described, _, _ = HEAD.unpack_from(data)
    content = data[HEAD.size :]
    if packing == DEFLATED:
        content = zlib.decompress(content)
    return json.loads(content[:described]), content[described:]


def signed(content: bytes, described: int, choose: random.Random) -> bytes:
    """A file with a head that fits its content."""
    digest = hashlib.sha256(content).digest()
    packing = choose.choice([STORED, DEFLATED])
    head = HEAD.pack(MAGIC, VERSION, packing, described, len(content), digest)
    return head + (zlib.compress(content, 1) if packing == DEFLATED else content)


def case(choose: random.Random) -> tuple[Callable[[Any], Program], Any]:
    """What to read, and how."""
    fate = choose.randrange(10)
    if fate < 4:
        return Program.parse, hostile_text(choose.choice(TEXTS), choose)
    data = choose.choice(FILES)
    if fate == 4:
        return undumped, hostile_bytes(data, choose)
    described, arrays = taken_apart(data)
    if fate == 5:
        arrays = hostile_bytes(arrays, choose)
    else:
        described = hostile_json(described, choose)
    try:
        text = json.dumps(described).encode()
    except RecursionError:  # deeper than JSON can be written here
        text = b"[" * 5_000
    if fate == 6:
        text = hostile_bytes(text, choose)
    elif fate == 7:
        at = choose.randrange(len(text))
        text = text[:at] + choose.choice([b"[", b'{"a":', b"9"]) * 10_000 + text[at:]
    text += b" " * (-len(text) % 8)
    return undumped, signed(text + arrays, len(text), choose)


def judged(read: Callable[[Any], Program], hostile: Any) -> tuple[str, Program | None]:
    """What became of a case, and the program; anything else is an exception, and a fault."""
    try:
        program = read(hostile)
    except ProgramError:
        return "refused", None
    checked(program)
    hash(program)
    if len(program) > SMALL or max(program.sizes.values()) > 10 * SMALL:
        program.text(limit=50)
        return "read, large", program
    assert Program.parse(str(program)) == program, "it is not read back"
    try:
        program.expand()
    except ProgramError:
        return "read, not expanded", program
    return "read", program


def evaluated(program: Program) -> str:
    """What became of running a program that was read."""
    if len(program) > SMALL or max(program.sizes.values()) > 10 * SMALL:
        return ", not run"
    inputs = np.linspace(0.1, 2.0, program.arguments.size)
    try:
        found = interpret(program, inputs)
        ready = Interpreter(program)(inputs)  # the former walks through what is short
        assert bits(found) == bits(ready), "it gives something else"
    except ProgramError:
        return ", cannot be run"
    except PathChanged:
        return ", takes another path"
    except TimeoutError:
        if not any(isinstance(loop, While) for _, around in walk(program.statements)
                   for loop in around):  # fmt: skip
            raise
        return ", runs on"  # as a loop with a condition may; Ctrl-C ends it
    return ", run"


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def run(count: int, seed: int) -> Counter[str]:
    """Try so many cases; the words of `judged`, counted.

    Raises:
        Exception: whatever a case raised; the case is in a note to it.
    """
    watch = _Watch()
    for text, data in zip(TEXTS, FILES, strict=True):
        for read, sample in ((Program.parse, text), (undumped, data)):
            _, program = judged(read, sample)  # all that is imported, is by now
            assert program is not None
            evaluated(program)
    outcomes: Counter[str] = Counter()
    before = signal.signal(signal.SIGALRM, _too_long)
    try:
        for number in range(count):
            choose = random.Random(f"{seed} {number}")
            read, hostile = case(choose)
            signal.alarm(SECONDS)
            watch.on = True
            try:
                outcome, program = judged(read, hostile)
                watch.on = False  # the interpreter compiles code of its own
                if program is not None:
                    signal.alarm(RUNNING)
                    outcome += evaluated(program)
                outcomes[outcome] += 1
            except BaseException as error:
                watch.on = False
                error.add_note(f"case {number} of seed {seed}: {hostile!r:.3000}")
                raise
            finally:
                watch.on = False
                signal.alarm(0)
    finally:
        signal.signal(signal.SIGALRM, before)
    return outcomes


TEXTS = [str(program) for program in SAMPLES]
FILES = [dumped(program) for program in SAMPLES]


def main() -> int:
    """Run from the command line."""
    import resource

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    step = 10_000
    total: Counter[str] = Counter()
    for start in range(0, given.count, step):
        try:
            total += run(min(step, given.count - start), given.seed * 1000 + start // step)
        except Exception:
            traceback.print_exc()
            return 1
        print(f"{sum(total.values()):,} cases: {dict(total)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
