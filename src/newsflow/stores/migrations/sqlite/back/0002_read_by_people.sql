DROP TABLE article_change_topic;
DROP TABLE article_change;
DROP INDEX article_first_seen;
DROP TRIGGER article_added;
DROP TRIGGER article_changed;
DROP TRIGGER article_removed;
DROP TABLE article_search;
ALTER TABLE article DROP COLUMN words;
CREATE VIRTUAL TABLE article_search USING fts5 (
    title, body, content = 'article', content_rowid = 'no', tokenize = "unicode61 remove_diacritics 2"
);
INSERT INTO article_search (article_search) VALUES ('rebuild');
CREATE TRIGGER article_added AFTER INSERT ON article BEGIN
    INSERT INTO article_search (rowid, title, body) VALUES (new.no, new.title, new.body);
END;
CREATE TRIGGER article_changed AFTER UPDATE ON article BEGIN
    INSERT INTO article_search (article_search, rowid, title, body) VALUES ('delete', old.no, old.title, old.body);
    INSERT INTO article_search (rowid, title, body) VALUES (new.no, new.title, new.body);
END;
CREATE TRIGGER article_removed AFTER DELETE ON article BEGIN
    INSERT INTO article_search (article_search, rowid, title, body) VALUES ('delete', old.no, old.title, old.body);
END;
