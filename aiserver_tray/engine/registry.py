"""Registries of images: the user's logins, as ``docker login`` keeps them, sizes of images, and the
versions that there are.

The manifest of an image has the compressed size of each layer. It is asked for where the engine
would get the image: at the mirrors in our settings, at the engine's own mirrors, at the image's
registry; through the engine's proxies, and with the user's login or an anonymous token, if the
registry wants one (https://distribution.github.io/distribution/spec/api/,
https://distribution.github.io/distribution/spec/auth/token/).
"""

import base64
import json
import logging
import os
import re
import shutil
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from itertools import islice
from threading import Lock
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, parse_http_list, parse_keqv_list, proxy_bypass

import requests
from docker import auth
from docker.credentials.errors import StoreError
from docker.errors import DockerException
from requests.adapters import HTTPAdapter

from aiserver_tray.base.errors import RegistryError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.engine.pull import HUB_NAMES, sources, split
from aiserver_tray.engine.values import RegistryAccess
from aiserver_tray.system.docker_files import docker_config
from aiserver_tray.system.engine_place import is_loopback

LIMIT_SECONDS = 10.0
"""Seconds for all requests about the size of one image. It is only for an estimate."""
_TAGS_SECONDS = 60.0
"""Seconds for all pages of tags. Nobody waits for them."""

_CONNECT_SECONDS = 10.0
"""Seconds for a connection, so that the next place is asked while there is time."""

HUB = "https://registry-1.docker.io"
"""Docker Hub's registry."""
_MAX_BYTES = 4 << 20
"""The most that registries accept as a manifest."""
_MAX_TAGS = 50_000
"""Docker Hub's largest repositories have about half as many."""
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
"""As the specification has it."""
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPTED: Final = {"Accept": ", ".join(_MANIFESTS)}
_NO_HEADERS: Final[Mapping[str, str]] = {}
_PAGE: Final = 1000
"""Tags on a page, at most."""
_MASKED = "xxxxx"
"""Instead of the password of a proxy, which the engine does not tell."""
_INSIDE = ".docker.internal"
"""The end of names that only Docker Desktop's virtual machine knows."""

NO_ANSWER = (OSError, ValueError, LookupError, TypeError, AttributeError)
"""Raised by requests that get no answer, and by reading one that is not as it should be."""

_logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class Registries:
    """Asks registries, from any thread. *access* says how the engine reaches them. Sizes are kept,
    so that each image is asked for once."""

    def __init__(self, access: Callable[[], RegistryAccess]) -> None:
        self._access = access
        self._known: dict[tuple[str, str], ImageSize] = {}
        self._lock = Lock()

    def size(
        self, name: str, platform: str, mirrors: Sequence[str] = (), certificates: str = ""
    ) -> ImageSize | None:
        """The size of the image *name* on *platform* (``linux/arm64``), or None if no registry
        tells it within `LIMIT_SECONDS`."""
        with self._lock:
            if known := self._known.get((name, platform)):
                return known
        found = self._ask(name, platform, mirrors, certificates)
        if found:
            with self._lock:
                self._known[name, platform] = found
        return found

    def tags(
        self, name: str, mirrors: Sequence[str] = (), certificates: str = ""
    ) -> frozenset[str]:
        """All tags of the repository of the image *name*. Its own registry is asked first: a mirror
        may know only those that somebody has pulled from it.

        Raises:
            RegistryError: no registry tells them.
        """
        access = self._access()
        known = {mirror.rstrip("/") for mirror in access.mirrors}
        asked = [at for one in reversed(sources(name, mirrors)) for at in places(one, access)]
        asked.sort(key=lambda place: place.address in known)
        opened = _opened(access, certificates, _TAGS_SECONDS)
        return _first(name, asked, opened, _tags)

    def digest(self, name: str, mirrors: Sequence[str] = (), certificates: str = "") -> str:
        """The digest that the tag of *name* has now. Counts as no pull at Docker Hub.

        Raises:
            RegistryError: no registry tells it.
        """
        return self._usual(name, mirrors, certificates, RegistrySession.digest)

    def image_id(
        self, name: str, platform: str, mirrors: Sequence[str] = (), certificates: str = ""
    ) -> str:
        """The ID with which an engine that stores images in layers would have *name* for
        *platform*.

        Raises:
            RegistryError: no registry tells it.
        """
        ask = lambda one: str(_manifest(one, platform)["config"]["digest"])  # noqa: E731
        return self._usual(name, mirrors, certificates, ask)

    def _ask(
        self, name: str, platform: str, mirrors: Sequence[str], certificates: str
    ) -> ImageSize | None:
        with suppress(RegistryError):
            return self._usual(name, mirrors, certificates, lambda one: _size(one, platform))
        return None

    def _usual(
        self,
        name: str,
        mirrors: Sequence[str],
        certificates: str,
        ask: "Callable[[RegistrySession], _Answer]",
    ) -> _Answer:
        """What *ask* gets where the engine would pull *name*."""
        access = self._access()
        asked = (place for source in sources(name, mirrors) for place in places(source, access))
        return _first(name, asked, _opened(access, certificates, LIMIT_SECONDS), ask)


