"""Names of images, and where they are looked for."""

import pytest

from aiserver_tray.engine.pull import digest_of, sources, split

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("redis", ("redis", "latest")),
        ("redis:8.2", ("redis", "8.2")),
        ("localhost:5000/redis", ("localhost:5000/redis", "latest")),
        ("localhost:5000/a/redis:8", ("localhost:5000/a/redis", "8")),
        (f"redis@{DIGEST}", ("redis", DIGEST)),
        (f"localhost:5000/redis@{DIGEST}", ("localhost:5000/redis", DIGEST)),
        (f"redis:8@{DIGEST}", ("redis", DIGEST)),
    ],
)
def test_a_name_is_a_repository_and_a_tag_or_digest(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts


@pytest.mark.parametrize(
    ("name", "at_mirror"),
    [
        ("redis:8", "m.example/library/redis:8"),
        ("docker.io/redis:8", "m.example/library/redis:8"),
        ("docker.io/library/redis:8", "m.example/library/redis:8"),
        ("n8nio/n8n:2", "m.example/n8nio/n8n:2"),
        (f"n8nio/n8n:2@{DIGEST}", f"m.example/n8nio/n8n:2@{DIGEST}"),
        ("quay.io/minio/minio:1", "m.example/quay.io/minio/minio:1"),
    ],
)
def test_mirrors_come_first_and_the_own_name_last(name: str, at_mirror: str) -> None:
    assert sources(name, ["m.example"]) == (at_mirror, name)


def test_mirrors_are_tried_in_their_order_however_they_are_written() -> None:
    found = sources("redis:8", ["https://a.example/", "b.example:5000/hub", ""])
    assert found == ("a.example/library/redis:8", "b.example:5000/hub/library/redis:8", "redis:8")
    # A registry with a port has no mirrors.
    assert sources("localhost:5000/x:1", ["m.example"]) == ("localhost:5000/x:1",)
    # Digest follows the at sign.
    assert digest_of(f"redis:8@{DIGEST}") == DIGEST
    assert digest_of("redis:8") is None
