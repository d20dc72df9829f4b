-- All of it lies in Kafka. What was taken down stays known: the table takedown is left.
DROP TABLE letter_read;
DROP TABLE letter_state;
DROP TABLE letter;
