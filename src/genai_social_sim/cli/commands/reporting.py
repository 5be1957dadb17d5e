"""`gss report`."""

from __future__ import annotations

from pathlib import Path

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss report runs/town-meeting-1a2b3c4d-seed7.sqlite", "one run, in report.html"),
        ("gss report runs/*.sqlite --out town.html --figures figures", "a study, and its figures for a paper"),
    ],
    exits={130: ""},
    json_keys='{"ok": true, "data": {"out", "runs", "conditions", "figures": [...]}, "warnings": []}.',
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="File to write to."
)
@click.option(
    "--utterances",
    type=click.IntRange(0, 10_000_000),
    default=200,
    show_default=True,
    metavar="N",
    help="How many to show of one run in each condition.",
)
@click.option(
    "--frozen",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A design that `gss freeze` wrote: tell in what the runs are not as it says.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write each figure as SVG and PNG too, for a paper; needs the extra `figures`.",
)
@json_option
def report(
    runs: tuple[Path, ...], *, out: Path, utterances: int, frozen: Path | None, figures: Path | None, as_json: bool
) -> None:
    """Write one page about runs, for people.

    Design, comparison, transcripts, methods: one HTML file that works without a network and without scripts.
    """
    from genai_social_sim.cli.reporting import report_runs

    report_runs(runs, out=out, utterances=utterances, frozen=frozen, figures=figures, as_json=as_json)
