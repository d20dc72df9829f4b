-- What subscriptions remember between articles, so that they are told of a story once. States are JSON.

CREATE TABLE alert_story (
    subscription TEXT NOT NULL,
    story TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (subscription, story)
);
CREATE INDEX alert_story_changed_at ON alert_story (changed_at);

CREATE TABLE alert_subscriber (
    subscription TEXT NOT NULL PRIMARY KEY,
    next_tick_at BIGINT,
    state TEXT NOT NULL
);
