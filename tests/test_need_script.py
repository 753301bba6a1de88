"""tools/js/need.sh installs what is missing where it may, and else says what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools/js/need.sh"
APT = """#!/bin/sh
echo "$*" >> "{log}"
case "$*" in *broken*) exit 100;; esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with a shell, an `id` that says root, and nothing else."""
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("There is no shell")
    (tmp_path / "sh").symlink_to(shell)
    script(tmp_path / "id", "#!/bin/sh\necho 0\n")
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def needed(programs: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", str(SCRIPT), *words], env={"PATH": str(programs)}, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_there_is_left_alone(programs: Path) -> None:
    script(programs / "apt-get", APT.format(log=programs / "log"))
    assert needed(programs, "dash", "no-such-program", "sh") == (0, "")
    assert not (programs / "log").exists()


def test_what_is_missing_is_installed(programs: Path) -> None:
    script(programs / "apt-get", APT.format(log=programs / "log"))
    assert needed(programs, "nodejs", "node", "nodejs") == (0, "installing nodejs\n")
    assert (programs / "log").read_text().splitlines()[1].endswith(" nodejs")


@pytest.mark.parametrize("package", ["nodejs", "broken"])
def test_where_that_cannot_be_done_the_remedy_is_named(package: str, programs: Path) -> None:
    if package == "broken":
        script(programs / "apt-get", APT.format(log=programs / "log"))
    code, said = needed(programs, package, "no-such-program")
    assert code == 1
    assert f"Install it: apt-get install {package}, as root" in said
