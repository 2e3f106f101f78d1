"""The app's own settings, addressed ``app.NAME``."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Choice, Setting
from aiserver_tray.settings.stored import stored_value
from aiserver_tray.system.engine_host import why_unusable


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


class _EngineSetting(Setting):
    """A text setting that takes the address of an engine, or nothing."""

    def _read(self, text: str) -> str | Text:
        host = text.strip()
        if not host:
            return host
        return why_unusable(host) or host


class _MirrorsSetting(Setting):
    """A text setting that takes registry prefixes, separated by spaces or commas."""

    def _read(self, text: str) -> str | Text:
        mirrors = [word.rstrip("/") for word in text.replace(",", " ").split()]
        for mirror in mirrors:
            if not _MIRROR.fullmatch(mirror):
                return Text(
                    "expected registries such as mirror.example.com or 127.0.0.1:5000/hub, "
                    "separated by spaces, found {found!r}",
                    found=mirror,
                )
        return " ".join(mirrors)


# Host, port and path of an image name
# (https://pkg.go.dev/github.com/distribution/reference#pkg-overview).
_MIRROR = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")

BIND = "app.bind"
KERNEL_SETTINGS = "app.kernel_settings"

APP_SETTINGS: Mapping[str, Setting] = {
    BIND: _AddressSetting(
        default="127.0.0.1",
        title={"en": "Address to publish ports on", "zh": "端口发布地址"},
        help={
            "en": "127.0.0.1 keeps everything on this machine; 0.0.0.0 opens it to your networks.",
            "zh": "127.0.0.1 仅限本机访问；0.0.0.0 会向所有网络开放。",
        },
    ),
    "app.engine": _EngineSetting(
        default="",
        title={"en": "Docker engine", "zh": "Docker 引擎"},
        help={
            "en": "Its address, such as unix:///var/run/docker.sock; empty: the one of this "
            "machine is found. Another one is used from the next start on.",
            "zh": "引擎地址，例如 unix:///var/run/docker.sock；留空则自动查找本机引擎。"
            "更改在下次启动后生效。",
        },
    ),
    "app.language": Setting(
        type="choice",
        default="system",
        title={"en": "Language", "zh": "语言"},
        help={
            "en": "Icon and windows follow at once, the menu of a module's open window once it is "
            "opened again.",
            "zh": "托盘图标和窗口立即跟随；已打开的模块窗口的菜单在重新打开后生效。",
        },
        choices={
            "system": Choice(title={"en": "As the system", "zh": "跟随系统"}),
            "en": Choice(title={"en": "English", "zh": "English"}),
            "zh": Choice(title={"en": "中文", "zh": "中文"}),
        },
    ),
    "app.mirrors": _MirrorsSetting(
        default="",
        title={"en": "Registry mirrors", "zh": "镜像仓库加速地址"},
        help={
            "en": "Tried in turn before an image's own registry, such as mirror.example.com.",
            "zh": "在镜像自身的仓库之前依次尝试，例如 mirror.example.com。",
        },
    ),
    KERNEL_SETTINGS: Setting(
        type="boolean",
        default="false",
        title={"en": "Set kernel settings that modules need", "zh": "设置模块所需的内核参数"},
        help={
            "en": "Lets a start raise what a module declares to need, such as vm.max_map_count, "
            "where it is too low: a privileged container, gone within seconds, sets it in the "
            "kernel of the Docker engine, and again after the engine has restarted. Never lowers "
            "one, and sets no others than those of a short list in the documentation.",
            "zh": "允许在启动时调高模块声明所需而当前过低的内核参数（例如 vm.max_map_count）："
            "由一个几秒内即被移除的特权容器在 Docker 引擎的内核中设置，引擎重启后会再次设置。"
            "绝不调低任何参数，也只设置文档中简短列表内的参数。",
        },
    ),
    "app.notify_modules": Setting(
        type="boolean",
        default="true",
        title={"en": "Tell when a module fails or recovers", "zh": "模块出现故障或恢复时通知"},
    ),
    "app.notify_operations": Setting(
        type="boolean",
        default="true",
        title={"en": "Tell when what the tray began ends", "zh": "托盘发起的操作结束时通知"},
    ),
    "app.notify_engine": Setting(
        type="boolean",
        default="true",
        title={"en": "Tell when the engine goes or returns", "zh": "引擎断开或恢复时通知"},
    ),
    "app.start_desired": Setting(
        type="boolean",
        default="true",
        title={"en": "Start again what was running", "zh": "恢复上次运行的模块"},
        help={
            "en": "When the applet starts, it brings up the modules that were asked for before.",
            "zh": "程序启动时，自动启动之前要求运行的模块。",
        },
    ),
    "app.stop_unused_basics": Setting(
        type="boolean",
        default="false",
        title={"en": "Stop basic services that nobody needs", "zh": "自动停止无人使用的基础服务"},
        help={
            "en": "Stopping a feature also stops the basic services that no other feature needs.",
            "zh": "停止功能模块时，同时停止其他功能不再需要的基础服务。",
        },
    ),
}
"""By address, in the order of the settings page."""


@dataclass(frozen=True)
class AppSettings:
    """The values of the app's own settings; *stored* are those that the user set, by address.

    Raises:
        SettingError: from a property: the stored value of this setting is wrong; names the fix.
    """

    stored: Mapping[str, str]

    @property
    def bind(self) -> str:
        """The IP address on which ports are published."""
        return self._text("bind")

    @property
    def engine(self) -> str:
        """The address of the engine; empty: the one of this machine."""
        return self._text("engine")

    @property
    def language(self) -> Literal["system", "en", "zh"]:
        """The language of texts."""
        return cast(Literal["system", "en", "zh"], self._text("language"))

    @property
    def mirrors(self) -> tuple[str, ...]:
        """Registry prefixes, without a slash at the end."""
        return tuple(self._text("mirrors").split())

    @property
    def kernel_settings(self) -> bool:
        """Whether a start may raise kernel settings."""
        return self._flag("kernel_settings")

    @property
    def notify_modules(self) -> bool:
        """Whether to notify when a module fails or recovers."""
        return self._flag("notify_modules")

    @property
    def notify_operations(self) -> bool:
        """Whether to notify when an operation of the tray ends."""
        return self._flag("notify_operations")

    @property
    def notify_engine(self) -> bool:
        """Whether to notify when the engine stops or is back."""
        return self._flag("notify_engine")

    @property
    def start_desired(self) -> bool:
        """Whether the applet starts the desired modules when it starts."""
        return self._flag("start_desired")

    @property
    def stop_unused_basics(self) -> bool:
        """Whether a stop also stops the basic services that no other module needs."""
        return self._flag("stop_unused_basics")

    def _text(self, name: str) -> str:
        address = f"app.{name}"
        return stored_value(address, APP_SETTINGS[address], self.stored) or ""

    def _flag(self, name: str) -> bool:
        return self._text(name) == "true"
