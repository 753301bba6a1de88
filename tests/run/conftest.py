"""The makers of programs and the second evaluator stand beside the tests of programs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "program"))
