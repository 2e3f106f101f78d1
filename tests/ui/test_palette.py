"""The command palette: what is found first, and that each entry leads to what it names."""

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.i18n import Language, in_language
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.protocol.message import Json, answer
from aiserver_tray.settings.app_declared import APP_SETTINGS
from tests.support import states
from tests.ui import forms
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

QUERIES: dict[str, tuple[str, str]] = {
    "dark": ("Theme Settings", "主题 设置"),
    "theme": ("Theme Settings", "主题 设置"),
    "深色": ("Theme Settings", "主题 设置"),
    "language": ("Language Settings", "语言 设置"),
    "english": ("Language Settings", "语言 设置"),
    "port": ("Port n8n", "端口 n8n"),
    "端口": ("Port n8n", "端口 n8n"),
    "port dify": ("Port Dify", "端口 Dify"),
    "redis port": ("Port Redis", "端口 Redis"),
    "memory": ("Memory limit n8n", "监控"),
    "ram": ("Monitoring", "监控"),
    "cpu": ("Monitoring", "监控"),
    "disk": ("Monitoring", "监控"),
    "update": ("Look for new versions of modules Settings", "检查模块的新版本 设置"),
    "升级": ("Look for new versions of modules Settings", "可撤销升级的天数 设置"),
    "autostart": ("Start at login Settings", "登录时启动 设置"),
    "boot": ("Start at login Settings", "登录时启动 设置"),
    "phone": ("Address to publish ports on Settings", "端口发布地址 设置"),
    "slow download": ("Registry mirrors Settings", "镜像仓库加速地址 设置"),
    "mirrors": ("Registry mirrors Settings", "镜像仓库加速地址 设置"),
    "ntfy": ("Webhook for alerts Settings", "告警 Webhook 设置"),
    "notifications": ("Notify of alerts Settings", "发出告警通知 设置"),
    "retention": ("Keep logs Settings", "保留日志 设置"),
    "kernel": ("Raise kernel settings for modules Settings", "为模块调高内核参数 设置"),
    "timezone": ("Time zone n8n", "时区 n8n"),
    "password": ("Password Redis", "数据库密码 n8n"),
    "vector store": ("Vector store Dify", "向量数据库 Dify"),
    "n8n": ("n8n Workflow automation", "n8n 工作流自动化"),
    "dify": ("Dify Build and run", "Dify 构建"),
    "postgres": ("PostgreSQL Relational", "PostgreSQL 关系"),
    "restart n8n": ("Restart n8n", "重启 n8n"),
    "重启n8n": ("Restart n8n", "重启 n8n"),
    "n8n restart": ("Restart n8n", "重启 n8n"),
    "open dify": ("Open Dify", "打开 Dify"),
    "uninstall n8n": ("Remove n8n…", "删除 n8n…"),
    "stop": ("Stop all", "全部停止"),
    "start one": ("Start OneAPI", "启动 OneAPI"),
    "logs": ("Logs", "日志"),
    "dify logs": ("Dify: Logs", "Dify：日志"),
    "errors": ("Logs", "日志"),
    "alert": ("Alerts", "告警"),
    "history": ("Activity", "操作记录"),
    "diagnose": ("Doctor", "诊断"),
    "settings": ("Settings", "设置"),
    "keyboard": ("All shortcuts", "所有快捷键"),
    "compose": ("Add a module", "添加模块"),
    "licences": ("Libraries Settings", "程序库 设置"),
}
"""What is typed -> how the first entry begins, in English and in Chinese."""


def entries(language: Language) -> list[Json]:
    """All settings as the owner sends them."""
    declared = {**APP_SETTINGS, **load_catalog([built_in_catalog()]).declared}
    return [
        {
            "address": address,
            "type": setting.type,
            "value": setting.initial or "",
            "origin": "default",
            "title": in_language(setting.title, language) or address,
            "help": in_language(setting.help, language) or "",
            "keep": False,
            "choices": {
                name: in_language(one.title, language) or name
                for name, one in setting.choices.items()
            },
        }
        for address, setting in declared.items()
    ]


