"""`gss init` and `gss schema`: study files to start from."""

from __future__ import annotations

import json
import re
import sys
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic_core import PydanticCustomError

from genai_social_sim.cli import out
from genai_social_sim.errors import RequestError, SocialSimError
from genai_social_sim.study.schema import json_schema
from genai_social_sim.study.words import slug

TEMPLATES: Final = {
    "conversation": "two agents with personas talk about a topic, on the embedded model",
    "panel": "four agents in three channels, some in several, on the embedded model",
    "scripted": "no model at all: answers from a list and drawn words; it runs at once, anywhere",
}
_NAME: Final = re.compile(r"^name: .*$", re.MULTILINE)
_PLAIN: Final = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z_][A-Za-z0-9._-]*", re.IGNORECASE)


def list_templates(*, as_json: bool) -> None:
    """What `gss init --template` can begin with."""
    if as_json:
        out.envelope([{"template": name, "about": about} for name, about in TEMPLATES.items()])
    else:
        out.facts(TEMPLATES.items())


def template_text(template: str, *, name: str) -> str:
    """A study file made from a shipped template."""
    text = (files("genai_social_sim.cli") / "templates" / f"{template}.yaml").read_text(encoding="utf-8")
    written = name if _PLAIN.fullmatch(name) else json.dumps(name)  # `name: 2026` would be a number
    return _NAME.sub(f"name: {written}", text, count=1)


def write_study(name: str, *, template: str, as_json: bool) -> None:
    """Write NAME/study.yaml; raises RequestError if it exists or cannot be called so."""
    if template not in TEMPLATES:
        close = get_close_matches(template, TEMPLATES, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        remedy = f"{hint}There are: {', '.join(TEMPLATES)}."
        raise RequestError(f"there is no template {template!r}", where="--template", remedy=remedy)
    folder = Path(name)
    path = folder / "study.yaml"
    text = template_text(template, name=_called(folder.name or folder.resolve().name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        there = path if path.exists() else folder
        remedy = "Choose another name, or remove it first."
        raise RequestError("this is there already, and nothing was changed", where=str(there), remedy=remedy) from None
    except OSError as fault:
        problem = f"the study cannot be written ({fault.strerror})"
        raise SocialSimError(problem, where=str(path), remedy="Choose another folder.") from fault
    _told(path, as_json=as_json)


def _called(name: str) -> str:
    try:
        return slug(name)
    except PydanticCustomError as fault:
        context = fault.context or {}
        raise RequestError(str(context["problem"]), where="NAME", remedy=str(context["remedy"])) from None


def _told(path: Path, *, as_json: bool) -> None:
    if as_json:
        out.envelope({"study": str(path)})
        return
    out.say(f"Wrote {path}; its comments say what can be changed.")
    out.advice(
        "Next",
        [
            (out.command("gss run", path), "play it and print the conversation"),
            (out.command("gss run", path, "--seed", "7"), "the same with other chance"),
            (out.command("gss run", path, "--set", "stop.turns=40"), "and longer"),
        ],
    )


def print_schema() -> None:
    """The JSON schema of study files."""
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
