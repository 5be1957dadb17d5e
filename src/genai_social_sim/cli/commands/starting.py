"""`gss init`, `gss import-config`, `gss schema` and `gss freeze`."""

from __future__ import annotations

from pathlib import Path

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss init my-study", "writes my-study/study.yaml: two agents who talk"),
        ("gss init trial --template scripted", "the same without any model"),
    ],
    exits={1: "the file could not be written", 2: "the request was wrong, or the file is there already", 130: ""},
    json_keys='{"ok": true, "data": {"study"}, "warnings": []}; with --list: [{"template", "about"}].',
)
@click.argument("name", required=False)
@click.option("--template", metavar="T", default="conversation", show_default=True, help="Which study to start from.")
@click.option("--list", "listed", is_flag=True, help="List the templates.")
@json_option
def init(name: str | None, *, template: str, listed: bool, as_json: bool) -> None:
    """Write a commented study file to start from.

    It goes to NAME/study.yaml; a file that is there already is left as it is.
    """
    from genai_social_sim.cli import initial

    if listed:
        initial.list_templates(as_json=as_json)
    elif name is None:
        raise click.UsageError("missing argument 'NAME': what shall the study be called?")
    else:
        initial.write_study(name, template=template, as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss import-config configs/app.yaml configs/seed.yaml", "writes study.yaml"),
        ("gss import-config app.yaml --out bots/study.yaml", "without an opening: `gss run --wait` waits for one"),
    ],
    exits={
        1: "the file could not be written",
        2: "the request or a file was wrong, or the study is there already",
        130: "",
    },
    json_keys='{"ok": true, "data": {"study", "broker", "opening": whether it has one}, "warnings": [...]}.',
)
@click.argument("app", metavar="APP.YAML", type=click.Path(path_type=Path))
@click.argument("seed", metavar="[SEED.YAML]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("study.yaml"), show_default=True, help="The study file."
)
@json_option
def import_config(app: Path, seed: Path | None, *, out: Path, as_json: bool) -> None:
    """Write a study from the original's configuration.

    The original is the bots over Redis and Ollama, with its app.yaml and seed.yaml.
    What has no place in a study is named in a warning, with its line.
    """
    from genai_social_sim.cli.importing import import_study

    import_study(app, seed, out, as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss schema > study.schema.json", "for an editor"),
        ("gss schema | head", "how it begins"),
    ],
    exits={2: "", 130: ""},
)
def schema() -> None:
    """Print the JSON schema of study files.

    By it, editors check and complete them.
    """
    from genai_social_sim.cli.initial import print_schema

    print_schema()


@click.command(
    cls=Command,
    examples=[
        ("gss freeze study.yaml", "writes study.frozen.json, and prints its digest"),
        ("gss freeze study.yaml --out registered.json", "to another place"),
    ],
    exits={1: "the file could not be written", 2: "the request was wrong, or another design is frozen there", 130: ""},
    json_keys='{"ok": true, "data": {"frozen", "digest", "conditions", "runs"}, "warnings": []}.',
)
@click.argument("study", metavar="STUDY", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[default: beside the study]")
@click.option("--seed", type=int, metavar="N", help="Chance in place of the study's own seed.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value of the study. Repeatable.")
@json_option
def freeze(study: Path, *, out: Path | None, seed: int | None, changes: tuple[str, ...], as_json: bool) -> None:
    """Write down a design before there are data.

    All conditions with their resolved studies, all runs with their seeds, and a digest over that. `gss run` notes in
    every record which design had been frozen.
    """
    from genai_social_sim.cli.freezing import freeze_study

    freeze_study(study, to=out, seed=seed, changes=changes, as_json=as_json)
