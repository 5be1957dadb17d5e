"""Events to rows and back: a kind, a turn, a JSON body, and the texts that it refers to in a fixed order.

Bodies hold no row ids and texts go by their hashes, so the content of an event is the same in every file.
It knows nothing of SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, assert_never

from genai_social_sim.domain.events import (
    Answered,
    Aside,
    Asked,
    AttemptFailed,
    Cut,
    Event,
    Exercised,
    FellSilent,
    Intervened,
    Noticed,
    Opened,
    Probed,
    Remembered,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.feed import Feed, Shown
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make

OUTCOMES: Final = frozenset({"spoke", "fell_silent"})
LOGICAL: Final = OUTCOMES | {"run_started", "opened", "remembered", "exercised", "probed", "intervened", "run_ended"}
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_name: Final = lru_cache(maxsize=4096)(_json)  # names come again and again


class Row(NamedTuple):
    """An event in the form in which it is stored; `texts` are those that it refers to."""

    kind: str
    turn: int | None
    body: str
    texts: tuple[Text, ...]

    def content(self) -> bytes:
        """The bytes that hashes cover: kind, turn and body, each ended by a line feed, and the texts' hashes."""
        kind, turn, body, texts = self
        start = f"{kind}\n{'' if turn is None else turn}\n{body}\n".encode()
        return start + (texts[0].digest if len(texts) == 1 else b"".join([text.digest for text in texts]))


def encode(event: Event) -> Row:  # noqa: C901, PLR0912 (one line a kind)
    """The row of an event."""
    match event:
        case Answered():
            return _answered(event)
        case Spoke():
            return make(Row, ("spoke", event.turn, _spoke(event), (event.text,)))
        case FellSilent():
            return Row("fell_silent", event.turn, _fell_silent(event), ())
        case AttemptFailed():
            return Row("attempt_failed", event.turn, _failed(event), (event.asked.params, event.detail))
        case Opened():
            return Row("opened", None, _json({"channel": event.channel, "speaker": event.speaker}), (event.text,))
        case Probed():
            return Row("probed", event.turn, _probed(event), (event.text,))
        case Exercised():
            return Row("exercised", event.turn, _exercised(event), ())
        case Remembered():
            return Row("remembered", event.turn, _remembered(event), (event.text,))
        case Intervened():
            return Row("intervened", event.turn, _json({"number": event.number}), (event.change,))
        case RunStarted():
            return Row("run_started", None, _json({"seed": event.seed}), (event.study,))
        case RunEnded():
            return Row("run_ended", None, _json({"reason": event.reason, "turns": event.turns}), ())
        case SessionStarted():
            return Row("session_started", None, _json({"resumed": event.resumed}), (event.about,))
        case Noticed():
            return Row("noticed", event.turn, _json({"what": event.what}), (event.detail,))
        case SessionEnded():
            return Row("session_ended", None, _json({"status": event.status}), (event.detail,))
        case _ as unknown:
            assert_never(unknown)


def _asked(asked: Asked, attempt: int) -> dict[str, Any]:
    return {"attempt": attempt, "prompt": asked.prompt.hex(), "seed": asked.seed}


def _answered(event: Answered) -> Row:
    (
        turn, attempt, asked, raw, finish, prompt_tokens, answer_tokens, sent_s, first_s, done_s, by, notes, cost, aside
    ) = event  # fmt: skip
    prompt, params, seed = asked
    more = "" if cost is None else f',"cost":{cost}'
    if aside is not None:
        more += f',"aside":{_json([*aside])}'
    body = (
        f'{{"attempt":{attempt},"prompt":"{prompt.hex()}","seed":{seed},"finish":"{finish}",'
        f'"tokens":[{prompt_tokens},{answer_tokens}],"sent_s":{sent_s},'
        f'"first_token_s":{"null" if first_s is None else first_s},"done_s":{done_s},'
        f'"by":{_name(by)}{more}}}'
    )
    return make(Row, ("answered", turn, body, (params, raw, notes)))


def _failed(event: AttemptFailed) -> str:
    times = {"sent_s": event.sent_s, "done_s": event.done_s}
    more = {"final": event.final} if event.aside is None else {"final": event.final, "aside": [*event.aside]}
    return _json(_asked(event.asked, event.attempt) | {"cause": event.cause} | times | more)


def _probed(event: Probed) -> str:
    found: dict[str, Any] = {"round": event.round, "probe": event.probe, "channel": event.channel, "agent": event.agent}
    found |= {"call": event.call.hex(), "tokens": event.tokens}
    more = {"choice": event.choice, "cause": event.cause}
    return _json(found | {key: value for key, value in more.items() if value is not None})


def _exercised(event: Exercised) -> str:
    more = "" if event.whom is None else f',"whom":{_name(event.whom)}'
    more += "" if event.cause is None else f',"cause":"{event.cause}"'
    return f'{{{_taken(event)},"deed":"{event.deed}"{more}}}'


def _remembered(event: Remembered) -> str:
    more = "" if event.cause is None else f',"cause":"{event.cause}"'
    return f'{{{_taken(event)},"aside":{_name(event.aside)}{more}}}'


def _fell_silent(event: FellSilent) -> str:
    more = "" if event.feed is None else _fed(event.feed)
    return f'{{{_taken(event)},"cause":"{event.cause}"{more}}}'


def _taken(event: FellSilent | Exercised | Remembered) -> str:
    return (
        f'"round":{event.round},"channel":{_name(event.channel)},"agent":{_name(event.agent)},'
        f'"call":"{event.call.hex()}","tokens":{event.tokens}'
    )


