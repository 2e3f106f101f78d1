"""Alert rules on a real engine: a crash loop is one alert, and so are lines."""

from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest

from aiserver_tray.features.alerts import alerts
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.owner.api import Api
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Json
from tests.support.installation import Installation, script
from tests.support.owning import PEER
from tests.support.surroundings import NoWindows
from tests.support.waiting import eventually

FALLS = "until [ -e /fall ]; do sleep 0.1; done; echo out of beans; exit 3"


@dataclass
class Shop:
    """A module that runs until it is told to fall, and then falls for ever; ``news``: of it."""

    api: Api
    news: list[News]
    engine: docker.DockerClient

    def ask(self, channel: str, **asked: object) -> Json:
        answer = self.api.invoke(channel, asked, PEER)
        assert answer["success"], answer
        data: Json = answer["data"]
        return data

    def alerts(self) -> list[Json]:
        found: list[Json] = self.ask("ai/rules/list")["alerts"]
        return found

    def past(self) -> list[Json]:
        """The alerts that activity has, once none of them is active."""
        found: list[Json] = self.ask("ai/activity/list", kinds=["alert"])["activities"]
        return [] if any(one["alert"]["seconds"] is None for one in found) else found

    def fall(self) -> None:
        self.engine.containers.get("ai-shop").exec_run("touch /fall")

    def restarts(self) -> int:
        count: int = self.engine.containers.get("ai-shop").attrs["RestartCount"]
        return count


@pytest.fixture
def shop(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    monkeypatch.setattr(alerts, "QUIET_SECONDS", 0.0)
    here.write("shop", {"shop": script(FALLS, restart="always")}, title="Shop")
    with Owner(here.app, NoWindows()) as owner:
        news: list[News] = []
        owner.alerts.observe(news.extend)
        shop = Shop(owner.api, news, engine)
        shop.ask("ai/module/start", name="shop")
        yield shop


def test_a_crash_loop_is_one_alert_until_it_is_stopped(shop: Shop) -> None:
    shop.fall()
    eventually(lambda: [a["kind"] for a in shop.alerts()] == ["restarts"], "the alert")
    eventually(lambda: shop.restarts() > 5, "more restarts")
    (alert,) = shop.alerts()
    assert alert["title"] == "Shop keeps crashing"
    assert alert["text"].startswith("restarted ")
    assert alert["page"].startswith("modules/shop/logs?service=shop&at=")
    eventually(lambda: shop.news, "news of it")
    shop.ask("ai/module/stop", name="shop")
    eventually(lambda: shop.alerts()[0]["ended"] is not None, "its end")
    assert len(shop.alerts()) == 1
    assert [one.kind for one in shop.news if one.kind != "changed"] == ["raised"]
    (entry,) = eventually(shop.past, "the end in the journal")
    assert (entry["id"], entry["text"]) == (alert["id"], "Alert: Shop keeps crashing")


def test_lines_that_are_watched_for_are_one_alert(shop: Shop) -> None:
    for rule in shop.ask("ai/rules/list")["rules"]:
        shop.ask("ai/rules/set", id=rule["id"], on=False)
    shop.ask("ai/rules/add", kind="line", pattern="out of b.ans", module="shop")
    shop.fall()
    eventually(lambda: [a["count"] > 2 for a in shop.alerts()] == [True], "several lines")
    (news,) = eventually(lambda: shop.news, "news of it")
    assert (str(news.title), str(news.text)) == ("Log match in Shop", "out of beans")
