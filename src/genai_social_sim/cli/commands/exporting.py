"""`gss export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss export runs/rare-earths-1a2b3c4d-seed42.sqlite --to csv", "tables for a spreadsheet"),
        ("gss export runs/*.sqlite --to dataset --licence CC-BY-4.0", "all runs, for others to load"),
    ],
    exits={130: ""},
    json_keys='{"ok": true, "data": {"out", "files": [...]}, "warnings": []}.',
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet", "dataset", "graphml"]),
    required=True,
    help="The form of the tables; dataset: Parquet with a data card and Croissant metadata; graphml: the networks.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("export"), show_default=True, help="Folder to write to."
)
@click.option(
    "--table", "tables", metavar="NAME", multiple=True, help="Write this table only; may be given several times."
)
@click.option("--licence", default="", metavar="SPDX", help="Of a dataset: an SPDX identifier, or an address.")
@click.option("--creator", default="", metavar="NAME", help="Of a dataset: who made it.")
@click.option("--cite", default="", metavar="TEXT", help="Of a dataset: how to cite it.")
@json_option
def export(runs: tuple[Path, ...], *, licence: str, creator: str, cite: str, **given: Any) -> None:
    """Write what runs hold as tables, with a codebook."""
    from genai_social_sim.cli.tables import export_tables
    from genai_social_sim.export.dataset import Terms

    export_tables(runs, terms=Terms(licence=licence, creator=creator, cite=cite), **given)
