"""The makers of programs stand beside the tests of programs, and the scenarios above them."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "program"), str(TESTS)]
