-- One schema for SQLite and PostgreSQL. Instants are microseconds since 1970-01-01T00:00:00Z.
-- Ids are 32 hex digits. Statements end with a semicolon at the end of a line.

CREATE TABLE event (
    event_id TEXT NOT NULL PRIMARY KEY,
    topic TEXT NOT NULL,
    partition_no BIGINT NOT NULL,
    offset_no BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    article_id TEXT,
    version BIGINT,
    decided_at BIGINT NOT NULL
);
CREATE INDEX event_place ON event (topic, partition_no, offset_no);
CREATE INDEX event_decided_at ON event (decided_at);

-- Outcomes of events that were pruned, so that sums still hold.
CREATE TABLE pruned_outcome (
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (outcome, reason)
);

CREATE TABLE dead_letter (
    event_id TEXT NOT NULL PRIMARY KEY,
    topic TEXT NOT NULL,
    partition_no BIGINT NOT NULL,
    offset_no BIGINT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    stage TEXT NOT NULL,
    error_class TEXT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE INDEX dead_letter_decided_at ON dead_letter (decided_at);

-- What is held of an article now. A version of 0 is a withdrawal that came before its article.
CREATE TABLE article (
    id TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    url TEXT,
    guid TEXT,
    agency TEXT,
    language TEXT NOT NULL,
    version BIGINT NOT NULL,
    content_hash TEXT NOT NULL,
    publisher_version TEXT,
    fetched_at BIGINT,
    first_seen BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    story TEXT NOT NULL,
    duplicate_of TEXT,
    withdrawn BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    text_no BIGINT NOT NULL
);
CREATE INDEX article_story ON article (story);
CREATE INDEX article_duplicate_of ON article (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX article_seen_at ON article (seen_at);

CREATE TABLE identity (
    name TEXT NOT NULL PRIMARY KEY,
    article_id TEXT NOT NULL
);
CREATE INDEX identity_article ON identity (article_id);

-- Each version as it was decided: the bytes of its article before tagging, and what else the decision said.
CREATE TABLE article_version (
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    article BYTEA NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (article_id, version)
);

-- What is published of a version, tags included.
CREATE TABLE emission (
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    value BYTEA NOT NULL,
    feeds TEXT NOT NULL,
    PRIMARY KEY (article_id, version)
);
CREATE INDEX emission_recorded_at ON emission (recorded_at);

-- The texts of a language in the order they were decided, to find look-alikes by.
CREATE TABLE text_print (
    language TEXT NOT NULL,
    text_no BIGINT NOT NULL,
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    text_hash BYTEA NOT NULL,
    token_count BIGINT NOT NULL,
    shingles BYTEA NOT NULL,
    numbers BYTEA NOT NULL,
    keys BYTEA NOT NULL,
    PRIMARY KEY (language, text_no)
);
CREATE INDEX text_print_seen_at ON text_print (seen_at);

CREATE TABLE language (
    language TEXT NOT NULL PRIMARY KEY,
    last_text_no BIGINT NOT NULL
);

-- The outbox: an alert is kept before it is published or sent, and each delivery is marked.
CREATE TABLE alert (
    id TEXT NOT NULL PRIMARY KEY,
    subscription TEXT NOT NULL,
    event_id TEXT NOT NULL,
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    destinations TEXT NOT NULL,
    value BYTEA NOT NULL
);
CREATE INDEX alert_event ON alert (event_id);
CREATE INDEX alert_created_at ON alert (created_at);

CREATE TABLE delivery (
    alert_id TEXT NOT NULL,
    destination TEXT NOT NULL,
    subscription TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    sent_at BIGINT,
    error TEXT,
    PRIMARY KEY (alert_id, destination)
);
CREATE INDEX delivery_line ON delivery (destination, subscription, created_at) WHERE state = 'pending';
