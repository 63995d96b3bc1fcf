-- Of what a key is and may do, so that a bit that the disk turned over grants nothing. Null until a key is next changed.
ALTER TABLE keys ADD COLUMN checksum INTEGER;
