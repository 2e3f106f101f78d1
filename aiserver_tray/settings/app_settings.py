"""The app's own settings, addressed ``app.NAME``."""

import ipaddress
from collections.abc import Mapping

from aiserver_tray.catalog.setting import Choice, Setting
from aiserver_tray.i18n import Text


class _AddressSetting(Setting):
    """A text setting that takes the address of one of this machine's interfaces."""

    def _read(self, text: str) -> str | Text:
        try:
            return str(ipaddress.ip_address(text.strip()))
        except ValueError:
            return Text(
                "expected an IP address such as 127.0.0.1, or 0.0.0.0 for every network, "
                "found {found!r}",
                found=text,
            )


BIND = "app.bind"
LANGUAGE = "app.language"

APP_SETTINGS: Mapping[str, Setting] = {
    BIND: _AddressSetting(
        default="127.0.0.1",
        title={"en": "Address to publish ports on", "zh": "端口发布地址"},
        help={
            "en": "127.0.0.1 keeps everything on this machine; 0.0.0.0 opens it to your networks.",
            "zh": "127.0.0.1 仅限本机访问；0.0.0.0 会向所有网络开放。",
        },
    ),
    LANGUAGE: Setting(
        type="choice",
        default="system",
        title={"en": "Language", "zh": "语言"},
        choices={
            "system": Choice(title={"en": "As the system", "zh": "跟随系统"}),
            "en": Choice(title={"en": "English", "zh": "English"}),
            "zh": Choice(title={"en": "中文", "zh": "中文"}),
        },
    ),
}
"""By address, in the order of the settings page."""
