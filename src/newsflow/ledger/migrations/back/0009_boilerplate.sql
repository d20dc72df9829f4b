DROP TABLE boilerplate;
