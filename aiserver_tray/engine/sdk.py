"""Connections of the SDK, for all engines that are not behind a Unix socket. Imported only for
these, because the SDK takes long to import."""

from docker.api.client import APIClient
from docker.errors import InvalidConfigFile
from docker.utils.utils import kwargs_from_env
from requests import PreparedRequest
from urllib3 import HTTPConnectionPool

from aiserver_tray.base.errors import SettingError
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
