"""The recorded sizes of images."""

import json
from pathlib import Path

import pytest

from aiserver_tray.catalog.image_sizes import ImageSize, RecordedSizes
from aiserver_tray.core.app import built_in_catalog


def record(folder: Path, **platforms: object) -> Path:
    folder.mkdir()
    image = {"digest": "sha256:1", "recorded": "2026-08-01", "platforms": platforms}
    (folder / "images.json").write_text(json.dumps({"redis:7": image}))
    return folder


def test_a_size_is_found_by_image_and_platform(tmp_path: Path) -> None:
    layers = {"sha256:a": 30, "sha256:b": 12}
    platforms = {"linux/amd64": {"download": 42, "layers": layers}, "linux/arm": {"download": 7}}
    sizes = RecordedSizes([record(tmp_path / "catalog", **platforms), tmp_path / "none"])
    assert sizes.of("redis:7", "linux/amd64") == ImageSize(42, layers)
    assert sizes.of("redis:7", "linux/arm/v7") == ImageSize(7)
    assert sizes.of("redis:7", "linux/s390x") is None
    assert sizes.of("redis:8", "linux/amd64") is None
    assert (sizes.has_other("redis:8"), sizes.has_other("redis:7")) == (True, False)


def test_the_last_folder_counts(tmp_path: Path) -> None:
    platform = "linux/amd64"
    folders = [record(tmp_path / str(n), **{platform: {"download": n}}) for n in (1, 2)]
    assert RecordedSizes(folders).of("redis:7", platform) == ImageSize(2)


@pytest.mark.parametrize(
    "content", ["[", "[]", '{"redis:7": 1}', '{"a": {"platforms": {"x": {}}}}']
)
def test_a_file_that_can_not_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "images.json").write_text(content)
    assert RecordedSizes([tmp_path]).of("redis:7", "linux/amd64") is None


def test_the_built_in_file_is_valid(caplog: pytest.LogCaptureFixture) -> None:
    RecordedSizes([built_in_catalog()])
    assert caplog.messages == []
