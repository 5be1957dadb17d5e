"""`gss measure` and `gss compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss measure runs/town-meeting-1a2b3c4d-seed7.sqlite", "all measures at a glance"),
        ("gss measure runs/*.sqlite --measure mtld --measure echo --json", "every value of two measures"),
    ],
    exits={130: ""},
    json_keys='JSON lines: each value as {"run", "condition", "replicate", "measure", "scope", "of", "round", "agent", '
    '"other", "value"}, at the end {"ok": true, "data": {"values": N}, "warnings": []}. With --list one document, '
    '{"ok": true, "data": [{"measure", "about", "unit", "scopes", "source"}, ...], "warnings": []}.',
)
@click.argument("runs", metavar="RUN...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-m",
    "--measure",
    "wanted",
    metavar="NAME",
    multiple=True,
    help="This measure only; may be given several times. FILE.py:FUNCTION is one of your own.  [default: all]",
)
@click.option("--list", "listing", is_flag=True, help="Say which measures there are, with units and sources.")
@json_option
def measure(runs: tuple[Path, ...], *, wanted: tuple[str, ...], listing: bool, as_json: bool) -> None:
    """Measure opinions, influence, words and drift."""
    if listing == bool(runs):
        raise click.UsageError("name run files, or give --list to see which measures there are")
    from genai_social_sim.cli import measuring

    if listing:
        measuring.list_measures(as_json=as_json)
    else:
        measuring.measure_runs(runs, wanted, as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss compare runs/*.sqlite --measure opinion_spread --by topology", "the levels of a factor"),
        ("gss compare runs/*.sqlite --measure consensus_time --forks", "forks with the runs that they come from"),
    ],
    exits={130: ""},
    json_keys='{"ok": true, "data": [{"measure", "of", "group", "runs", "observations", "kind", "estimate", "low", '
    '"high", "sd", "median", "baseline", "difference", "difference_low", "difference_high", "paired", "hedges_g"..., '
    '"cliffs_delta"..., "p", "p_holm"}, ...], "warnings": []}.',
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-m",
    "--measure",
    "wanted",
    metavar="NAME",
    multiple=True,
    required=True,
    help="What to compare; may be given several times. FILE.py:FUNCTION is one of your own.",
)
@click.option("--by", metavar="FACTOR", help="Compare the levels of this factor.  [default: conditions]")
@click.option(
    "--baseline", metavar="GROUP", help="Compare the others with this group.  [default: the first of the design]"
)
@click.option("--of", metavar="NAME", help="The channel or the probe.  [default: each]")
@click.option(
    "--at",
    metavar="ROUND",
    default="last",
    show_default=True,
    help="Which round's value stands for a run: last, first, mean (of all), or its number from 0.",
)
@click.option(
    "--scope",
    type=click.Choice(["run", "round", "agent"]),
    help="Whose values stand for a run.  [default: its own, else its rounds', else its agents']",
)
@click.option("--forks", is_flag=True, help="Compare forks, by what was changed, with the runs that they come from.")
@click.option("--confidence", type=click.FloatRange(0.5, 0.9999), default=0.95, show_default=True, help="Of intervals.")
@json_option
def compare(runs: tuple[Path, ...], *, wanted: tuple[str, ...], at: str, as_json: bool, **settings: Any) -> None:
    """Compare conditions over their replicates.

    With intervals and effect sizes. Each run is one observation; those of a group with the same seed are one together,
    their mean. Groups with the same seeds are compared in pairs. Needs the extra `statistics`.
    """
    if at not in ("last", "first", "mean") and not at.isdecimal():
        raise click.UsageError(f"--at takes last, first, mean or the number of a round, not {at!r}")
    from genai_social_sim.cli.measuring import compare_runs

    compare_runs(runs, wanted, at=int(at) if at.isdecimal() else at, as_json=as_json, **settings)
