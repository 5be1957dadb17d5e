"""`gss run`, `gss seed` and `gss resume`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import (
    Command,
    broker_option,
    durability_option,
    jobs_option,
    json_option,
    mirror_option,
    other_model_option,
    parallel_option,
    quiet_option,
    run_argument,
    runs_option,
    workers_option,
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
_JSON_OF_DESIGN = (
    ' Of a study with conditions or replicates "data" has every run, with its "levels", also beside "ok": false; one '
    'that is not finished has its "error".'
)


@click.command(
    cls=Command,
    examples=[
        ("gss run study.yaml --seed 7 --set stop.turns=40", "play it with other chance, and longer"),
        ("gss run study.yaml --jobs 4 --only framing=alarm", "some conditions, four runs at once"),
    ],
    exits={
        0: "all its runs are finished",
        1: "some are not: each is told; the records are in order",
        130: "interrupted; the same command goes on",
    },
    json_keys=_JSON + _JSON_OF_DESIGN,
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
    "--only",
    multiple=True,
    metavar="CONDITION",
    help="Play this condition, or all with a level such as framing=alarm. Repeatable.  [default: all]",
)
@jobs_option
@runs_option
@click.option("--again", is_flag=True, help="Play it in a new record although it is finished.")
@click.option(
    "--wait",
    is_flag=True,
    help="Wait, with the agents ready, for the openings that the study leaves out; `gss seed` sends them.",
)
@broker_option
@mirror_option
@click.option(
    "--serve", is_flag=True, help="Show it in a browser meanwhile: the page over the folder of the run files."
)
@click.option("--dry-run", is_flag=True, help="Only say how many calls and tokens it needs, and about how long.")
@workers_option
@parallel_option
@durability_option
@other_model_option
@quiet_option
@json_option
def run(**given: Any) -> None:
    """Play a study and print its conversation.

    A run that was interrupted goes on where its record ends; a finished one is left as it is. Of a study with
    conditions or replicates all runs are played that are not finished; one that fails does not stop the others.
    """
    study, seed, changes, only = given.pop("study"), given.pop("seed"), given.pop("changes"), given.pop("only")
    if given.pop("dry_run"):
        from genai_social_sim.cli.forecasting import forecast_study

        forecast_study(study, seed=seed, changes=changes, only=only, as_json=given["as_json"])
        return
    from genai_social_sim.cli.playing import Wish

    jobs = given.pop("jobs")
    runs, again, wait = given.pop("runs"), given.pop("again"), given.pop("wait")
    with _page_beside(runs if given.pop("serve") else None, broker=given["broker"], quiet=given["as_json"]):
        if wait:
            from genai_social_sim.cli.awaiting import play_opened

            play_opened(study, Wish(**given), seed=seed, changes=changes, runs=runs, again=again)
        else:
            from genai_social_sim.cli.design import play_study

            own = {"seed": seed, "changes": changes, "runs": runs, "again": again}
            play_study(study, Wish(**given), **own, jobs=jobs, only=only)


def _page_beside(runs: Path | None, *, broker: str | None, quiet: bool) -> AbstractContextManager[None]:
    if runs is None:
        return nullcontext()
    from genai_social_sim.cli.page import beside

    return beside(runs, broker=broker, quiet=quiet)


@click.command(
    cls=Command,
    examples=[
        ("gss resume runs/rare-earths-1a2b3c4d-seed42.sqlite", "go on where it stopped"),
        ("gss resume runs/big.sqlite --quiet --budget time=2h", "without printing, and for two hours at most"),
    ],
    exits=_EXITS,
    json_keys=_JSON,
)
@run_argument
@broker_option
@mirror_option
@workers_option
@click.option(
    "--budget",
    multiple=True,
    metavar="LIMIT=VALUE",
    help="What it may use up before it is interrupted: tokens=N, time=2h or cost=X. Repeatable.  [default: no limit]",
)
@parallel_option
@durability_option
@other_model_option
@quiet_option
@json_option
def resume(run: Path, budget: Sequence[str], **given: Any) -> None:
    """Go on with a run where its record ends.

    It comes to the same result as if it had never stopped. Durability, calls at once and prices are those of its last
    session unless you say otherwise. Broker, workers and budget are not: what is left out is said, with the command
    that leaves it as it was.
    """
    from genai_social_sim.cli.going_on import budget_of
    from genai_social_sim.cli.playing import Wish, play_on

    play_on(run, Wish(**given, budget=budget_of(budget)))


@click.command(
    cls=Command,
    examples=[
        ('gss seed general --text "Discuss rare earth metals."', "to the run that waits on this machine"),
        ("gss seed --file seed.yaml --broker redis://127.0.0.1:6379", "the original's file, over its Redis"),
    ],
    exits={0: "it was taken up, or is kept", 1: "it could not be handed over", 130: ""},
    json_keys='{"ok": true, "data": {"channel", "waiting": runs that take it up, "kept", "replaced"}, "warnings": []}.',
)
@click.argument("channel", required=False)
@click.option("--text", metavar="T", help="What is said first.")
@click.option("--from", "speaker", metavar="NAME", default="system", show_default=True, help="Who says it.")
@click.option(
    "--file", type=click.Path(path_type=Path), help="A YAML file with `channel` and `message: {from, body}` instead."
)
@broker_option
@runs_option
@json_option
def seed(channel: str | None, text: str | None, speaker: str, **given: Any) -> None:
    """Say the first word in a channel whose agents wait for it.

    It goes to every run that waits (`gss run STUDY --wait`). If none does, it is kept for the next one.
    """
    if (text is None) == (given["file"] is None):
        raise click.UsageError('give either --text "..." or --file seed.yaml')
    from genai_social_sim.cli.seeding import seed_channel
    from genai_social_sim.domain.plan import Opening

    opening = None if text is None else Opening(speaker=speaker, text=text)
    seed_channel(channel, opening=opening, **given)
