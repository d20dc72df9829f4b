-- Instants are RFC 3339 in UTC with Z; published_at is NULL where the zone of published_text is unknown.
CREATE TABLE article (
    no INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    source TEXT NOT NULL,
    url TEXT,
    guid TEXT,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    language TEXT NOT NULL,
    published_at TEXT,
    published_text TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    agency TEXT,
    word_count INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    story TEXT
);
CREATE INDEX article_published ON article (published_at);
CREATE INDEX article_source ON article (source, first_seen);
CREATE INDEX article_story ON article (story);

CREATE TABLE article_version (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL,
    article TEXT NOT NULL,
    PRIMARY KEY (id, version)
) WITHOUT ROWID;

CREATE TABLE article_topic (
    topic TEXT NOT NULL,
    article_id TEXT NOT NULL,
    scheme TEXT NOT NULL,
    code TEXT NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (topic, article_id)
) WITHOUT ROWID;
CREATE INDEX article_topic_article ON article_topic (article_id);

CREATE VIRTUAL TABLE article_search USING fts5 (
    title, body, content = 'article', content_rowid = 'no', tokenize = "unicode61 remove_diacritics 2"
);
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
