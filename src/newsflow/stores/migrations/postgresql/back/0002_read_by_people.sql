DROP TABLE article_change_topic;
DROP TABLE article_change;
ALTER TABLE article DROP COLUMN words;
