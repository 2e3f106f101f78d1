"""The user's logins, where a credential helper fails."""

import base64
import json
from pathlib import Path

import pytest

from aiserver_tray.engine.registry import build_auth, pull_auth
from tests.support.standin_engine import needs_unix_sockets


def test_a_pull_and_a_build_have_the_logins_or_tell_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = base64.b64encode(b"me:secret-pass").decode()
    config = {"auths": {"r.io": {"auth": login}}, "proxies": {"default": {}}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    ours = {"username": "me", "password": "secret-pass", "email": None, "serveraddress": "r.io"}
    assert _decoded(pull_auth("r.io/x")[0]["X-Registry-Auth"]) == ours
    assert _decoded(build_auth()[0]["X-Registry-Config"]) == {"r.io": ours}
    assert pull_auth("other.io/x") == ({}, None)
    # An entry that is not valid is told.
    (tmp_path / "config.json").write_text('{"auths": {"r.io": {"auth": 5}}}', encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for headers, problem in (build_auth(), pull_auth("r.io/x")):
        assert headers == {}
        assert f"{tmp_path / 'config.json'}: auths.r.io.auth" in str(problem)


def _decoded(header: str) -> object:
    return json.loads(base64.urlsafe_b64decode(header))


@needs_unix_sockets  # and scripts that run by themselves
def test_a_helper_that_cannot_list_its_logins_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-broken"
    helper.write_text("#!/bin/sh\necho locked\nexit 1\n", encoding="utf-8")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "broken"}', encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    headers, problem = build_auth()
    assert headers == {}
    assert "locked" in str(problem)
