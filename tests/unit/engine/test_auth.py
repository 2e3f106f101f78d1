"""The user's logins, where a credential helper fails."""

from pathlib import Path

import pytest

from aiserver_tray.engine.auth import build_auth
from tests.support.standin_engine import needs_unix_sockets


@needs_unix_sockets  # and scripts that run by themselves
def test_a_helper_that_cannot_list_its_logins_is_told(
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
