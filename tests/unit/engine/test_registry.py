"""Asking a registry for the size of an image, its versions and their digests."""

import base64
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from aiserver_tray.base.errors import RegistryError
from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.engine import registry
from aiserver_tray.engine.registry import Registries
from aiserver_tray.engine.values import RegistryAccess
from aiserver_tray.features.alerts.post import post
from tests.support.certificates import certificates
from tests.support.registry_server import Registry, registry_with
from tests.support.standin_engine import needs_unix_sockets

AMD, ARM = {"sha256:a": 30, "sha256:b": 12}, {"sha256:c": 7}
MANIFESTS = "/v2/library/redis/manifests"


def manifest(layers: dict[str, int]) -> dict[str, object]:
    return {"layers": [{"digest": digest, "size": size} for digest, size in layers.items()]}


def entry(digest: str, architecture: str, variant: str | None = None) -> dict[str, object]:
    platform = {"os": "linux", "architecture": architecture, "variant": variant}
    return {"digest": digest, "platform": platform}


CONTENT: dict[str, object] = {
    f"{MANIFESTS}/7": {
        "manifests": [
            entry("sha256:amd", "amd64"),
            entry("sha256:v6", "arm", "v6"),
            entry("sha256:v7", "arm", "v7"),
            entry("sha256:proof", "unknown"),
        ]
    },
    f"{MANIFESTS}/sha256:amd": manifest(AMD),
    f"{MANIFESTS}/sha256:v7": manifest(ARM),
    "/v2/team/web/manifests/1": manifest(ARM),
    "/v2/library/redis/tags/list?n=1000": {"tags": ["7", "latest", "7.2.1", "no tag", "7.2.1"]},
    "/v2/library/redis/tags/list?n=1000&last=7.2.1": {"tags": ["8-alpine"]},
    "/v2/team/odd/tags/list?n=1000": {"tags": [7]},
    "/v2/team/web/tags/list?n=1000": {"tags": ["1"]},
    "/v2/team/odd/manifests/1": ["no manifest"],
    "/v2/team/odd/manifests/2": {"manifests": ["no entry"]},
}
NEXT = {
    "/v2/library/redis/tags/list?n=1000": "/v2/library/redis/tags/list?n=1000&last=7.2.1",
    "/v2/team/web/tags/list?n=1000": "http://127.0.0.1:1/v2/team/web/tags/list?n=1000",
}
"""The page after a page of tags."""


def serving(folder: Path | None = None) -> AbstractContextManager[Registry]:
    return registry_with(CONTENT, NEXT, folder)


@pytest.fixture
def server() -> Iterator[Registry]:
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Registry]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(registry, "HUB", "http://127.0.0.1:1")


def at(server: Registry) -> Registries:
    """Asks *server* for Docker Hub's images, as an engine that has it as its mirror."""
    return Registries(lambda: RegistryAccess(mirrors=(f"http://{server.address}/",)))


WHOLE = ImageSize(42, AMD)


def size(registries: Registries, name: str = "redis:7") -> ImageSize | None:
    return registries.size(name, "linux/amd64")


def through(mirror: str, **proxies: str) -> Registries:
    """Asks *mirror* for Docker Hub's images, as an engine that has these *proxies*."""
    return Registries(lambda: RegistryAccess(mirrors=(mirror,), proxies=proxies))


def log_in(folder: Path, **auths: Mapping[str, str]) -> None:
    (folder / "config.json").write_text(json.dumps({"auths": auths}))


AUTH = base64.b64encode(b"me:secret").decode()


def test_the_size_is_that_of_the_engines_platform_and_asked_once(server: Registry) -> None:
    registries = at(server)
    for _ in range(2):
        assert size(registries) == WHOLE
    assert server.asked == [f"{MANIFESTS}/7", f"{MANIFESTS}/sha256:amd"]
    assert registries.size("redis:7", "linux/arm/v7") == ImageSize(7, ARM)
    assert registries.size("redis:7", "linux/s390x") is None
    assert size(registries, "redis:7@sha256:amd") == WHOLE
    # Our mirrors come first and an own registry is asked itself.
    registries = Registries(RegistryAccess)
    mirrors = ["127.0.0.1:1", server.address]
    assert registries.size("redis:7", "linux/amd64", mirrors) == WHOLE
    name = f"{server.address}/team/web:1"
    assert registries.size(name, "linux/amd64", mirrors) == ImageSize(7, ARM)
    # The digest of a tag is known without its manifest.
    server.digests = {f"{MANIFESTS}/7": "sha256:seven"}
    assert at(server).digest("redis:7") == "sha256:seven"
    with pytest.raises(RegistryError):
        at(server).digest("redis:8")


