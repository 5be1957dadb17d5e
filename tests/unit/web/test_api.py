"""The API: what it says of a run, and that it keeps to its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from tests.support.pages import Site, play, served
from tests.support.records import everything

from genai_social_sim import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    play(folder)
    (folder / "broken.sqlite").write_text("nothing of ours")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    with served(folder) as site:
        yield site


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    (path,) = folder.glob("harbour*.sqlite")
    with Run(path) as run:
        yield run


def test_a_row_says_what_the_run_says(site: Site, run: Run) -> None:
    row = site.api(f"/runs/{run.path.stem}")
    assert (row["status"], row["turns"], row["digest"], row["seed"]) == (run.status, run.turns, run.digest, run.seed)
    assert row["path"] == str(run.path)
    assert (row["study"], row["agents"], row["channels"]) == ("harbour", 3, ["harbour", "market"])


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_pages_put_together_are_the_whole_transcript(site: Site, run: Run, limit: int) -> None:
    items: list[Any] = []
    after, seq = -1, 0
    while after < seq:
        page = site.api(f"/runs/{run.path.stem}/history?after={after}&limit={limit}")
        items += page["items"]
        after, seq = page["next"], page["seq"]
    said = [(item["agent"], item["text"]) for item in items if "text" in item and item["kind"] in SAID]
    assert said == [(row["speaker"], row["text"]) for row in run.utterances]
    assert [item["seq"] for item in items] == sorted({item["seq"] for item in items})


SAID = ("spoke", "opened", "intervened")


def test_beyond_the_end_there_is_nothing_and_the_cursor_stays(site: Site, run: Run) -> None:
    page = site.api(f"/runs/{run.path.stem}/history?after=999999")
    assert (page["items"], page["next"]) == ([], page["seq"])


def test_one_channel_leaves_out_what_happened_in_others(site: Site, run: Run) -> None:
    items = site.api(f"/runs/{run.path.stem}/history?limit=5000&channel=market")["items"]
    assert {item["channel"] for item in items if item["kind"] == "spoke"} == {"market"}
    assert not [item for item in items if item["kind"] == "intervened"]


def test_attempts_and_times_stand_with_what_was_said(tmp_path: Path) -> None:
    everything().record(tmp_path / "all.sqlite")
    with served(tmp_path) as site:
        found = site.api("/runs/all/history")["items"]
    items = {item.get("turn"): item for item in found if item["kind"] != "attempt_failed"}
    assert (items[2]["attempts"], items[0]["attempts"]) == (2, 1)
    assert (items[5]["clipped"], items[0]["clipped"]) == (True, False)
    assert (items[1]["kind"], items[1]["cause"]) == ("fell_silent", "passed")
    assert (items[3]["cut"], items[3]["other"]) == ("spoke_for", "bo")
    assert items[4]["stand_in"] == "garbled"


def test_a_turn_is_what_gss_show_prints(site: Site, run: Run) -> None:
    found = site.api(f"/runs/{run.path.stem}/turns/20")
    prompt = run.prompt(20)
    assert prompt is not None
    assert found["prompt"] == [{"role": role, "content": content} for role, content in prompt.chat()]
    assert (found["prompt_hash"], found["prompt_checks"]) == (prompt.digest.hex(), True)
    assert found["models"][0]["backend"] == "scripted"


def test_what_was_asked_aside_can_be_looked_at(site: Site, run: Run) -> None:
    row = next(iter(run.probes))
    found = site.api(f"/runs/{run.path.stem}/turns/{row['turn']}?probe=stance&agent={row['agent']}")
    assert (found["probe"], found["agent"]) == ("stance", row["agent"])
    assert "Where do you stand?" in found["sent"][-1]["content"]


def test_search_finds_what_was_said_whatever_its_case(site: Site, run: Run) -> None:
    found = site.api(f"/runs/{run.path.stem}/search?q=DREDGER")
    assert [(item["kind"], item["agent"]) for item in found["items"]] == [("intervened", "mayor")]
    assert found["next"] == found["seq"]


def test_search_goes_on_where_it_stopped(site: Site, run: Run) -> None:
    spoken = [row["seq"] for row in run.utterances if row["speaker"] == "ada"]
    first = site.api(f"/runs/{run.path.stem}/search?q=ada&limit=3")
    rest = site.api(f"/runs/{run.path.stem}/search?q=ada&limit=500&after={first['next']}")
    assert [item["seq"] for item in first["items"] + rest["items"] if item["kind"] == "spoke"] == spoken


def test_the_tally_counts_what_the_tables_hold(site: Site, run: Run) -> None:
    tally = site.api(f"/runs/{run.path.stem}/tally")
    turns = run.table("turns").rows()
    assert tally["spoke"] == sum(row["outcome"] == "spoke" for row in turns)
    assert sum(tally["silent"].values()) == sum(row["outcome"] == "silent" for row in turns)
    assert tally["calls"] == sum(row["outcome"] == "answered" for row in run.calls)
    assert tally["probed"] == len(run.probes)


def test_agents_have_roles_and_personas(site: Site, run: Run) -> None:
    society = site.api(f"/runs/{run.path.stem}/society")
    assert society["agents"][0] == {"name": "ada", "role": "chair", "authority": 3.0}
    assert society["channels"][1]["members"] == [1, 2]
    assert society["round_turns"] == 5
    assert "geologist" in site.api(f"/runs/{run.path.stem}/agents/ada")["persona"]


def test_a_finished_run_waits_for_nothing(site: Site, run: Run) -> None:
    health = site.api(f"/runs/{run.path.stem}/health")
    assert (health["status"], health["waiting"]) == ("finished", [])
    assert [session["status"] for session in health["sessions"]] == ["finished"]
    assert {item["kind"] for item in health["trouble"]} == {"attempt_failed"}


def test_a_stopped_stream_goes_on_where_it_was(site: Site, run: Run) -> None:
    whole = [*_events(site.ask(f"/api/runs/{run.path.stem}/stream").body)]
    rest = [*_events(site.ask(f"/api/runs/{run.path.stem}/stream", Last_Event_ID="40").body)]
    assert [event["seq"] for event in whole[:-1]] == [
        item["seq"] for item in site.api(f"/runs/{run.path.stem}/history?limit=5000")["items"]
    ]
    assert rest == [event for event in whole if event.get("seq", 41) > 40]
    assert whole[-1] == {"status": "finished", "turns": 60, "digest": run.digest}


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.decode().splitlines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/runs/none", 404),
        ("/api/runs/broken/history", 409),
        ("/api/runs/broken/stream", 409),
        ("/api/runs/RUN/turns/999", 404),
        ("/api/runs/RUN/turns/-1", 400),
        ("/api/runs/RUN/turns/1?probe=stance", 404),
        ("/api/runs/RUN/agents/nobody", 404),
        ("/api/runs/RUN/history?limit=0", 400),
        ("/api/runs/RUN/history?after=1e3", 400),
        ("/api/runs/RUN/history?afterwards=1", 400),
        ("/api/runs/RUN/search", 400),
        ("/api/nothing", 404),
    ],
)
def test_what_makes_no_sense_is_answered_with_what_to_do(site: Site, run: Run, path: str, status: int) -> None:
    reply = site.ask(path.replace("RUN", run.path.stem))
    assert reply.status == status
    assert reply.document["error"]["message"]


def test_the_api_keeps_to_its_document(site: Site, run: Run) -> None:
    document = site.api("/openapi.json")
    for path, item in document["paths"].items():  # real names among the made-up ones, so that answers are examined, too
        for parameter in item["get"]["parameters"]:
            if parameter["name"] == "study":
                parameter["schema"] = {"type": "string", "enum": ["harbour", "none"]}
            if parameter["name"] == "run":
                parameter["schema"]["examples"] = [run.path.stem]
                parameter["schema"] = {"type": "string", "enum": [run.path.stem, "broken", "none"]}
            if parameter["name"] == "turn" and "turns" in path:
                parameter["schema"]["maximum"] = 70
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=site.url)
    found: list[Any] = [*schema.get_all_operations()]
    assert len(found) == len(document["paths"])
    for operation in found:
        _examine(operation.ok())


def _examine(operation: Any) -> None:
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy())
    def examined(case: Any) -> None:
        case.call_and_validate()

    examined()
