-- Who polls: at most one process for one ledger. It has this row until it ends, or is not heard of until `until_at`.
CREATE TABLE poll_lease (
    name TEXT NOT NULL PRIMARY KEY,
    token TEXT NOT NULL,
    holder TEXT NOT NULL,
    until_at BIGINT NOT NULL
);
