"""The engine `postgresql:`: log, bases and fencing in one database of a PostgreSQL server."""

from clnwire.replica.engines.postgresql.engine import PostgresqlEngine as PostgresqlEngine
