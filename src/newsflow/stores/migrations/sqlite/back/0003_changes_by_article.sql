DROP INDEX article_change_article;
