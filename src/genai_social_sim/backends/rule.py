"""Agents that follow a rule. Options: `rule: NAME` with its parameters, or `function: NAME`.

Rules that ship: `beauty_contest`, `curie_weiss`, `deffuant`, `degroot`, `friedkin_johnsen`, `harvest`,
`hegselmann_krause`, `independent_cascade`, `linear_threshold`, `majority`, `naming_game`, `stock`, `voter`. An agent's
state is what it said last; what it says first comes from one of its attributes. Their parameters stand in
docs/reference/rules.md. A function, a Python function of what an agent observes, is given in Python
(`study.run(functions={NAME: ...})`) or offered by an installed package as an entry point of the group
`genai_social_sim.rules`; a study file alone cannot name code to be run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from genai_social_sim.backends.options import checked as checked_options
from genai_social_sim.backends.registry import Function, Surroundings
from genai_social_sim.backends.rules.catalogue import RULES, rule_of
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.feed import SeenPost
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.errors import RequestError
from genai_social_sim.ports import Answer, LanguageModel, Request

ENTRY_POINTS: Final = "genai_social_sim.rules"
_KNOWN: Final = f"Rules are: {', '.join(RULES)}; or `function: NAME` for one of your own."


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What an agent that follows a rule knows when its turn comes."""

    agent: AgentId
    persona: str
    channel: ChannelId
    round: int
    turn: int
    heard: tuple[tuple[str, str], ...]  # (speaker, text), oldest first, within the agent's memory
    dice: Dice  # chance for this turn alone
    weights: tuple[float, ...] = ()  # of each of `heard`, by the network; empty: its edges have none
    options: tuple[str, ...] = ()  # what can be chosen, as the study names it; empty: anything can be said
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)  # the agent's own
    feed: tuple[SeenPost, ...] = ()  # in a forum: the posts shown to it, the first first
    doing: str = ""  # in a forum: `choose` if an act is asked for; else that whose words are, `post` or `reply to N`


class Options(BaseModel):
    """The options of `backend: rule` with a function; those with a rule are the rule's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    function: str = Field(min_length=1, examples=["majority"])


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError if a study's options make no sense."""
    if "rule" not in options:
        if not options:
            raise RequestError("backend rule is not told which rule", remedy=f"Write `rule: NAME`. {_KNOWN}")
        checked_options(Options, options, backend="rule")
    elif "function" in options:
        raise RequestError("an agent follows a `rule` or a `function`, not both", remedy="Delete one of the two.")
    elif str(options["rule"]) not in RULES:
        raise RequestError(f"there is no rule {options['rule']!r}", remedy=_KNOWN)
    else:
        rule_of(options)


def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """A backend that answers by a rule."""
    check_options(options)
    if "rule" in options:
        return RuleModel(options["rule"], _posting(rule_of(options).act), dict(options))
    name = options["function"]
    function = surroundings.functions.get(name)
    for point in entry_points(group=ENTRY_POINTS, name=name) if function is None else ():
        function = point.load()
    if function is None:
        raise RequestError(
            f"there is no function {name!r} for backend rule",
            remedy="Give it in Python: study.run(functions={...}), or install a package that offers it.",
        )
    return RuleModel(name, function)


def _posting(act: Function) -> Function:
    """In a forum a rule that ships posts what it says, each time that it can."""

    def posts(observed: Observation) -> Any:
        if observed.doing == "choose":
            return "post" if "post" in observed.options else None
        return act(observed)

    return posts


class RuleModel:
    """Answers at once with what the function returns: a text, one of the options if there are any, or None to pass."""

    slots = 1

    def __init__(self, name: str, function: Function, options: Mapping[str, Any] | None = None) -> None:
        self._name = name
        self._function = function
        self._options = {"function": name} if options is None else options

    def identity(self) -> Mapping[str, Any]:
        """The options: which rule and its parameters, or the function's name."""
        return {"backend": "rule", **self._options}

    def answer(self, request: Request) -> Answer:
        """Ask the function."""
        text = self._function(
            Observation(
                agent=request.agent,
                persona=request.persona,
                channel=request.channel,
                round=request.round,
                turn=request.turn,
                heard=tuple([(line.speaker, line.text.value) for line in request.heard]),
                dice=Dice(request.seed, "rule"),
                weights=request.weights,
                options=request.meanings,
                attributes=dict(request.attributes),
                feed=request.feed,
                doing=request.doing,
            )
        )
        if text is None:
            return Answer(text="", finish="passed", by=self._name)
        return Answer(text=str(text), by=self._name)

    async def complete(self, request: Request) -> Answer:
        """The same, for who waits."""
        return self.answer(request)

    async def close(self) -> None:
        """Nothing to give back."""