def test_an_authority_of_the_user_is_trusted_by_requests_to_registries_and_webhooks(
    tmp_path: Path,
) -> None:
    certificates(tmp_path, "127.0.0.1")
    own = (tmp_path / "ca.pem").read_text("utf-8")
    with serving(tmp_path) as server:
        server.issues = {}
        webhook = f"https://{server.address}/token"
        assert str(post(webhook, {}, "").text) == "its certificate is not valid"
        assert post(webhook, {}, own).is_ok
        registries = through(f"https://{server.address}")
        assert size(registries) is None
        assert registries.size("redis:7", "linux/amd64", (), own) == WHOLE


def test_all_pages_of_tags_are_read_and_what_is_no_tag_is_left_out(server: Registry) -> None:
    server.wants = f'Bearer realm="http://{server.address}/token",service="here"'
    server.token = "Bearer one"
    assert at(server).tags("redis:7") == {"7", "latest", "7.2.1", "8-alpine"}
    asked = [path for path in server.asked if not path.startswith("/token")]
    assert asked == [first := "/v2/library/redis/tags/list?n=1000", first, NEXT[first]]


@pytest.mark.parametrize(
    ("name", "page", "why"),
    [
        ("full", [f"1.{number}" for number in range(1000)], None),
        ("void", [], "takes too long"),
        ("huge", ["1.0" * 1_500_000], "takes too long"),
    ],
)
def test_pages_without_end_are_given_up(
    server: Registry, monkeypatch: pytest.MonkeyPatch, name: str, page: list[str], why: str | None
) -> None:
    first = f"/v2/library/{name}/tags/list?n=1000"
    server.content[first], server.next[first] = {"tags": page}, first
    if why is None:
        assert at(server).tags(name) == {*page}
        return
    monkeypatch.setattr(registry, "_TAGS_SECONDS", 0.5)
    with pytest.raises(RegistryError, match=why):
        at(server).tags(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("redis-none:1", "{address} answers 404"),
        ("team/odd:1", "{address} does not answer as a registry does"),
        ("team/web:1", "{address} does not answer as a registry does"),
        ("redis:7", "takes too long"),
    ],
)
def test_why_no_tags_are_known_is_told(
    server: Registry, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    if name == "redis:7":
        server.silent = threading.Event()
        monkeypatch.setattr(registry, "_TAGS_SECONDS", 0.2)
    with pytest.raises(RegistryError, match=why.format(address=server.address)):
        at(server).tags(name)
    if server.silent:
        server.silent.set()


def test_a_mirror_is_asked_for_tags_only_if_the_registry_does_not_answer(
    server: Registry, elsewhere: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "HUB", f"http://{elsewhere.address}")
    assert at(server).tags("redis:7")
    assert (bool(server.asked), bool(elsewhere.asked)) == (False, True)


@pytest.mark.parametrize("name", ["redis:8", "team/odd:1", "team/odd:2", "redis@sha256:unknown"])
def test_what_can_not_be_told_is_not_known(server: Registry, name: str) -> None:
    assert size(at(server), name) is None


@pytest.mark.parametrize(
    "challenge",
    ["Bearer realm=", 'Bearer realm="http://{address}/token"', "Bearer", "None of ours"],
)
def test_a_registry_whose_token_can_not_be_had_has_no_sizes(
    server: Registry, challenge: str
) -> None:
    server.wants, server.token = challenge.format(address=server.address), "Bearer none"
    server.issues = ["not as it should be"]
    assert size(at(server)) is None


def test_a_registry_that_does_not_answer_is_given_up(
    server: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LIMIT_SECONDS", 0.3)
    server.silent = threading.Event()
    assert size(at(server)) is None
    server.silent.set()


def test_a_token_is_got_without_a_login_where_there_is_none(server: Registry) -> None:
    server.token = "Bearer for-all"
    realm = f"http://{server.address}/token"
    server.wants = f'Bearer realm="{realm}",service="hub",scope="repository:library/redis:pull"'
    assert size(at(server)) == WHOLE
    (asked,) = (path for path in server.asked if path.startswith("/token"))
    query = parse_qs(urlsplit(asked).query)
    assert query == {"scope": ["repository:library/redis:pull"], "service": ["hub"]}
    assert server.logins == [None]


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_the_users_login_goes_to_its_registry_alone(
    server: Registry, tmp_path: Path, scheme: str
) -> None:
    basic = f"Basic {AUTH}"
    server.token = basic if scheme == "Basic" else "Bearer mine"
    server.wants = f'{scheme} realm="http://{server.address}/token"'
    name = f"{server.address}/team/web:1"
    log_in(tmp_path, **{"other.example": {"auth": AUTH}})
    size(Registries(RegistryAccess), name)
    assert basic not in server.logins
    log_in(tmp_path, **{server.address: {"auth": AUTH}})
    assert size(Registries(RegistryAccess), name) == ImageSize(7, ARM)
    if scheme == "Bearer":
        assert server.logins[-1] == basic


@needs_unix_sockets  # and scripts that run by themselves
@pytest.mark.parametrize("user", ["me", "<token>"])
def test_the_login_of_a_credential_helper_is_used(
    server: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text(f"""#!/bin/sh\necho '{{"Username": "{user}", "Secret": "secret"}}'\n""")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "config.json").write_text('{"credsStore": "vault"}')
    server.wants, server.token = f'Bearer realm="http://{server.address}/token"', "Bearer mine"
    assert size(at(server)) == WHOLE
    if user == "me":
        assert server.logins == [f"Basic {AUTH}"]
    else:
        assert [form["refresh_token"] for form in server.forms] == [["secret"]]


@pytest.mark.parametrize(
    ("redirected", "forms"), [("", [["refresh"]]), ("/token", [["refresh"]]), ("/v2", [])]
)
def test_a_refresh_token_goes_to_the_realm_alone(
    server: Registry, elsewhere: Registry, tmp_path: Path, redirected: str, forms: list[list[str]]
) -> None:
    log_in(tmp_path, **{server.address: {"identitytoken": "refresh"}})
    server.wants, server.token = f'Bearer realm="http://{server.address}/token"', "Bearer mine"
    elsewhere.wants = f'Bearer realm="http://{elsewhere.address}/token"'
    if redirected:
        server.redirects[redirected] = f"http://{elsewhere.address}"
    assert size(at(server)) == (None if redirected else WHOLE)
    assert [form["refresh_token"] for form in server.forms] == forms
    assert elsewhere.forms == []


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_a_login_is_not_sent_where_others_could_read_it(
    server: Registry, tmp_path: Path, scheme: str
) -> None:
    """The scripted registry is the proxy to one without TLS."""
    log_in(tmp_path, **{"127.hub.invalid": {"auth": AUTH}})
    server.wants, server.token = f'{scheme} realm="http://{server.address}/token"', "Bearer mine"
    size(through("http://127.hub.invalid", http=f"http://{server.address}"))
    assert server.asked[0] == "http://127.hub.invalid/v2/library/redis/manifests/7"
    assert not any(sent and sent.startswith("Basic") for sent in server.sent)


def test_without_a_user_name_no_login_is_sent(server: Registry) -> None:
    server.wants = "Basic realm=hub"
    assert size(at(server)) is None
    assert server.sent == [None]


def test_loopback_addresses_of_an_engine_elsewhere_are_not_asked_here(server: Registry) -> None:
    access = RegistryAccess(mirrors=(f"http://{server.address}",), is_local=False)
    for name in ("redis:7", f"{server.address}/team/web:1", "localhost:1/team/web:1"):
        assert Registries(lambda: access).size(name, "linux/amd64", [server.address]) is None
    assert server.asked == []


@pytest.mark.parametrize(
    ("proxy", "more", "is_asked"),
    [
        ("{}", {"no_proxy": "other.example"}, True),
        ("http.docker.internal:3128", {}, False),
        ("{}", {"no_proxy": "mirror.invalid"}, False),
        ("me:xxxxx@{}", {}, False),
    ],
    ids=["it is used", "only the engine knows it", "not for this registry", "masked password"],
)
def test_the_engines_proxy_is_used_where_it_can_be(
    server: Registry,
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
    more: dict[str, str],
    *,
    is_asked: bool,
) -> None:
    """The scripted registry is the proxy. Other threads read the environment meanwhile."""
    registries = through(
        "http://mirror.invalid", http=f"http://{proxy.format(server.address)}", **more
    )
    changed: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(
            type(os.environ), "__setitem__", lambda _self, name, _: changed.append(name)
        )
        assert size(registries) is None
    asked = ["http://mirror.invalid/v2/library/redis/manifests/7"]
    assert (server.asked, changed) == (asked if is_asked else [], [])


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("corp.example", "https://corp.example/v2", True),
        ("a.example, Corp.Example", "https://hub.corp.example:5000/v2", True),
        ("corp.example", "https://mycorp.example/v2", False),
        (".corp.example", "https://hub.corp.example/v2", True),
        (".corp.example", "https://corp.example/v2", False),
        ("*.corp.example", "https://hub.corp.example/v2", True),
        ("*.corp.example", "https://corp.example/v2", False),
        ("corp.example:5000", "https://corp.example:5000/v2", True),
        ("corp.example:443", "https://corp.example/v2", True),
        ("corp.example:5000", "https://corp.example/v2", False),
        ("10.0.0.0/8", "http://10.1.2.3:5000/v2", True),
        ("10.0.0.0/8", "http://11.1.2.3:5000/v2", False),
        ("10.0.0.0/8", "http://hub.example/v2", False),
        ("10.1.2.3", "http://10.1.2.3:5000/v2", True),
        ("10.1.2.3:5000", "http://10.1.2.3:5000/v2", True),
        ("fd00::/8", "http://[fd00::1]:5000/v2", True),
        ("a.example,*", "https://hub.example/v2", True),
        ("", "https://hub.example/v2", False),
        (",", "https://hub.example/v2", False),
    ],
)
def test_no_proxy_is_read_as_the_engine_reads_it(
    no_proxy: str, url: str, *, is_direct: bool
) -> None:
    assert registry.bypasses(no_proxy, url) is is_direct
