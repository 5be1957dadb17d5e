CREATE TABLE past (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    file TEXT NOT NULL,
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    texts INTEGER NOT NULL
);
