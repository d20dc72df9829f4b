-- The index of dead letters that lie in Kafka, and of what people did with them, which lies there too: both are read from
-- their topics, and made again at will.

-- `attempt`: how often the event has failed. `sink`: the one that refused it; empty where it failed before it was published.
-- `address` is canonical; `article_id` that of what a sink refused. Both are empty where they are not known.
CREATE TABLE letter (
    id TEXT NOT NULL PRIMARY KEY,
    topic TEXT NOT NULL,
    partition_no BIGINT NOT NULL,
    offset_no BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    stage TEXT NOT NULL,
    message TEXT NOT NULL,
    source TEXT NOT NULL,
    sink TEXT NOT NULL,
    address TEXT NOT NULL,
    article_id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    origin_topic TEXT NOT NULL,
    origin_partition BIGINT NOT NULL,
    origin_offset BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL
);
CREATE INDEX letter_place ON letter (topic, partition_no, offset_no);
CREATE INDEX letter_address ON letter (address) WHERE address <> '';
CREATE INDEX letter_article ON letter (article_id) WHERE article_id <> '';
CREATE INDEX letter_origin ON letter (origin_topic, origin_partition, origin_offset);

-- The last word on a letter. `to_topic` and the place beside it: where it was published again; `sink:` and a name in place
-- of a topic where it was given to one sink.
CREATE TABLE letter_state (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    to_topic TEXT,
    to_partition BIGINT,
    to_offset BIGINT
);
CREATE INDEX letter_state_to ON letter_state (to_topic, to_partition, to_offset) WHERE to_topic IS NOT NULL;

-- Up to where each partition was read.
CREATE TABLE letter_read (
    topic TEXT NOT NULL,
    partition_no BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (topic, partition_no)
);

-- What was taken down: that it was, when, by whom and why. `fetched_at` is the event time of its withdrawal; `blobs`: JSON,
-- the blobs that held its versions. Never pruned.
CREATE TABLE takedown (
    article_id TEXT NOT NULL PRIMARY KEY,
    taken_at BIGINT NOT NULL,
    by_whom TEXT NOT NULL,
    why TEXT NOT NULL,
    fetched_at BIGINT NOT NULL,
    blobs TEXT NOT NULL
);
