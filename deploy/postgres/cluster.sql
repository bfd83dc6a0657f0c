-- What only the stack of docker-compose.yml may do, because the cluster is its own: postgres comes in by the socket alone,
-- as the operating system's user, and nobody else into the databases that come with a cluster.
\set ON_ERROR_STOP on
ALTER ROLE postgres PASSWORD NULL;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
