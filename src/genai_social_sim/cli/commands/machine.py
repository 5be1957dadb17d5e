"""`gss models` and `gss doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss models", "which models are at hand"),
        ("gss models pull smollm2-135m", "fetch one before it is needed"),
    ],
    exits={1: "a model could not be fetched"},
    json_keys='{"ok": true, "data": [{"name", "about", "licence", "path", "present", "bytes", "sha256"}], '
    '"warnings": []}.',
)
@click.argument("action", type=click.Choice(["list", "pull"]), default="list")
@click.argument("name", required=False)
@json_option
def models(action: str, name: str | None, *, as_json: bool) -> None:
    """List models at hand, or fetch one.

    These are the models that run inside the process, of the backend `embedded`.
    """
    from genai_social_sim.cli import weights

    if action == "pull":
        weights.pull_model(name, as_json=as_json)
    elif name is not None:
        raise click.UsageError("`gss models list` takes no name")
    else:
        weights.list_models(as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss doctor", "what works here, and what to do about what does not"),
        ("gss doctor --runs /data/runs --json", "with another folder for runs, for a program"),
    ],
    exits={0: "all that is needed works", 1: "something that is needed does not work", 130: ""},
    json_keys='{"ok": true, "data": [{"what", "state": "ok" | "missing" | "broken", "found", "remedy"}], '
    '"warnings": []}.',
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of the run files."
)
@json_option
def doctor(runs: Path, *, as_json: bool) -> None:
    """Check what works on this machine."""
    from genai_social_sim.cli.health import examine

    examine(runs, as_json=as_json)
