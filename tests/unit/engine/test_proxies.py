"""The proxies of Docker's configuration, and what becomes of them in a container's environment."""

import json
from pathlib import Path

import pytest

from aiserver_tray.engine.proxies import beside, configured, of_engine, passwords, with_proxies

PROXY = "http://someone:p%40ss-word@proxy.example:3128"
MACHINE = "host.docker.internal,gateway.docker.internal"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def _write(folder: Path, content: object) -> None:
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")


def test_an_engine_has_its_own_proxies_or_the_default_ones(folder: Path) -> None:
    keys = ("httpProxy", "httpsProxy", "ftpProxy", "allProxy", "noProxy")
    default = {key: f"{key}.example" for key in keys}
    own = {"httpProxy": "own.example", "noProxy": ""}
    _write(folder, {"proxies": {"default": default, "tcp://10.0.0.1:2376": own}})
    assert of_engine(configured(), "unix:///var/run/docker.sock") == {
        "HTTP_PROXY": "httpProxy.example",
        "HTTPS_PROXY": "httpsProxy.example",
        "FTP_PROXY": "ftpProxy.example",
        "ALL_PROXY": "allProxy.example",
        "NO_PROXY": "noProxy.example",
    }
    assert of_engine(configured(), "tcp://10.0.0.1:2376") == {"HTTP_PROXY": "own.example"}


@pytest.mark.parametrize("content", [{}, {"proxies": {}}, {"proxies": {"default": {}}}])
def test_a_configuration_without_proxies_has_none(content: object, folder: Path) -> None:
    _write(folder, content)
    assert of_engine(configured(), "tcp://x") == {}
    assert passwords(configured()) == set()


def test_proxy_passwords_are_known_encoded_and_decoded(folder: Path) -> None:
    entry = {"httpProxy": PROXY, "httpsProxy": "http://proxy.example", "noProxy": "a@b"}
    _write(folder, {"proxies": {"default": entry}})
    assert passwords(configured()) == {
        "someone:p%40ss-word",
        "someone:p@ss-word",
        "p%40ss-word",
        "p@ss-word",
    }
    # A login as short as a word is no reason to mask words.
    entry = {"httpProxy": "http://a:b@proxy.example", "httpsProxy": "me@proxy.example:3128"}
    _write(folder, {"proxies": {"default": entry}})
    assert passwords(configured()) == {"a:b"}
    # An address may have no scheme.
    _write(folder, {"proxies": {"default": {"httpProxy": "me:s3cr3t-word@proxy.example:3128"}}})
    assert passwords(configured()) == {"me:s3cr3t-word", "s3cr3t-word"}


def test_both_spellings_are_added_where_neither_is_there() -> None:
    proxies = {"HTTP_PROXY": "a", "HTTPS_PROXY": "b", "FTP_PROXY": "c"}
    assert beside(["https_proxy", "FTP_PROXY", "x"], proxies) == {
        "HTTP_PROXY": "a",
        "http_proxy": "a",
    }


def test_a_container_asks_its_neighbours_directly() -> None:
    proxies = {"HTTP_PROXY": "a", "NO_PROXY": "corp.example, db"}
    assert with_proxies(["A=1"], proxies, {"web", "db"}) == [
        "HTTP_PROXY=a",
        f"NO_PROXY=corp.example,db,localhost,127.0.0.1,::1,{MACHINE},web",
        "http_proxy=a",
        f"no_proxy=corp.example,db,localhost,127.0.0.1,::1,{MACHINE},web",
        "A=1",
    ]
    # A container that may ask all directly still may.
    assert "no_proxy=*" in with_proxies([], {"HTTP_PROXY": "a", "NO_PROXY": "*"}, {"web"})
    # A service with a proxy of its own is not led past it.
    own = ["HTTP_PROXY=http://gate:3128"]
    proxies = {"HTTP_PROXY": "a", "HTTPS_PROXY": "b", "ALL_PROXY": "d", "NO_PROXY": "c"}
    assert with_proxies(own, proxies, {"web"}) == own
    # Without proxies nothing is added.
    assert with_proxies(["A=1"], {}, {"web"}) == ["A=1"]


@pytest.mark.parametrize("own", ["no_proxy=mine", "NO_PROXY"])
def test_proxy_variables_of_a_service_are_not_replaced(own: str) -> None:
    found = with_proxies([own], {"HTTP_PROXY": "a", "NO_PROXY": "b"}, {"web"})
    assert found == ["HTTP_PROXY=a", "http_proxy=a", own]
