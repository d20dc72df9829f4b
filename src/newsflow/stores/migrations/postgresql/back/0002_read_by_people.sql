DROP TABLE article_change_topic;
DROP TABLE article_change;
DROP INDEX article_first_seen;
ALTER TABLE article DROP COLUMN words;
