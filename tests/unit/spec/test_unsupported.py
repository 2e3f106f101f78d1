"""What loads, and makes a module one that can't be started."""

import pytest

from aiserver_tray.base.errors import CatalogError

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
    with pytest.raises(CatalogError, match=r"web\.build\.context: .*Clone the repository"):
        target_of(f"services: {{web: {service}}}")


def test_a_url_does_no_harm_where_the_image_is_pulled(target_of: TargetOf) -> None:
    assert target_of(f"services: {{web: {{build: '{URL}', image: 'i:1'}}}}").services


@pytest.mark.parametrize(
    ("attachment", "network", "place"),
    [
        ("{gw_priority: 1}", "{}", r"web\.networks\.n\.gw_priority"),
        ("{gw_priority: -1}", "{}", r"web\.networks\.n\.gw_priority"),
        ("{}", "{enable_ipv4: false}", r"networks\.n\.enable_ipv4"),
    ],
)
def test_network_options_of_newer_engines_are_refused(
    target_of: TargetOf, attachment: str, network: str, place: str
) -> None:
    with pytest.raises(CatalogError, match=f"{place}: this is not supported"):
        target_of(_on_network(attachment, network))


def test_network_options_with_their_default_are_accepted(target_of: TargetOf) -> None:
    assert target_of(_on_network("{gw_priority: 0}", "{enable_ipv4: true}")).services


def _on_network(attachment: str, network: str) -> str:
    services = f"{{web: {{image: i, networks: {{n: {attachment}}}}}}}"
    return f"services: {services}\nnetworks: {{n: {network}}}\n"
