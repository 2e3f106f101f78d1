"""Docker's own configuration on this machine, ``config.json``: logins, proxies and the current
context (https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties)."""

import base64
import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.docker_folder import docker_config_file


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


def _login(encoded: str) -> str:
    if ":" not in base64.b64decode(encoded).decode():
        raise ValueError("no password")
    return encoded


class Login(_Entry):
    """The login at one registry. Without ``auth``, a credential helper has it."""

    auth: Annotated[str, AfterValidator(_login)] | None = None
    identitytoken: str | None = None
    email: str | None = None


class DockerConfig(_Entry):
    """The parts that matter for us."""

    auths: dict[str, Login] = Field(default_factory=dict)
    creds_store: str = Field(default="", alias="credsStore")
    cred_helpers: dict[str, str] = Field(default_factory=dict, alias="credHelpers")
    proxies: dict[str, dict[str, str]] = Field(default_factory=dict)
    current_context: str = Field(default="", alias="currentContext")
    http_headers: dict[str, str] = Field(default_factory=dict, alias="HttpHeaders")


def docker_config(environment: Mapping[str, str]) -> DockerConfig:
    """The configuration, empty if there is none or the user may not read it (``sudo docker login``
    can make it root's).

    Raises:
        SettingError: it is not valid; names the file and the entry.
    """
    file = docker_config_file(environment)
    try:
        content = file.read_bytes()
    except OSError:
        return DockerConfig()
    try:
        return DockerConfig.model_validate(json.loads(content) if content.strip() else {})
    except ValidationError as error:
        raise SettingError(str(file), _why(error)) from None
    except (ValueError, RecursionError) as error:
        why = Text("it is not valid JSON ({why}). Correct it", why=error)
        raise SettingError(str(file), why) from None


_EXPECTED = {
    "string_type": Text("text"),
    "dict_type": Text("a mapping"),
    "model_type": Text("a mapping"),
    "value_error": Text("the Base64 form of user:password"),
}


def _why(error: ValidationError) -> Text:
    first = error.errors(include_url=False, include_input=False)[0]
    entry, expected = ".".join(map(str, first["loc"])), _EXPECTED[first["type"]]
    if not entry:
        return Text("expected {expected}. Correct the file", expected=expected)
    if first["loc"][0] == "auths":
        return Text(
            "{entry}: expected {expected}. Remove this entry, then log in again with "
            "`docker login`",
            entry=entry,
            expected=expected,
        )
    return Text("{entry}: expected {expected}. Correct the file", entry=entry, expected=expected)
