-- published_at is NULL where the zone of published_text is unknown.
CREATE TABLE article (
    id text PRIMARY KEY,
    version bigint NOT NULL,
    withdrawn boolean NOT NULL,
    source text NOT NULL,
    url text,
    guid text,
    title text NOT NULL,
    body text NOT NULL,
    language text NOT NULL,
    published_at timestamptz,
    published_text text NOT NULL,
    first_seen timestamptz NOT NULL,
    agency text,
    word_count bigint NOT NULL,
    content_hash text NOT NULL,
    story text,
    -- Lower case, whatever the locale of the database; ask it with websearch_to_tsquery('simple', lower-case words).
    search tsvector NOT NULL
);
CREATE INDEX article_search ON article USING gin (search);
CREATE INDEX article_published ON article (published_at);
CREATE INDEX article_source ON article (source, first_seen);
CREATE INDEX article_story ON article (story);

CREATE TABLE article_version (
    id text NOT NULL,
    version bigint NOT NULL,
    action text NOT NULL,
    article jsonb NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE TABLE article_topic (
    topic text NOT NULL,
    article_id text NOT NULL,
    scheme text NOT NULL,
    code text NOT NULL,
    score double precision NOT NULL,
    PRIMARY KEY (topic, article_id)
);
CREATE INDEX article_topic_article ON article_topic (article_id);
