-- 0.1 goes on with the stories as they were told, so that it tells nobody again; it adds near-copies to them alone.
UPDATE article SET story = (
    SELECT COALESCE(s.leads_to, l.story) FROM story_log l LEFT JOIN story s ON s.id = l.story
    WHERE l.article_id = article.id AND l.kind = 'join'
) WHERE EXISTS (SELECT 1 FROM story_log l WHERE l.article_id = article.id AND l.kind = 'join');
DROP TABLE story;
DROP TABLE story_place;
DROP TABLE story_due;
DROP TABLE story_log;
