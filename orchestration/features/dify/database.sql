-- Makes Dify's role and its two databases where they are missing and sets the role's password. May run any number of
-- times.
\getenv password DIFY_DB_PASSWORD
-- The server must not log the statement with the password, even where it fails.
SET log_min_error_statement = panic;
SET log_statement = none;
-- What a feature's role creates is never called here.
SET search_path = pg_catalog;

SELECT 'CREATE ROLE dify' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dify')
\gexec
ALTER ROLE dify LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';

SELECT format('CREATE DATABASE %I OWNER dify', name) FROM (VALUES ('dify'), ('dify_plugin')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec
-- The other features' roles have no business in them.
REVOKE ALL ON DATABASE dify, dify_plugin FROM PUBLIC;
