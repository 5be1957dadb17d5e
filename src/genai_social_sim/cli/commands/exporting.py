"""`gss export`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss export runs/rare-earths-1a2b3c4d-seed42.sqlite --to csv", "tables for a spreadsheet"),
        ("gss export runs/*.sqlite --to parquet --out tables", "all runs in one set of tables"),
    ],
    exits={130: ""},
    json_keys='{"ok": true, "data": {"out", "files": [...]}, "warnings": []}.',
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to", "form", type=click.Choice(["csv", "jsonl", "parquet"]), required=True, help="The form of the tables."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("export"), show_default=True, help="Folder to write to."
)
@click.option(
    "--table", "tables", metavar="NAME", multiple=True, help="Write this table only; may be given several times."
)
@json_option
def export(
    runs: tuple[Path, ...],
    *,
    form: Literal["csv", "jsonl", "parquet"],
    out: Path,
    tables: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write what runs hold as tables, with a codebook."""
    from genai_social_sim.cli.tables import export_runs

    export_runs(runs, form=form, out=out, tables=tables, as_json=as_json)
