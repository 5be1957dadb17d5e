"""Over several files the log is views: what is asked of it must not copy a table, nor put all of it in order first."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

import genai_social_sim
from genai_social_sim import Study
from genai_social_sim.eventlog.reader import SqliteReader

STUDY = """
name: small
model: {backend: scripted, words: 5}
agents: [{name: Ada}, {name: Bo}]
channels: {hall: {}}
stop: {turns: 4}
"""
FEW = {"_REASON", "_SILENCES", "_BY_AGENT", "_CURRENCY", "_MAKING", "_SECOND"}  # whose answers are a handful of rows
ASKING = ("web", "api", "cli", "eventlog")


def queries() -> Iterator[tuple[str, str]]:
    """Every query of the log that a module has as a constant."""
    for package in ASKING:
        folder = Path(genai_social_sim.__path__[0]) / package
        for found in pkgutil.iter_modules([str(folder)]):
            if found.name.startswith("__"):
                continue
            module = import_module(f"genai_social_sim.{package}.{found.name}")
            for name, value in vars(module).items():
                if isinstance(value, str) and re.match(r"\s*SELECT .*\bFROM (events|texts)\b", value, re.DOTALL):
                    yield f"{package}.{found.name}.{name}", value


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteReader]:
    with (
        Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("runs")) as run,
        run.fork(at_turn=2, mute=["Bo"]) as branch,
        closing(SqliteReader(branch.path)) as reader,
    ):
        yield reader


def plan_of(reader: SqliteReader, sql: str) -> list[str]:
    numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    values = (None,) * (max(numbered) if numbered else sql.count("?"))
    return [str(step[3]) for step in reader.query(f"EXPLAIN QUERY PLAN {sql}", *values)]


def test_there_are_queries_to_be_looked_at() -> None:
    assert len(dict(queries())) > 25


@pytest.mark.parametrize(("name", "sql"), [pytest.param(name, sql, id=name) for name, sql in queries()])
def test_a_query_of_a_fork_looks_up_what_it_needs(fork: SqliteReader, name: str, sql: str) -> None:
    plan = plan_of(fork, sql)
    assert "MATERIALIZE texts" not in plan
    assert not [step for step in plan if step.startswith("SCAN past1.texts")]
    if name.rpartition(".")[2] not in FEW:
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan
