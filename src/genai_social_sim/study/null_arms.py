"""Null arms: the same study with what it is about taken away, to compare with.

`no_interaction`: everybody acts as before and hears the openings and itself, but nobody else. `shuffled_partners`: the
network stays as it is, and who has which place in it is drawn, as in the quadratic assignment procedure (Krackhardt
1988, Predicting with networks, Social Networks 10). `rule_based`: a rule answers for all, the voter model unless
another is named.
"""

from __future__ import annotations

import json
from typing import Any, Final

from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.study.design import NullArmDoc, NullRuleDoc
from genai_social_sim.study.loading import LoadedStudy
from genai_social_sim.study.refusals import Problem, refused
from genai_social_sim.study.source import Path

_DEAF: Final = {"kind": "edges", "edges": []}


def as_null_arm(
    values: dict[str, Any], arm: NullArmDoc, loaded: LoadedStudy, at: Path
) -> tuple[dict[str, Any], list[Path]]:
    """A study's plain values as a null arm, and where they were changed; raises SpecError if it makes no sense."""
    if arm == "no_interaction":
        return _alone(values)
    if arm == "shuffled_partners":
        return _shuffled(values, loaded, at)
    return _ruled(values, arm)


def _alone(values: dict[str, Any]) -> tuple[dict[str, Any], list[Path]]:
    channels = {name: {**(channel or {}), "network": _DEAF} for name, channel in values["channels"].items()}
    for channel in channels.values():
        if _kind(channel.get("protocol", values.get("protocol"))) == "pairwise":
            channel["protocol"] = {"kind": "sequential"}
    paths: list[Path] = [("channels", name, "network") for name in channels]
    return {**values, "channels": channels}, paths


def _shuffled(values: dict[str, Any], loaded: LoadedStudy, at: Path) -> tuple[dict[str, Any], list[Path]]:
    channels, changed = dict(values["channels"]), dict(values)
    paths: list[Path] = []
    general = values.get("network")
    if _kind(general) not in ("", "complete"):
        changed["network"] = {**_mapping(general), "shuffled": True}
        paths.append(("network",))
    for name, channel in channels.items():
        own = (channel or {}).get("network")
        if _kind(own) not in ("", "complete"):
            channels[name] = {**channel, "network": {**_mapping(own), "shuffled": True}}
            paths.append(("channels", name, "network"))
    if not paths:
        text = "where everybody hears everybody there are no places to be shuffled"
        raise refused([Problem(at, text, "Give the study a `network`, or take another null arm.")], loaded.marks)
    return {**changed, "channels": channels}, paths


def _ruled(values: dict[str, Any], arm: NullArmDoc) -> tuple[dict[str, Any], list[Path]]:
    pairs = any(
        _kind((channel or {}).get("protocol", values.get("protocol"))) == "pairwise"
        for channel in values["channels"].values()
    )
    rule = arm.rule_based if isinstance(arm, NullRuleDoc) else {"rule": "voter", "copies": "last" if pairs else "drawn"}
    changed = {**values, "model": {"backend": "rule", **rule}}
    if "agents" in values:
        changed["agents"] = [_without_model(agent) for agent in values["agents"]]
    if isinstance(population := values.get("population"), dict):
        population = _without_model(population)
        if "groups" in population:
            population["groups"] = [_without_model(group) for group in population["groups"]]
        changed["population"] = population
    return changed, [("model",)]


def check_rule(plan: RunPlan, loaded: LoadedStudy, condition: str) -> None:
    """Raises SpecError if agents of a rule-based arm lack the attribute that its rule begins with."""
    for agent in plan.agents:
        options = json.loads(agent.model.options)
        wanted = options.get("attribute", "opinion" if options.get("rule") == "voter" else None)
        if agent.model.backend == "rule" and wanted is not None and wanted not in dict(agent.attributes):
            text = f"{agent.name} has no attribute {wanted!r}, with which the rule of the null arm begins"
            remedy = "Give it to all agents, or name another: `{rule_based: {rule: voter, attribute: NAME}}`."
            raise refused([Problem(_place(loaded, condition), text, remedy)], loaded.marks)


def _place(loaded: LoadedStudy, condition: str) -> Path:
    """Where the study asks for the arm that a condition is."""
    for index, doc in enumerate(loaded.document.conditions):
        if doc.name == condition:
            return ("conditions", index, "null_arm")
    return ("null_arms",)


def _without_model(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "model"}


def _kind(value: Any) -> str:
    return str(_mapping(value).get("kind", ""))


def _mapping(value: Any) -> dict[str, Any]:
    return {"kind": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
