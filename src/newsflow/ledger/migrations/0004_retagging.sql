-- Versions that other topic rules made, not a publisher: kept here until they are published.
-- state: pending, published, or superseded (a later version was recorded before this one was published).
CREATE TABLE retagging (
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    rules TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (article_id, version)
);
CREATE INDEX retagging_pending ON retagging (decided_at, article_id, version) WHERE state = 'pending';
