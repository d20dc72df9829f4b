-- What was found out about a source while its articles were decided: `kind` is `identity-conflict`, `what` is `?name` of a
-- parameter that counts since, `guid`, or `canonical link`. The addresses are those of the first case.
CREATE TABLE source_finding (
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    address TEXT NOT NULL,
    other_address TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (source, kind, what)
);
