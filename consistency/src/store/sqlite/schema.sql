-- Versions are integers of their own order. Values, and what no search needs, are JSON texts.

-- One row: where the store stands.
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    clock INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    token INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    superseded INTEGER NOT NULL,
    chain BLOB NOT NULL
);

-- The newest version of each cell; searches see nothing else.
CREATE TABLE cell (
    key TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    author TEXT NOT NULL,
    derived TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX cell_version ON cell (version);

-- The superseded versions, each with the one that replaced it: what collection deletes is found by that.
CREATE TABLE older (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    until INTEGER NOT NULL,
    content TEXT NOT NULL,
    author TEXT NOT NULL,
    derived TEXT NOT NULL,
    PRIMARY KEY (key, version)
) WITHOUT ROWID;
CREATE INDEX older_until ON older (until);

CREATE TABLE open (
    version INTEGER PRIMARY KEY,
    agent TEXT NOT NULL,
    held INTEGER NOT NULL,
    rests_on TEXT NOT NULL,
    keys TEXT NOT NULL
);

-- Which open commit rests on which earlier one.
CREATE TABLE rests (
    earlier INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (earlier, version)
) WITHOUT ROWID;
CREATE INDEX rests_version ON rests (version);

CREATE TABLE retracted (version INTEGER PRIMARY KEY);

CREATE TABLE stored (
    key TEXT PRIMARY KEY,
    digest INTEGER NOT NULL,
    version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE finished (session INTEGER PRIMARY KEY);

CREATE TABLE tool (
    name TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    repeat TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE lease (
    key TEXT PRIMARY KEY,
    holder INTEGER NOT NULL,
    started INTEGER NOT NULL,
    token INTEGER NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;

-- `state`: 0 settled, 1 waiting or in doubt, 2 claimed.
CREATE TABLE effect (
    version INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    lane TEXT NOT NULL,
    tool TEXT NOT NULL,
    payload TEXT NOT NULL,
    level TEXT NOT NULL,
    pinned TEXT,
    stage TEXT NOT NULL,
    state INTEGER NOT NULL,
    PRIMARY KEY (version, turn)
) WITHOUT ROWID;
CREATE INDEX effect_unsettled ON effect (lane, version, turn) WHERE state > 0;
CREATE INDEX effect_claimed ON effect (lane, version, turn) WHERE state = 2;
CREATE INDEX effect_settled ON effect (version) WHERE state = 0;

-- Every order that changed something; the chain covers the order and its changes.
CREATE TABLE log (
    seq INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    entry TEXT NOT NULL,
    chain BLOB NOT NULL
);

-- Who is at work, for the other processes; no part of the shared truth.
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    process INTEGER NOT NULL,
    snapshot INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    doomed INTEGER NOT NULL,
    begin TEXT NOT NULL
);

INSERT INTO head VALUES (1, 0, 0, 0, 0, 0, zeroblob(32));
