-- What `newsflow poll` asks: feeds (`kind` is `feed`; sitemaps too) and the pages of their items (`item`; `page` when that is
-- published and only looked at again). `feed` is the document that lists it, `root` the feed of the list. `due_at` NULL: it
-- is not asked any more. `state` is JSON.
CREATE TABLE poll_target (
    id TEXT NOT NULL PRIMARY KEY,
    feed TEXT NOT NULL,
    root TEXT NOT NULL,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    host TEXT NOT NULL,
    due_at BIGINT,
    listed_at BIGINT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX poll_target_due ON poll_target (due_at, host);
CREATE INDEX poll_target_host ON poll_target (host, due_at);
CREATE INDEX poll_target_feed ON poll_target (feed, kind);
-- When a host may be asked again, how long it wants to be left alone between two requests, and what its robots.txt said
-- at `robots_at`.
CREATE TABLE poll_host (
    host TEXT NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL,
    delay_us BIGINT NOT NULL,
    robots TEXT,
    robots_at BIGINT NOT NULL
);
-- Raw events that are not yet known to be published.
CREATE TABLE poll_outbox (
    id TEXT NOT NULL PRIMARY KEY,
    made_at BIGINT NOT NULL,
    key BYTEA NOT NULL,
    value BYTEA NOT NULL
);
CREATE INDEX poll_outbox_order ON poll_outbox (made_at, id);
-- How many records of a file `newsflow import` has published, or passed over.
CREATE TABLE import_file (
    id TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    records BIGINT NOT NULL
);
