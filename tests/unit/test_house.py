"""The budgets of the house: nothing grows unseen, importing does nothing, nothing committed belongs to one machine."""

import ast
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "genai_social_sim"

MODULE_LINES: Final = 400
FUNCTION_LINES: Final = 40  # without decorators and docstring; aim at 10
POSITIONAL_PARAMETERS: Final = 5

# What is over a budget today and why, as "path" or "path::function". This only shrinks.
EXCEPTIONS: Final[dict[str, str]] = {}

HEAVY: Final = {"numpy", "pyarrow", "pydantic", "jinja2", "apsw", "xllamacpp", "rich", "asyncio"}
IMPORT_BUDGET_MS: Final = 150

OF_ONE_MACHINE: Final = re.compile(
    r"(?<![\w.~-])/(?:home|root|work|farm|Users)/\w"  # somebody's folder
    r"|[A-Z]:\\{1,2}Users\\"
    r"|index[-_]url\b|find[-_]links\s*[ =]\s*\S|trusted[-_]host\b"  # package index settings
    r"|files\.pythonhosted\.org|pypi\.org/simple"
)
SPEAKS_OF_THEM: Final = {"tests/unit/test_house.py", "tools/lock.py"}  # the rule itself, and what keeps them out


def sources() -> Iterator[Path]:
    for folder in ("src", "tests", "tools", "benchmarks", "validation"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    last = function.end_lineno or function.lineno
    docstring = function.body[0] if ast.get_docstring(function) else None
    documented = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return last - function.lineno + 1 - documented


def positional_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in {"self", "cls"}])


def over_budget() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > MODULE_LINES:
            found[name] = f"{length} lines"
        for function in functions(path):
            if lines_of(function) > FUNCTION_LINES:
                found[f"{name}::{function.name}"] = f"{lines_of(function)} lines"
            # A test's parameters are fixtures and table columns, which pytest passes by name.
            if positional_of(function) > POSITIONAL_PARAMETERS and not function.name.startswith("test_"):
                found[f"{name}::{function.name}"] = f"{positional_of(function)} positional parameters"
    return found


def in_a_fresh_interpreter(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, text=True)


def committed_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing here is committed")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_every_module_and_function_stays_within_its_budget() -> None:
    assert {name: size for name, size in over_budget().items() if name not in EXCEPTIONS} == {}


def test_the_list_of_exceptions_only_shrinks() -> None:
    assert EXCEPTIONS.keys() <= over_budget().keys(), "these are within budget now: take them off the list"


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = in_a_fresh_interpreter("-c", "import genai_social_sim, sys; print(*sys.modules)").stdout.split()
    assert HEAVY & set(loaded) == set()


def test_importing_the_package_is_quick() -> None:
    def import_ms() -> float:
        report = in_a_fresh_interpreter("-X", "importtime", "-c", "import genai_social_sim").stderr
        rows = (line.removeprefix("import time:").split("|") for line in report.splitlines())
        return sum(int(row[1]) for row in rows if len(row) == 3 and row[2] == " genai_social_sim") / 1000

    assert 0 < min(import_ms() for _ in range(3)) < IMPORT_BUDGET_MS  # the best of three: load is not ours


def test_nothing_committed_names_a_package_index_or_a_folder_of_one_machine() -> None:
    found = []
    for path in committed_files():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_bytes().decode("utf-8", "replace") if name not in SPEAKS_OF_THEM else ""
        rows = enumerate(text.splitlines(), start=1)
        found += [f"{name}:{number}: {row.strip()[:100]}" for number, row in rows if OF_ONE_MACHINE.search(row)]
    assert found == []


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    in_a_fresh_interpreter("-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if name.startswith("genai_social_sim/")}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert packed == {path.relative_to(PACKAGE.parent).as_posix() for path in files}


def test_a_test_that_reaches_beyond_loopback_is_refused() -> None:
    with socket.socket() as one, pytest.raises(RuntimeError, match="tests use loopback only"):
        one.connect(("192.0.2.1", 80))
    with pytest.raises(RuntimeError, match="tests use loopback only"):
        socket.getaddrinfo("example.org", 80)


def test_loopback_is_open_to_tests() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
