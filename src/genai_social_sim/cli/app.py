"""The group of all commands: each is imported when it is asked for, and every failure ends in `failing.told`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from genai_social_sim.cli import failing

COMMANDS: Final = {
    "init": "starting",
    "import-config": "starting",
    "freeze": "starting",
    "run": "running",
    "seed": "running",
    "resume": "running",
    "observe": "looking",
    "show": "looking",
    "verify": "checking",
    "replay": "checking",
    "diff": "branching",
    "fork": "branching",
    "make-whole": "branching",
    "measure": "measuring",
    "compare": "measuring",
    "export": "exporting",
    "tabulate": "tabulating",
    "report": "reporting",
    "serve": "serving",
    "models": "machine",
    "doctor": "machine",
    "worker": "working",
    "schema": "starting",
}


class App(click.Group):
    """Finds commands by name. Its `main` never lets an exception through and ends the process with an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"genai_social_sim.cli.commands.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with; names a near one if there is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean `gss {close[0]}`?" if close else ""
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; if nobody reads any more (`| head` has seen enough), it did what it was asked."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return 0

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and exit."""
        given = list(sys.argv[1:] if args is None else args)
        _open_streams()
        extra["standalone_mode"] = False
        try:
            code = super().main(given, prog_name or "gss", **extra)
        except (Exception, KeyboardInterrupt) as fault:  # noqa: BLE001 (the outermost place: a traceback is a bug)
            code = failing.told(fault, as_json="--json" in given)
        sys.exit(_flushed(code if isinstance(code, int) else 0))


def _open_streams() -> None:
    """Streams that take anything: what the terminal's encoding cannot show is escaped, a closed one swallows it."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (for as long as we live)
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """The exit code, after what is left to print was printed or given up: else Python complains at its end."""
    try:
        sys.stdout.flush()
    except OSError as fault:
        if not isinstance(fault, BrokenPipeError):
            code = code or failing.told(fault, as_json=False)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


@click.group(
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: gss init my-study, then: gss run my-study/study.yaml. Each command has its own --help.",
)
@click.version_option(package_name="genai-social-sim", prog_name="genai-social-sim", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Let language models talk to each other, and keep a record by which every run can be proved."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
