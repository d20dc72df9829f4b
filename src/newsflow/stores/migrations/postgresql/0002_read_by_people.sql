-- What readers follow: each change of a current state has a number, given in the order of commits. `changed_at` is when
-- it was stored; of what an earlier release stored, when the article was first seen.
CREATE TABLE article_change (
    no bigint PRIMARY KEY,
    article_id text NOT NULL,
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO article_change (no, article_id, version, changed_at)
SELECT row_number() OVER (ORDER BY first_seen, id), id, version, first_seen FROM article;

-- The topics that an article has with a change or had before it.
CREATE TABLE article_change_topic (
    topic text NOT NULL,
    no bigint NOT NULL,
    PRIMARY KEY (topic, no)
);
INSERT INTO article_change_topic (topic, no)
SELECT t.topic, c.no FROM article_topic t JOIN article_change c ON c.article_id = t.article_id;

-- What is of the last day.
CREATE INDEX article_first_seen ON article (first_seen);

-- Words as topic rules fold them, those that are written otherwise; '' for what was stored before.
ALTER TABLE article ADD COLUMN words text NOT NULL DEFAULT '';
