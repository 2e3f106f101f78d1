"""Models of our own, with the scripts of the volume on a folder of this system: no engine runs
here, and no llama.cpp. Hubs are real servers (`tests.support.model_hub`)."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import DownloadError, RefusedError, UnknownNameError
from aiserver_tray.features.models.hub import (
    BrokenOffError,
    Card,
    Hub,
    HubName,
    model_of,
    name_of_file,
    typed_card,
)
from aiserver_tray.features.models.own import Installed, OwnModels
from aiserver_tray.features.models.pulls import Pulls
from aiserver_tray.features.models.shelf import Look, Shelf, part_of
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Peer
from tests.support.model_hub import COMMIT, REPOSITORY, ModelHub, model_hub

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="runs the volume's scripts")
ACTOR: Any = "test"
BYTES = b"GGUF" + bytes(range(256)) * 1000
CARD = Card("chat", "Chat", "chat", "one/chat-GGUF", "chat.gguf", 10, 10, sha256="c" * 64)
KEPT = Installed("chat", "mirror", "one/chat-GGUF", "chat.gguf", "b" * 40, "d" * 64, 7)


class Folder:
    """Stands for the containers: runs scripts with *folder* in place of the volume."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("files", "parts"):
            (folder / name).mkdir(parents=True)

    def _script(self, body: Any) -> str:  # noqa: ANN401 - JSON
        script = re.sub(r"(?<!\w)/models", str(self._folder), body["Cmd"][2])
        return script.replace("/proc/[0-9]*", "/proc/self")  # this system has many processes

    def run(self, _container: str, body: object, **_: object) -> tuple[int, list[str]]:
        found = subprocess.run(
            ["sh", "-c", self._script(body)], capture_output=True, text=True, check=False
        )
        return found.returncode, found.stdout.splitlines()

    def program(self, _container: str, body: object, _cancelled: object) -> Any:  # noqa: ANN401
        script = self._script(body)

        def feed(pieces: Iterable[bytes]) -> None:
            subprocess.run(["sh", "-c", script], input=b"".join(pieces), check=True)

        return SimpleNamespace(feed=feed, exit_code=0, errors="")


class Own(OwnModels):
    """Models whose list is kept here. The server is off."""

    def __init__(self, folder: Path, hub: Hub | None = None) -> None:
        self.pulls = Pulls(lambda: None)
        super().__init__(cast("Any", None), self.pulls)
        self.folder, self.kept, self._hub = folder, dict[str, Installed](), hub
        self._containers: Any = Folder(folder)

    def cards(self) -> tuple[Card, ...]:
        return (CARD,)

    def installed(self) -> dict[str, Installed]:
        return dict(self.kept)

    def _store(self, models: Iterable[Installed], actor: object) -> None:  # noqa: ARG002
        self.kept = {one.name: one for one in models}

    def shelf(self) -> Shelf:
        service = SimpleNamespace(state="running", container="local-models", is_job=False)
        module = SimpleNamespace(name="local-models", services=[service])
        return Shelf(self._containers, cast("Any", SimpleNamespace(modules=[module])))

    def hub(self, language: str) -> Hub:  # noqa: ARG002
        assert self._hub
        return self._hub

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        raise ConnectionRefusedError(path)

    def there(self) -> set[str]:
        """The files of the volume."""
        return {str(one.relative_to(self.folder)) for one in self.folder.rglob("*.*")}

    def states(self) -> dict[str, str]:
        """The state of each model."""
        return {one.card.name: one.state for one in self.all()}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ModelHub]:
    file = tmp_path / "small.gguf"
    file.write_bytes(BYTES)
    with model_hub(file, "small.gguf") as found:
        yield found


def mirror(hub: ModelHub, name: HubName = "mirror") -> Hub:
    return Hub(name, hub.address)


