"""`gss run` and `gss resume`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import (
    Command,
    durability_option,
    json_option,
    other_model_option,
    parallel_option,
    quiet_option,
    run_argument,
)

_EXITS = {
    0: "the run is finished",
    1: "it failed; the record is in order",
    130: "interrupted; `gss resume RUN` goes on",
}
_JSON = (
    'One document: {"ok": true, "data": [{"run", "condition", "replicate", "seed", "status", "turns", "digest"}], '
    '"warnings": []}; after a failure {"ok": false, "error": {"code", "message", "where", "remedy"}}. '
    'With prices in the study, a run has "cost" and "currency", too.'
)


@click.command(
    cls=Command,
    examples=[
        ("gss run study.yaml", "play it and print the conversation"),
        ("gss run study.yaml --seed 7 --set stop.turns=40", "other chance, and longer"),
    ],
    exits=_EXITS,
    json_keys=_JSON,
)
@click.argument("study", metavar="STUDY", type=click.Path(path_type=Path))
@click.option("--seed", type=int, metavar="N", help="Chance in place of the study's own seed.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a value of the study, for this run. Repeatable.",
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of the run files."
)
@click.option("--again", is_flag=True, help="Play it in a new record although it is finished.")
@click.option("--dry-run", is_flag=True, help="Only say how many calls and tokens it needs, and about how long.")
@parallel_option
@durability_option
@other_model_option
@quiet_option
@json_option
def run(**given: Any) -> None:
    """Play a study and print its conversation.

    A run that was interrupted goes on where its record ends; a finished one is left as it is.
    """
    from genai_social_sim.cli.playing import Wish, play_study

    study, seed, changes = given.pop("study"), given.pop("seed"), given.pop("changes")
    if given.pop("dry_run"):
        from genai_social_sim.cli.forecasting import forecast_study

        forecast_study(study, seed=seed, changes=changes, as_json=given["as_json"])
        return
    runs, again = given.pop("runs"), given.pop("again")
    play_study(study, Wish(**given), seed=seed, changes=changes, runs=runs, again=again)


@click.command(
    cls=Command,
    examples=[
        ("gss resume runs/rare-earths-1a2b3c4d-seed42.sqlite", "go on where it stopped"),
        ("gss resume runs/big.sqlite --quiet --parallel 4", "without printing, four calls at once"),
    ],
    exits=_EXITS,
    json_keys=_JSON,
)
@run_argument
@parallel_option
@durability_option
@other_model_option
@quiet_option
@json_option
def resume(run: Path, **given: Any) -> None:
    """Go on with a run where its record ends.

    It comes to the same result as if it had never stopped.
    """
    from genai_social_sim.cli.playing import Wish, play_on

    play_on(run, Wish(**given))
