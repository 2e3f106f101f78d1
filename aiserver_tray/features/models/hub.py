"""Hubs with model files: which there are, what they say about a file, and its bytes.

Hugging Face answers a request for a file with its size, its SHA-256 and the commit in headers
(``X-Linked-Size``, ``X-Linked-Etag``, ``X-Repo-Commit``; huggingface_hub, constants.py and
file_download.py), and so do its mirrors. ModelScope lists the files of a commit as JSON
(modelscope, hub/api.py: ``/api/v1/models/…/repo/files``). Nothing that a hub says is believed about
the bytes themselves: they are counted and hashed.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from aiserver_tray.base.errors import DownloadError
from aiserver_tray.base.i18n import Language, LocalText, Text
from aiserver_tray.features.models.servers import LOOPBACK, ModelKind, kind_of
from aiserver_tray.system.clock import timezone_name

HubName = Literal["huggingface", "modelscope", "mirror"]
HUBS: Final[Mapping[HubName, str]] = {
    "huggingface": "https://huggingface.co",
    "modelscope": "https://www.modelscope.cn",
}
FILE: Final = "models.toml"
"""Of the module's folder."""
_CHINA: Final = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "PRC")
_SECONDS: Final = 30.0
"""Until a hub answers, and between two pieces of a file."""
_PIECE: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_TYPED: Final = re.compile(r"([\w.-]+/[\w.-]+)/([\w./ -]+\.gguf)(?:@([\w.-]+))?", re.IGNORECASE)


class BrokenOffError(Exception):
    """A download broke off. What is there can be continued."""


@dataclass(frozen=True)
class Card:
    """A model that can be downloaded."""

    name: str
    title: str
    kind: ModelKind
    repository: str
    file: str
    download: int = 0
    """bytes, about; 0: unknown"""
    memory: int = 0
    """bytes that it needs when it is loaded; 0: unknown"""
    purpose: LocalText | None = None
    licence: str = ""
    languages: int = 0
    context: int = 0
    sha256: str = ""
    """that is known already; empty: the hub's alone counts"""
    commit: str = ""
    source: str = ""
    """that names hash and commit, which is then one of Hugging Face; empty: a person or an earlier
    download does"""
    general: bool = False
    """A chat model for anything: the page may begin with it."""


@dataclass(frozen=True)
class FileFacts:
    """What a hub says about a file."""

    size: int
    sha256: str
    commit: str
    address: str


def offered(folder: Path) -> tuple[Card, ...]:
    """The models that the module in *folder* offers; none without its file."""
    try:
        found = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(Card(**entry) for entry in found["model"])


def name_of_file(file: str) -> str:
    """The name under which a server offers the model in *file*."""
    stem = Path(file).name[: -len(".gguf")].lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")[:80] or "model"


def model_of(source: str) -> str:
    """The name of the model that *source* is, or becomes: as `OwnModels.pull` takes it."""
    if is_file(source):
        return name_of_file(source)
    typed = typed_card(source)
    return typed.name if typed else source


def is_file(source: str) -> bool:
    """Whether *source* is a model's file of this computer."""
    return source.lower().endswith(".gguf") and Path(source).expanduser().is_file()


def typed_card(text: str) -> Card | None:
    """The file of a hub that a person has typed: ``OWNER/REPOSITORY/FILE.gguf``, with ``@COMMIT``
    if it is to be that one. None: that is none."""
    if not (found := _TYPED.fullmatch(text.strip())):
        return None
    repository, file, commit = found.groups()
    name = name_of_file(file)
    kind = kind_of(name)
    return Card(name, Path(file).name, kind, repository, file, commit=commit or "")


def usual_hub(language: Language) -> HubName:
    """The hub that is near: by the language of the user and the computer's time zone."""
    return "modelscope" if language == "zh" or timezone_name() in _CHINA else "huggingface"


