"""The page of the applet's settings."""

from aiserver_tray.base.i18n import in_language
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.app_declared import APP_SETTINGS
from tests.unit.pages import sections


def row(address: str, setting: Setting) -> list[str]:
    values = ", ".join(f"`{name}`" for name in setting.choices) or setting.type
    default = f"`{setting.initial}`" if setting.initial else "–"
    told = [in_language(setting.title, "en") + ".", in_language(setting.help, "en")]
    return [f"`{address}`", values, default, " ".join(filter(None, told))]


def test_the_page_has_every_setting_with_its_default_and_its_help() -> None:
    rows = [row(address, setting) for address, setting in APP_SETTINGS.items()]
    assert sections("docs/settings.md")["Settings of the applet"] == rows, "\n".join(
        f"| {' | '.join(cells)} |" for cells in rows
    )
