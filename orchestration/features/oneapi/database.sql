-- Makes an edition's role and database, both named after it, where they are missing and sets the role's password.
-- May run any number of times.
\getenv name ONEAPI_DB
\getenv password ONEAPI_DB_PASSWORD
-- The server must not log the statement with the password, even where it fails.
SET log_min_error_statement = panic;
SET log_statement = none;
-- What a feature's role creates is never called here.
SET search_path = pg_catalog;

SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name')
\gexec
ALTER ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';

SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name')
\gexec
-- The other features' roles have no business in it.
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
