-- Makes n8n's role and database where they are missing and sets the role's password. May run any number of times.
\getenv password N8N_DB_PASSWORD
-- The server must not log the statement with the password, even where it fails.
SET log_min_error_statement = panic;
SET log_statement = none;
-- What a feature's role creates is never called here.
SET search_path = pg_catalog;

SELECT 'CREATE ROLE n8n' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'n8n')
\gexec
ALTER ROLE n8n LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';

SELECT 'CREATE DATABASE n8n OWNER n8n' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'n8n')
\gexec
-- The other features' roles have no business in it.
REVOKE ALL ON DATABASE n8n FROM PUBLIC;
