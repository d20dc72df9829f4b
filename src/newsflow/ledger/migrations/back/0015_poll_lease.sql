DROP TABLE poll_lease;
