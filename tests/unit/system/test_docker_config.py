"""Docker's own configuration: what is not valid in it is reported with file and entry."""

import base64
import json
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.system.docker_files import docker_config


def _written(folder: Path, content: object) -> dict[str, str]:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "config.json").write_text(text, encoding="utf-8")
    return {"DOCKER_CONFIG": str(folder)}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "it is not valid JSON"),
        ("[" * 100_000, "it is not valid JSON"),
        ([], "expected a mapping"),
        ({"auths": []}, "auths: expected a mapping"),
        ({"auths": {"r.io": 5}}, "auths.r.io: expected a mapping"),
        ({"auths": {"r.io": {"auth": 5}}}, "auths.r.io.auth: expected text"),
        ({"auths": {"r.io": {"auth": "!!"}}}, "auths.r.io.auth: expected the Base64 form"),
        ({"auths": {"r.io": {"auth": "YWJj"}}}, "auths.r.io.auth: .* log in again"),
        ({"credsStore": 5}, "credsStore: expected text"),
        ({"credHelpers": []}, "credHelpers: expected a mapping"),
        ({"credHelpers": {"r.io": 5}}, "credHelpers.r.io: expected text"),
        ({"proxies": None}, "proxies: expected a mapping"),
        ({"proxies": {"default": ["x"]}}, "proxies.default: expected a mapping"),
        ({"proxies": {"default": {"httpProxy": 1}}}, "proxies.default.httpProxy: expected text"),
        ({"currentContext": 1}, "currentContext: expected text"),
        ({"HttpHeaders": []}, "HttpHeaders: expected a mapping"),
    ],
)
def test_an_entry_that_is_not_valid_is_named(tmp_path: Path, content: object, why: str) -> None:
    environment = _written(tmp_path, content)
    with pytest.raises(SettingError, match=f"config.json: {why}") as refused:
        docker_config(environment)
    assert refused.value.data["name"] == str(tmp_path / "config.json")


def test_a_login_does_not_show_in_the_error_about_it(tmp_path: Path) -> None:
    secret = base64.b64encode(b"a-secret-without-a-name").decode()
    environment = _written(tmp_path, {"auths": {"r.io": {"auth": secret}}})
    with pytest.raises(SettingError) as refused:
        docker_config(environment)
    assert secret not in f"{refused.value!r} {refused.value.as_json('en')}"


def test_no_file_an_empty_one_and_other_keys_are_no_configuration(tmp_path: Path) -> None:
    assert docker_config({"DOCKER_CONFIG": str(tmp_path)}) == docker_config(_written(tmp_path, ""))
    login = {"auth": base64.b64encode(b"me:pass").decode(), "future": 1}
    content = {"auths": {"r.io": login, "s.io": {}}, "psFormat": "x", "plugins": {"a": {}}}
    assert [*docker_config(_written(tmp_path, content)).auths] == ["r.io", "s.io"]
