-- What readers follow: each change of a current state has a number, given in the order of commits. `changed_at` is when
-- it was stored; of what an earlier release stored, when the article was first seen.
CREATE TABLE article_change (
    no INTEGER PRIMARY KEY,
    article_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
INSERT INTO article_change (article_id, version, changed_at)
SELECT id, version, first_seen FROM article ORDER BY first_seen, id;

-- The topics that an article has with a change or had before it.
CREATE TABLE article_change_topic (
    topic TEXT NOT NULL,
    no INTEGER NOT NULL,
    PRIMARY KEY (topic, no)
) WITHOUT ROWID;
INSERT INTO article_change_topic (topic, no)
SELECT t.topic, c.no FROM article_topic t JOIN article_change c ON c.article_id = t.article_id;

-- What is of the last day.
CREATE INDEX article_first_seen ON article (first_seen);

-- Words as topic rules fold them, those that are written otherwise; '' for what was stored before.
ALTER TABLE article ADD COLUMN words TEXT NOT NULL DEFAULT '';
DROP TRIGGER article_added;
DROP TRIGGER article_changed;
DROP TRIGGER article_removed;
DROP TABLE article_search;
CREATE VIRTUAL TABLE article_search USING fts5 (
    title, body, words, content = 'article', content_rowid = 'no', tokenize = "unicode61 remove_diacritics 2"
);
INSERT INTO article_search (article_search) VALUES ('rebuild');
CREATE TRIGGER article_added AFTER INSERT ON article BEGIN
    INSERT INTO article_search (rowid, title, body, words) VALUES (new.no, new.title, new.body, new.words);
END;
CREATE TRIGGER article_changed AFTER UPDATE ON article BEGIN
    INSERT INTO article_search (article_search, rowid, title, body, words)
    VALUES ('delete', old.no, old.title, old.body, old.words);
    INSERT INTO article_search (rowid, title, body, words) VALUES (new.no, new.title, new.body, new.words);
END;
CREATE TRIGGER article_removed AFTER DELETE ON article BEGIN
    INSERT INTO article_search (article_search, rowid, title, body, words)
    VALUES ('delete', old.no, old.title, old.body, old.words);
END;
