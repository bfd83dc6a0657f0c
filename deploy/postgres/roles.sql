-- The databases of both worlds and the roles that share them. Makes what is missing and sets right what is there, so it may
-- be run at any time; each password is a file of the folder that the variable `secrets` names. docs/scaling.md has the
-- command for a PostgreSQL of yours; the stack of docker-compose.yml runs it at every start of its own.
--   spacex_owner    owns the warehouses and changes their schema: migrations only
--   spacex_loader   writes spacex and ops, reads history, which only the owner's functions write; changes no schema
--   spacex_analyst  reads
--   spacex_backup   reads everything of the warehouses, for pg_dump
--   spacex_dagster  owns Dagster's storages and sees no warehouse
\set ON_ERROR_STOP on
\if :{?secrets}
\else
    \set secrets ''
\endif
\set missing `for name in owner loader analyst backup dagster; do grep -qs '[[:graph:]]' :'secrets'/${name}_password || printf ' %s_password' $name; done`
SELECT set_config('spacex.secrets', :'secrets', false), set_config('spacex.missing', :'missing', false) \g /dev/null
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'expected a superuser, found %; nothing was changed', current_user
            USING HINT = 'Log in as one: the set-up makes event triggers and takes rights on functions of PostgreSQL.';
    END IF;
    IF current_setting('spacex.missing') <> '' THEN
        RAISE EXCEPTION 'expected passwords in the folder "%", found none in:%; nothing was changed',
            current_setting('spacex.secrets'), current_setting('spacex.missing')
            USING HINT = 'Make them with deploy/secrets.sh FOLDER, and name the folder with psql -v secrets=FOLDER.';
    END IF;
END $$;

-- No password in the log, whatever is logged or fails.
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
SET client_min_messages = warning;
\set owner `cat -- :'secrets'/owner_password`
\set loader `cat -- :'secrets'/loader_password`
\set analyst `cat -- :'secrets'/analyst_password`
\set backup `cat -- :'secrets'/backup_password`
\set dagster `cat -- :'secrets'/dagster_password`
BEGIN;
SELECT format('CREATE ROLE %I', name)
    FROM unnest(ARRAY['spacex_owner', 'spacex_loader', 'spacex_dagster', 'spacex_backup', 'spacex_analyst']) AS name
    WHERE name NOT IN (SELECT rolname FROM pg_catalog.pg_roles) \gexec
ALTER ROLE spacex_owner LOGIN PASSWORD :'owner';
ALTER ROLE spacex_loader LOGIN PASSWORD :'loader';
ALTER ROLE spacex_dagster LOGIN PASSWORD :'dagster';
ALTER ROLE spacex_backup LOGIN PASSWORD :'backup' CONNECTION LIMIT 2;
GRANT pg_read_all_data TO spacex_backup;
ALTER ROLE spacex_analyst LOGIN PASSWORD :'analyst' CONNECTION LIMIT 20;
ALTER ROLE spacex_analyst SET default_transaction_read_only = on;
ALTER ROLE spacex_analyst SET statement_timeout = '5min';
ALTER ROLE spacex_analyst SET temp_file_limit = '256MB'; -- the only one of the three that it cannot change itself
COMMIT;

\set world simulated
\ir world.psql
\set world real
\ir world.psql
