"""What is different in a fork: words put into mouths, and changes to the study from a turn on.

A change to the study is an intervention at the fork, so that it acts from there on and the fork replays like any run;
only when the run ends is changed in the study itself, which must not end the past.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from genai_social_sim.errors import RequestError
from genai_social_sim.study.lowering import LoadedStudy, canonical, from_canonical, override
from genai_social_sim.study.models import SAMPLING_KEYS
from genai_social_sim.study.overriding import path_of, value_of

_KNOWN: Final = (
    "model.KEY, agents.NAME.model.KEY, agents.NAME.persona, agents.NAME.role, channels.NAME.network, network, topic, "
    "and stop.RULE"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """What is different from the fork on.

    `say`: what agents whose turn it is then are made to say. `mute`: agents that lose their voice. `changes`: of the
    form `path.in.the.study=value`. `interventions`: further ones, as in a study file without `at`. `resample`: which
    other chance everything has from there on, from 1; 0: the parent's.
    """

    say: Mapping[str, str] = field(default_factory=dict)
    mute: Sequence[str] = ()
    changes: Sequence[str] = ()
    interventions: Sequence[Mapping[str, Any]] = ()
    resample: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """What is changed, as on a command line; nothing of the chance."""
        return (
            *[f"say {agent}={text}" for agent, text in self.say.items()],
            *[f"mute {agent}" for agent in self.mute],
            *[f"set {change}" for change in self.changes],
            *[f"intervene {_json(each)}" for each in self.interventions],
        )

    @property
    def mark(self) -> str:
        """Eight digits that tell changes apart, for file names; empty without one."""
        return sha256("\n".join(self.words).encode()).hexdigest()[:8] if self.words else ""

    @property
    def ends(self) -> bool:
        """Whether it changes when the run ends."""
        return any(change.strip().startswith("stop") for change in self.changes)


def changed_study(text: str, *, seed: int, at_turn: int, fork: Counterfactual) -> str:
    """The study of a fork as its record holds it: `text`, with what is changed from `at_turn` on.

    Raises:
        RequestError: If a path leads nowhere or cannot be changed on the way.
        SpecError: If a changed value cannot stand there.
    """
    loaded = from_canonical(text)
    added: list[dict[str, Any]] = [{"kind": "mute", "agents": [_agent(loaded, name)]} for name in fork.mute]
    stops = []
    for change in fork.changes:
        written, equals, value = change.partition("=")
        if not equals:
            raise RequestError(
                f"{change!r} is no change", remedy="Write PATH=VALUE, for example `model.temperature=0.2`."
            )
        made = _interventions(loaded, written.strip(), value)
        added += made
        stops += [] if made else [change]
    added += [dict(each) for each in fork.interventions]
    if not (added or stops or fork.resample):
        return text
    at = f"turn {at_turn}" if at_turn else "start"
    if fork.resample:
        added.append({"kind": "chance", "draw": fork.resample})
    values = json.loads(text)
    values["interventions"] = [*values.get("interventions", []), *[{**each, "at": at} for each in added]]
    changed = from_canonical(_json(values))
    return canonical(override(changed, *stops) if stops else changed, seed=seed)


def _interventions(loaded: LoadedStudy, written: str, text: str) -> list[dict[str, Any]]:
    """What a change comes to; nothing for one of `stop`."""
    value = value_of(text)
    if written == "topic":
        return [{"kind": "topic", "topic": value}]
    path = path_of(written, loaded.values)
    match path:
        case ("stop", *_):
            return []
        case ("model", key):
            return [_of_model(_everybody(loaded), key, value)]
        case ("agents", int() as number, *rest):
            return [_of_agent([loaded.values["agents"][number]["name"]], rest, value, written)]
        case ("network",):
            return [{"kind": "network", "network": value, "channel": name} for name in loaded.document.channels]
        case ("channels", channel, "network"):
            return [{"kind": "network", "network": value, "channel": channel}]
        case _:
            raise _unchangeable(written)


def _of_agent(agents: Any, rest: Sequence[str | int], value: Any, written: str) -> dict[str, Any]:
    match rest:
        case ["model", key]:
            return _of_model(agents, key, value)
        case ["persona" | "role" | "authority" as key]:
            kind = "persona" if key == "persona" else "role"
            return {"kind": kind, "agents": agents, key: value}
        case _:
            raise _unchangeable(written)


def _of_model(agents: Any, key: str | int, value: Any) -> dict[str, Any]:
    if key in SAMPLING_KEYS:
        return {"kind": "sampling", "agents": agents, str(key): value}
    return {"kind": "model", "agents": agents, "model": {key: value}}


def _everybody(loaded: LoadedStudy) -> Any:
    names = [agent.name for agent in loaded.document.agents]
    return names if loaded.document.population is None else {"agents": names, "where": {}}


def _agent(loaded: LoadedStudy, name: str) -> str:
    from genai_social_sim.study.refusals import listed, nearest
    from genai_social_sim.study.residents import residents

    names = [each.name for each in residents(loaded, 0)]
    if name not in names:
        raise RequestError(f"there is no agent {name!r}", remedy=f"{nearest(name, names)}There are: {listed(names)}.")
    return name


def _unchangeable(written: str) -> RequestError:
    return RequestError(
        f"`{written}` cannot be changed on the way: what was said before would not follow from it",
        remedy=f"From a turn on can be changed: {_KNOWN}; and whatever an intervention changes (--intervene). "
        f"Anything else from the start: gss run STUDY --set {written}=VALUE, or as a factor of the study.",
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
