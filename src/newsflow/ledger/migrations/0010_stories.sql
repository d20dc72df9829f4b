-- Stories are settled in one order, that of the events' records: what was settled is the log, what waits is due.
-- article.story stays what release 0.1 put there: the story of an article's near-copies.

-- What changed stories, in order. kind: join, edit, withdraw, return (of a withdrawn article), merge and split (article_id
-- is then the id that ended, or the article that left). `story` as decided: later merges are in the table story. `told` and
-- `told_size` are what the article version says. `report` is what the report was compared by, empty once it is forgotten.
-- `first_day`: the day of event time from which on anything was remembered.
CREATE TABLE story_log (
    log_no BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    story TEXT NOT NULL,
    told TEXT NOT NULL,
    told_size BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    first_day BIGINT NOT NULL,
    language TEXT NOT NULL,
    report BYTEA NOT NULL
);
CREATE INDEX story_log_article ON story_log (article_id);
CREATE INDEX story_log_story ON story_log (story) WHERE story <> article_id;
CREATE INDEX story_log_merged ON story_log (story) WHERE kind = 'merge';
CREATE INDEX story_log_held ON story_log (settled_at) WHERE LENGTH(report) > 0;

-- What waits until every partition of its topic has come so far. `alike`: JSON, the look-alikes of its text.
CREATE TABLE story_due (
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    partition_no BIGINT NOT NULL,
    offset_no BIGINT NOT NULL,
    told TEXT NOT NULL,
    told_size BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    language TEXT NOT NULL,
    alike TEXT NOT NULL,
    report BYTEA NOT NULL,
    PRIMARY KEY (article_id, version)
);
CREATE INDEX story_due_order ON story_due (topic, time_ms);

-- How far each partition was taken in. `time_ms` is the latest record time; the next record comes at `next_ms` and
-- `next_offset` or later. `heard_at`: when this was last written, in microseconds as all instants.
CREATE TABLE story_place (
    topic TEXT NOT NULL,
    partition_no BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    heard_at BIGINT NOT NULL,
    PRIMARY KEY (topic, partition_no)
);

-- Stories of several reports, and those that lead on to another: `merged_into` the next one, `leads_to` the last one.
-- `changed` counts changes; `told` says up to which of them was published, `told_digest` what was.
CREATE TABLE story (
    id TEXT NOT NULL PRIMARY KEY,
    merged_into TEXT,
    leads_to TEXT,
    last_at BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    told BIGINT NOT NULL,
    told_digest BYTEA NOT NULL
);
CREATE INDEX story_leads_to ON story (leads_to) WHERE leads_to IS NOT NULL;
CREATE INDEX story_to_tell ON story (id) WHERE changed <> told;
