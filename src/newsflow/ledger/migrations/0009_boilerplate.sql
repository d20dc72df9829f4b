-- Passages that several articles of one source carry, as shingle hashes: footers, notices, standing introductions.
CREATE TABLE boilerplate (
    language TEXT NOT NULL,
    source TEXT NOT NULL,
    shingles BYTEA NOT NULL,
    learnt_at BIGINT NOT NULL,
    PRIMARY KEY (language, source)
);
