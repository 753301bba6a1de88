"""Getting a picture out: a page around it, a file in place, and Graphviz where it is asked for."""

import os
import shutil
import subprocess
from pathlib import Path

from wengert.errors import DrawError

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Computation graph</title>
<style>body{margin:16px}@media (prefers-color-scheme:dark){body{background:#0b0d10}}</style>
"""


def html_of(svg: str) -> str:
    """A page that holds a picture, and needs nothing else."""
    return f"{PAGE}{svg}\n</html>\n"


def write(path: Path, data: bytes) -> None:
    """Put a whole file in place, or leave what was there."""
    path = path.resolve()
    if not path.parent.is_dir():
        raise DrawError(f"The folder {str(path.parent)!r} does not exist. Make it first.")
    if path.is_dir():
        raise DrawError(f"{str(path)!r} is a folder. Name a file.")
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def graphviz(source: str, form: str) -> bytes:
    """What Graphviz makes of DOT text."""
    program = shutil.which("dot")
    if program is None:
        raise DrawError(
            'engine="dot" needs the program dot of Graphviz, which is not installed. Install the '
            'package graphviz of your system, or leave engine at "wengert", which needs nothing.'
        )
    done = subprocess.run([program, f"-T{form}"], input=source.encode(), capture_output=True)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise DrawError(f"Graphviz could not draw the graph: {reason or done.returncode}.")
    return done.stdout
