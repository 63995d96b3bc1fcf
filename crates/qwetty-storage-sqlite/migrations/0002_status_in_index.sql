-- The status of a key follows from these two columns: the keys of a status are counted and passed over without their rows.
DROP INDEX keys_by_created_at;
CREATE INDEX keys_by_created_at ON keys (organization, created_at, id, revoked_at, expires_at);
