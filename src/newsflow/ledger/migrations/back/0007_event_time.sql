-- 0.1 knows no old alerts: they were not sent, and are not to be.
UPDATE delivery SET state = 'failed', error = 'old: fetched long before it was written' WHERE state = 'old';
ALTER TABLE alert DROP COLUMN old;
ALTER TABLE article DROP COLUMN raw_digest;
ALTER TABLE text_print DROP COLUMN print_version;
ALTER TABLE text_print DROP COLUMN event_at;
ALTER TABLE event DROP COLUMN event_at;
