"""The makers of programs and the second evaluator stand beside the tests of programs."""

import sys
from pathlib import Path

for folder in (Path(__file__).parents[1] / "program", Path(__file__).parents[1]):
    sys.path.insert(0, str(folder))
