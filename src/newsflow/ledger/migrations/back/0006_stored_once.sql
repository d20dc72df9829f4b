-- What 0.1 reads: the bytes of every version in article_version. Where they have tags, 0.1 gives them anew.
UPDATE article_version SET article = (
    SELECT w.value FROM version_value w
    WHERE w.article_id = article_version.article_id AND w.version = article_version.version
) WHERE LENGTH(article) = 0;
DROP VIEW version_value;
DROP TABLE unrecorded_article;
