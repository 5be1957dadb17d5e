"""`gss measure`."""

from __future__ import annotations

from pathlib import Path

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
