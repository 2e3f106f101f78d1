"""What one part of a Compose file refers to is there, in another."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.compose.load import load_project


@pytest.mark.parametrize(
    ("services", "text"),
    [
        (
            "a: {image: i, depends_on: [b]}, b: {image: i, profiles: [p]}",
            "expected an active service; no profile of 'b' is active",
        ),
        ("a: {image: i, depends_on: [b]}", "expected an active service, found 'b'"),
        (
            "a: {image: i, volumes: ['data:/data']}",
            "expected a volume that is declared under volumes (a folder begins with ./), "
            "found 'data'",
        ),
    ],
)
def test_reference_of_a_service_to_something_missing_is_reported(
    services: str, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(f"services: {{{services}}}\n", encoding="utf-8")
    with pytest.raises(CatalogError) as error:
        load_project(file, {})
    assert [problem.text.render() for problem in error.value.problems] == [text]
