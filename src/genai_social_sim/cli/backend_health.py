"""What `gss doctor` looks at for each backend: whether it works here, and what to do if it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from typing import Final

from genai_social_sim.backends import ollama_host, openai_host, weights
from genai_social_sim.backends.registry import BACKENDS, ENTRY_POINTS
from genai_social_sim.cli.findings import ROOM, Finding, folder
from genai_social_sim.errors import BackendError, RequestError

_ILLEGAL: Final = -4  # how a process ends that meets an instruction which its processor does not know
_PATIENCE_S: Final = 60.0
_EXAMPLE: Final = "llama3.2:3b"


def _engine() -> Finding:
    """In a process of its own: a library made for another processor ends the one that loads it."""
    words = [sys.executable, "-c", "import xllamacpp"]
    tried = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if not tried.returncode:
        return Finding(what="embedded engine", state="ok", found=f"llama.cpp through xllamacpp {version('xllamacpp')}")
    said = (tried.stderr.strip().splitlines() or [f"it ended with {tried.returncode}"])[-1]
    remedy = "pip install --upgrade xllamacpp"
    if tried.returncode == _ILLEGAL:
        said = "this processor lacks instructions that the ready-made llama.cpp needs"
        remedy = "Use a model server, or build it here: pip install --no-binary xllamacpp xllamacpp"
    return Finding(what="embedded engine", state="missing", found=f"it cannot be loaded ({said})", remedy=remedy)


def _cache() -> Finding:
    default = weights.KNOWN[weights.DEFAULT]
    room = ROOM if weights.present(default) else weights.room_for(default)
    return folder("model cache", weights.cache(), "set GSS_CACHE=FOLDER", room=room)


def _weights() -> Finding:
    default = weights.KNOWN[weights.DEFAULT]
    path, pull = weights.path_of(default), f"gss models pull {default.name}"
    if not path.exists():
        words = f"{default.name} is not fetched yet ({default.size / 1e6:,.0f} MB); the first run that needs it does so"
        return Finding(what="model weights", state="missing", found=words, remedy=f"To have it before: {pull}")
    if not weights.present(default) or weights.file_hash(path) != default.hash:
        return Finding(
            what="model weights", state="broken", found=f"{path} is damaged", remedy=f"Fetch it anew: {pull}"
        )
    return Finding(what="model weights", state="ok", found=f"{path}, SHA-256 checked")


def _ollama() -> Finding:
    what = "ollama"
    try:
        where = ollama_host.address_of(None)
        told, there = ollama_host.look(None)
    except (BackendError, RequestError) as fault:
        return Finding(what=what, state="missing", found=fault.problem, remedy=fault.remedy)
    found = f"Ollama {told} at {where}"
    if not there:
        pull = f"gss models pull {_EXAMPLE} --backend ollama"
        return Finding(what=what, state="missing", found=f"{found} holds no models", remedy=pull)
    found += f", {len(there)} model{'' if len(there) == 1 else 's'}"
    if not ollama_host.refuses_overlong(told):
        found += "; too old to be told not to cut prompts: those that may not fit are refused"
        return Finding(what=what, state="ok", found=found, remedy="Update Ollama to 0.12.6 or newer.")
    return Finding(what=what, state="ok", found=found)


def _openai() -> Finding:
    what, key = "openai", bool(os.environ.get("OPENAI_API_KEY"))
    named = os.environ.get("OPENAI_BASE_URL")
    try:
        if not named:
            openai_host.check_installed()
            found = "no server is named; " + ("a key is there" if key else "no key is there") + " for OpenAI's own"
            remedy = "Name one by `base_url` or OPENAI_BASE_URL" + ("." if key else ", or set OPENAI_API_KEY.")
            return Finding(what=what, state="ok" if key else "missing", found=found, remedy=remedy)
        listed = openai_host.list_models(None)
    except (BackendError, RequestError) as fault:
        return Finding(what=what, state="missing", found=fault.problem, remedy=fault.remedy)
    names = ", ".join(listed.names[:3]) + (", ..." if len(listed.names) > 3 else "")  # noqa: PLR2004 (a few)
    if not names:
        return Finding(
            what=what, state="missing", found=f"{listed.address} serves no model", remedy="Start it with one."
        )
    return Finding(what=what, state="ok", found=f"{listed.address} serves {names}")


def _ours() -> list[Finding]:
    for name in ("scripted", "rule"):
        import_module(BACKENDS[name])
    return [Finding(what=name, state="ok", found="needs nothing") for name in ("scripted", "rule")]


def _others() -> list[Finding]:
    """Backends of installed packages, found by entry point."""
    return [_other(point) for point in entry_points(group=ENTRY_POINTS) if point.name not in BACKENDS]


def _other(point: EntryPoint) -> Finding:
    package = point.dist.name if point.dist else "an unknown package"
    where = f"{point.module} of {package}"
    try:
        opener = getattr(import_module(point.module), "open_backend", None)
    except Exception as fault:  # noqa: BLE001 (it is not ours: anything may happen)
        found, remedy = f"{where} cannot be imported ({fault})", f"pip install --upgrade {package}"
        return Finding(what=point.name, state="missing", found=found, remedy=remedy)
    if not callable(opener):
        found = f"{where} has no function open_backend"
        return Finding(what=point.name, state="missing", found=found, remedy=f"Tell those who make {package}.")
    return Finding(what=point.name, state="ok", found=where)


CHECKS: Final[tuple[Callable[[], Finding | list[Finding]], ...]] = (
    *(_engine, _cache, _weights),
    *(_ollama, _openai, _ours, _others),
)
