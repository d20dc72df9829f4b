-- Each index on a hashed id is one more page to write for every article, somewhere in the file.
-- An article carries its names itself, and only those that joined another's story are in the index of stories.
ALTER TABLE article ADD COLUMN names TEXT NOT NULL DEFAULT '[]';
DROP INDEX identity_article;
DROP INDEX article_story;
CREATE INDEX article_story_joined ON article (story) WHERE story <> id;
