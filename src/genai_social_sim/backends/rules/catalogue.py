"""Finds a shipped rule by its name. It knows none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from genai_social_sim.backends.options import checked
from genai_social_sim.backends.rules.base import Rule

_HERE: Final = "genai_social_sim.backends.rules"
RULES: Final[Mapping[str, str]] = {  # name: module and class
    "beauty_contest": f"{_HERE}.beauty_contest:BeautyContest",
    "curie_weiss": f"{_HERE}.curie_weiss:CurieWeiss",
    "deffuant": f"{_HERE}.deffuant:Deffuant",
    "degroot": f"{_HERE}.degroot:DeGroot",
    "friedkin_johnsen": f"{_HERE}.friedkin_johnsen:FriedkinJohnsen",
    "harvest": f"{_HERE}.harvest:Harvest",
    "hegselmann_krause": f"{_HERE}.hegselmann_krause:HegselmannKrause",
    "independent_cascade": f"{_HERE}.independent_cascade:IndependentCascade",
    "linear_threshold": f"{_HERE}.linear_threshold:LinearThreshold",
    "majority": f"{_HERE}.majority:Majority",
    "naming_game": f"{_HERE}.naming_game:NamingGame",
    "stock": f"{_HERE}.stock:Stock",
    "voter": f"{_HERE}.voter:Voter",
}


def rule_class(name: str) -> type[Rule]:
    """The class of a shipped rule; its fields are the options."""
    module, _, found = RULES[name].partition(":")
    rule: type[Rule] = getattr(import_module(module), found)
    return rule


def rule_of(options: Mapping[str, Any]) -> Rule:
    """The rule that the options name, with its parameters; raises OptionsError."""
    return checked(rule_class(options["rule"]), options, backend="rule")
