-- The files stay in the blob store, and any reader of WARC and JSON Lines reads them.
DROP TABLE page_blob;
DROP TABLE archive_entry;
DROP TABLE archive_segment;
