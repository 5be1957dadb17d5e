"""How a run fares that is played over workers, as the API tells it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.brokers import BrokerServer
from tests.support.pages import CREWED, play, playing, served
from tests.support.records import spoiled

from genai_social_sim.api.holding import Holdings
from genai_social_sim.ports import Holding
from genai_social_sim.testing.transports import small_item, small_offer
from genai_social_sim.workers.transports import open_transport


@pytest.mark.slow
def test_a_run_over_workers_says_what_it_waits_for_and_who_works(tmp_path: Path) -> None:
    with playing(tmp_path, CREWED, "--workers", "2") as folder, served(folder) as site:
        found = _until(
            lambda: _health(site),
            lambda found: (
                len(found["crew"]["workers"]) == 2
                and found["turns"] > 3
                and found["waiting"]
                and (found["queue"]["waiting"], found["queue"]["in_hand"]) == (0, 2)  # one turn of each channel
            ),
        )
        (row,) = site.api("/runs")["runs"]
        answered = site.api(f"/runs/{row['run']}/tally")["answered"]
    assert {each["by"] for each in answered} <= {each["name"] for each in found["crew"]["workers"]}
    assert sum(each["answers"] for each in answered) >= found["turns"]
    assert [(each["well"], each["words"]) for each in found["crew"]["workers"]] == [(True, "answers for scripted")] * 2
    assert found["sessions"][-1]["broker"]["url"] == "of its own"
    assert {each["channel"] for each in found["waiting"]} <= {"hall", "yard"}
    for each in found["waiting"]:
        assert each["backend"] == "scripted"
        assert found["now"] - 30 < each["since"] <= found["now"]


def _health(site: Any) -> Any:
    rows = site.api("/runs")["runs"]
    reply = site.ask(f"/api/runs/{rows[0]['run']}/health") if rows else None
    return reply.document if reply is not None and reply.status == 200 else None


def _until(ask: Callable[[], Any], holds: Callable[[Any], Any]) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = ask()
        if found and holds(found):
            return found
    raise TimeoutError("the run does not get there")


def test_servers_and_brokers_are_as_they_were_said_to_be_last(tmp_path: Path) -> None:
    path = play(tmp_path, CREWED.replace("turns: 10000", "turns: 4").replace(", latency: 0.3", ""))
    notices = [
        ("server_down", "http://one:1 (no connection)"),
        ("server_down", "http://two:2 (no connection)"),
        ("server_up", "http://one:1"),
        ("broker_away", "connection lost"),
        ("worker_refused", "w9: its scripted is another model"),
        ("worker_missing", "none serves scripted"),
    ]
    statements: list[tuple[str, tuple[Any, ...]]] = []
    for number, (what, words) in enumerate(notices):
        statements += [
            ("INSERT INTO texts (id, hash, text) VALUES (?, ?, ?)", (9000 + number, bytes([number]), words)),
            (
                "INSERT INTO events SELECT max(seq) + 1, 'noticed', NULL, 5.0, ?, ?, NULL, x'00' FROM events",
                (f'{{"what":"{what}"}}', str(9000 + number)),
            ),
        ]
    spoiled(path.read_bytes(), path, *statements)
    with served(tmp_path) as site:
        crew = site.api(f"/runs/{path.stem}/health")["crew"]
    assert [(each["name"], each["well"]) for each in crew["servers"]] == [
        ("http://one:1", True),
        ("http://two:2", False),
    ]
    assert (crew["broker"]["well"], crew["missing"]) == (False, ["none serves scripted"])
    assert [(each["name"], each["well"], each["words"]) for each in crew["workers"]] == [
        ("w9", False, "its scripted is another model")
    ]


def test_a_broker_that_was_named_tells_what_it_holds_of_a_run(valkey: BrokerServer) -> None:
    run = "handed-out-1"

    async def handed_out() -> None:
        transport = open_transport(valkey.url)
        try:
            end = transport.coordinate(run)
            await end.announce(small_offer(run=run))
            await end.send([small_item(turn, run=run) for turn in range(5)])
        finally:
            await transport.close()

    asyncio.run(handed_out())
    holdings = Holdings(valkey.url, time.monotonic)
    assert holdings.of(run, own=False) == Holding(5, 0)
    assert holdings.of("another", own=False) == "the broker does not know this run"
    assert Holdings("", time.monotonic).of(run, own=False) == "gss serve --broker URL tells how much it holds"
    assert "no answer from the broker" in str(Holdings("redis://127.0.0.1:1", time.monotonic).of(run, own=False))
