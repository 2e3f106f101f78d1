"""Which modules can use another."""

import re
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.modules import Module, load_module
from aiserver_tray.core.targets import missing_values
from aiserver_tray.features.wiring.wiring import Consumer, consumer_of

FILE = """\
x-aiserver:
  kind: feature
  settings:
    MODELS: {type: choice, default: none, choices: {none: {}, shared: {requires: [oneapi]}}}
    TOKEN: {type: secret, token_of: oneapi}
services:
  s: {image: "busybox:1.37.0", environment: {TOKEN: "${TOKEN}"}}
"""


def module_of(folder: Path, text: str = FILE, name: str = "reader") -> Module:
    (folder / name).mkdir()
    (folder / name / "compose.yaml").write_text(text, encoding="utf-8")
    return load_module(name, folder / name)


def test_token_and_choice_are_found_by_what_they_declare(tmp_path: Path) -> None:
    consumer = consumer_of(module_of(tmp_path))
    assert consumer == Consumer("reader", "oneapi", "reader.TOKEN", "reader.MODELS", "shared")


def test_a_module_without_such_a_token_is_no_consumer(tmp_path: Path) -> None:
    assert consumer_of(module_of(tmp_path, FILE.replace(", token_of: oneapi", ""))) is None


def test_a_token_without_a_choice_for_it_is_reported_with_its_place(tmp_path: Path) -> None:
    module = module_of(tmp_path, FILE.replace("requires: [oneapi]", "requires: []"))
    with pytest.raises(CatalogError) as raised:
        consumer_of(module)
    (problem,) = raised.value.problems
    assert (problem.place.line, str(problem.text)) == (5, "expected a choice that requires oneapi")


@pytest.mark.parametrize(
    ("module", "token"),
    [
        ("m" * 21, "aiserver-" + "m" * 21),
        ("customer-support-bot-one", r"aiserver-customer-sup-[0-9a-f]{8}"),
    ],
)
def test_a_long_name_is_cut_to_what_the_provider_takes(
    tmp_path: Path, module: str, token: str
) -> None:
    consumer = consumer_of(module_of(tmp_path, name=module))
    assert consumer is not None
    assert re.fullmatch(token, consumer.token_name)
    assert len(consumer.token_name) == 30


def test_no_two_modules_have_one_token() -> None:
    modules = ("customer-support-bot-one", "customer-support-bot-two", "customer-support-bot")
    names = {Consumer(module, "oneapi", "", "", "").token_name for module in modules}
    assert len(names) == len(modules)


@pytest.mark.parametrize(
    "wrong", ["generate: hex32", "keep: true"], ids=["made by us", "never changed"]
)
def test_token_of_another_module_with_generate_or_keep_is_refused(
    tmp_path: Path, wrong: str
) -> None:
    with pytest.raises(CatalogError, match="token_of without generate and keep"):
        module_of(tmp_path, FILE.replace("token_of: oneapi", f"token_of: oneapi, {wrong}"))


def test_only_a_secret_is_a_token_and_only_of_a_module_that_makes_some(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="only with type secret"):
        module_of(tmp_path, FILE.replace("type: secret", "type: text"))
    with pytest.raises(CatalogError, match="oneapi"):
        module_of(tmp_path, FILE.replace("token_of: oneapi", "token_of: postgres"), "other")


def test_the_token_is_missing_only_where_the_choice_wants_it(tmp_path: Path) -> None:
    module = module_of(tmp_path)
    provider = module_of(tmp_path, "services: {s: {image: 'busybox:1.37.0'}}", "oneapi")
    catalog = Catalog({"reader": module, "oneapi": provider})
    given = {"reader.MODELS": "shared", "reader.TOKEN": "sk-made"}

    assert missing_values(catalog, module, {"reader.MODELS": "none"}) == []
    (error,) = missing_values(catalog, module, {"reader.MODELS": "shared"})

    assert (error.code, error.data["name"]) == ("E_SETTING", "reader.TOKEN")
    assert "aiserver-tray connect reader" in str(error)
    assert missing_values(catalog, module, given) == []
