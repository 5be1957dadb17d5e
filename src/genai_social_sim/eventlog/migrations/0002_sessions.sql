CREATE INDEX sessions ON events (seq) WHERE kind = 'session_started';