def shown(stack: Stack, language: Language) -> HomePage:
    """Home in *language*, with the settings of the whole catalog."""
    stack.host.answers |= ANSWERS
    stack.host.answers["ai/config/get"] = answer({"entries": entries(language)})
    running = states.running() | {"language": language}
    stack.show(states.in_chinese(running) if language == "zh" else running)
    return stack.home(language)


def search(page: HomePage, text: str) -> None:
    page.chord(Keys.CONTROL, "k")
    page.wait_for("#palette[open]")
    page.press(text)


FIRST_ENTRIES = """
const input = document.querySelector("#palette input");
return arguments[0].map((query) => {
  input.value = query;
  input.dispatchEvent(new Event("input"));
  return document.querySelector("#palette .mi .grow").innerText.trim();
});
"""


RUN = """
const all = [...document.querySelectorAll("#palette .mi .grow")];
const wanted = all.find((one) => one.innerText.trim() === arguments[0]);
wanted?.click();
return Boolean(wanted);
"""

ROWS = (
    "Start at login",
    "Single-key shortcuts",
    "Start all starts",
    "Logs by module",
    "Folder of settings",
    "Libraries",
    "Version of AI-Server Tray",
)
"""What is shown in the settings, and is none of the owner's."""

NOTE = """
window.landed = [];
const note = ({ target }) => "landed" in target.dataset && window.landed.push(target);
new MutationObserver((changes) => changes.forEach(note))
  .observe(document.body, { attributeFilter: ["data-landed"], subtree: true });
"""
"""Keeps which parts of the page were marked."""

IN_A_DIALOG = ("app.alert_webhook", "app.alert_format")
"""They open that of the page of alerts."""

IS_LANDED = """
const part = window.landed[arguments[0]];
if (!part) return false;
const { top, bottom } = part.getBoundingClientRect();
return part.contains(document.activeElement) && top >= 0 && bottom <= innerHeight;
"""
"""The part that was marked as that one has the focus, and can be seen."""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_meant_comes_first(stack: Stack, language: Language) -> None:
    page = shown(stack, language)
    search(page, "theme")
    page.until(lambda: QUERIES["theme"][language == "zh"] in page.text, "the settings are there")
    first: list[str] = page.script(FIRST_ENTRIES, [*QUERIES])
    wanted = [one[language == "zh"] for one in QUERIES.values()]
    wrong = {
        query: (found, meant)
        for query, found, meant in zip(QUERIES, first, wanted, strict=True)
        if not found.startswith(meant)
    }
    assert wrong == {}


def test_every_setting_leads_to_its_row_which_has_the_focus(stack: Stack) -> None:
    """Also one that is changed in the row of another, and a row that is none of the owner's."""
    page = shown(stack, "en")
    page.script(NOTE)
    rows = [one for address, one in APP_SETTINGS.items() if address not in IN_A_DIALOG]
    titles = [in_language(setting.title, "en") for setting in rows]
    assert all(titles)
    for place, title in enumerate((*titles, *ROWS)):
        search(page, title)
        page.until(lambda: page.script(RUN, f"{title} Settings"), title)  # noqa: B023
        page.until(lambda: page.script(IS_LANDED, place), title)  # noqa: B023
        page.until(lambda: page.address.endswith("#settings"), "the address names only the page")

    page.go("home")
    stack.host.answers["ai/config/get"] = answer({"entries": [forms.field("memory", "size")]})
    search(page, "memory n8n")
    page.until(lambda: page.script(RUN, "Memory n8n"), "that of a module")
    page.until(lambda: page.script(IS_LANDED, len(titles) + len(ROWS)), "its row")
    page.until(lambda: page.address.endswith("#modules/n8n/settings"), "its page")
    page.until(lambda: not page.all("[data-landed]"), "the mark goes")


def test_of_equals_the_one_that_was_used_last_comes_first(stack: Stack) -> None:
    page = shown(stack, "en")
    for first in ("Stop all", "Stop Dify"):
        search(page, "stop")
        page.until(lambda: page.all("#palette .mi")[0].text == first, first)  # noqa: B023
        page.script(RUN, "Stop Dify")
    assert stack.host.wait_for_call("ai/operation/start")["modules"] == ["dify"]
