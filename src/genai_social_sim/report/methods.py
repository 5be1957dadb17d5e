"""How it was done, filled in from the record in the order of the ODD protocol, with what language models add to it.

Source of the order: Grimm et al. (2020), doi:10.18564/jasss.4259 (overview, design concepts, details). What the record
does not know is left out, not made up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from genai_social_sim.report.collecting import FREE, Cells, Told, grouped, summed

_LISTED: Final = 12  # runs whose first prompts are named


class Fact(NamedTuple):
    """A label and what the record says."""

    label: str
    words: str


class Part(NamedTuple):
    """A heading of the appendix and its facts."""

    heading: str
    facts: tuple[Fact, ...]


def methods(runs: Sequence[Told]) -> list[Part]:
    """The appendix of some runs of one study; facts that differ between runs are told once each."""
    parts = [
        Part(
            "Purpose and patterns",
            (*_study(runs, "name", "Study"), *_fact("Description", [description(run) for run in runs])),
        ),
        Part("Entities, state variables, scales", _entities(runs)),
        Part("Process overview and scheduling", _process(runs)),
        Part("Design concepts", _concepts(runs)),
        Part("Initialisation and input", _initial(runs)),
        Part("Prompts", _prompts(runs)),
        Part("Models and decoding", _models(runs)),
        Part("Failures and parsing", _parsing(runs)),
        Part("Chance", _chance(runs)),
        Part("Software and machine", _software(runs)),
        Part("Cost", _cost(runs)),
    ]
    return [part for part in parts if part.facts]


def description(run: Told) -> str:
    """What the study is about, as its author says; empty without a word."""
    return next((str(said) for row in run.rows.get("sessions", ()) if (said := _about(row).get("description"))), "")


def _fact(label: str, found: Sequence[object]) -> tuple[Fact, ...]:
    """A fact; values that differ between runs stand beside each other, each once."""
    told = list(dict.fromkeys([words for each in found if (words := _words(each))]))
    return (Fact(label, "; ".join(told)),) if told else ()


def _words(value: object) -> str:
    if value is None or (isinstance(value, str | dict | list) and not value):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _study(runs: Sequence[Told], key: str, label: str) -> tuple[Fact, ...]:
    return _fact(label, [run.study.get(key) for run in runs])


def _rows(runs: Sequence[Told], table: str) -> list[Cells]:
    return [row for run in runs for row in run.rows.get(table, ())]


def _entities(runs: Sequence[Told]) -> tuple[Fact, ...]:
    roles = {str(row["role"]) for row in _rows(runs, "agents") if row["role"] is not None}
    networks = [f"{row['network']} {row['network_options']}" for row in _rows(runs, "channels") if row["network"]]
    return (
        *_fact("Agents", [f"{run.run.get('agents')}" for run in runs]),
        *_fact("Attributes", [_attributes(run.study) for run in runs]),
        *_fact("Roles", sorted(roles)),
        *_fact("Channels", [f"{row['channel']} of {row['size']}" for row in _rows(runs, "channels")]),
        *_fact("Networks: who hears whom", networks),
    )


def _attributes(study: Mapping[str, Any]) -> object:
    population = study.get("population")
    return population.get("attributes") if isinstance(population, dict) else None


def _process(runs: Sequence[Told]) -> tuple[Fact, ...]:
    channels = _rows(runs, "channels")
    deeds = [row for row in _rows(runs, "powers") if row["deed"] != "nothing"]
    used = [f"before turn {row['turn']}: {row['agent']} {row['deed']} {row['whom'] or ''}".rstrip() for row in deeds]
    return (
        *_fact("Protocols: whose turn is next", [f"{row['protocol']} {row['protocol_options']}" for row in channels]),
        *_fact("Acts", [f"{row['act']} {row['act_options']}" for row in channels]),
        *_study(runs, "stop", "Stopping rule"),
        *_fact("How runs ended", [run.run.get("ended_why") for run in runs]),
        *_study(runs, "interventions", "Interventions"),
        *_fact("Powers of roles that were used", used),
    )


def _concepts(runs: Sequence[Told]) -> tuple[Fact, ...]:
    channels = _rows(runs, "channels")
    return (
        *_fact("Memory: utterances that a prompt shows", [row["window"] for row in channels]),
        *_study(runs, "memory", "Memory"),
        *_study(runs, "probes", "Observation: probes"),
    )


def _initial(runs: Sequence[Told]) -> tuple[Fact, ...]:
    openings = [
        f"{row['opening_from']}: {row['opening_text']}" for row in _rows(runs, "channels") if row["opening_text"]
    ]
    return (
        *_fact("Openings", openings),
        *_fact("SHA-256 of the resolved study", [run.run.get("study_digest") for run in runs]),
    )


def _prompts(runs: Sequence[Told]) -> tuple[Fact, ...]:
    templates = [row["persona_template"] for row in _rows(runs, "agents")][:50]
    return (
        *_fact("Persona templates", templates),
        *_study(runs, "prompt", "Layout and templates"),
        *_fact("First prompts, by their SHA-256", [_hashes(run) for run in runs[:_LISTED] if run.calls.prompts]),
        *_fact("Exact prompts", ["each is in the record with its SHA-256: gss show RUN --turn N"]),
    )


def _hashes(run: Told) -> str:
    return f"{run.label}: {', '.join(dict.fromkeys(run.calls.prompts))}"


def _models(runs: Sequence[Told]) -> tuple[Fact, ...]:
    said = [about for row in _rows(runs, "sessions") if (about := _about(row))]
    models = [model for about in said for model in about.get("models", ()) if isinstance(model, dict)]
    return (
        *_fact("Models as they told of themselves", models),
        *_fact("Decoding asked for", [params for run in runs for params in run.calls.params]),
        *_fact("Asked for and not honoured", [model.get("not_honoured") for model in models]),
        *_fact("Whether the same call gives the same answer", [_repeats(model) for model in models]),
    )


def _repeats(model: Mapping[str, Any]) -> str:
    if "repeats" not in model:
        return ""
    return f"{model.get('backend')}: {'yes, on one type of processor' if model['repeats'] else 'not promised'}"


def _parsing(runs: Sequence[Told]) -> tuple[Fact, ...]:
    facts: list[Fact] = []
    for name, those in grouped(runs).items():
        silences = summed(run.silences for run in those)
        turns = sum(int(run.run.get("turns") or 0) for run in those)
        failed = sum(run.calls.failed for run in those)
        told = ", ".join([f"{cause} {count:,}" for cause, count in sorted(silences.items())]) or "none"
        words = f"of {turns:,} turns silent: {told}; attempts that failed: {failed:,}{_aside(those)}"
        facts.append(Fact(name or "all runs", words))
    return tuple(facts)


def _aside(runs: Sequence[Told]) -> str:
    """What became of questions aside."""
    answers = summed(counts for run in runs for counts in run.probes.values())
    if not answers:
        return ""
    silent = {name.strip("()"): count for name, count in answers.items() if name.startswith("(") and name != FREE}
    told = ", ".join([f"{cause} {count:,}" for cause, count in sorted(silent.items())]) or "none"
    return f"; of {sum(answers.values()):,} questions aside without an answer: {told}"


def _chance(runs: Sequence[Told]) -> tuple[Fact, ...]:
    return (
        *_fact("Seeds", [", ".join(dict.fromkeys([str(run.run.get("seed")) for run in runs]))]),
        *_fact("Draws", ["each from a stream named by what it decides, keyed by the run's seed and its logical place"]),
        *_fact("Seeds of calls", ["derived from the run's seed, one for each call, recorded"]),
    )


def _software(runs: Sequence[Told]) -> tuple[Fact, ...]:
    said = [about for row in _rows(runs, "sessions") if (about := _about(row))]
    keys = {"package": "genai-social-sim", "python": "Python", "apsw": "apsw (SQLite)", "platform": "Platform"}
    facts = [fact for key, label in keys.items() for fact in _fact(label, [about.get(key) for about in said])]
    return (*facts, *_fact("Processor", [about.get("cpu") for about in said]))


def _cost(runs: Sequence[Told]) -> tuple[Fact, ...]:
    tokens = [sum(int(run.run.get(key) or 0) for run in runs) for key in ("prompt_tokens", "answer_tokens")]
    costs = [run.run["cost"] for run in runs if isinstance(run.run.get("cost"), int | float)]
    currency = next((str(run.run["currency"]) for run in runs if run.run.get("currency")), "")
    words = f"{tokens[0]:,} of prompts, {tokens[1]:,} of answers"
    priced = [f"{sum(float(str(each)) for each in costs):.4f} {currency}".strip()] if costs else []
    return (*_fact("Tokens", [words]), *_fact("Cost at the study's prices", priced))


def _about(row: Cells) -> Mapping[str, Any]:
    try:
        about = json.loads(str(row["about"]))
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}
