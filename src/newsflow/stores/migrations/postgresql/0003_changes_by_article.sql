-- An article's change is found by the article.
CREATE INDEX article_change_article ON article_change (article_id, version);
