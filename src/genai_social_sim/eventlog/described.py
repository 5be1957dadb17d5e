"""The words by which a record explains itself: every table and column, and how its hashes are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

APPLICATION_ID: Final = 0x47535331  # "GSS1", in the file's header

ABOUT: Final[Mapping[str, str]] = {
    "what": "The record of one run of genai-social-sim, a society of language-model agents. See table `described`.",
    "content": (
        "The content of an event is kind, turn (empty if none) and body, each followed by a line feed, as UTF-8, and "
        "then the 32-byte hashes of the texts that column `texts` lists, in that order."
    ),
    "chain": (
        "chain(n) = SHA-256(chain(n-1), seq as 8 bytes, at as an IEEE double, content(n)), numbers big "
        "endian; chain(-1) = SHA-256('genai-social-sim record 1')."
    ),
    "digest": (
        "Over the logical events alone (run_started, opened, remembered, spoke, fell_silent, exercised, probed, "
        "intervened, run_ended), in order: digest(n) = SHA-256(digest(n-1), content(n)), with the same start. Two runs "
        "are the same run exactly if their digests agree."
    ),
    "prompt": (
        "Column `prompt` of a call lists its messages: a letter for the role (s system, u user, a assistant, t plain "
        "text to be continued), then the ids of the texts that make up its content, joined by +. Messages of one role "
        "in a row are sent as one. Its hash is SHA-256 over, for each message, that letter, the number of texts as two "
        "bytes and the hash of each text."
    ),
    "past": (
        "If table `past` has a row, this is a fork whose log begins in another run file: its events with seq up to "
        "past.seq and its texts with id up to past.texts are those of that file, but for event 0, if it stands here. "
        "(That file may have such a row, too.) Chain and digest go through all of them, from event 0 on; column "
        "`chain` there holds that file's own links, which are others if event 0 is another. To read all: ATTACH "
        "past.file AS parent; then SELECT * FROM parent.events WHERE seq <= past.seq UNION ALL SELECT * FROM "
        "main.events, and the same for `texts` by id. `gss make-whole` copies the past into this file."
    ),
    "call": (
        "The `call` of a spoke, fell_silent, exercised, probed or remembered event is SHA-256(prompt hash, params "
        "hash, raw answer's hash, 'SEED FINISH PROMPT_TOKENS ANSWER_TOKENS'); after a failure the answer is empty, "
        "FINISH its cause, both 0; an agent that was not asked has an empty `call`."
    ),
}

DESCRIBED: Final[Mapping[str, Mapping[str, str]]] = {
    "about": {
        "": "What this file is and how its hashes are made.",
        "key": "Name of the fact.",
        "value": "The fact.",
    },
    "texts": {
        "": "Every text, once: what was said, pieces of prompts, parameters, the study.",
        "id": "Number within this file.",
        "hash": "SHA-256 of the text's UTF-8 bytes.",
        "text": "The text.",
    },
    "events": {
        "": "The log: every recorded fact, in the order in which it was written. Never changed, only appended to.",
        "seq": "Position in the log, from 0.",
        "kind": (
            "run_started: the study and the seed. session_started, session_ended: a process worked on the run. opened: "
            "a channel's first text. answered: a model's answer, written before it takes effect. attempt_failed: an "
            "attempt at a call failed. remembered: an agent's memory was made up before its turn. spoke, fell_silent: "
            "what became of a turn. exercised: an agent was asked what it does with its role's powers. "
            "probed: an agent was asked aside, between turns. intervened: a planned change took effect, between turns. "
            "run_ended: a stopping rule held. noticed: something about the running, such as a server that does not "
            "answer."
        ),
        "turn": (
            "Number of the turn in the run's logical order, from 0; for what lies between turns the number of "
            "those taken before; null if the event belongs to none."
        ),
        "at": "When it was written: seconds since 1970-01-01 UTC. Not part of the digest.",
        "body": (
            "JSON. round, position from 0; agent, channel, speaker: names; call: see about; tokens: prompt and answer "
            "together (for answered: both); cut: [start, end, why, other], the part of the raw answer, in characters, "
            "that was kept; choice: the option that was chosen, where one had to be; stand_in: the failure in whose "
            "place the study's words were said; to: who alone heard it; feed: of an act in a forum, "
            "[first post, score, [replies]] of each thread that was shown before it; doing: of words in a forum, "
            "the act that they carry out; attempt: from 1; prompt: the prompt's hash; seed: what the model was "
            "given; finish: stop, length (cut at max_tokens) or passed; sent_s, first_token_s, done_s: seconds since "
            "the turn fell due; by: who answered; cost: of the call at the study's prices, in the currency that "
            "session_started names; cause: why it failed or stayed silent; final: no further attempt; probe: its "
            "name; aside: [probe, agent], if the call is no turn, with ~summary, ~recall or ~rating-N "
            "(of the Nth line looked through) for a memory, ~powers for the powers of a role; deed, whom: what an "
            "agent did with those, and whom it concerns; number: position of the intervention in the study; what: what "
            "was noticed."
        ),
        "texts": (
            "Ids of the texts, in order: run_started study; opened text; spoke, probed text; remembered summary or, as "
            "JSON, how a line was rated or which lines came to mind; intervened change; answered params, raw answer, "
            "notes; attempt_failed params, detail; session_started about; session_ended, noticed detail."
        ),
        "prompt": "For answered and attempt_failed: the messages sent, as ids (see about); null otherwise.",
        "chain": "Link of the chain (see about).",
    },
    "head": {
        "": "One row: where the log stands. Written with the events, so it tells if some were cut off the end.",
        "one": "Always 1.",
        "seq": "Position of the last event.",
        "chain": "Its link of the chain.",
        "digest": "Digest over the logical events so far.",
        "turns": "Turns committed.",
        "status": "running, finished, interrupted or failed; running without a process that writes means killed.",
    },
    "past": {
        "": "Empty, or, in a fork that shares the past of another run, one row: where that is (see about).",
        "one": "Always 1.",
        "file": "The other run file, relative to the folder of this one, with / between folders.",
        "run": "That run's id: the first 16 digits of the link of its first session, or of that which made it a fork.",
        "seq": "Position of the last event that is read there.",
        "chain": "Its link of the chain there, by which the file is known to be the right one.",
        "texts": "Id of the last text that is read there; those of this file have larger ones.",
    },
    "described": {
        "": "This table.",
        "name": "Table or view.",
        "column_name": "Its column; empty for the table itself.",
        "description": "What it holds.",
    },
    "utterances": {"": "View: what was said, openings included, in order."},
    "calls": {"": "View: every attempt at a model call that reported back."},
}