def _opened(
    access: RegistryAccess, certificates: str, seconds: float
) -> "Callable[[Place], RegistrySession]":
    """Opens sessions that all end *seconds* from now."""
    deadline = time.monotonic() + seconds
    return lambda place: RegistrySession(place, access.proxies, deadline, certificates)


def _first(
    name: str,
    asked: "Iterable[Place]",
    opened: "Callable[[Place], RegistrySession]",
    ask: "Callable[[RegistrySession], _Answer]",
) -> _Answer:
    """What *ask* gets from the first of the places *asked* that answers in time."""
    why: Text | str = Text("no registry can be asked from here")
    for place in asked:
        try:
            with opened(place) as session:
                return ask(session)
        except NO_ANSWER as error:
            # Not the error itself: it may name a proxy with its password.
            why = _why(error, urlsplit(place.address).netloc)
            _logger.debug("%s can't be asked for: %s", name, why)
    raise RegistryError(name, why)


def _why(error: Exception, registry: str) -> Text:
    """Why *registry* did not answer as it should, without what an *error* may hold."""
    answer = error.response if isinstance(error, requests.HTTPError) else None
    if answer is not None:
        return Text("{registry} answers {status}", registry=registry, status=answer.status_code)
    if isinstance(error, requests.Timeout):
        return Text("{registry} takes too long", registry=registry)
    if isinstance(error, OSError):
        return Text("{registry} can't be reached", registry=registry)
    return Text("{registry} does not answer as a registry does", registry=registry)


def _tags(session: "RegistrySession") -> frozenset[str]:
    found = frozenset(islice(filter(_TAG.fullmatch, session.tags()), _MAX_TAGS))
    if not found:
        raise LookupError("a mirror without the repository")
    return found


def _manifest(session: "RegistrySession", platform: str) -> Any:  # noqa: ANN401 - JSON
    manifest: Any = json.loads(session.manifest())
    if "manifests" in manifest:
        return json.loads(session.manifest(_for_platform(manifest["manifests"], platform)))
    return manifest


def _size(session: "RegistrySession", platform: str) -> ImageSize:
    manifest = _manifest(session, platform)
    layers = {str(layer["digest"]): int(layer["size"]) for layer in manifest["layers"]}
    return ImageSize(sum(layers.values()), layers)


class Place(NamedTuple):
    """Where an image is: the registry's address, the repository there, and the tag or digest."""

    address: str
    repository: str
    reference: str


def places(source: str, access: RegistryAccess) -> Iterator[Place]:
    """Where an engine with this *access* would look for *source*, the best place first. The
    loopback addresses of an engine elsewhere are not ours."""
    for place in _all_places(source, access):
        if access.is_local or not is_loopback(urlsplit(place.address).hostname or ""):
            yield place


