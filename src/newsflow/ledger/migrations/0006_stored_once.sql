-- An article's bytes are in one place: from its decision until it is recorded in unrecorded_article, then in emission.
-- The column article of article_version stays empty; ledgers of release 0.1 have bytes in it, and are read on.
CREATE TABLE unrecorded_article (
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    article BYTEA NOT NULL,
    PRIMARY KEY (article_id, version)
);

-- The bytes of every version: as recorded, with its tags, else as decided.
CREATE VIEW version_value AS
SELECT v.article_id, v.version, v.event_id, v.decided_at, COALESCE(e.value, u.article, v.article) AS value, v.detail
FROM article_version v
LEFT JOIN emission e ON e.article_id = v.article_id AND e.version = v.version
LEFT JOIN unrecorded_article u ON u.article_id = v.article_id AND u.version = v.version;
