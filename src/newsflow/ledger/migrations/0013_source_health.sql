-- What came of a source in an hour of event time (hours since 1970): events, new articles, dead letters, articles without a
-- date, words that came in and stayed, characters of bodies, articles that had the name of another. Kept for 60 days.
CREATE TABLE source_hour (
    source TEXT NOT NULL,
    hour BIGINT NOT NULL,
    events BIGINT NOT NULL,
    articles BIGINT NOT NULL,
    dead BIGINT NOT NULL,
    undated BIGINT NOT NULL,
    words_in BIGINT NOT NULL,
    words_kept BIGINT NOT NULL,
    chars BIGINT NOT NULL,
    conflicts BIGINT NOT NULL,
    PRIMARY KEY (source, hour)
);
CREATE INDEX source_hour_hour ON source_hour (hour);
CREATE TABLE source_language (
    source TEXT NOT NULL,
    hour BIGINT NOT NULL,
    language TEXT NOT NULL,
    articles BIGINT NOT NULL,
    PRIMARY KEY (source, hour, language)
);
CREATE INDEX source_language_hour ON source_language (hour);
-- What was last published of a source: source-health.v1.
CREATE TABLE source_health (
    source TEXT NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);
