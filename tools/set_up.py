"""Makes .venv with the locked dependencies and this package in it; called by `make`, and usable by hand on Windows.

Standard library only, and readable by any Python 3, so that an old one gets an answer instead of a syntax error.
It says what is downloaded while it is, and keeps all that pip said in .venv/install.log.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
LOG = VENV / "install.log"
READY = VENV / ".ready"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WORTH_SHOWING = re.compile(r"Downloading (\S+) \((\d+(?:\.\d+)?) MB\)")


def check_python() -> None:
    """Refuse a Python that is too old or cannot make virtual environments, with the remedy."""
    here = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info < (3, 11):
        sys.exit(
            "This needs Python 3.11 or newer; {} is {}.\n"
            "If a newer one is installed, name it: make demo PYTHON=python3.13".format(sys.executable, here)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            "{0} cannot make virtual environments: its venv module is missing.\n"
            "On Debian and Ubuntu: sudo apt install python{1}-venv".format(sys.executable, here)
        )


def make_venv() -> None:
    if PYTHON.exists() and subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        return
    say("Making a virtual environment in .venv")
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        sys.exit("{} -m venv failed, for the reason above; then run the same command again.".format(sys.executable))


def pip(*arguments: str) -> None:
    """Run the environment's pip: the log gets every line, the terminal the large downloads."""
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-color"]
    command += ["--progress-bar", "off"]
    command += arguments
    environment = dict(os.environ, PIP_USER="0", PYTHONUNBUFFERED="1")
    child = subprocess.Popen(command, cwd=str(ROOT), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = []
    with child, LOG.open("a", encoding="utf-8") as log:
        for raw in child.stdout or ():
            line = raw.decode("utf-8", "replace").rstrip()
            said.append(line)
            log.write(line + "\n")
            show(line)
    if child.returncode != 0:
        say("\n".join(said[-15:]))
        sys.exit("pip failed, for the reason above (all it said: .venv/install.log). Then run the same command again.")


def show(line: str) -> None:
    large = WORTH_SHOWING.search(line)
    if large:
        say("  downloading {} ({} MB)".format(large.group(1).split("-")[0], large.group(2)))
    elif line.startswith("Installing collected packages") and "," in line:
        say("  unpacking {} packages".format(line.count(",") + 1))


def locked(name: str) -> str:
    """The lock file's entry for one package."""
    entry = re.search(r"(?m)^{}==.*\n(?:[ \t]+.*\n)*".format(name), LOCK.read_text(encoding="utf-8"))
    if entry is None:
        sys.exit("requirements.lock has no {}; take it from git again, or resolve it anew: make lock".format(name))
    return entry.group(0)


def install() -> None:
    LOG.write_text("", encoding="utf-8")
    say("Installing what requirements.lock names into .venv (about 200 MB, once; a minute or two)")
    # pip is itself locked, and goes first: it should not replace itself in the middle of other work.
    own_entry = VENV / "pip.lock"
    own_entry.write_text(locked("pip"), encoding="utf-8")
    pip("--require-hashes", "-r", str(own_entry))
    pip("--require-hashes", "-r", str(LOCK))
    pip("--no-deps", "--no-build-isolation", "-e", ".")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    check_python()
    make_venv()
    install()
    READY.touch()
    say("Ready.")