def test_what_was_left_or_lost_is_shown_and_deleted_by_its_whole_name(tmp_path: Path) -> None:
    own = Own(tmp_path / "volume")
    (own.folder / "files/_former.gguf").write_bytes(b"123")
    own.kept["chat"] = KEPT
    assert own.states() == {"_former": "left", "chat": "lost"}
    assert own.remove("_former", ACTOR) == 3
    (own.folder / "files/chat.gguf").write_bytes(b"1234567")
    assert own.states() == {"chat": "silent"}, "nobody knows whether it is loaded"
    assert own.has_any()
    assert own.remove("chat", ACTOR) == 7
    assert (own.kept, own.states(), own.has_any()) == ({}, {"chat": "offered"}, False)
    assert name_of_file("_x_.gguf") == "x"
    for part in ("qwen2.5@aa", "qwen2.5@file", "qwen2.5-coder.q4@bb", "qwen2.5.q4@cc"):
        (own.folder / "parts" / part).write_bytes(b"1")
    assert own.remove("qwen2.5", ACTOR) == 2
    assert own.there() == {"models.ini", "parts/qwen2.5-coder.q4@bb", "parts/qwen2.5.q4@cc"}
    partial = dict.fromkeys(("qwen2.5-coder.q4", "qwen2.5.q4"), "partial")
    assert own.states() == partial | {"chat": "offered"}
    with pytest.raises(UnknownNameError):
        own.remove("qwen2.5", ACTOR)


def test_downloads_that_end_together_are_both_offered(tmp_path: Path) -> None:
    own = Own(tmp_path / "volume")
    files = [tmp_path / f"model-{n}.gguf" for n in range(6)]
    for file in files:
        file.write_bytes(BYTES)
    with ThreadPoolExecutor(len(files)) as pool:
        made = list(pool.map(lambda file: own.pull(str(file), "en", ACTOR), files))
    assert {one.sha256 for one in made} == {hashlib.sha256(BYTES).hexdigest()}
    assert set(own.kept) == {one.name for one in made} == {model_of(str(file)) for file in files}
    presets = (own.folder / "models.ini").read_text()
    assert all(f"[{one.name}]" in presets for one in made)


