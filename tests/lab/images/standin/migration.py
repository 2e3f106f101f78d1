#!/usr/bin/python3
"""Dify's migration of its database, for the stand-in of its API.

As langgenius/dify 1.17 does it (``api/commands/system.py``, ``api/docker/entrypoint.sh``): who does
not get the lock in Redis skips the migration and says so, and that is no failure. A killed
migration leaves the lock until it expires. Run as ``flask db current``, this tells the schema's
revision, as Alembic does.
"""

import os
import sys
import time

import psycopg2
import redis

LOCK, LOCK_SECONDS = "db_upgrade_lock", 60
TABLE = "standin_version"


def database() -> psycopg2.extensions.connection:
    """A connection to Dify's database."""
    names = {"host": "DB_HOST", "user": "DB_USERNAME", "password": "DB_PASSWORD"}
    login = {name: os.environ[variable] for name, variable in names.items()}
    return psycopg2.connect(dbname=os.environ["DB_DATABASE"], connect_timeout=5, **login)


def lock() -> redis.lock.Lock:
    """The lock in Dify's database of Redis."""
    password, number = os.environ["REDIS_PASSWORD"], int(os.environ.get("REDIS_DB") or 0)
    client = redis.Redis(os.environ["REDIS_HOST"], password=password, db=number)
    return client.lock(LOCK, timeout=LOCK_SECONDS)


def migrate(seconds: float) -> None:
    """Makes the table, which takes *seconds*; skips that while another migration has the lock."""
    held = lock()
    if not held.acquire(blocking=False):
        sys.stdout.write("Database migration skipped\n")
        return
    time.sleep(seconds)
    with database() as connection:
        connection.cursor().execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (version text)")
    held.release()


def is_current() -> bool:
    """Whether the table is there."""
    with database() as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT to_regclass('{TABLE}')")
        (found,) = cursor.fetchone()
    return found is not None


if __name__ == "__main__":
    if sys.argv[1:] != ["db", "current"]:
        sys.exit(f"flask: the stand-in knows only `db current`, found: {sys.argv[1:]}")
    sys.stdout.write("standin (head)\n" if is_current() else "")