def _all_places(source: str, access: RegistryAccess) -> Iterator[Place]:
    path, reference = split(source)
    registry, slash, repository = path.partition("/")
    if not slash or not ({".", ":"} & {*registry} or registry == "localhost"):
        registry, repository = HUB_NAMES[0], path if slash else f"library/{path}"
    if registry in HUB_NAMES:
        for address in (*access.mirrors, HUB):
            yield Place(address.rstrip("/"), repository, reference)
        return
    yield Place(f"https://{registry}", repository, reference)
    if registry in access.insecure or is_loopback(registry.partition(":")[0]):
        yield Place(f"http://{registry}", repository, reference)


class TrustingAdapter(HTTPAdapter):
    """Trusts the authorities of *certificates*, in PEM form, beside the public ones."""

    def __init__(self, certificates: str) -> None:
        self._context = ssl.create_default_context(cadata=certificates) if certificates else None
        super().__init__()

    def init_poolmanager(self, *given: Any, **options: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*given, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)


class RegistrySession:
    """Requests about the image at *place*, until *deadline* (of the monotonic clock).
    *certificates*: of authorities that are trusted beside the public ones.

    Every method raises one of `NO_ANSWER` if it gets no answer that can be used.
    """

    def __init__(
        self, place: Place, proxies: Mapping[str, str], deadline: float, certificates: str = ""
    ) -> None:
        self._place = place
        self._base = f"{place.address}/v2/{place.repository}"
        self._session = requests.Session()
        self._session.mount("https://", TrustingAdapter(certificates))
        self._session.trust_env = False  # it would send passwords of ~/.netrc
        self._proxies = _usable(proxies)
        self._has_own_proxies = self._proxies is not proxies
        self._deadline = deadline

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def manifest(self, reference: str | None = None) -> bytes:
        """The manifest or index of the image, or of another *reference* in its repository."""
        return self._ask("GET", self._manifest(reference), _ACCEPTED).content

    def digest(self) -> str:
        """The digest of the manifest or index of the image. Reads neither."""
        return self._ask("HEAD", self._manifest(), _ACCEPTED).headers["Docker-Content-Digest"]

    def _manifest(self, reference: str | None = None) -> str:
        return f"{self._base}/manifests/{reference or self._place.reference}"

    def blob(self, digest: str) -> bytes:
        """A small blob of the repository, such as a configuration."""
        return self._ask("GET", f"{self._base}/blobs/{digest}").content

    def tags(self) -> Iterator[str]:
        """All tags of the repository, page by page
        (https://distribution.github.io/distribution/spec/api/#pagination)."""
        first = url = f"{self._base}/tags/list?n={_PAGE}"
        while url:
            page = self._ask("GET", url)
            yield from json.loads(page.content)["tags"] or ()
            url = page.next and urljoin(url, page.next)
            if url and _page_at(url) != _page_at(first):
                raise ValueError("the next page is elsewhere")

    def _ask(self, method: str, url: str, headers: Mapping[str, str] = _NO_HEADERS) -> "_Page":
        try:
            return self._read(method, url, headers=headers)
        except requests.HTTPError as error:
            answer = error.response
            if answer is None or answer.status_code != requests.codes.unauthorized:
                raise
            if urlsplit(answer.url).netloc != urlsplit(url).netloc:
                raise  # a redirect led there, and the login is not for that server
            asked = answer.headers.get("WWW-Authenticate", "")
        self._session.headers["Authorization"] = self._authorization(asked)
        return self._read(method, url, headers=headers)

    def _authorization(self, asked: str) -> str:
        """The header that the registry wants, as its answer says (*asked*)."""
        scheme, _, rest = asked.partition(" ")
        address = self._place.address
        if scheme.lower() == "basic":
            basic = ":".join(_basic(self._login(address)))
            return f"Basic {base64.b64encode(basic.encode()).decode()}"
        wanted = parse_keqv_list(parse_http_list(rest))
        realm = wanted["realm"]
        if urlsplit(realm).scheme != "https" and address.startswith("https:"):
            raise ValueError("a token would not be protected")
        scope = wanted.get("scope", f"repository:{self._place.repository}:pull")
        query = {"service": wanted.get("service", ""), "scope": scope}
        answer = json.loads(self._token(realm, query, self._login(realm)))
        return f"Bearer {answer.get('token') or answer['access_token']}"

    def _login(self, url: str) -> Mapping[str, str]:
        """The user's login for *url*, which the registry named; empty where others could read it
        on its way."""
        address = self._place.address
        if not (_is_protected(address) and _is_protected(url)):
            return {}
        return login_at(HUB_NAMES[0] if address == HUB else urlsplit(address).netloc)

    def _token(self, realm: str, query: Mapping[str, str], login: Mapping[str, str]) -> bytes:
        if token := login.get("identitytoken"):
            form = {"grant_type": "refresh_token", "client_id": "docker", "refresh_token": token}
            # Unlike a password in a header, it would be sent to where a redirect leads.
            return self._read("POST", realm, data={**query, **form}, allow_redirects=False).content
        auth = _basic(login) if "username" in login else None
        return self._read("GET", realm, params=query, auth=auth).content

    def _read(self, method: str, url: str, **options: Any) -> "_Page":  # noqa: ANN401
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise requests.Timeout
        options |= {
            "proxies": self._proxies_for(url),
            "timeout": (min(left, _CONNECT_SECONDS), left),
            "stream": True,
        }
        with self._session.request(method, url, **options) as response:
            response.raise_for_status()
            content = b""
            for piece in response.iter_content(1 << 16):
                content += piece
                if len(content) > _MAX_BYTES or time.monotonic() > self._deadline:
                    raise requests.Timeout
            return _Page(content, response.headers, response.links.get("next", {}).get("url", ""))

    def _proxies_for(self, url: str) -> dict[str, str]:
        """The proxies for *url*; none for this machine, as the engine has it."""
        at = urlsplit(url)
        if not self._proxies or is_loopback(at.hostname or ""):
            return {}
        if self._has_own_proxies and proxy_bypass(at.netloc):  # also as Windows and macOS say
            return {}
        is_direct = bypasses(self._proxies.get("no_proxy", ""), url)
        return {} if is_direct else {**self._proxies}


