"""The bare pairs carry what turns carry: requests and replies as long as W6's items and results."""

from collections.abc import Sequence
from statistics import mean

import pytest
from benchmarks import bare_pairs, brokers

from genai_social_sim.backends.scripted import InstantScriptedModel
from genai_social_sim.ports import Answer, Request
from genai_social_sim.testing.transports import small_item, small_result
from genai_social_sim.workers.bodies import body_of
from genai_social_sim.workers.wire import item_to, report_to


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Sequence[tuple[Request, Answer]]:
    heard: list[tuple[Request, Answer]] = []
    answer = InstantScriptedModel.answer

    def listening(model: InstantScriptedModel, request: Request) -> Answer:
        heard.append((request, answer(model, request)))
        return heard[-1][1]

    monkeypatch.setattr(InstantScriptedModel, "answer", listening)
    return heard


def test_requests_and_replies_are_as_long_as_items_and_results(
    asked: Sequence[tuple[Request, Answer]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    brokers.study(turns=640).run(runs=tmp_path_factory.mktemp("runs"))
    item = small_item()
    head = len(item_to(item)) - len(item.body)
    items = [head + len(body_of(request)) for request, _ in asked]
    results = [small_result(item, worker="machine-12345", text=answer.text) for _, answer in asked]
    assert mean(items) == pytest.approx(len(bare_pairs.REQUEST), rel=0.1)
    assert mean(len(report_to(each)) for each in results) == pytest.approx(len(bare_pairs.REPLY), rel=0.1)