def test_a_crash_is_continued_and_a_hub_without_ranges_read_from_its_beginning(
    tmp_path: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Own(tmp_path / "volume", mirror(hub))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            own.pull(hub.source, "en", ACTOR)
    assert own.states() == {"small": "lost", "chat": "offered"}
    hub.begins = []
    own.pull("small", "en", ACTOR)
    assert (hub.begins, own.states()["small"]) == ([], "silent"), "nothing came twice"
    own.remove("small", ACTOR)
    begun = own.folder / "parts" / part_of("small", hub.sha256)
    begun.write_bytes(BYTES[:70_000])
    hub.has_ranges = False
    own.pull(hub.source, "en", ACTOR)
    assert (own.folder / "files/small.gguf").read_bytes() == BYTES


def test_a_hub_that_sends_too_much_fills_no_disk(tmp_path: Path, hub: ModelHub) -> None:
    own = Own(tmp_path / "volume", mirror(hub))
    hub.size = 1000  # as announced, with the hash of all that it sends
    with pytest.raises(DownloadError, match="SHA-256 differs"):
        own.pull(hub.source, "en", ACTOR)
    assert own.there() == set()
    hub.sha256 = hashlib.sha256(BYTES[:1000]).hexdigest()
    own.pull(hub.source, "en", ACTOR)
    assert (own.folder / "files/small.gguf").read_bytes() == BYTES[:1000]


def test_room_is_counted_for_all_downloads(tmp_path: Path) -> None:
    pulls, shelf = Pulls(lambda: None), Own(tmp_path / "volume").shelf()
    with pulls.pulling("one", "asking") as one, pulls.pulling("two", "asking") as two:
        one.begin("downloading", 100, 5 << 30)
        two.begin("downloading", 0, 2 << 30)
        assert pulls.needed_beside(two) == (5 << 30) - 100
        look = Look(6 << 30)
        shelf.check_room(look, 2 << 30)
        with pytest.raises(DownloadError, match="Free some disk"):
            shelf.check_room(look, 2 << 30, pulls.needed_beside(two))


def test_a_busy_hub_can_be_asked_again_and_no_address_is_told(hub: ModelHub) -> None:
    facts = mirror(hub).facts(cast("Card", typed_card(hub.source)))
    hub.refuses = 429
    with pytest.raises(BrokenOffError, match="HTTP 429"), mirror(hub).pieces(facts, 0):
        pass
    gone = replace(facts, address="http://127.0.0.1:1/file?Signature=secret")
    with pytest.raises(BrokenOffError) as failed, mirror(hub).pieces(gone, 0):
        pass
    assert str(failed.value) == "ConnectionError"


def test_passwords_of_netrc_stay_here(
    tmp_path: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login ada password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", hub.address)  # it gets what would go to the hub
    monkeypatch.setenv("http_proxy", hub.address)
    monkeypatch.setenv("no_proxy", "")
    away = Hub("mirror", "http://hub.example")
    with pytest.raises(DownloadError, match="has no file"):
        away.facts(cast("Card", typed_card("a/b/c.gguf")))
    assert hub.authorizations == [None]


def test_what_was_lost_is_the_same_file_again(tmp_path: Path, hub: ModelHub) -> None:
    own = Own(tmp_path / "volume", mirror(hub))
    lost = replace(KEPT, repository=REPOSITORY, file="small.gguf", commit="e" * 40)
    own.kept["chat"] = lost
    with pytest.raises(DownloadError, match="has no file"):  # at that commit
        own.pull("chat", "en", ACTOR)
    own.kept["chat"] = replace(lost, commit=COMMIT)
    with pytest.raises(DownloadError, match="another file"):
        own.pull("chat", "en", ACTOR)
    own.kept["chat"] = replace(lost, commit=COMMIT, sha256=hub.sha256)
    assert own.pull("chat", "en", ACTOR).commit == COMMIT
    own.kept["x"] = Installed("x", "file", "", "x.gguf", "", "0" * 64, 7)
    with pytest.raises(RefusedError, match=r"came from a file\. Copy it again"):
        own.pull("x", "en", ACTOR)


def test_modelscope_is_asked_for_the_commit_that_was_typed(hub: ModelHub) -> None:
    card = cast("Card", typed_card(f"{hub.source}@v1"))
    scope = mirror(hub, "modelscope")
    assert scope.facts(card).commit == COMMIT
    scope.facts(replace(card, source="a test", commit="f" * 40))  # one of Hugging Face
    assert hub.revisions == ["v1", "master"]


def test_no_model_replaces_another_one_by_its_name(tmp_path: Path, hub: ModelHub) -> None:
    own = Own(tmp_path / "volume", mirror(hub))
    file = tmp_path / "chat.gguf"
    file.write_bytes(BYTES)
    with pytest.raises(RefusedError, match=r"the model from one/chat-GGUF\. Rename"):
        own.pull(str(file), "en", ACTOR)
    own.kept["small"] = Installed("small", "file", "", "small.gguf", "", "0" * 64, 7)
    with pytest.raises(RefusedError, match="models remove small"):
        own.pull(hub.source, "en", ACTOR)
    part = tmp_path / "big-00001-of-00002.gguf"
    os.link(file, part)
    with pytest.raises(RefusedError, match="several files"):
        own.pull(str(part), "en", ACTOR)


def test_the_list_is_there_while_the_engine_is_off(api: Api) -> None:
    listed = api.invoke("ai/models/own/list", {}, Peer("window", "en", lambda _message: None))
    found = listed["data"]
    assert (found["running"], found["freeMemory"], found["freeDisk"]) == (False, None, None)
    models = {one["name"]: one for one in found["models"]}
    assert (models["qwen3-0.6b"]["state"], models["qwen3-0.6b"]["fits"]) == ("offered", None)
    assert [name for name, one in models.items() if one["general"]] == ["qwen3-0.6b", "qwen3-4b"]
