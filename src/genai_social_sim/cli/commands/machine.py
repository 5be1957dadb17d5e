"""`gss models` and `gss doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import Command, broker_option, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss models", "which models are at hand, also on a model server of this machine"),
        ("gss models pull llama3.2:3b", "let Ollama fetch one; smollm2-135m: fetch it for the backend embedded"),
    ],
    exits={1: "a model could not be fetched, or a server that was named does not answer"},
    json_keys='{"ok": true, "data": [{"backend", "at", "name", "present", ...}], "warnings": []}; of embedded also '
    '"about", "licence", "path", "bytes", "sha256"; of ollama "bytes", "family", "parameters", "quantisation" and '
    '"digest".',
)
@click.argument("action", type=click.Choice(["list", "pull"]), default="list")
@click.argument("name", required=False)
@click.option(
    "--backend",
    type=click.Choice(["embedded", "ollama"]),
    help="What is to have NAME.  [default: by its name]",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="ADDRESS",
    help="An Ollama server.  [env var: OLLAMA_HOST; default: http://127.0.0.1:11434]",
)
@click.option(
    "--base-url", "base_urls", multiple=True, metavar="URL", help="An OpenAI-style server.  [env var: OPENAI_BASE_URL]"
)
@json_option
def models(action: str, name: str | None, *, as_json: bool, **where: Any) -> None:
    """List models at hand, or fetch one.

    Listed are those of the backend embedded, those of Ollama and, where one is named, of an OpenAI-style server. What
    is pulled is one of the embedded backend's own if it has that name, else Ollama fetches it.
    """
    from genai_social_sim.cli import models as shelves

    hosts, backend = where["hosts"], where["backend"]
    if action == "pull":
        if len(hosts) > 1 or where["base_urls"]:
            raise click.UsageError("`gss models pull` takes one --host, and no --base-url")
        shelves.pull_model(name, backend=backend, host=hosts[0] if hosts else None, as_json=as_json)
    elif name is not None or backend is not None:
        raise click.UsageError("`gss models list` takes no name and no --backend")
    else:
        shelves.list_models(hosts, where["base_urls"], as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss doctor", "what works here, and what to do about what does not"),
        (
            "gss doctor --broker redis://lab:6379/0 --json",
            "and whether a broker can be trusted with a run, for a program",
        ),
    ],
    exits={0: "all that is needed works", 1: "something that is needed does not work", 130: ""},
    json_keys='{"ok": true, "data": [{"what", "state": "ok" | "doubtful" | "missing" | "broken", "found", "remedy"}], '
    '"warnings": []}.',
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of the run files."
)
@broker_option
@json_option
def doctor(runs: Path, *, broker: str | None, as_json: bool) -> None:
    """Check what works on this machine."""
    from genai_social_sim.cli.health import examine

    examine(runs, broker=broker, as_json=as_json)
