-- Counts over time. Times are seconds since 1970-01-01T00:00:00Z; a window is named by its end. `layout` names the
-- grid (window/period, in seconds), so that counts of two grids live side by side and never mix.

-- How far each grid is: the end of the newest window that was closed.
CREATE TABLE trend_clock (
    layout TEXT NOT NULL PRIMARY KEY,
    closed BIGINT NOT NULL
);

-- Each article as it is counted now, kept as long as its windows may change. Cells are JSON.
CREATE TABLE trend_article (
    layout TEXT NOT NULL,
    article_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    slice BIGINT NOT NULL,
    source TEXT NOT NULL,
    story TEXT NOT NULL,
    cells TEXT NOT NULL,
    PRIMARY KEY (layout, article_id)
);
CREATE INDEX trend_article_slice ON trend_article (layout, slice);

-- `due`: the end of the next window that must look at this count, because it changed; null when none must.
CREATE TABLE trend_count (
    layout TEXT NOT NULL,
    dimension TEXT NOT NULL,
    name TEXT NOT NULL,
    slice BIGINT NOT NULL,
    articles BIGINT NOT NULL,
    due BIGINT,
    PRIMARY KEY (layout, dimension, name, slice)
);
CREATE INDEX trend_count_slice ON trend_count (layout, slice);
CREATE INDEX trend_count_due ON trend_count (layout, due) WHERE due IS NOT NULL;

-- What was last published of each window.
CREATE TABLE trend_window (
    layout TEXT NOT NULL,
    window_end BIGINT NOT NULL,
    dimension TEXT NOT NULL,
    name TEXT NOT NULL,
    articles BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (layout, window_end, dimension, name)
);

-- The size of the largest story of each window: what is usual for stories.
CREATE TABLE trend_peak (
    layout TEXT NOT NULL,
    window_end BIGINT NOT NULL,
    articles BIGINT NOT NULL,
    PRIMARY KEY (layout, window_end)
);

-- Bursts; `last_end` is the end of the last of their windows, null while they go on. State is JSON.
CREATE TABLE trend_burst (
    layout TEXT NOT NULL,
    id TEXT NOT NULL,
    dimension TEXT NOT NULL,
    name TEXT NOT NULL,
    raised_end BIGINT NOT NULL,
    last_end BIGINT,
    state TEXT NOT NULL,
    PRIMARY KEY (layout, id)
);

-- Records that are to be written to Kafka, in the order they were settled; gone when the broker has them.
-- Numbers begin again when it is empty: they order what is there, and name nothing.
CREATE TABLE trend_outbox (
    layout TEXT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    series TEXT NOT NULL,
    settled_at BIGINT NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (layout, id)
);
