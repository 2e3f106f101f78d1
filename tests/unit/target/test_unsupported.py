"""What loads, and makes a module one that can't be started."""

import pytest

from aiserver_tray.errors import CatalogError

from .made import TargetOf

URL = "https://github.com/example/app.git"


@pytest.mark.parametrize(
    "service",
    [
        f"{{build: '{URL}#main:sub'}}",
        "{build: {context: 'git@example.com:app.git'}}",
        f"{{build: '{URL}', image: i, pull_policy: build}}",
    ],
)
def test_an_image_is_not_built_from_a_url(target_of: TargetOf, service: str) -> None:
    with pytest.raises(CatalogError, match=r"web\.build\.context: .*Clone it"):
        target_of(f"services: {{web: {service}}}")


def test_a_url_does_no_harm_where_the_image_is_pulled(target_of: TargetOf) -> None:
    assert target_of(f"services: {{web: {{build: '{URL}', image: 'i:1'}}}}").services
