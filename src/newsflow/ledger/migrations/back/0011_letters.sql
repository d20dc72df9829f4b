-- All of it lies in Kafka.
DROP TABLE letter_read;
DROP TABLE letter_state;
DROP TABLE letter;
