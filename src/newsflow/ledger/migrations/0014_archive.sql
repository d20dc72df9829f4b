-- Files of the archive, below `archive/` of the blob store: `name` is DAY/DIGEST of its bytes, and how they are written.
-- `whole` is 0 until the file is there; what it holds does not count before.
CREATE TABLE archive_segment (
    name TEXT NOT NULL PRIMARY KEY,
    kept_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    whole BIGINT NOT NULL
);
CREATE INDEX archive_segment_kept_at ON archive_segment (kept_at);
CREATE INDEX archive_segment_unfinished ON archive_segment (kept_at) WHERE whole = 0;
-- A raw event in it, by the SHA-256 of its bytes: where it lies, and the names that its article may have (see `identity`).
CREATE TABLE archive_entry (
    digest TEXT NOT NULL PRIMARY KEY,
    segment TEXT NOT NULL,
    starts BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    kept_at BIGINT NOT NULL,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    url_name TEXT,
    guid_name TEXT
);
CREATE INDEX archive_entry_place ON archive_entry (kept_at, segment, starts);
CREATE INDEX archive_entry_segment ON archive_entry (segment);
CREATE INDEX archive_entry_url ON archive_entry (url_name);
CREATE INDEX archive_entry_guid ON archive_entry (guid_name);
-- Contents of raw events that are in the blob store in place of the record: by the record's key, and the names that its
-- article may have.
CREATE TABLE page_blob (
    dataref TEXT NOT NULL,
    record_key TEXT NOT NULL,
    url_name TEXT,
    guid_name TEXT,
    put_at BIGINT NOT NULL,
    PRIMARY KEY (dataref, record_key)
);
CREATE INDEX page_blob_url ON page_blob (url_name);
CREATE INDEX page_blob_guid ON page_blob (guid_name);
