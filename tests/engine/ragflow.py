"""What the tests of RAGFlow share."""

import docker

from tests.support.observed import said

REQUIRED = ("mysql", "elasticsearch", "minio")
"""The basic modules that RAGFlow requires."""


def query(engine: docker.DockerClient, sql: str) -> str:
    """What the database's administrator gets."""
    command = 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" exec mysql -h 127.0.0.1 -u root -N -e "$0"'
    return said(engine, "ai-mysql", "sh", "-c", command, sql)
