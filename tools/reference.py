"""Writes the reference pages that follow from the code: study file, its JSON schema, commands, rules, tables, measures.

python tools/reference.py            writes docs/reference/{study.md,study.schema.json,commands.md,rules.md,codebook.md,
                                     measures.md}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner

from genai_social_sim.analysis.drift_meter import DriftMeter
from genai_social_sim.analysis.influence_meter import InfluenceMeter
from genai_social_sim.analysis.measure import Meter
from genai_social_sim.analysis.opinion_meter import OpinionMeter
from genai_social_sim.analysis.participation import ParticipationMeter
from genai_social_sim.analysis.registry import METERS
from genai_social_sim.analysis.text_meter import TextMeter
from genai_social_sim.api.tables import ALL
from genai_social_sim.backends.registry import BACKENDS
from genai_social_sim.backends.rules.catalogue import RULES, rule_class
from genai_social_sim.cli.app import COMMANDS, app
from genai_social_sim.export import codebook
from genai_social_sim.study.schema import json_schema

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "reference"
REMEDY: Final = "python tools/reference.py"
_WIDTH: Final = 100
_MADE: Final = "<!-- Written by tools/reference.py; edit the descriptions in the code instead. -->\n"

# What parts of a study file are called here, in the order of the page; a part that is not named is called by its kind.
PARTS: Final[Mapping[str, str]] = {
    "ModelDoc": "model",
    "PriceDoc": "model.price",
    "AgentDoc": "agents[]",
    "ChannelDoc": "channels.NAME",
    "OpeningDoc": "channels.NAME.opening",
    "RoundRobinDoc": "protocol, kind round_robin",
    "RandomDoc": "protocol, kind random",
    "SimultaneousDoc": "protocol, kind simultaneous",
    "AuthorityDoc": "protocol, kind authority",
    "SequentialDoc": "protocol, kind sequential",
    "PairwiseDoc": "protocol, kind pairwise",
    "ModeratedDoc": "protocol, kind moderated",
    "ForumDoc": "protocol, kind forum",
    "OwnDoc": "protocol, kind own",
    "SpeakDoc": "act, kind say",
    "ChooseDoc": "act, kind choose",
    "RateDoc": "act, kind rate",
    "RangeDoc": "probes[].number",
    "NumberDoc": "act, kind number",
    "CompleteDoc": "network, kind complete",
    "RingDoc": "network, kind ring",
    "GridDoc": "network, kind grid",
    "StarDoc": "network, kind star",
    "WattsStrogatzDoc": "network, kind watts_strogatz",
    "BarabasiAlbertDoc": "network, kind barabasi_albert",
    "PowerlawClusterDoc": "network, kind powerlaw_cluster",
    "ErdosRenyiDoc": "network, kind erdos_renyi",
    "RandomRegularDoc": "network, kind random_regular",
    "StochasticBlockDoc": "network, kind stochastic_block",
    "CliquesDoc": "network, kind cliques",
    "EdgesDoc": "network, kind edges",
    "NetworkFileDoc": "network, kind file",
    "DrawnNetworkDoc": "network.drawn",
    "WindowDoc": "memory, kind window",
    "NoMemoryDoc": "memory, kind none",
    "SummaryDoc": "memory, kind summary",
    "RetrievalDoc": "memory, kind retrieval",
    "WeightsDoc": "memory.weights",
    "InteractionsDoc": "memory, kind interactions",
    "PayoffsDoc": "memory.payoffs",
    "ProbeDoc": "probes[]",
    "BroadcastDoc": "interventions[], kind broadcast",
    "InjectDoc": "interventions[], kind inject",
    "PresenceDoc": "interventions[], kinds mute, unmute, remove and admit",
    "PersonaDoc": "interventions[], kind persona",
    "TopicDoc": "interventions[], kind topic",
    "ChanceDoc": "interventions[], kind chance",
    "SamplingDoc": "interventions[], kind sampling",
    "RoleChangeDoc": "interventions[], kind role",
    "ModelChangeDoc": "interventions[], kind model",
    "EdgesChangeDoc": "interventions[], kinds add_edges and remove_edges",
    "EdgesWhereDoc": "interventions[].where",
    "NetworkChangeDoc": "interventions[], kind network",
    "WhenDoc": "when",
    "AgreedDoc": "when.consensus",
    "ShareDoc": "when.share",
    "NumberOfDoc": "when.mean, when.spread",
    "PromptDoc": "prompt",
    "FactorDoc": "factors.NAME",
    "ConditionDoc": "conditions[]",
    "NullRuleDoc": "null_arms[]",
    "RoleDoc": "roles.NAME",
    "PopulationDoc": "population",
    "AttributeDoc": "population.attributes.NAME",
    "NormalDoc": "normal",
    "LognormalDoc": "lognormal",
    "BetaDoc": "beta",
    "WeightedDoc": "choice[], quota[]",
    "FileDoc": "file",
    "CorrelationDoc": "population.correlations[]",
    "GroupDoc": "population.groups[]",
    "BetweenDoc": "where.NAME",
    "DrawnDoc": "population.drawn",
    "MembersDoc": "channels.NAME.members",
    "StopDoc": "stop",
    "TimeoutsDoc": "timeouts",
    "SayDoc": "timeouts.on_failure",
}
_ALONE: Final = ", or its kind alone"
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "array": "list",
    "object": "mapping",
}
# Where a description speaks of what is not there yet; to be deleted once it is.
_INTRODUCTION: Final = """
A study file is YAML (UTF-8). Keys that are not listed here are refused, with the line, what is wrong and what to write
instead. A key without "required" may be left out. One that says `null` may be given as `null`; elsewhere leave it out.