@dataclass(frozen=True)
class Hub:
    """The hub *name* at *address*. *certificates*: of authorities that are trusted beside the
    public ones, in PEM form.

    Raises:
        DownloadError: from every method: it does not answer, or not as such a hub does.
    """

    name: HubName
    address: str
    certificates: str = ""

    @property
    def host(self) -> str:
        """For people."""
        return self.address.partition("://")[2]

    def facts(self, card: Card) -> FileFacts:
        """What it says about the file of *card*, at its commit or the newest one."""
        facts = self._modelscope(card) if self.name == "modelscope" else self._huggingface(card)
        if not _SHA256.fullmatch(facts.sha256) or facts.size <= 0:
            raise self._unusable(card)
        if card.sha256 and card.sha256 != facts.sha256:
            text = Text(
                "{host} has another file {file} than the one that is known: its SHA-256 is {now}, "
                "not {known}. Nothing was downloaded. Choose another hub: aiserver-tray config set "
                "LOCAL_MODELS_HUB",
                host=self.host,
                file=card.file,
                now=facts.sha256[:16],
                known=card.sha256[:16],
            )
            raise DownloadError(text)
        return facts

    def _huggingface(self, card: Card) -> FileFacts:
        address = self._resolved(card, card.commit or "main")
        with self._ask("HEAD", address) as answer:
            self._check(answer, card)
            told = answer.headers
        etag = told.get("X-Linked-Etag", "").strip('W/"')
        commit = told.get("X-Repo-Commit", "")
        size = told.get("X-Linked-Size", "")
        if not _COMMIT.fullmatch(commit) or not size.isdecimal():
            raise self._unusable(card)
        return FileFacts(int(size), etag, commit, self._resolved(card, commit))

    def _modelscope(self, card: Card) -> FileFacts:
        # Its commits differ from those of Hugging Face; the SHA-256 is that of the file on both.
        listed = f"{self.address}/api/v1/models/{card.repository}/repo/files"
        asked = "master" if card.source else card.commit or "master"
        with self._ask("GET", listed, {"Revision": asked, "Recursive": "True"}) as answer:
            self._check(answer, card)
            try:
                files = {one["Path"]: one for one in answer.json()["Data"]["Files"]}
                found = files[card.file]
                facts = int(found["Size"]), str(found["Sha256"]), str(found.get("Revision") or "")
            except (ValueError, LookupError, TypeError):
                raise self._unusable(card) from None
        return FileFacts(*facts, self._resolved(card, facts[2] or asked))

    def _resolved(self, card: Card, commit: str) -> str:
        models = "/models" if self.name == "modelscope" else ""
        return f"{self.address}{models}/{card.repository}/resolve/{commit}/{card.file}"

    def _check(self, answer: Any, card: Card) -> None:  # noqa: ANN401 - of requests
        if answer.status_code in (401, 403, 404):
            text = Text(
                "{host} has no file {file} in {repository}, or not for everybody.",
                host=self.host,
                file=card.file,
                repository=card.repository,
            )
            raise DownloadError(text)
        if answer.status_code >= 400:
            raise self._silent(f"HTTP {answer.status_code}")

    def _unusable(self, card: Card) -> DownloadError:
        return DownloadError(
            Text(
                "{host} does not say size and SHA-256 of {file}, so that it can't be checked. "
                "Nothing was downloaded.",
                host=self.host,
                file=card.file,
            )
        )

    def _silent(self, why: object) -> DownloadError:
        return DownloadError(
            Text(
                "{host} does not answer: {why}. Check the network, choose another hub with "
                "aiserver-tray config set LOCAL_MODELS_HUB, or use a file: aiserver-tray models "
                "pull FILE.gguf",
                host=self.host,
                why=str(why)[:200],
            )
        )

    @contextmanager
    def pieces(self, facts: FileFacts, begin: int) -> Iterator[Iterator[bytes]]:
        """The bytes of a file from *begin* on. A piece may be empty: of a hub, or a proxy, that
        sends only whole files, the first bytes are passed over.

        Raises:
            BrokenOffError: there are no more for now.
            DownloadError: the hub sends another part, or refuses.
        """
        headers = {"Range": f"bytes={begin}-", "Accept-Encoding": "identity"}
        with self._ask("GET", facts.address, headers=headers) as answer:
            status = answer.status_code
            if status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS:
                raise BrokenOffError(f"HTTP {status}")
            starts = answer.headers.get("Content-Range", "").startswith(f"bytes {begin}-")
            if not starts and status != HTTPStatus.OK:
                raise self._silent(f"HTTP {status}")
            yield self._read(answer, 0 if starts else begin)

    def _read(self, answer: Any, passed: int) -> Iterator[bytes]:  # noqa: ANN401 - of requests
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as `_ask`

        try:
            while piece := answer.raw.read(_PIECE):
                yield piece[passed:]
                passed = max(0, passed - len(piece))
        except (HTTPError, OSError) as error:
            # Its words can quote an address with a signature that lets anybody in.
            raise BrokenOffError(type(error).__name__) from None

    @contextmanager
    def _ask(
        self,
        method: str,
        address: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Any]:
        # Takes a while to import, and few commands ask a hub.
        import requests  # noqa: PLC0415

        from aiserver_tray.engine.registry import TrustingAdapter  # noqa: PLC0415

        with requests.Session() as session:
            session.trust_env = False  # it would send passwords of ~/.netrc
            if urlsplit(address).hostname not in LOOPBACK:
                session.proxies.update(requests.utils.get_environ_proxies(address))
                session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            session.mount("https://", TrustingAdapter(self.certificates))
            # The size and hash of a file are told before it leads to where its bytes are.
            options: Any = {"allow_redirects": method != "HEAD", "stream": True}
            try:
                answer = session.request(
                    method, address, params=params, headers=headers, timeout=_SECONDS, **options
                )
            except requests.RequestException as error:
                why = type(error).__name__  # its words quote whole addresses
                raise (BrokenOffError(why) if headers else self._silent(why)) from None
            with answer:
                yield answer
