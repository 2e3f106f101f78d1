-- Makes Open WebUI's role and database where they are missing and sets the role's password. May run any number of times.
\getenv password OPENWEBUI_DB_PASSWORD
-- The server must not log the statement with the password, even where it fails.
SET log_min_error_statement = panic;
SET log_statement = none;
-- What a feature's role creates is never called here.
SET search_path = pg_catalog;

SELECT 'CREATE ROLE openwebui' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'openwebui')
\gexec
ALTER ROLE openwebui LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';

SELECT 'CREATE DATABASE openwebui OWNER openwebui'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'openwebui')
\gexec
-- The other features' roles have no business in it.
REVOKE ALL ON DATABASE openwebui FROM PUBLIC;