Any value can be changed for one run: `gss run study.yaml --set stop.turns=40 --set agents.BOT1.model.temperature=0.2`.
For editors there is a [JSON schema](study.schema.json) (also: `gss schema`). To use it with the YAML language server,
put a line with its path at the top of the study: `# yaml-language-server: $schema=study.schema.json`.

`protocol`, `memory` and `act` may be given as one word if they need no further key: `protocol: random`,
`memory: none`. They stand at the top for all channels, or in a channel for it alone. Durations are such as `120 s`,
`500 ms`, `2 min`, `1 h`, or a number of seconds.

A whole study to look at: [examples/rare-earths/study.yaml](../../examples/rare-earths/study.yaml).
"""

_ABOUT_RULES: Final = """
Agents that follow a rule need no language model: `model: {backend: rule, rule: deffuant, epsilon: 0.2}`, for all
agents, a group or one. An agent's state is what it said last, so what a protocol lets it see decides what it reckons
with; what it says first is one of its attributes. Numbers are said exactly. Words that say no state, of an opening or
a language model, are passed over where numbers are wanted. What an agent does not remember it cannot reckon with: in
a simultaneous channel the memory has to hold an utterance of each that an agent hears, and its own.

What theory says of these rules comes out of the engine: [the known answers](../explanation/validation.md).
"""


_HEADINGS: Final[Mapping[type[Meter], str]] = {
    ParticipationMeter: "Participation",
    OpinionMeter: "Opinions and consensus",
    InfluenceMeter: "Influence and information flow",
    TextMeter: "Words, repetition, loops",
    DriftMeter: "Similarity, drift, variance between agents",
}
_ABOUT_MEASURES: Final = """
`gss measure RUN...` prints them, `run.measures` gives them as a table, `gss export` writes it as `measures`
([codebook](codebook.md#measures)); a measure of your own is [one function](../how-to/write-a-measure.md). Each run is
read once, however many measures there are, and what is remembered of it does not grow with the number of its turns.

What agents *state* are their choices and ratings, and where anything may be said the numbers and what agents say that
follow a rule. All else that they say is *words*. A moderator's choice of who speaks and an act in a forum are neither.
Opinions are those stated last at the end of a round, channel by channel; or what a probe was answered, each time that
it was asked. `of` in the table names the channel or the probe.
"""


def study_page() -> str:
    """The page about the study file."""
    schema = json_schema()
    parts = schema["$defs"]
    lines = [_MADE, "# The study file", _INTRODUCTION]
    lines += ["## The whole", "", schema["description"], "", *_table(schema, "")]
    for name in [*filter(parts.get, PARTS), *(name for name in parts if name not in PARTS)]:
        lines += [f"## `{_title(name)}`", "", cleandoc(parts[name]["description"]), "", *_table(parts[name], name)]
    lines += ["## The backends' own options", "", "They stand beside the other keys of `model`.", ""]
    for name in sorted(BACKENDS):
        lines += [
            f"### `backend: {name}`",
            "",
            "```text",
            cleandoc(import_module(BACKENDS[name]).__doc__ or ""),
            "```",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def commands_page() -> str:
    """The page about the commands."""
    lines = [_MADE, "# The commands", "", "What `gss --help` and `gss COMMAND --help` print.", ""]
    for name in ("", *COMMANDS):
        words = [*([name] if name else []), "--help"]
        shown = CliRunner().invoke(app, words, prog_name="gss", terminal_width=_WIDTH).output
        lines += [f"## `{f'gss {name}'.strip()}`", "", "```text", shown.rstrip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def rules_page() -> str:
    """The page about the rules that ship."""
    lines = [_MADE, "# The rules", _ABOUT_RULES]
    for name in RULES:
        rule = rule_class(name)
        schema = rule.model_json_schema()
        schema["properties"].pop("rule")
        about = cleandoc(import_module(rule.__module__).__doc__ or "")
        lines += [f"## `rule: {name}`", "", about, "", *_table(schema, name), ""]
    return "\n".join(lines).rstrip() + "\n"


def measures_page() -> str:
    """The page about the measures that ship."""
    lines = [_MADE, "# The measures", _ABOUT_MEASURES]
    for meter in METERS:
        about = cleandoc(import_module(meter.__module__).__doc__ or "").partition("\n")[0]
        lines += [f"## {_HEADINGS[meter]}", "", about, "", "| measure | what it says | unit | of a | source |"]
        lines += ["|---|---|---|---|---|"]
        for each in meter.measures:
            cells = [f"`{each.name}`", each.about, each.unit, ", ".join(each.scopes), each.source]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def codebook_page() -> str:
    """The page about the tables that `gss export` writes."""
    return codebook.page(ALL)


def schema_file() -> str:
    """The JSON schema of study files, as `gss schema` prints it."""
    return json.dumps(json_schema(), indent=2) + "\n"


PAGES: Final = {
    "study.md": study_page,
    "study.schema.json": schema_file,
    "commands.md": commands_page,
    "rules.md": rules_page,
    "codebook.md": codebook_page,
    "measures.md": measures_page,
}


def _table(part: Mapping[str, Any], name: str) -> Iterator[str]:
    yield "| key | value | what it does | default | example |"
    yield "|---|---|---|---|---|"
    required = part.get("required", ())
    for key, value in part["properties"].items():
        default = "required" if key in required else _default(value)
        words = value["description"]
        cells = [f"`{key}`", _kind(value), words, default, _example(value)]
        yield "| " + " | ".join([cell.replace("|", "\\|").replace("\n", " ") for cell in cells]) + " |"
    yield ""


def _default(value: Mapping[str, Any]) -> str:
    return f"`{_written(value['default'])}`" if value.get("default", ...) not in (..., None) else ""


def _example(value: Mapping[str, Any]) -> str:
    return f"`{_written(value['examples'][0])}`" if value.get("examples") else ""


def _kind(value: Mapping[str, Any]) -> str:
    """The type of a value in words, with its bounds."""
    if "$ref" in value:
        title = _title(_name(value["$ref"]))
        return f"[mapping](#{_anchor(title)})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join([f"`{each}`" for each in value["enum"]])
    if "oneOf" in value:
        links = [f"[{kind}](#{_anchor(_title(_name(at)))})" for kind, at in value["discriminator"]["mapping"].items()]
        return f"mapping of a kind ({', '.join(links)}){_ALONE}"
    if "anyOf" in value:
        choices = [each for each in value["anyOf"] if "oneOf" in each] or value["anyOf"]
        return " or ".join([_kind(each) for each in choices])
    kind = _type(value["type"])
    if kind == "list":
        return _list(value["items"])
    if isinstance(value.get("additionalProperties"), dict):
        return f"mapping of names to {_kind(value['additionalProperties'])}"
    return kind + _bounds(value)


def _list(items: Mapping[str, Any]) -> str:
    inner = _kind(items)
    if "oneOf" in items:  # in a list, a kind is never written alone
        return f"list of {inner.removesuffix(_ALONE)}"
    return f"list of {inner}s"


def _type(kind: str | list[str]) -> str:
    return _TYPES[kind] if isinstance(kind, str) else " or ".join([_TYPES[each] for each in kind])


def _title(name: str) -> str:
    return PARTS.get(name, name.removesuffix("Doc").lower())


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _bounds(value: Mapping[str, Any]) -> str:
    if value["type"] == "string" and "pattern" in value:
        return ""  # the description says it in words
    words = [
        f"{words} {value[key]:,}"
        for key, words in {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}.items()
        if key in value
    ]
    return f" {' '.join(words)}" if words else ""


def _anchor(title: str) -> str:
    """As GitHub makes it from a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _written(value: Any) -> str:
    """A value as one would write it in YAML, on one line."""
    if isinstance(value, dict):
        held = {key: each for key, each in value.items() if each is not None}
        return "{" + ", ".join([f"{key}: {_written(each)}" for key, each in held.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_written(each) for each in value]) + "]"
    if isinstance(value, str) and re.fullmatch(r"\w[\w .-]*", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def main() -> None:
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()
