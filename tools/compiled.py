"""Makes a wheel whose hot path is compiled, and .compiled, an environment that has it; called by `make compiled`.

The wheel is made from a source distribution, in a folder of its own, so that the checkout stays as it is. The
environment finds everything else in .venv.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".compiled"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHEELS = ROOT / "dist"


def check_compiler() -> None:
    """Refuse a machine that cannot compile, with the remedy. On Windows setuptools looks for one by itself."""
    if os.name == "nt":
        return
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        sys.exit(
            f"There is no C compiler here: Python was built with {compiler}, which is not found.\n"
            "On Debian and Ubuntu: sudo apt install gcc; on macOS: xcode-select --install. To take another one:\n"
            "CC=clang make compiled. Without any, the package runs all the same, only slower."
        )
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        sys.exit(
            f"The C headers of Python are missing ({header}).\n"
            f"On Debian and Ubuntu: sudo apt install python{sys.version_info.major}.{sys.version_info.minor}-dev"
        )


def make_wheel() -> Path:
    """A compiled wheel in dist/."""
    WHEELS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run("-m", "hatchling", "build", "--target", "sdist", "--directory", folder)
        (source,) = Path(folder).glob("*.tar.gz")
        run("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(source))
        (wheel,) = Path(folder).glob("*.whl")
        return Path(shutil.move(wheel, WHEELS / wheel.name))


def make_environment(wheel: Path) -> None:
    """The wheel in .compiled, which finds the rest in this environment."""
    venv.create(VENV, clear=True, symlinks=os.name != "nt")
    theirs = sysconfig.get_path("purelib", vars={"base": str(VENV), "platbase": str(VENV)})
    Path(theirs, "beside.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    run("-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel))


def run(*arguments: str) -> None:
    """Run a command of this environment; what it says goes where this script's words go."""
    environment = {**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "true", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if subprocess.call([sys.executable, *arguments], cwd=ROOT, env=environment) != 0:
        sys.exit("That failed, for the reason above.")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    check_compiler()
    say("Compiling the modules that every turn goes through (two to five minutes of one core)")
    wheel = make_wheel()
    say(f"{wheel.relative_to(ROOT)} is made; installing it in .compiled")
    make_environment(wheel)
    say("Ready. Try: make bench PY=.compiled/bin/python ARGS='w1 w2'; .compiled/bin/gss doctor; make compiled-test")
