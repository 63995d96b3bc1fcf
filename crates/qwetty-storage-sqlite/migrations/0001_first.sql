-- Instants are microseconds since the Unix epoch, ids 16-byte blobs, hours numbered from the epoch.
-- A migration that was released is never edited: an open file is compared with what these texts make.

CREATE TABLE setup (
    -- One row once the store is founded.
    only INTEGER PRIMARY KEY CHECK (only = 1),
    root_key BLOB NOT NULL CHECK (length(root_key) = 16),
    announced INTEGER NOT NULL CHECK (announced IN (0, 1))
) STRICT;

CREATE TABLE organizations (
    -- Stands for the organization in other tables, in fewer bytes than its id.
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX organizations_by_created_at ON organizations (created_at, id);

CREATE TABLE channels (
    organization INTEGER NOT NULL REFERENCES organizations (number) ON DELETE CASCADE,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX channels_by_created_at ON channels (organization, created_at, id);

CREATE TABLE keys (
    -- Stands for the key in the tables of usage and windows.
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    organization INTEGER NOT NULL REFERENCES organizations (number),
    name TEXT NOT NULL,
    -- The name, case folded, to sort and search by.
    folded_name TEXT NOT NULL,
    description TEXT,
    -- Separated by spaces; '*' is all of them, and the empty text is damage.
    permissions TEXT NOT NULL CHECK (permissions <> ''),
    channels TEXT NOT NULL CHECK (channels <> ''),
    networks TEXT NOT NULL CHECK (networks <> ''),
    tier TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    start TEXT NOT NULL,
    previous_digest BLOB CHECK (length(previous_digest) = 32),
    previous_start TEXT CHECK ((previous_start IS NULL) = (previous_digest IS NULL)),
    previous_ends_at INTEGER CHECK ((previous_ends_at IS NULL) = (previous_digest IS NULL)),
    regenerated_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER,
    revocation_reason TEXT CHECK (revocation_reason IS NULL OR revoked_at IS NOT NULL),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB CHECK (length(created_by) = 16),
    revision INTEGER NOT NULL,
    request_count INTEGER NOT NULL DEFAULT 0,
    denied_count INTEGER NOT NULL DEFAULT 0,
    last_used_at INTEGER,
    previous_value_last_used_at INTEGER
) STRICT;
-- Eight bytes of a digest find its row; the whole digest is compared there.
CREATE INDEX keys_by_digest ON keys (substr(digest, 1, 8));
CREATE INDEX keys_by_previous_digest ON keys (substr(previous_digest, 1, 8)) WHERE previous_digest IS NOT NULL;
-- One for each sort, so that no page of a list is sorted when it is asked for.
CREATE INDEX keys_by_created_at ON keys (organization, created_at, id);
CREATE INDEX keys_by_name ON keys (organization, folded_name, id);
CREATE INDEX keys_by_expires_at ON keys (organization, expires_at, id);
CREATE INDEX keys_by_last_used_at ON keys (organization, last_used_at, id);
CREATE INDEX keys_by_request_count ON keys (organization, request_count, id);

CREATE TABLE windows (
    key INTEGER PRIMARY KEY REFERENCES keys (number) ON DELETE CASCADE,
    saved_at INTEGER NOT NULL,
    snapshot BLOB NOT NULL
) STRICT;

CREATE TABLE usage_hours (
    key INTEGER NOT NULL REFERENCES keys (number) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (key, hour, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_writers (
    writer BLOB PRIMARY KEY CHECK (length(writer) = 16),
    -- The last batch of this writer that was applied, and when.
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Outlives whatever it tells of, hence no references. Stored in the order in which it is forgotten.
CREATE TABLE events (
    at INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    action TEXT NOT NULL,
    actor_key BLOB CHECK (length(actor_key) = 16),
    actor_name TEXT CHECK ((actor_name IS NULL) = (actor_key IS NULL)),
    organization BLOB NOT NULL CHECK (length(organization) = 16),
    key BLOB CHECK (length(key) = 16),
    channel TEXT,
    address TEXT,
    request_id TEXT,
    -- JSON: field name to [old, new].
    changes TEXT NOT NULL,
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_organization ON events (organization, at, id, action);
CREATE INDEX events_by_key ON events (key, at, id) WHERE key IS NOT NULL;
