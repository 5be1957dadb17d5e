"""`gss tabulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import Command, json_option, parallel_option


@click.command(
    cls=Command,
    examples=[
        ("gss tabulate conventions.yaml", "how the model chooses in each state of its memory"),
        ("gss tabulate conventions.yaml --set memory.last=3 --check 500", "a smaller table, compared with the model"),
    ],
    exits={1: "the model does not answer, or --check found another thing than the table", 130: "stopped; run it again"},
    json_keys='{"ok": true, "data": {"table", "states", "calls", "calls_now", "legal_mass", "unread", '
    '"check": [{"option", "made", "expected", "chosen", "spread", "agrees"}]}, "warnings": []}.',
)
@click.argument("study", metavar="STUDY", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The table: .csv, .jsonl or .parquet; answers are kept beside it.  [default: NAME-table.csv beside the study]",
)
@click.option("--agent", metavar="NAME", help="Whose persona and model.  [default: the first of the first channel]")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value of the study. Repeatable.")
@click.option(
    "--draws",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="How often each question is asked where the model tells no probabilities.",
)
@click.option(
    "--check",
    type=click.IntRange(0, 1_000_000),
    default=0,
    metavar="N",
    help="Have N choices made directly, in states and orders drawn, and compare them with the table.",
)
@parallel_option
@json_option
def tabulate(study: Path, **given: Any) -> None:
    """Read a table of choices from a model.

    How it chooses in each state of its memory, for `backend: response_table`.

    For studies with `memory: {kind: interactions}`. Each state is asked in every order of the options; answers are kept
    as they come, so that a second call asks only for what is missing.
    """
    from genai_social_sim.cli.tabulating import tabulate_study

    tabulate_study(study, **given)