class _Page(NamedTuple):
    """An answer of a registry; ``next``: the address of the page after it, if there is one."""

    content: bytes
    headers: Mapping[str, str]
    next: str


def _page_at(url: str) -> tuple[str, str, str]:
    at = urlsplit(url)
    return at.scheme, at.netloc, at.path


def _basic(login: Mapping[str, str]) -> tuple[str, str]:
    """User name and password of *login*; KeyError: it has none."""
    return login["username"], login["password"]


def _is_protected(url: str) -> bool:
    at = urlsplit(url)
    return at.scheme == "https" or is_loopback(at.hostname or "")


def bypasses(no_proxy: str, url: str) -> bool:
    """Whether the engine with this *no_proxy* asks for *url* without a proxy. Each rule in it is a
    domain, ``.domain`` or ``*.domain`` (only what is below it), an address, a network, or ``*``.

    The function of `requests` changes the environment meanwhile, for all threads.
    """
    at = urlsplit(url)
    host = at.hostname or ""
    port = at.port or (443 if at.scheme == "https" else 80)
    rules = [rule.strip() for rule in no_proxy.lower().split(",")]
    return any(rule == "*" or _covers(rule, host, port) for rule in rules if rule)


def _covers(rule: str, host: str, port: int) -> bool:
    with suppress(ValueError):
        return ip_address(host) in ip_network(rule, strict=False)
    name = rule.removesuffix(f":{port}").removeprefix("*")
    below = name if name.startswith(".") else f".{name}"
    return host == name or host.endswith(below)


