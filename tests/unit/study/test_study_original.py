"""The configuration of the original bots becomes a study that runs; nothing in it is left out without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_social_sim.backends import registry
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import Opening, RoundRobin, RunPlan, Sampling
from genai_social_sim.errors import SpecError
from genai_social_sim.study.importing import study_text
from genai_social_sim.study.lowering import lower, parse
from genai_social_sim.study.original import Original, read_original, read_seed

APP = """\
redis:
  host: redis
  port: 6379
channels:
  defaults: ["general"]
ollama:
  base_url: http://127.0.0.1:11434
  bots:
    BOT1:
      model: gemma3:4b
      generation_config: {temperature: 0.7, top_p: 0.95, num_predict: 300}
    BOT2:
      model: gemma3:4b
      generation_config: {temperature: 0.7, top_p: 0.9, num_predict: 300}
channel_turns:
  general:
    initial_bot: BOT2
prompts:
  BOT1: Be concise.
  BOT2: Be focused.
"""
SEED = 'channel: "general"\nmessage:\n  from: "system"\n  body: "Discuss rare earth metals."\n'


def original(folder: Path, app: str = APP, seed: str | None = None) -> Original:
    (folder / "app.yaml").write_text(app, encoding="utf-8")
    if seed is None:
        return read_original(folder / "app.yaml")
    (folder / "seed.yaml").write_text(seed, encoding="utf-8")
    return read_original(folder / "app.yaml", folder / "seed.yaml")


def plan(found: Original) -> RunPlan:
    text = study_text(found, name="imported", sources="app.yaml")
    return lower(parse(text, source="made", backends=registry.names()), check_options=registry.check_options)


def changed(old: str, new: str) -> str:
    assert APP.count(old) == 1
    return APP.replace(old, new)


def test_bots_become_agents_with_their_models_and_prompts(tmp_path: Path) -> None:
    bot1, bot2 = plan(original(tmp_path)).agents
    assert (bot1.name, bot1.persona, bot2.persona) == ("BOT1", "Be concise.", "Be focused.")
    assert bot1.model.backend == "ollama"
    assert '"model":"gemma3:4b"' in bot1.model.options
    assert '"host":"http://127.0.0.1:11434"' in bot1.model.options
    assert bot1.model.sampling == Sampling(temperature=0.7, top_p=0.95, max_tokens=300)
    assert bot2.model.sampling.top_p == 0.9


def test_the_seed_opens_its_channel_and_the_initial_bot_begins(tmp_path: Path) -> None:
    found = original(tmp_path, seed=SEED)
    (channel,) = plan(found).channels
    assert channel.opening == Opening(speaker="system", text="Discuss rare earth metals.")
    assert channel.protocol == RoundRobin(first=AgentId("BOT2"))
    assert channel.window == 1
    assert found.warnings == ()


def test_bots_speak_in_their_order_whatever_their_names(tmp_path: Path) -> None:
    (channel,) = plan(original(tmp_path, APP.replace("BOT1", "ZOE"))).channels
    assert channel.members == ("ZOE", "BOT2")


@pytest.mark.parametrize("turns", ["    initial_bot: random\n", "    {}\n", "\n"])
def test_a_random_or_absent_initial_bot_is_drawn(tmp_path: Path, turns: str) -> None:
    (channel,) = plan(original(tmp_path, changed("    initial_bot: BOT2\n", turns))).channels
    assert channel.protocol == RoundRobin(drawn=True)


def test_without_a_message_the_channel_waits_for_its_opening(tmp_path: Path) -> None:
    (channel,) = plan(original(tmp_path)).channels
    assert channel.opening is None


def test_a_message_may_stand_in_the_configuration_and_the_seed_goes_before_it(tmp_path: Path) -> None:
    app = APP + "message: {from: chair, body: Begin.}\n"
    assert plan(original(tmp_path, app)).channels[0].opening == Opening(speaker="chair", text="Begin.")
    found = original(tmp_path, app, SEED)
    assert plan(found).channels[0].opening == Opening(speaker="system", text="Discuss rare earth metals.")
    assert "app.yaml:21:1: message: left out" in found.warnings[0]


def test_what_the_original_left_to_ollama_is_left_to_it(tmp_path: Path) -> None:
    bare = changed("      generation_config: {temperature: 0.7, top_p: 0.95, num_predict: 300}\n", "")
    sampling = plan(original(tmp_path, bare)).agents[0].model.sampling
    assert sampling == Sampling(temperature=None, top_p=None, max_tokens=1000)
    assert plan(original(tmp_path, APP.replace("num_predict: 300", "num_predict: -1"))).agents[0].model.sampling == (
        Sampling(temperature=0.7, top_p=0.95, max_tokens=1000)
    )


def test_a_prompt_that_reads_like_a_template_is_said_as_it_is(tmp_path: Path) -> None:
    prompt = 'Say "{{ name }}" and {% raw %} \\ é {#.'
    app = changed("BOT1: Be concise.", f"BOT1: '{prompt}'")
    assert plan(original(tmp_path, app)).agents[0].persona == prompt


def test_one_prompt_can_be_for_all(tmp_path: Path) -> None:
    app = changed("prompts:\n  BOT1: Be concise.\n  BOT2: Be focused.\n", "prompts: Be brief.\n")
    assert [agent.persona for agent in plan(original(tmp_path, app)).agents] == ["Be brief.", "Be brief."]


def test_names_and_texts_come_through_whatever_is_in_them(tmp_path: Path) -> None:
    app = APP.replace("general:", '"true":').replace("general", "true").replace("BOT2", '"Dr. No #2"')
    seed = 'channel: "true"\nmessage:\n  body: "a: b # c \\"d\\"\\ne\\u2028f\\u0085"\n'
    (channel,) = plan(original(tmp_path, app, seed)).channels
    assert (channel.name, channel.members[1]) == ("true", "Dr. No #2")
    assert channel.opening == Opening(speaker="system", text='a: b # c "d"\ne\u2028f\u0085')


LEFT_OUT = {
    "an unknown section": (APP + "metrics: {port: 9}\n", "21:11: metrics.port: left out"),
    "an unknown option of a model": (changed("top_p: 0.95", "mirostat: 2"), "mirostat: left out"),
    "stop sequences": (changed("top_p: 0.95", 'stop: ["/shutdown"]'), "stop: left out: where an answer ends"),
    "a seed": (changed("top_p: 0.95", "seed: 3"), "seed: left out: the study's own `seed`"),
    "a password": (changed("port: 6379", "password: x"), "3:3: redis.password: left out: a study holds no secrets"),
    "a prompt for nobody": (changed("BOT1: Be", "BOT3: Be"), "prompts.BOT3: left out"),
    "a channel without turns": (changed('["general"]', '["general", "weather"]'), "'weather' is left out"),
    "an Ollama seen from a container": (changed("127.0.0.1", "host.docker.internal"), "7:3: ollama.base_url: left out"),
    "turns in a channel without listeners": (
        changed("prompts:", "  weather: {initial_bot: BOT1}\nprompts:"),
        "channel_turns.weather: left out",
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_has_no_place_in_a_study_is_named_with_its_line(tmp_path: Path, case: str) -> None:
    text, words = LEFT_OUT[case]
    found = original(tmp_path, text)
    assert [warning for warning in found.warnings if words in warning]
    assert all(warning.startswith(f"{tmp_path}/app.yaml:") for warning in found.warnings)
    assert len(found.warnings) == 1
    assert plan(found).channels


BOT1 = "      model: gemma3:4b\n      generation_config: {temperature: 0.7, top_p: 0.95, num_predict: 300}\n"
REFUSED = {
    "no mapping": (APP, "- a\n", "1:1", "mappings", "app.yaml"),
    "no bots": (APP, "redis: {host: a}\n", "1:1", "there are no bots", "ollama: {bots:"),
    "a seed in its place": (APP, SEED, "1:1", "there are no bots", "app.yaml"),
    "a number for a model": (BOT1, "      model: 4\n", "10:14", "the number 4 where a text", "quotes"),
    "a temperature in quotes": ("0.7, top_p: 0.95", "'hot'", "11:40", "where a number is expected", "without quotes"),
    "a top_p above 1": ("0.95", "7", "11:52", "7 is out of range", "from 0 to 1"),
    "half a token": ("0.95, num_predict: 300", "1, num_predict: 1.5", "11:68", "a whole number", "2"),
    "bots in a list": ("  bots:\n", "  bots: []\n  more:\n", "8:9", "a list where a mapping", "key: value"),
    "a bot without a model": (BOT1, "      {}\n", "10:7", "`model` is missing", "gemma3:4b"),
    "a bot called system": ("    BOT1:", "    system:", "9:5", "may not be called", "another name"),
    "an initial bot that is none": (
        "initial_bot: BOT2",
        "initial_bot: BOT3",
        "17:18",
        "no bot 'BOT3'",
        "or write `random`",
    ),
    "no turns anywhere": (
        "  general:\n    initial_bot: BOT2",
        "",
        "15:1",
        "nobody would ever speak",
        "initial_bot: random",
    ),
    "channels that are numbers": ('["general"]', "[1]", "5:13", "a list where a list of texts", '"one"'),
    "an Ollama behind a password": ("//127", "//me:secret@127", "7:13", "no credentials", "OLLAMA_HOST"),
    "a port in words": ("6379", "usual", "3:9", "where a number", "Write a number"),
    "an empty message": ("prompts:", "message: {body: ''}\nprompts:", "18:17", "empty", "what is to be said"),
    "a message without a body": (
        "prompts:",
        "message: {from: me}\nprompts:",
        "18:10",
        "nothing to begin with",
        "body:",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_with_its_place_and_a_remedy(tmp_path: Path, case: str) -> None:
    old, new, place, problem, remedy = REFUSED[case]
    with pytest.raises(SpecError) as caught:
        original(tmp_path, changed(old, new))
    assert caught.value.where == f"{tmp_path}/app.yaml:{place}"
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_seed_for_a_channel_without_turns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nobody takes turns in the channel 'weather'"):
        original(tmp_path, seed=SEED.replace("general", "weather"))


def test_a_seed_can_be_read_by_itself_and_needs_no_channel(tmp_path: Path) -> None:
    (tmp_path / "seed.yaml").write_text("message: Begin.\n", encoding="utf-8")
    message, warnings = read_seed(tmp_path / "seed.yaml")
    assert (message.speaker, message.text, warnings) == ("system", "Begin.", ())


def test_the_broker_is_the_originals_redis(tmp_path: Path) -> None:
    assert original(tmp_path).broker == "redis://redis:6379"
    assert original(tmp_path, changed("port: 6379", "port: 7000\n  db: 2")).broker == "redis://redis:7000/2"