def _spoke(event: Spoke) -> str:
    _, round_no, channel, agent, _, call, tokens, cut, choice, stand_in, to, feed, doing = event
    more = ""
    if cut is not None:
        more = f',"cut":{_json([cut.start, cut.end, cut.why, cut.other])}'
    if choice is not None:
        more += f',"choice":{_name(choice)}'
    if stand_in is not None:
        more += f',"stand_in":"{stand_in}"'
    if to is not None:
        more += f',"to":{_name(to)}'
    if feed is not None:
        more += _fed(feed)
    if doing:
        more += f',"doing":{_name(doing)}'
    return (
        f'{{"round":{round_no},"channel":{_name(channel)},"agent":{_name(agent)},'
        f'"call":"{call.hex()}","tokens":{tokens}{more}}}'
    )


def _fed(feed: Feed) -> str:
    return f',"feed":{_json([[*thread] for thread in feed])}'


def _decode_feed(body: Mapping[str, Any]) -> Feed | None:
    if "feed" not in body:
        return None
    return tuple([Shown(post, score, tuple(replies)) for post, score, replies in body["feed"]])


def decode(kind: str, turn: int | None, body: str, texts: Sequence[Text]) -> Event:
    """The event of a row; raises ValueError if it is none that this release knows."""
    try:
        return _DECODERS[kind](turn, json.loads(body), texts)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as fault:
        raise ValueError(f"not a {kind} event: {fault}") from fault


def _decode_asked(body: Mapping[str, Any], params: Text) -> Asked:
    return Asked(prompt=bytes.fromhex(body["prompt"]), params=params, seed=body["seed"])


def _decode_answered(turn: Any, body: Mapping[str, Any], texts: Sequence[Text]) -> Answered:
    params, raw, notes = texts
    return Answered(
        turn=turn,
        attempt=body["attempt"],
        asked=_decode_asked(body, params),
        raw=raw,
        finish=body["finish"],
        prompt_tokens=body["tokens"][0],
        answer_tokens=body["tokens"][1],
        sent_s=body["sent_s"],
        first_token_s=body["first_token_s"],
        done_s=body["done_s"],
        by=body["by"],
        notes=notes,
        cost=body.get("cost"),
        aside=_decode_aside(body),
    )


def _decode_failed(turn: Any, body: Mapping[str, Any], texts: Sequence[Text]) -> AttemptFailed:
    params, detail = texts
    return AttemptFailed(
        turn=turn,
        attempt=body["attempt"],
        asked=_decode_asked(body, params),
        cause=body["cause"],
        detail=detail,
        sent_s=body["sent_s"],
        done_s=body["done_s"],
        final=body["final"],
        aside=_decode_aside(body),
    )


def _decode_aside(body: Mapping[str, Any]) -> Aside | None:
    return Aside(*body["aside"]) if "aside" in body else None


def _decode_probed(turn: Any, body: Mapping[str, Any], texts: Sequence[Text]) -> Probed:
    (text,) = texts
    return Probed(
        **_decode_taken(turn, body),
        probe=body["probe"],
        text=text,
        choice=body.get("choice"),
        cause=body.get("cause"),
    )


def _decode_remembered(turn: Any, body: Mapping[str, Any], texts: Sequence[Text]) -> Remembered:
    (text,) = texts
    return Remembered(**_decode_taken(turn, body), aside=body["aside"], text=text, cause=body.get("cause"))


def _decode_exercised(turn: Any, body: Mapping[str, Any], _: Sequence[Text]) -> Exercised:
    taken = _decode_taken(turn, body)
    return Exercised(**taken, deed=body["deed"], whom=body.get("whom"), cause=body.get("cause"))


def _decode_taken(turn: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    where = {"turn": turn, "round": body["round"], "channel": body["channel"], "agent": body["agent"]}
    return where | {"call": bytes.fromhex(body["call"]), "tokens": body["tokens"]}


def _decode_spoke(turn: Any, body: Mapping[str, Any], texts: Sequence[Text]) -> Spoke:
    (text,) = texts
    cut = None
    if "cut" in body:
        start, end, why, other = body["cut"]
        cut = Cut(start=start, end=end, why=why, other=other)
    return Spoke(
        **_decode_taken(turn, body),
        text=text,
        cut=cut,
        choice=body.get("choice"),
        stand_in=body.get("stand_in"),
        to=body.get("to"),
        feed=_decode_feed(body),
        doing=body.get("doing", ""),
    )


def _decode_silence(turn: Any, body: Mapping[str, Any], _: Sequence[Text]) -> FellSilent:
    return FellSilent(**_decode_taken(turn, body), cause=body["cause"], feed=_decode_feed(body))


_DECODERS: Final[Mapping[str, Callable[[Any, Any, Sequence[Text]], Event]]] = {
    "answered": _decode_answered,
    "spoke": _decode_spoke,
    "fell_silent": _decode_silence,
    "attempt_failed": _decode_failed,
    "probed": _decode_probed,
    "exercised": _decode_exercised,
    "remembered": _decode_remembered,
    "intervened": lambda turn, body, texts: Intervened(turn=turn, number=body["number"], change=texts[0]),
    "opened": lambda _, body, texts: Opened(channel=body["channel"], speaker=body["speaker"], text=texts[0]),
    "run_started": lambda _, body, texts: RunStarted(study=texts[0], seed=body["seed"]),
    "run_ended": lambda _, body, __: RunEnded(reason=body["reason"], turns=body["turns"]),
    "session_started": lambda _, body, texts: SessionStarted(resumed=body["resumed"], about=texts[0]),
    "noticed": lambda turn, body, texts: Noticed(what=body["what"], turn=turn, detail=texts[0]),
    "session_ended": lambda _, body, texts: SessionEnded(status=body["status"], detail=texts[0]),
}
