"""`gss doctor --broker`: what is wrong with a broker, and the command that mends it."""

import pytest
from redis import Redis
from tests.support.brokers import BrokerServer, RabbitServer

from genai_social_sim.cli.broker_health import findings
from genai_social_sim.errors import RequestError


def found(url: str) -> dict[str, tuple[str, str, str]]:
    return {each.what: (each.state, each.found, each.remedy) for each in findings(url)}


def test_a_broker_as_it_should_be(valkey: BrokerServer) -> None:
    told = found(valkey.url)
    assert {state for state, _, _ in told.values()} == {"ok"}
    assert set(told) == {"broker", "persistence", "memory policy", "rights"}
    assert "Valkey" in told["broker"][1]


def test_a_nats_server_with_small_messages(nats: BrokerServer) -> None:
    told = found(nats.url)
    assert {what: state for what, (state, _, _) in told.items()} == {
        "broker": "ok",
        "JetStream": "ok",
        "message size": "doubtful",
    }
    assert "max_payload" in told["message size"][2]


@pytest.mark.rabbitmq
def test_a_rabbitmq_as_it_should_be(rabbitmq: RabbitServer) -> None:
    told = found(rabbitmq.url)
    assert {state for state, _, _ in told.values()} == {"ok"}
    assert set(told) == {"broker", "queues", "room", "longest answer"}
    assert "RabbitMQ 3." in told["broker"][1]


@pytest.mark.rabbitmq
def test_a_rabbitmq_whose_memory_is_full(rabbitmq: RabbitServer) -> None:
    rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        state, words, remedy = found(rabbitmq.url)["room"]
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "0.4")
    assert (state, "alarm" in words, "rabbitmq-diagnostics alarms" in remedy) == ("broken", True, True)


@pytest.mark.rabbitmq
def test_a_user_of_a_rabbitmq_without_rights(rabbitmq: RabbitServer) -> None:
    rabbitmq.control("add_user", "visitor", "word")
    rabbitmq.control("set_permissions", "visitor", "^other", "^other", "^other")
    try:
        state, _, remedy = found(rabbitmq.url.replace("://", "://visitor:word@"))["rights"]
    finally:
        rabbitmq.control("delete_user", "visitor")
    assert (state, "set_permissions" in remedy) == ("broken", True)


@pytest.mark.rabbitmq
def test_a_wrong_password_for_a_rabbitmq_is_told_without_it(rabbitmq: RabbitServer) -> None:
    ((state, words, remedy),) = found(rabbitmq.url.replace("://", "://nobody:hush@")).values()
    assert (state, "hush" in words + remedy) == ("broken", False)
    assert "amqp://USER:PASSWORD@HOST" in remedy


@pytest.mark.parametrize(
    ("setting", "value", "usual", "what", "state"),
    [
        ("appendonly", "no", "yes", "persistence", "doubtful"),
        ("maxmemory-policy", "allkeys-lru", "noeviction", "memory policy", "doubtful"),
    ],
)
def test_a_setting_that_loses_turns(
    valkey: BrokerServer, setting: str, value: str, usual: str, what: str, state: str
) -> None:
    with Redis.from_url(valkey.url) as client:
        client.config_set(setting, value)
        try:
            assert found(valkey.url)[what][0] == state
            assert setting in found(valkey.url)[what][2]
        finally:
            client.config_set(setting, usual)


def test_a_policy_that_evicts_at_a_limit_breaks_runs(valkey: BrokerServer) -> None:
    with Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "64mb")
        try:
            state, words, remedy = found(valkey.url)["memory policy"]
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
    assert (state, "64 MiB" in words) == ("broken", True)
    assert remedy == "redis-cli config set maxmemory-policy noeviction"


def test_a_user_without_rights(valkey: BrokerServer) -> None:
    with Redis.from_url(valkey.url) as client:
        client.execute_command(
            "ACL", "SETUSER", "guest", "on", ">word", "~other:*", "+info", "+ping", "+hello", "+client"
        )
        try:
            state, _, remedy = found(valkey.url.replace("://", "://guest:word@"))["rights"]
        finally:
            client.execute_command("ACL", "DELUSER", "guest")
    assert state == "broken"
    assert "~gss:*" in remedy


def test_a_wrong_password_is_told_without_it(valkey: BrokerServer) -> None:
    ((state, words, remedy),) = found(valkey.url.replace("://", "://nobody:hush@")).values()
    assert (state, "hush" in words + remedy) == ("broken", False)
    assert "redis://USER:PASSWORD@HOST" in remedy


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "nats://127.0.0.1:1"])
def test_nobody_there(url: str) -> None:
    ((state, words, remedy),) = found(url).values()
    assert (state, "127.0.0.1:1" in words) == ("broken", True)
    assert "docker run" in remedy


def test_what_is_no_address_of_a_broker() -> None:
    with pytest.raises(RequestError, match="no address of a broker"):
        findings("http://127.0.0.1")
