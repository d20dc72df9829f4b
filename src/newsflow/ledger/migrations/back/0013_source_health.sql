-- Counts of hours, and what followed from them.
DROP TABLE source_health;
DROP TABLE source_language;
DROP TABLE source_hour;
