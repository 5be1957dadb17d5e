"""`gss models`: weights for the embedded backend, models of servers, and fetching them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from os import environ
from typing import Any

from genai_social_sim.backends import ollama_host, openai_host, weights
from genai_social_sim.cli import out
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import BackendError, RequestError
from genai_social_sim.observers.progress import StatusLine, is_watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The models of one backend at one place; `problem`: why they cannot be seen."""

    backend: str
    at: str
    models: Sequence[Mapping[str, Any]] = ()
    problem: str = ""


def list_models(hosts: Sequence[str], base_urls: Sequence[str], *, as_json: bool) -> None:
    """List what is at hand; raises BackendError for a server that was asked for and does not answer."""
    shelves = [_embedded(), *map(_ollama, hosts or [""]), *map(_openai, base_urls or _named())]
    if as_json:
        data = [{"backend": shelf.backend, "at": shelf.at, **model} for shelf in shelves for model in shelf.models]
        out.envelope(data, warnings=[shelf.problem for shelf in shelves if shelf.problem])
        return
    for shelf in shelves:
        _print(shelf)
    steps = [(out.command("gss models pull", each.name), "fetch it now") for each in _missing()]
    steps += [("gss models pull NAME --backend ollama", "let Ollama fetch one")]
    out.advice("Next", [*steps, ("model: {backend: embedded, path: FILE}", "in a study: any other GGUF file")])


def pull_model(name: str | None, *, backend: str | None, host: str | None, as_json: bool) -> None:
    """Fetch a model, unless it is there already.

    A name of ours is fetched for the embedded backend unless `backend` or `host` say Ollama; any other is Ollama's.
    """
    chosen = name or weights.DEFAULT
    ours = chosen in weights.KNOWN or backend == "embedded"
    if name is None and (backend == "ollama" or host):
        raise RequestError("which model is Ollama to fetch?", remedy="Name it: gss models pull NAME --backend ollama")
    if ours and backend != "ollama" and not host:
        _pull_weights(weights.known(chosen), as_json=as_json)
    else:
        _pull_from_ollama(chosen, host, meant=bool(backend or host), as_json=as_json)


def _embedded() -> Shelf:
    return Shelf(backend="embedded", at="", models=[_document(each) for each in weights.KNOWN.values()])


def _ollama(host: str) -> Shelf:
    """At `host`, or where OLLAMA_HOST says, else here: then a server that is not there is no failure."""
    try:
        where = ollama_host.address_of(host or None)
        found = ollama_host.list_models(host or None)
    except (BackendError, RequestError) as fault:
        if host:
            raise
        return Shelf(backend="ollama", at="", problem=f"ollama: {fault.problem}")
    models = [{**asdict(each), "bytes": each.size, "present": True} for each in found]
    return Shelf(backend="ollama", at=where, models=[_without(each, "size") for each in models])


def _openai(base_url: str) -> Shelf:
    try:
        found = openai_host.list_models(base_url or None)
    except (BackendError, RequestError) as fault:
        if base_url:
            raise
        return Shelf(backend="openai", at="", problem=f"openai: {fault.problem}")
    models = [{"name": name, "present": True} for name in found.names]
    return Shelf(backend="openai", at=found.address, models=models)


def _named() -> list[str]:
    """An OpenAI-style server is asked for its models only where one is named: the default is on the internet."""
    return [""] if environ.get("OPENAI_BASE_URL") else []


def _without(each: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in each.items() if name != key}


def _print(shelf: Shelf) -> None:
    where = f" at {shelf.at}" if shelf.at else ""
    if shelf.problem:
        out.say(f"-- {shelf.problem}", style="dim")
    elif not shelf.models:
        out.say(f"-- {shelf.backend}{where}: no models there", style="dim")
    for model in shelf.models:
        out.facts([("model", model["name"]), ("backend", f"{shelf.backend}{where}"), *_rows(model)])
        out.say()


def _rows(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "what", str(model.get("about", ""))
    yield "licence", str(model.get("licence", ""))
    kind = [model.get(key) for key in ("family", "parameters", "quantisation")]
    yield "kind", ", ".join(str(each) for each in kind if each)
    if model.get("bytes"):
        yield "size", f"{model['bytes'] / 1e6:,.0f} MB"
    yield "digest", str(model.get("digest", ""))
    if "sha256" in model:
        yield "state", "at hand" if model["present"] else "not fetched yet; the first run that needs it does so"
        yield "file", str(model["path"]) if model["present"] else ""


def _pull_weights(chosen: weights.Weights, *, as_json: bool) -> None:
    with _status() as status:
        path = weights.pull(chosen.name, status.share)
    if as_json:
        out.envelope([{"backend": "embedded", "at": "", **_document(chosen)}])
    else:
        out.facts([("at hand", str(path)), ("SHA-256", f"{chosen.hash} (checked)")])


def _pull_from_ollama(name: str, host: str | None, *, meant: bool, as_json: bool) -> None:
    """Raises RequestError if it was not said that this means Ollama, and there is none."""
    try:
        where = ollama_host.address_of(host)
        with _status() as status:
            ollama_host.pull(name, host, status.share)
        shelf = _ollama(host or "")
    except ollama_host.AbsentError as fault:
        if meant:
            raise
        raise RequestError(
            f"{name!r} is none of the models of the embedded backend ({', '.join(weights.KNOWN)}), and there is no "
            f"Ollama to fetch it: {fault.problem}",
            remedy=fault.remedy,
        ) from fault
    names = (name, f"{name}:latest")
    models = [model for model in shelf.models if model["name"] in names]
    if as_json:
        out.envelope([{"backend": "ollama", "at": where, **model} for model in models])
    else:
        _print(Shelf(backend="ollama", at=where, models=models))


@contextmanager
def _status() -> Iterator[StatusLine]:
    """A status line for as long as the work lasts."""
    line = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    try:
        yield line
    finally:
        line.clear()


def _missing() -> list[weights.Weights]:
    return [each for each in weights.KNOWN.values() if not weights.present(each)]


def _document(each: weights.Weights) -> dict[str, Any]:
    return {
        "name": each.name,
        "about": each.describes,
        "licence": each.licence,
        "path": str(weights.path_of(each)),
        "present": weights.present(each),
        "bytes": each.size,
        "sha256": each.hash,
    }
