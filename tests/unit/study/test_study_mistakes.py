"""What people get wrong in study files: each is refused with its place, what is wrong and what to write instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.study.studies import SMALL, loaded, refusal_of, with_change

from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.study.files import MAX_BYTES
from genai_social_sim.study.lowering import load, lower

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
TALL = "a0: &a0 " + "[" * 40 + "x" + "]" * 40 + "\na1: " + "[" * 20 + "*a0" + "]" * 20
MEMBERS = "    members: {}\n    opening"

# (the text, line:column, words of the problem, words of the remedy)
MISTAKES = {
    # not YAML, or YAML that is not read
    "an empty file": ("", "1:1", "empty", "gss init"),
    "nothing but comments": ("# soon\n", "1:1", "comments", "gss init"),
    "a list": ("- a\n", "1:1", "a study is a mapping", "name: my-study"),
    "a sentence": ("hello", "1:1", "the text 'hello'", "name: my-study"),
    "an empty document": ("---\n", "2:1", "nothing", "gss init"),
    "a key twice": (SMALL + "stop: {turns: 2}\n", "12:1", "'stop' appears twice", "line 11"),
    "a second document": (SMALL + "---\nname: b\n", "12:1", "second YAML document", "---"),
    "a Python tag": (with_change("42", "!!python/name:os.system x"), "2:7", "tags such as !!python/name", "Delete it"),
    "a tag of one's own": (with_change("42", "!mine 42"), "2:7", "tags such as !mine", "quotes"),
    "a merge key": (with_change("seed: 42", "<<: {seed: 42}"), "2:1", "merge keys", "Write the keys out"),
    "an alias to nothing": (with_change("42", "*seed"), "2:7", "*seed points to nothing", "&seed"),
    "an alias inside itself": ("a: &x [*x]", "1:8", "inside the value it repeats", "Write the value out"),
    "an alias bomb": (BOMB, "5:46", "too large", "fewer aliases"),
    "deep nesting": ("a: " + "[" * 60 + "]" * 60, "1:53", "more than 50 levels", "flatter"),
    "abysmal nesting": ("[" * 200_000, "1:1001", "more than 50 levels", "flatter"),
    "deep nesting by alias": (TALL, "2:25", "more than 50 levels", "flatter"),
    "a key that is a number": (with_change("seed", "7"), "2:1", "the key 7 is not a text", '"7"'),
    "a key that is a list": (with_change("seed: 42", "? [a]\n: 42"), "2:3", "where a key is expected", "key: value"),
    "a NUL": (SMALL + "\0", "12:1", "U+0000", "Delete it"),
    "an escape character": (with_change("evidence", "\x1b[31m"), "5:60", "U+001B", "Delete it"),
    "an escaped escape character": (with_change("evidence", "\\e[31m"), "5:27", "U+001B", "Delete the escape"),
    "a tab": (with_change("seed", "\tseed"), "2:1", "tab", "blanks"),
    "a colon in a text": (with_change("42", "42: 3"), "2:9", "`: `", "quotes"),
    "an open quote": (with_change("42", "'42"), "2:7", "never closed", "Close it"),
    "an open bracket": (with_change("{turns: 12}", "[1, 2"), "11:7", "not closed", "[one, two]"),
    "an open brace": (with_change("{turns: 12}", "{turns: 12"), "11:7", "not closed", "{key: value"),
    "a strange first character": (with_change("42", "@42"), "2:7", "may not begin with @", "quotes"),
    "bad indentation": (with_change("    opening", "   opening"), "10:4", "does not fit", "same indentation"),
    "an item without its dash": (with_change("  - {name: BOT2", "    {name: BOT2"), "6:5", "list", "- "),
    "a key without its colon": (with_change("seed: 42", "seed"), "3:1", "without its `:`", "key: value"),
    # keys
    "an unknown key": (with_change("seed", "sede"), "2:1", "sede: unknown key", "Did you mean `seed`"),
    "a key of another design": (SMALL + "reporters: []\n", "12:1", "reporters: unknown key", "Known here: name"),
    "an unknown key in an agent": (with_change("name: BOT1", "nam: BOT1"), "5:6", "agents[0].nam: unknown", "`name`"),
    "an unknown key in a protocol": (with_change("first", "frist"), "9:35", "unknown key", "Known here: kind, first."),
    "a misspelt sampling key": (with_change("temperature", "temprature"), "3:28", "unknown key", "`temperature`"),
    "no name": (with_change("name: rare-earths\n", ""), "1:1", "`name` is missing", "name: rare-earths"),
    "no stopping rule": (with_change("stop: {turns: 12}\n", ""), "1:1", "`stop` is missing", "stop: {turns: 12}"),
    "nothing after a key": (with_change("seed: 42", "seed:"), "2:6", "no value follows", "seed: 42"),
    "nothing after an optional key": (SMALL + "description:\n", "12:13", "no value follows", "delete the key"),
    # types and ranges
    "a number in quotes": (with_change("42", "'42'"), "2:7", "the text '42' where a whole number", "seed: 42"),
    "true for a number": (with_change("42", "true"), "2:7", "`true` where a whole number", "seed: 42"),
    "a fraction of a seed": (with_change("42", "1.5"), "2:7", "1.5 where a whole number", "seed: 42"),
    "a whole number as 1e6": (with_change("turns: 12", "tokens: 1e6"), "11:16", "whole number", "1000000"),
    "a negative seed": (with_change("42", "-1"), "2:7", "-1 must be at least 0", "seed: 42"),
    "a huge seed": (with_change("42", "9" * 30), "2:7", "may be at most", "smaller number"),
    "an infinite temperature": (with_change("0.7", ".inf"), "3:41", "not a finite number", "finite"),
    "no number at all": (with_change("0.7", ".nan"), "3:41", "not a finite number", "finite"),
    "a number too large": (with_change("0.7", "1e999"), "3:41", "not a finite number", "finite"),
    "a negative temperature": (with_change("0.7", "-0.5"), "3:41", "-0.5 must be at least 0", "temperature: 0.7"),
    "a word for a temperature": (with_change("0.7", "hot"), "3:41", "'hot' where a number", "temperature: 0.7"),
    "a share above one": (with_change("0.95", "95"), "3:53", "95 must be at most 1", "top_p: 0.95"),
    "no tokens": (with_change("max_tokens: 60", "max_tokens: 0"), "3:71", "at least 1", "max_tokens: 100"),
    "a number for a name": (with_change("rare-earths", "12"), "1:7", "12 where a text", '"12"'),
    "a name with blanks": (with_change("rare-earths", "rare earths"), "1:7", "cannot name a file", "rare-earths"),
    "yes for true": (
        with_change("{kind: round_robin, first: BOT2}", "{kind: random, repeat: yes}"),
        "9:38",
        "the text 'yes' where true or false",
        "repeat: true",
    ),
    "unknown durability": (SMALL + "durability: ful\n", "12:13", "'ful'", "`full` or `process`"),
    "no calls at once": (SMALL + "parallel: 0\n", "12:11", "at least 1", "parallel: 4"),
    # agents
    "no agents": ("name: a\nagents: []\nchannels: {c: {}}\nstop: {turns: 1}", "2:9", "empty", "agents: [{name"),
    "agents as a mapping": (
        "name: a\nagents: {A: x}\nchannels: {c: {}}\nstop: {turns: 1}",
        "2:9",
        "a mapping where a list",
        "agents: [{name",
    ),
    "an agent's name twice": (with_change("name: BOT2", "name: BOT1"), "6:12", "'BOT1' is taken", "agents[0] has it"),
    "names that differ in case": (with_change("name: BOT2", "name: bot1"), "6:12", "reads like 'BOT1'", "own name"),
    "names that differ in width": (
        with_change("name: BOT2", "name: \uff22\uff2f\uff341"),
        "6:12",
        "reads like",
        "own name",
    ),
    "a name with a colon": (with_change("name: BOT1", "name: 'BOT1:'"), "5:12", "colon", "Leave it out"),
    "a name with a wide colon": (with_change("name: BOT1", "name: BOT1\uff1ax"), "5:12", "colon", "Leave it out"),
    "a name with a line break": (with_change("name: BOT1", 'name: "B\\nOT"'), "5:12", "U+000A", "Delete it"),
    "a name with a hidden character": (with_change("name: BOT1", 'name: "B\\u200bT"'), "5:12", "ZERO WIDTH", "Delete"),
    "a name turned around": (with_change("name: BOT1", 'name: "B\\u202eT"'), "5:12", "RIGHT-TO-LEFT", "Delete it"),
    "a name with outer blanks": (with_change("name: BOT1", "name: ' BOT1'"), "5:12", "begins or ends", "'BOT1'"),
    "a name of a role": (with_change("name: BOT1", "name: System"), "5:12", "'System'", "another name"),
    "an empty name": (with_change("name: BOT1", "name: ''"), "5:12", "1 to 64 characters", "BOT1"),
    "a long name": (with_change("name: BOT1", "name: " + "B" * 65), "5:12", "this has 65", "1 to 64"),
    "an attribute that is a list": (
        with_change("name: BOT1,", "name: BOT1, attributes: {age: [1]},"),
        "5:36",
        "one text, number, true or false",
        "age: 52",
    ),
    "an attribute called name": (
        with_change("name: BOT1,", "name: BOT1, attributes: {name: x},"),
        "5:31",
        "may not be called 'name'",
        "another word",
    ),
    "an attribute with blanks": (
        with_change("name: BOT1,", "name: BOT1, attributes: {home town: x},"),
        "5:31",
        "'home town'",
        "home_town",
    ),
    "an unknown backend": (with_change("embedded", "embeded"), "3:18", "no backend 'embeded'", "`embedded`"),
    # templates
    "an unknown variable": (with_change("evidence", "{{ evidence }}"), "5:27", "'evidence' is undefined", "name"),
    "an open template": (with_change("evidence", "{{ name"), "5:27", "template does not work", "{{ name }}"),
    "a template into Python": (with_change("evidence", "{{ name.__class__ }}"), "5:27", "unsafe", "plain text"),
    "a template that swells": (with_change("evidence", "{{ 'a' * 10**9 }}"), "5:27", "numbers only", "plain text"),
    "a template that loops": (
        with_change("evidence", "{% for i in range(10**9) %}x{% endfor %}"),
        "5:27",
        "10,000",
        "plain text",
    ),
    "a huge persona": (
        with_change("evidence", "{% for i in range(10000) %}a long sentence{% endfor %}"),
        "5:27",
        "150,0",
        "plain text",
    ),
    "a bad frame": (SMALL + "prompt: {frame: '{{ nme }}'}\n", "12:17", "'nme' is undefined", "others"),
    "an unknown layout": (SMALL + "prompt: {layout: chat}\n", "12:18", "'chat'", "`script`"),
    # channels
    "no channels": (
        "name: a\nagents: [{name: A, persona: b}]\nchannels: {}\nstop: {turns: 1}",
        "3:11",
        "empty",
        "channels: {general",
    ),
    "channels as a list": (
        "name: a\nagents: [{name: A, persona: b}]\nchannels: [c]\nstop: {turns: 1}",
        "3:11",
        "a list where a mapping",
        "channels: {general",
    ),
    "a channel's name with a colon": (with_change("general:", '"a:b":'), "8:3", "colon", "Leave it out"),
    "channels that read alike": (
        with_change("  general:", "  General: {}\n  general:"),
        "9:3",
        "'General'",
        "own name",
    ),
    "an unknown member": (
        with_change("    opening", MEMBERS.format("[BOT2, BOB2]")),
        "10:21",
        "no agent 'BOB2'",
        "Did you mean `BOT2`",
    ),
    "a member twice": (
        with_change("    opening", MEMBERS.format("[BOT2, BOT1, BOT2]")),
        "10:27",
        "'BOT2' is listed twice",
        "Delete",
    ),
    "no members": (with_change("    opening", MEMBERS.format("[]")), "10:14", "empty", "members: [BOT1, BOT2]"),
    "one member as a text": (
        with_change("    opening", MEMBERS.format("BOT1")),
        "10:14",
        "'BOT1' where a list",
        "members: [BOT1, BOT2]",
    ),
    "an unknown first": (with_change("first: BOT2", "first: BOT3"), "9:42", "no member", "BOT1, BOT2"),
    "an unknown first for all": (
        with_change("    protocol: {kind: round_robin, first: BOT2}\n", "")
        + "protocol: {kind: round_robin, first: X}\n",
        "11:38",
        "'X' is no member of the channel 'general'",
        "BOT1, BOT2",
    ),
    "a first that is a draw or a member": (
        SMALL.replace("BOT2", "random").replace("    opening", "    # opening"),
        "9:42",
        "could be the member",
        "another name",
    ),
    "an unknown protocol": (with_change("round_robin", "roundrobin"), "9:15", "'roundrobin'", "`round_robin`"),
    "a protocol without kind": (with_change("kind: round_robin, ", ""), "9:15", "lacks its `kind`", "simultaneous"),
    "an opening in a near name": (with_change("from: system", "from: bot1"), "10:21", "taken for", "'BOT1'"),
    "an opening without text": (with_change("from: system, text", "from"), "10:14", "`text` is missing", "Add it"),
    "a blank opening": (
        with_change('"Discuss current issues surrounding rare earth metals."', "' '"),
        "10:35",
        "the text is empty",
        "Write what is to be said",
    ),
    "a negative memory": (SMALL + "memory: {kind: window, utterances: -1}\n", "12:36", "at least 0", "utterances: 20"),
    "an unknown memory": (SMALL + "memory: all\n", "12:9", "no kind 'all'", "window, none"),
    # stopping and timeouts
    "a rule without rules": (with_change("{turns: 12}", "{}"), "11:7", "no rule", "{turns: 12}"),
    "any of nothing": (with_change("{turns: 12}", "{any: []}"), "11:13", "empty", "any: [{turns: 12}]"),
    "all of nothing": (with_change("{turns: 12}", "{any: [{all: []}]}"), "11:20", "empty", "all: [{turns: 12}]"),
    "no turns": (with_change("turns: 12", "turns: 0"), "11:15", "0 must be at least 1", "turns: 12"),
    "turns as a plain number": (with_change("{turns: 12}", "12"), "11:7", "12 where a mapping", "stop: {turns: 12}"),
    "more than everybody agrees": (
        with_change("turns: 12", "consensus: {share: 2}"),
        "11:27",
        "2 must be at most 1",
        "share: 0.98",
    ),
    "silence in turns": (with_change("turns: 12", "silence: 2 turns"), "11:17", "'2 turns'", "2 rounds"),
    "a duration without unit": (SMALL + "timeouts: {answer: 2 parsecs}\n", "12:20", "'2 parsecs'", "120 s"),
    "no time": (SMALL + "timeouts: {answer: 0 s}\n", "12:20", "longer than nothing", "120 s"),
    "negative time": (SMALL + "timeouts: {backoff: -1}\n", "12:21", "longer than nothing", "500 ms"),
    "no attempts": (SMALL + "timeouts: {attempts: 0}\n", "12:22", "at least 1", "attempts: 3"),
    "an unknown way out": (SMALL + "timeouts: {on_failure: retry}\n", "12:24", "'retry'", "`skip`, `stop`"),
    "a way out misspelt": (SMALL + "timeouts: {on_failure: {sya: x}}\n", "12:25", "sya: unknown key", "`say`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_place_problem_and_remedy(mistake: str) -> None:
    text, place, problem, remedy = MISTAKES[mistake]
    fault = refusal_of(text)
    assert fault.where == f"study.yaml:{place}", str(fault)
    assert problem in fault.problem, str(fault)
    assert remedy in fault.remedy, str(fault)
    assert not fault.problem.endswith(".")
    assert fault.remedy.splitlines()[0].endswith((".", "?")), str(fault)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_text() -> None:
    text = with_change("seed: 42", "seed: x").replace("turns: 12", "turns: 0").replace("0.7", "hot")
    assert str(refusal_of(text)) == (
        "study.yaml:2:7: seed: found the text 'x' where a whole number is expected. Write for example `seed: 42`.\n"
        "And 2 more:\n"
        "  study.yaml:3:41: model.temperature: found the text 'hot' where a number is expected\n"
        "  study.yaml:11:15: stop.turns: 0 must be at least 1"
    )


def test_of_many_mistakes_five_more_are_listed() -> None:
    fault = refusal_of(SMALL + "".join(f"key{number}: 1\n" for number in range(10)))
    assert fault.remedy.count("unknown key") == 5
    assert fault.remedy.endswith("and 4 more")


def test_a_missing_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SMALL)
    fault = refusal_of_file(tmp_path / "studdy.yaml")
    assert fault.problem == "there is no such file"
    assert fault.remedy == f"Did you mean {tmp_path / 'study.yaml'}?"


def test_a_folder_is_refused_with_the_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SMALL)
    fault = refusal_of_file(tmp_path)
    assert fault.problem == "this is a folder, not a study file"
    assert str(tmp_path / "study.yaml") in fault.remedy


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.touch()
    assert refusal_of_file(path).where == f"{path}:1:1"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be read by root")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.touch(mode=0)
    assert "may not be read" in refusal_of_file(path).problem


def test_bytes_that_are_not_utf_8_are_named_by_offset_and_line(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes("name: é\nseed: ".encode() + b"\xe9\n")
    fault = refusal_of_file(path)
    assert fault.problem == "the byte 0xE9 at offset 15 is not UTF-8"
    assert fault.where == f"{path}:2:7"


def test_utf_16_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SMALL, encoding="utf-16")
    assert refusal_of_file(path).problem == "the file is UTF-16, not UTF-8"


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SMALL, encoding="utf-8-sig")
    assert load(path).document == loaded().document


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert "at most 16 MiB" in refusal_of_file(path).problem


def test_options_that_a_backend_refuses_are_refused_where_they_stand() -> None:
    def check(backend: str, options: dict[str, object]) -> None:
        raise RequestError(f"{backend} has no option {next(iter(options))!r}", remedy="Its options are: model.")

    with pytest.raises(SpecError) as caught:
        lower(loaded(with_change("temperature: 0.7", "modle: x.gguf")), check_options=check)
    assert str(caught.value) == (
        "study.yaml:3:28: model.modle: embedded has no option 'modle'. Its options are: model."
    )


def refusal_of_file(path: Path) -> SpecError:
    """Why the file is refused."""
    with pytest.raises(SpecError) as caught:
        load(path)
    return caught.value
