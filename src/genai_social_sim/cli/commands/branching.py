"""`gss fork` and `gss diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import (
    Command,
    durability_option,
    jobs_option,
    json_option,
    other_model_option,
    parallel_option,
    quiet_option,
    run_argument,
)


@click.command(
    cls=Command,
    examples=[
        ('gss fork RUN --at 6 --say "BOT1=I was wrong."', "what if it had said that?"),
        ("gss fork RUN --at 6 --mute BOT2 --replicates 20", "the same with twenty chances"),
    ],
    exits={
        0: "the forks are finished",
        1: "some are not: each is told; the records are in order",
        130: "interrupted; the same command goes on",
    },
    json_keys='{"ok": true, "data": [{"run", "condition", "levels", "replicate", "seed", "status", "turns", "digest", '
    '"parent", "at_turn", "changes", "resample", "same", "first"}], "warnings": []}; "first": where it parts from its '
    'parent ({"what", "turn", "agent", "here", "there"}) or null.',
)
@run_argument
@click.option("--at", type=click.IntRange(0), metavar="TURN", required=True, help="The first turn that is played anew.")
@click.option(
    "--say", multiple=True, metavar="AGENT=TEXT", help="What an agent whose turn it is then says instead. Repeatable."
)
@click.option("--mute", multiple=True, metavar="AGENT", help="An agent that loses its voice. Repeatable.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a value of the study from then on, such as model.temperature=0.2. Repeatable.",
)
@click.option(
    "--intervene",
    "interventions",
    multiple=True,
    metavar="YAML",
    help="An intervention, as in a study file without `at`. Repeatable.",
)
@click.option(
    "--replicates",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="So many forks, each with another chance from there on; the first one has the parent's.  [default: 1]",
)
@click.option("--resample", is_flag=True, help="Other chance for the first one, too.")
@click.option("--whole", is_flag=True, help="Copy the past into each fork's file, so that it needs no other.")
@jobs_option
@parallel_option
@durability_option
@other_model_option
@quiet_option
@json_option
def fork(run: Path, **given: Any) -> None:
    """Go on differently from a past turn of a run, in a new record.

    The past is the parent's and stays in its record, which the fork needs (see make-whole). All chance that the change
    does not touch stays the same: without a change it comes to the same digest. What is finished is left as it is.
    """
    from genai_social_sim.cli.forking import Asked, fork_run
    from genai_social_sim.cli.playing import Wish

    asked = Asked(**{name: given.pop(name) for name in ("say", "mute", "changes", "interventions")})
    forks = {name: given.pop(name) for name in ("at", "replicates", "resample", "jobs", "whole")}
    fork_run(run, asked, Wish(**given, workers=None), **forks)


@click.command(
    cls=Command,
    examples=[
        ("gss make-whole runs/talk-1a2b3c4d-seed42-fork5.sqlite", "before it is given away"),
        ("gss make-whole FORK --past moved/talk-1a2b3c4d-seed42.sqlite", "with a parent that was moved"),
    ],
    exits={0: "they hold all of their events", 1: "one does not: its past is missing or was changed", 130: ""},
    json_keys='{"ok": true, "data": [{"run", "copied"}, ...], "warnings": []}; "copied": events that it did not hold.',
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--past",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where a run file is now that holds the past, if it was moved. Repeatable.",
)
@json_option
def make_whole(runs: tuple[Path, ...], *, past: tuple[Path, ...], as_json: bool) -> None:
    """Copy the past of forks into their own files.

    Each needs no other file then: it can be moved, published and checked alone. Digest and chain stay the same.
    """
    from genai_social_sim.cli.forking import make_runs_whole

    make_runs_whole(runs, past, as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss diff runs/a.sqlite runs/b.sqlite", "where do they part?"),
        ("gss diff a.sqlite copy.sqlite --json", "the same, for a program"),
    ],
    exits={0: "they are the same run", 1: "they part: the first divergence is named", 130: ""},
    json_keys='{"ok": true, "data": {"runs", "same", "turns", "study", "seeds", "first"}, "warnings": []}; runs that '
    'differ give the same data beside "ok": false and "error".',
)
@click.argument("here", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("there", metavar="RUN", type=click.Path(path_type=Path))
@json_option
def diff(here: Path, there: Path, *, as_json: bool) -> None:
    """Say where two runs part: the turn, the agent, and what.

    That is its prompt, its parameters, the seed of its call, or its answer to the same.
    """
    from genai_social_sim.cli.forking import diff_runs

    diff_runs(here, there, as_json=as_json)
