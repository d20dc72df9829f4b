-- 0.1 tells stories by near-copies: what it knows of them is in article.story, as it was.
DROP TABLE story;
DROP TABLE story_place;
DROP TABLE story_due;
DROP TABLE story_log;
