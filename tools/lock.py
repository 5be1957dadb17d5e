"""Resolves requirements.lock for every supported Python and platform; called by `make lock`. It installs nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Everything that `make demo`, `make test` and `make check` install, for Python 3.11 and newer on every platform.
# Made by `make lock`; not edited by hand. It names no package index: each user's own settings say where to look.
"""


def resolve() -> str:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links", "--all-extras", "--group", "dev"]
    done = subprocess.run([*command, "pyproject.toml"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    (ROOT / "requirements.lock").write_text(HEADER + resolve(), encoding="utf-8", newline="\n")
