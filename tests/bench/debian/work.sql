-- Rows put in, looked up, joined, changed and counted, all in memory.
CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT, shelf INTEGER, price REAL);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO part SELECT i, 'part ' || (i * 7919 % 30011), i % 97, (i * 31 % 1000) / 7.0 FROM n;
COMMIT;
CREATE INDEX by_name ON part (name);
CREATE TABLE shelf AS SELECT shelf AS id, count(*) AS parts, sum(price) AS worth FROM part GROUP BY shelf;
SELECT count(*), round(sum(p.price * s.parts), 2) FROM part p JOIN shelf s ON s.id = p.shelf WHERE s.worth > 100;
UPDATE part SET price = price * 1.05 WHERE name LIKE '%7%';
SELECT count(*) FROM part a JOIN part b ON b.name = 'part ' || (a.id % 30011);
SELECT name, price FROM part ORDER BY price DESC, name LIMIT 3;
DELETE FROM part WHERE shelf % 2 = 0;
SELECT count(*), round(avg(price), 4) FROM part;
