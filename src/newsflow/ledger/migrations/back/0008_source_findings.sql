-- Names that 0.1 would give, but where it gave them to another article: it takes that for the same.
DELETE FROM identity WHERE name LIKE '0.1:%' AND SUBSTR(name, 5) IN (SELECT name FROM identity);
UPDATE identity SET name = SUBSTR(name, 5) WHERE name LIKE '0.1:%';
UPDATE article SET names = REPLACE(names, '"0.1:', '"') WHERE names LIKE '%"0.1:%';
DROP TABLE source_finding;
