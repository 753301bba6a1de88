"""The makers of programs stand beside the tests of programs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "program"))
sys.path.insert(0, str(Path(__file__).parent))
