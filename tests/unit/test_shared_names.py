"""The names on the network that modules share: each belongs to one module."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError, Problem
from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.module_rules import whole_project
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.core.app import built_in_catalog
from tests.unit.module_folders import write

NETWORKS = "networks: {back: , ai-net: {external: true}, lan: {external: true}}\n"


def with_mine(folder: Path, services: str, networks: str = NETWORKS) -> Catalog:
    """The built-in modules, and the module ``mine`` in *folder* with *services*."""
    write(folder, "mine", f"services: {services}\n{networks}")
    return load_catalog([built_in_catalog(), folder])


def refusals(catalog: Catalog) -> list[Problem]:
    """Why the module ``mine`` can't start."""
    with pytest.raises(CatalogError) as raised:
        resolve(catalog, catalog.module("mine"), {})
    problems = list(raised.value.problems)
    assert check(catalog, catalog.module("mine").folder).problems == problems
    return problems


ALIAS = "networks: {{ai-net: {{aliases: [{}]}}}}"


@pytest.mark.parametrize(
    ("service", "lines", "key"),
    [
        ("postgres", "networks: [ai-net]", "services.postgres"),
        ("Redis", "networks: [ai-net]", "services.Redis"),
        ("s", ALIAS.format("POSTGRES"), "services.s.networks.ai-net.aliases"),
        ("s", ALIAS.format("MİNİO"), "services.s.networks.ai-net.aliases"),
        ("s", ALIAS.format("mysql.ai-net"), "services.s.networks.ai-net.aliases"),
        ("s", "hostname: postgres, networks: [ai-net]", "services.s.hostname"),
        ("s", "hostname: MySQL, domainname: a.b, networks: [ai-net]", "services.s.hostname"),
        ("s", "hostname: postgres, network_mode: ai-net", "services.s.hostname"),
        # RAGFlow looks this name up on both of its networks.
        ("ragflow-valkey", "networks: [ai-net]", "services.ragflow-valkey"),
        # Another choice has this service, which is not active.
        ("minio-rustfs", "networks: [ai-net]", "services.minio-rustfs"),
    ],
)
def test_a_module_takes_a_name_of_a_built_in_one_on_the_shared_network_and_is_refused(
    tmp_path: Path, service: str, lines: str, key: str
) -> None:
    catalog = with_mine(tmp_path, f"{{{service}: {{image: i, {lines}}}}}")
    (problem,) = refusals(catalog)
    assert problem.place.key == key


@pytest.mark.parametrize(
    ("access", "key"),
    [
        ("host: front", None),
        ("host: shop", None),
        ("host: postgres", "host"),
        ("first_account: at-start", "host"),  # the module's own name is no container
        ("host: front, first_account: {module: postgres, service: postgres, command: [env]}",
         "first_account.module"),
    ],
)  # fmt: skip
def test_the_gateway_and_the_check_of_accounts_come_to_own_containers_only(
    tmp_path: Path, access: str, key: str | None
) -> None:
    given = f"x-aiserver: {{kind: feature, access: {{port: 80, {access}}}}}\n"
    networks = "networks: {ai-net: {aliases: [shop]}}"
    catalog = with_mine(tmp_path, f"{{front: {{image: i, {networks}}}}}", NETWORKS + given)
    if key is None:
        assert resolve(catalog, catalog.module("mine"), {}).project.services.keys() == {"front"}
    else:
        (problem,) = refusals(catalog)
        assert problem.place.key == f"x-aiserver.access.{key}"


@pytest.mark.parametrize("access", ["host: '{env.HOME}'", "host: 10.0.0.1", "closed: ['/{path}']"])
def test_nothing_that_the_gateway_would_replace_is_accepted(tmp_path: Path, access: str) -> None:
    given = f"x-aiserver: {{kind: feature, access: {{port: 80, {access}}}}}\n"
    assert "mine" in with_mine(tmp_path, "{web: {image: i}}", given).broken


@pytest.mark.parametrize(
    ("service", "lines"),
    [
        # The engine answers for none of these to others on that network.
        ("s", "container_name: postgres, networks: [ai-net]"),
        ("s", "hostname: postgres.example.org, networks: [ai-net]"),
        ("s", "domainname: postgres, networks: [ai-net]"),
        ("s", "external_links: ['other:postgres'], networks: [ai-net]"),
        # A module's own network, and one that is not of modules.
        ("postgres", "hostname: redis, networks: [back, lan]"),
        ("s", "networks: {ai-net: , back: {aliases: [redis]}}"),
    ],
)
def test_a_name_does_not_answer_for_a_built_in_module_and_is_accepted(
    tmp_path: Path, service: str, lines: str
) -> None:
    catalog = with_mine(tmp_path, f"{{{service}: {{image: i, {lines}}}}}")
    assert resolve(catalog, catalog.module("mine"), {}).project.services.keys() == {service}
    assert check(catalog, tmp_path).problems == []


def test_a_module_joins_the_network_of_a_built_in_one_and_gets_none_of_its_names(
    tmp_path: Path,
) -> None:
    networks = "networks: {n8n: {external: true, name: ai-n8n}}\n"
    (problem,) = refusals(with_mine(tmp_path, "{redis: {image: i, networks: [n8n]}}", networks))
    assert problem.text.render() == (
        "expected another name on ai-net: redis belongs to the built-in module redis (upper and "
        "lower case count as the same). Connections to redis, with their passwords, could reach "
        "this service instead. Rename it, for example: mine-redis"
    )


def test_all_services_that_a_built_in_module_can_have_are_reserved(tmp_path: Path) -> None:
    catalog = load_catalog([built_in_catalog()])
    names: set[str] = set()
    for module in catalog.modules.values():
        for name, service in whole_project(catalog, module).services.items():
            names |= {name, service.hostname or name}
            names |= {a for n in service.networks.values() if n for a in n.aliases}
    assert len(names) > 30
    aliases = ALIAS.format(", ".join(sorted(names)))
    problems = refusals(with_mine(tmp_path, f"{{s: {{image: i, {aliases}}}}}"))
    assert len(problems) == len(names)


@pytest.mark.parametrize("second", ["same", "SAME"])
def test_two_modules_use_one_name_and_both_files_are_reported(tmp_path: Path, second: str) -> None:
    for module, name in (("one", "same"), ("two", second)):
        text = f"services: {{{name}: {{image: 'i:1', networks: [ai-net]}}}}\n{NETWORKS}"
        write(tmp_path, module, text)
    lines = check(load_catalog([tmp_path]), None).lines("en")
    assert lines[:2] == [
        f"{tmp_path}/two/compose.yaml:1: services.{second}: expected a unique name on ai-net; "
        f"{tmp_path}/one/compose.yaml also uses same. Rename one of them. Upper and lower case "
        "count as the same",
        f"{tmp_path}/one/compose.yaml:1: services.same: expected a unique name on ai-net; "
        f"{tmp_path}/two/compose.yaml also uses {second}. Rename one of them. Upper and lower case "
        "count as the same",
    ]
