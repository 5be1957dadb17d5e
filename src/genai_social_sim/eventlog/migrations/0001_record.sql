CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE texts (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    turn INTEGER,
    at REAL NOT NULL,
    body TEXT NOT NULL,
    texts TEXT NOT NULL,
    prompt TEXT,
    chain BLOB NOT NULL
);
CREATE INDEX events_by_turn ON events (turn) WHERE turn IS NOT NULL;
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    digest BLOB NOT NULL,
    turns INTEGER NOT NULL,
    status TEXT NOT NULL
);
CREATE TABLE described (
    name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (name, column_name)
) WITHOUT ROWID;
CREATE VIEW utterances AS
    SELECT e.turn, e.body ->> 'round' AS round, e.body ->> 'channel' AS channel,
           coalesce(e.body ->> 'agent', e.body ->> 'speaker') AS speaker, t.text, e.at, e.seq
    FROM events AS e JOIN texts AS t ON t.id = CAST(e.texts AS INTEGER)
    WHERE e.kind IN ('opened', 'spoke');
CREATE VIEW calls AS
    SELECT e.turn, e.body ->> 'attempt' AS attempt, e.kind, e.body ->> 'cause' AS cause, e.body ->> 'finish' AS finish,
           e.body ->> 'seed' AS seed, e.body ->> 'prompt' AS prompt_hash, e.body ->> '$.tokens[0]' AS prompt_tokens,
           e.body ->> '$.tokens[1]' AS answer_tokens, e.body ->> 'sent_s' AS sent_s,
           e.body ->> 'first_token_s' AS first_token_s, e.body ->> 'done_s' AS done_s, e.body ->> 'by' AS answered_by,
           e.prompt, e.at, e.seq
    FROM events AS e WHERE e.kind IN ('answered', 'attempt_failed');
