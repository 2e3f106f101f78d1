"""What a build's files are read as. The engine that takes them is a stand-in; what engines build is
tested on a real one."""

import io
import json
import tarfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

import pytest
from docker.utils.build import exclude_paths

from aiserver_tray.base.errors import ImageBuildError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.spec.model import BuildTarget
from tests.support.standin_engine import IMAGE, Asked, needs_unix_sockets, standin

pytestmark = needs_unix_sockets

TAG = "aiserver/m/a:1"


def _build(folder: Path, dockerfile: str) -> dict[str, bytes]:
    """The files that the engine gets of a build in the folder ``context``."""
    got: dict[str, bytes] = {}

    def answer(asked: Asked, body: bytes) -> None:
        if "/build" in asked.path:
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isreg() else None
                    got[member.name] = content.read() if content else b""
        asked.say(IMAGE)

    target = BuildTarget("m", TAG, str(folder / "context"), dockerfile)
    (folder / "engine.sock").unlink(missing_ok=True)
    with standin(folder, answer) as address, closing(Engine(address)) as engine:
        engine.images.build(target, cancelled=Cancellation())
    return got


def _parameter(
    folder: Path, name: str, given: Mapping[str, str], labels: Mapping[str, str] = {}
) -> Mapping[str, str]:
    """The build's parameter *name* that the engine gets if the file has the value *given*, and we
    have *labels*."""
    paths: list[str] = []

    def answer(asked: Asked, _body: bytes) -> None:
        paths.append(asked.path)
        asked.say(IMAGE)

    context = str(folder / "context")
    target = BuildTarget("m", TAG, context, "Dockerfile", options={name: given}, labels=labels)
    with standin(folder, answer) as address, closing(Engine(address)) as engine:
        engine.images.build(target, cancelled=Cancellation())
    (path,) = (path for path in paths if "/build" in path)
    return cast("Mapping[str, str]", json.loads(parse_qs(path.partition("?")[2])[name][0]))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM x\n", encoding="utf-8")
    return folder


def test_a_folder_that_is_swapped_for_a_link_while_it_is_read_is_not_sent(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, own = tmp_path / "outside", context / "own"
    for folder, content in ((outside, "secret"), (own, "mine")):
        folder.mkdir()
        (folder / "file").write_text(content, encoding="utf-8")

    def listed(*words: Any, **options: Any) -> object:  # noqa: ANN401 - passed on
        """What is there; the moment after is too short for a test to meet it by chance."""
        names = [*exclude_paths(*words, **options)]
        own.rename(tmp_path / "aside")
        own.symlink_to(outside)
        return names

    monkeypatch.setattr("aiserver_tray.engine.build.exclude_paths", listed)
    with pytest.raises(ImageBuildError, match="own/file became a link while it was read"):
        _build(tmp_path, "Dockerfile")


def test_a_context_that_became_a_link_is_refused(context: Path, tmp_path: Path) -> None:
    context.rename(tmp_path / "elsewhere")
    context.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImageBuildError, match="has become a link"):
        _build(tmp_path, "Dockerfile")


def test_an_ignore_file_that_can_not_be_read_is_named(context: Path, tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("secret", encoding="utf-8")
    (context / ".dockerignore").symlink_to("../id_rsa")
    with pytest.raises(ImageBuildError, match=r"context/\.dockerignore is a link"):
        _build(tmp_path, "Dockerfile")
    # One that is not UTF-8 is named, too.
    (context / ".dockerignore").unlink()
    (context / ".dockerignore").write_bytes("node_modules\n".encode("utf-16"))
    with pytest.raises(ImageBuildError, match=r"context/\.dockerignore is not UTF-8; save it"):
        _build(tmp_path, "Dockerfile")


def test_an_outer_dockerfile_is_read_as_utf_8_without_its_mark(
    context: Path, tmp_path: Path
) -> None:
    assert context.exists()
    (tmp_path / "Outer").write_text("# 中文\nFROM x\n", encoding="utf-8-sig")
    got = _build(tmp_path, "../Outer")
    (text,) = (text for name, text in got.items() if name.startswith(".dockerfile."))
    assert text.decode() == "# 中文\nFROM x\n"
    # One that is not UTF-8 is named.
    (tmp_path / "Outer").write_bytes("# 中文\nFROM x\n".encode("gbk"))
    with pytest.raises(ImageBuildError, match="Outer is not UTF-8; save it"):
        _build(tmp_path, "../Outer")


def test_a_build_has_the_proxies_of_dockers_configuration_but_those_it_names(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert context.exists()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    proxies = {"httpProxy": "http://a:1", "allProxy": "socks5://b:2", "noProxy": "corp.example"}
    config = json.dumps({"proxies": {"default": proxies}})
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    assert _parameter(tmp_path, "buildargs", {"http_proxy": "http://mine:3", "A": "1"}) == {
        "A": "1",
        "http_proxy": "http://mine:3",
        "ALL_PROXY": "socks5://b:2",
        "all_proxy": "socks5://b:2",
        "NO_PROXY": "corp.example",
        "no_proxy": "corp.example",
    }


def test_a_file_can_not_replace_our_label_of_a_build(context: Path, tmp_path: Path) -> None:
    assert context.exists()
    given = {"io.aiserver.image-of": "other/n8n/n8n", "a": "1"}
    ours = {"io.aiserver.image-of": "mine/m/a"}
    assert _parameter(tmp_path, "labels", given, ours) == {"a": "1", **ours}
