-- The databases of both worlds and the roles that share them; run once, by the superuser, when the cluster is made.
--   spacex_owner    owns the warehouses and changes their schema: migrations only
--   spacex_loader   writes spacex and ops, reads history, which only the owner's functions write; changes no schema
--   spacex_analyst  reads
--   spacex_backup   reads everything of the warehouses, for pg_dump
--   spacex_dagster  owns Dagster's storages and sees no warehouse
-- Grants are default privileges of the owner, so every table that a migration makes has them.
\set ON_ERROR_STOP on
SET log_min_error_statement = panic; -- no password in the log, whatever fails

\set owner `cat /run/secrets/owner_password`
\set loader `cat /run/secrets/loader_password`
\set analyst `cat /run/secrets/analyst_password`
\set backup `cat /run/secrets/backup_password`
\set dagster `cat /run/secrets/dagster_password`
ALTER ROLE postgres PASSWORD NULL; -- comes in by the socket alone, as the operating system's user
CREATE ROLE spacex_owner LOGIN PASSWORD :'owner';
CREATE ROLE spacex_loader LOGIN PASSWORD :'loader';
CREATE ROLE spacex_dagster LOGIN PASSWORD :'dagster';
CREATE ROLE spacex_backup LOGIN PASSWORD :'backup' IN ROLE pg_read_all_data CONNECTION LIMIT 2;
CREATE ROLE spacex_analyst LOGIN PASSWORD :'analyst' CONNECTION LIMIT 20;
ALTER ROLE spacex_analyst SET default_transaction_read_only = on;
ALTER ROLE spacex_analyst SET statement_timeout = '5min';

REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;

\set world simulated
\ir world.psql
\set world real
\ir world.psql