def _usable(proxies: Mapping[str, str]) -> Mapping[str, str]:
    """The engine's *proxies*, or this machine's if we can't use those."""
    addresses = [proxies[scheme] for scheme in ("http", "https") if scheme in proxies]
    hosts = [urlsplit(address).hostname or "" for address in addresses]
    if not addresses or any(host.endswith(_INSIDE) for host in hosts):
        return {("no_proxy" if name == "no" else name): at for name, at in getproxies().items()}
    if any(_MASKED in address for address in addresses):
        raise ValueError("the password of the engine's proxy is not known")
    return proxies


def _for_platform(manifests: Sequence[Mapping[str, Any]], platform: str) -> str:
    """The digest for *platform* in an index. The first one of several variants counts."""
    system, machine, *variant = platform.split("/")
    for entry in manifests:
        about = entry.get("platform") or {}
        if (about.get("os"), about.get("architecture")) == (system, machine) and (
            not variant or about.get("variant") in (None, variant[0])
        ):
            return str(entry["digest"])
    raise KeyError(platform)


# -- logins ---------------------------------------------------------------------------------------

Headers = dict[str, str]


def pull_auth(repository: str) -> tuple[Headers, Text | None]:
    """Headers for pulling *repository*, and the error if stored credentials can't be read: the pull
    is then tried without them."""
    return _read(lambda: _for_one(repository))


def login_at(registry: str) -> Mapping[str, str]:
    """The user's login at *registry*: ``username`` and ``password``, or ``identitytoken``. Empty:
    there is none that can be read."""
    found: Mapping[str, str] = {}

    def read() -> Headers:
        nonlocal found
        logins = _logins()
        _find_helper(logins.get_credential_store(registry))
        found = logins.resolve_authconfig(registry) or {}
        return {}

    _read(read)
    # The SDK's names from a helper begin with capitals, those from the file with small letters.
    return {name.lower(): value for name, value in found.items() if value}


def build_auth() -> tuple[Headers, Text | None]:
    """Headers for a build. Its Dockerfile may name any registry."""
    return _read(_for_all)


def _read(read: Callable[[], Headers]) -> tuple[Headers, Text | None]:
    try:
        return read(), None
    except (DockerException, StoreError, SettingError, OSError, ValueError, KeyError) as error:
        # A broken file, or a credential helper that is missing or locked.
        why = error.text if isinstance(error, SettingError) else error
        return {}, Text("can't read the credentials of `docker login`: {why}", why=why)


def _for_one(repository: str) -> Headers:
    registry, _ = auth.resolve_repository_name(repository)
    logins = _logins()
    _find_helper(logins.get_credential_store(registry))
    return _header("X-Registry-Auth", logins.resolve_authconfig(registry))


def _for_all() -> Headers:
    logins = _logins()
    for helper in (logins.creds_store, *logins.cred_helpers.values()):
        _find_helper(helper)
    found = logins.get_all_credentials()
    if auth.INDEX_NAME in found:  # the engine knows Docker Hub by its old address
        found.setdefault(auth.INDEX_URL, found[auth.INDEX_NAME])
    return _header("X-Registry-Config", found)


def _logins() -> Any:  # noqa: ANN401 - the SDK's
    config = docker_config(os.environ)
    helpers = {"credsStore": config.creds_store, "credHelpers": config.cred_helpers}
    return auth.AuthConfig({"auths": auth.AuthConfig.parse_auth(config.auths), **helpers})


def _find_helper(name: str | None) -> None:
    """The SDK would warn on our standard error about one that is not there."""
    if name and shutil.which(f"docker-credential-{name}") is None:
        raise FileNotFoundError(f"docker-credential-{name} is not installed")


def _header(name: str, content: Any) -> Headers:  # noqa: ANN401 - the SDK's
    return {name: auth.encode_header(content).decode()} if content else {}
