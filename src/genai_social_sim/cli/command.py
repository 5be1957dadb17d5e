"""What all commands have in common: how their help reads, and options that several take. It imports click alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

DONE: Final = "done"
INTERRUPTED: Final = 130
_EXIT_CODES: Final[Mapping[int, str]] = {
    0: DONE,
    1: "failed",
    2: "the request was wrong",
    INTERRUPTED: "interrupted",
}


class Command(click.Command):
    """A command whose help ends with examples and exit codes.

    Args:
        args: As for `click.Command`.
        examples: Command lines to paste, each with what it does.
        exits: Words for exit codes in place of the usual ones; an empty one leaves a code out.
        json_keys: What `--json` prints, in words; empty for a command without it.
        named: As for `click.Command`.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[tuple[str, str]] = (),
        exits: Mapping[int, str] | None = None,
        json_keys: str = "",
        **named: Any,
    ) -> None:
        named.setdefault("context_settings", {}).setdefault("max_content_width", 100)
        super().__init__(*args, **named)
        self.examples = examples
        self.exits = {**_EXIT_CODES, **(exits or {})}
        self.json_keys = json_keys

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, what `--json` prints, exit codes."""
        with formatter.section("Examples"):
            formatter.write_dl(self.examples, col_max=60)
        if self.json_keys:
            with formatter.section("With --json"):
                formatter.write_text(self.json_keys)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), words) for code, words in self.exits.items() if words])


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on standard output and nothing else there."
)
run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Calls under way at once for each model. It never changes the result."
    "  [default: as the study or the model says]",
)
other_model_option = click.option(
    "--allow-other-model",
    is_flag=True,
    help="Go on although the model's weights are not those that the run began with; the record says so.",
)
durability_option = click.option(
    "--durability",
    type=click.Choice(["full", "process"]),
    help="What committed turns survive: `full` a power cut, `process` (faster) the end of the process."
    "  [default: as the study says, else full]",
)
broker_option = click.option(
    "--broker",
    metavar="URL",
    envvar="GSS_BROKER",
    show_envvar=True,
    help="A broker, such as redis://127.0.0.1:6379.",
)
mirror_option = click.option(
    "--mirror",
    metavar="URL",
    envvar="GSS_MIRROR",
    show_envvar=True,
    help="Publish each committed event in a topic of Kafka: kafka://HOST:PORT/TOPIC.",
)
runs_option = click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of the run files."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(0, 1_000),
    metavar="N",
    help="Let workers answer: N of this machine, and those at the broker. 0: none of this machine."
    "  [default: this process answers]",
)
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1, 1_000),
    metavar="N",
    default=1,
    show_default=True,
    help="Runs at once, each in a process of its own. It never changes the result.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Do not print the conversation.")
