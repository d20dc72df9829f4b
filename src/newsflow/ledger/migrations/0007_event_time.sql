-- Event time: when what an event tells was fetched. Release 0.1 put the time of its decision in its place.
ALTER TABLE event ADD COLUMN event_at BIGINT;
ALTER TABLE text_print ADD COLUMN event_at BIGINT NOT NULL DEFAULT 0;
UPDATE text_print SET event_at = seen_at;
UPDATE text_print SET event_at = (
    SELECT a.fetched_at FROM article a WHERE a.id = text_print.article_id
) WHERE EXISTS (
    SELECT 1 FROM article a
    WHERE a.id = text_print.article_id AND a.fetched_at IS NOT NULL AND a.fetched_at < text_print.seen_at
);
-- By which rules a text was made into a fingerprint; those of others are made anew from the stored text.
ALTER TABLE text_print ADD COLUMN print_version INTEGER NOT NULL DEFAULT 1;

-- What an article's text was made of; empty where that is not known.
ALTER TABLE article ADD COLUMN raw_digest TEXT NOT NULL DEFAULT '';

-- Of news that came too late to be any: kept, sent to nobody.
ALTER TABLE alert ADD COLUMN old INTEGER NOT NULL DEFAULT 0;
