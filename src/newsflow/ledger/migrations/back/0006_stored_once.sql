-- What 0.1 reads: the bytes of every version in article_version. Where they have tags, 0.1 gives them anew.
UPDATE article_version SET article = (
    SELECT w.value FROM version_value w
    WHERE w.article_id = article_version.article_id AND w.version = article_version.version
) WHERE LENGTH(article) = 0;
DROP VIEW version_value;
DROP TABLE unrecorded_article;

-- 0.1 knows no blob store: of a claim it says that it violates the schema.
UPDATE event SET reason = 'schema-violation' WHERE reason = 'blob-missing';
UPDATE dead_letter SET reason = 'schema-violation' WHERE reason = 'blob-missing';
INSERT INTO pruned_outcome (outcome, reason, events)
SELECT outcome, 'schema-violation', events FROM pruned_outcome WHERE reason = 'blob-missing'
ON CONFLICT (outcome, reason) DO UPDATE SET events = pruned_outcome.events + excluded.events;
DELETE FROM pruned_outcome WHERE reason = 'blob-missing';
