-- 0.1 goes on with the stories as they were told, so that it tells nobody again; it adds near-copies to them alone.
UPDATE article SET story = (
    SELECT COALESCE(s.leads_to, l.story) FROM story_log l LEFT JOIN story s ON s.id = l.story
    WHERE l.article_id = article.id AND l.kind = 'join'
) WHERE EXISTS (SELECT 1 FROM story_log l WHERE l.article_id = article.id AND l.kind = 'join');
-- What subscribers were told of a story they were told under each id that led on to it: 0.1 does not follow them.
INSERT INTO alert_story (subscription, story, changed_at, state)
SELECT a.subscription, s.id, a.changed_at, a.state FROM story s JOIN alert_story a ON a.story = s.leads_to
WHERE s.leads_to IS NOT NULL ON CONFLICT (subscription, story) DO NOTHING;
DROP TABLE story;
DROP TABLE story_place;
DROP TABLE story_due;
DROP TABLE story_log;
