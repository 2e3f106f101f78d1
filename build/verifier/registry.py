"""The manifests of images in their registries, and the file of the catalog that records them.

Source: the distribution specification (https://distribution.github.io/distribution/spec/api/ and
…/spec/auth/token/).
"""

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from aiserver_tray.engine.auth import pull_auth
from aiserver_tray.engine.pull import split

DOCKER_HUB = "https://registry-1.docker.io"
PLATFORMS = ("linux/amd64", "linux/arm64")
"""Those that the catalog is for."""

_OCI, _DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution.manifest"
_TYPES = (f"{_OCI}.index.v1+json", f"{_OCI}.manifest.v1+json")
_DOCKER_TYPES = (f"{_DOCKER}.list.v2+json", f"{_DOCKER}.v2+json")
_ACCEPTED = ", ".join((*_TYPES, *_DOCKER_TYPES))
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Published:
    """An image in its registry. ``downloads``: platform -> compressed bytes of its layers."""

    digest: str
    downloads: Mapping[str, int]


class RegistryError(Exception):
    """The registry does not respond, or does not have the image; says so."""


class Repository:
    """The repository of the image *name*. Docker Hub, or a mirror of it, is at the URL *hub*."""

    def __init__(self, name: str, hub: str = DOCKER_HUB) -> None:
        self._repository, self._tag = split(name)
        host, slash, _ = self._repository.partition("/")
        is_elsewhere = bool(slash) and ("." in host or ":" in host or host == "localhost")
        path = self._repository.removeprefix(f"{host}/") if is_elsewhere else self._repository
        if not is_elsewhere and not slash:
            path = f"library/{path}"
        self._path = path
        self._base = f"https://{host}" if is_elsewhere else hub.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Accept"] = _ACCEPTED

    def published(self) -> Published:
        """What the registry has.

        Raises:
            RegistryError: it can't be read.
        """
        try:
            content = self._get(f"manifests/{self._tag}")
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            return Published(digest, self._downloads(json.loads(content)))
        except (requests.RequestException, ValueError, KeyError) as error:
            raise RegistryError(f"{self._base}: {error}") from error

    def _downloads(self, manifest: dict[str, Any]) -> dict[str, int]:
        if "manifests" not in manifest:
            config = json.loads(self._get(f"blobs/{manifest['config']['digest']}"))
            found = {f"{config['os']}/{config['architecture']}": _layers(manifest)}
        else:
            found = {}
            for entry in manifest["manifests"]:
                platform = "{os}/{architecture}".format(**entry["platform"])
                if platform in PLATFORMS:
                    inner = json.loads(self._get(f"manifests/{entry['digest']}"))
                    found[platform] = _layers(inner)
        return {platform: found[platform] for platform in PLATFORMS if platform in found}

    def _get(self, what: str) -> bytes:
        url = f"{self._base}/v2/{self._path}/{what}"
        answer = self._session.get(url, timeout=_TIMEOUT_SECONDS)
        if answer.status_code == requests.codes.unauthorized:
            token = self._token(answer.headers.get("WWW-Authenticate", ""), url)
            self._session.headers["Authorization"] = f"Bearer {token}"
            answer = self._session.get(url, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.content

    def _token(self, challenge: str, url: str) -> str:
        """A token for what the *challenge* of a registry asks for, with the user's login of `docker
        login`, if there is one: Docker Hub allows more requests then."""
        asked = dict(_CHALLENGE.findall(challenge))
        realm = urljoin(url, asked.pop("realm"))
        headers, _ = pull_auth(self._repository)
        stored = json.loads(base64.urlsafe_b64decode(headers.get("X-Registry-Auth", "e30=")))
        login = (stored["username"], stored["password"]) if "password" in stored else None
        answer = requests.get(realm, params=asked, auth=login, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        found = answer.json()
        return str(found.get("token") or found["access_token"])


def _layers(manifest: Mapping[str, Any]) -> int:
    return sum(int(layer["size"]) for layer in manifest["layers"])


def record(
    file: Path, found: Mapping[str, Published], images: Collection[str], today: date
) -> None:
    """Write *found* (by image) to *file*, whose other entries stay if they are of *images*. An
    entry that is still true keeps its date."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    after = dict(before)
    for name, published in found.items():
        platforms = {p: {"download": size} for p, size in published.downloads.items()}
        entry = {"digest": published.digest, "platforms": platforms}
        same = before.get(name, {})
        recorded = same.get("recorded", "") if {**same, **entry} == same else today.isoformat()
        after[name] = {**entry, "recorded": recorded}
    kept = {name: entry for name, entry in after.items() if name in images}
    text = json.dumps(kept, indent=2, sort_keys=True)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
