"""The SDK's connections and errors. It takes long to import, so this is imported only for engines
that are not behind a Unix socket, and after an error."""

import docker.errors as sdk
import requests
from docker.api.client import APIClient
from docker.errors import InvalidConfigFile
from docker.utils.utils import kwargs_from_env
from requests import PreparedRequest
from urllib3 import HTTPConnectionPool

from aiserver_tray.base.errors import AiServerError, EngineRequestError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine import sockets
from aiserver_tray.engine.address import Address


def sdk_pool(address: Address, version: str) -> HTTPConnectionPool:
    """The SDK's connections to the engine at *address*. By default, the SDK has a pool per URL and
    connects for almost every request, and requests' own overhead triples the cost of a request.

    Raises:
        SettingError: Docker's own configuration on this machine is wrong.
        docker.errors.TLSParameterError: certificates are missing.
    """
    tls = {}
    if address.host.startswith(("tcp:", "http:", "https:")):
        tls = kwargs_from_env({**address.environment, "DOCKER_HOST": address.host})
    try:
        client = APIClient(**{**tls, "base_url": address.host}, version=version)
    except (InvalidConfigFile, ValueError, AttributeError, TypeError) as error:
        # docker-py also searches the home folder if DOCKER_CONFIG has no file.
        why = Text(
            "it can't be read ({why}). Fix it, or log in again with `docker login`", why=error
        )
        raise SettingError("Docker's config.json", why) from error
    url = client.base_url
    adapter = client.get_adapter(url)
    request = PreparedRequest()
    request.prepare_url(url, None)
    pool: HTTPConnectionPool = adapter.get_connection_with_tls_context(
        request, client.verify, cert=client.cert
    )
    adapter.cert_verify(pool, url, client.verify, client.cert)
    if url.startswith(("http:", "https:")):
        sockets.keep_alive(pool)
    return pool


MISUSED: tuple[type[Exception], ...] = (
    sdk.TLSParameterError, sdk.InvalidConfigFile, sdk.ContextException, sdk.ContextNotFound,
    sdk.ContextAlreadyExists, sdk.MissingContextParameter,
)  # fmt: skip
"""Docker's own settings on this machine are wrong."""
UNFIT: tuple[type[Exception], ...] = (
    sdk.InvalidVersion, sdk.InvalidRepository, sdk.InvalidArgument, sdk.DeprecatedMethod,
    sdk.NullResource, sdk.ContainerError, sdk.ImageLoadError, sdk.BuildError, sdk.StreamParseError,
)  # fmt: skip
"""The SDK refused to ask, or understood no word of the answer."""


def answer_in(error: Exception) -> tuple[int, str] | None:
    """The status (HTTP; 0: none) and the words of the engine's answer, if *error* is one."""
    if isinstance(error, sdk.APIError):
        return error.status_code or 0, error.explanation or str(error)
    return None


def translate_sdk(error: Exception) -> AiServerError | None:
    """Our error for *error*, which is no answer. None if it is about the connection."""
    if isinstance(error, MISUSED):
        why = Text(
            "{why} Check DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and Docker's config.json.",
            why=getattr(error, "msg", error),
        )
        return SettingError("Docker", why)
    if isinstance(error, (*UNFIT, sdk.DockerException)):
        return EngineRequestError(0, str(error))
    return None


def is_timeout(error: BaseException) -> bool:
    """Whether *error* is a timeout of requests."""
    return isinstance(error, requests.Timeout)
