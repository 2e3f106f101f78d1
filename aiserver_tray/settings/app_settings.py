"""The app's own settings, addressed ``app.NAME``."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from aiserver_tray.base.errors.engine import MIRRORS
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Choice, Setting
from aiserver_tray.model import Theme
from aiserver_tray.settings.stored import stored_value
from aiserver_tray.system.engine_host import why_unusable


class _AddressSetting(Setting):
    """A text setting that takes the address of one of this machine's interfaces."""

    def _read(self, text: str) -> str | Text:
        try:
            return str(ipaddress.ip_address(text.strip()))
        except ValueError:
            return Text(
                "expected an IP address such as 127.0.0.1, or 0.0.0.0 for all networks, found "
                "{found!r}",
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


class _FoldersSetting(Setting):
    """A text setting that takes absolute folders, separated as in PATH."""

    def _read(self, text: str) -> str | Text:
        folders = [word.strip() for word in text.split(os.pathsep) if word.strip()]
        for folder in folders:
            if not Path(folder).is_absolute():
                return Text("expected a full path, found {found!r}", found=folder)
        return os.pathsep.join(dict.fromkeys(folders))


# Host, port and path of an image name
# (https://pkg.go.dev/github.com/distribution/reference#pkg-overview).
_MIRROR = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")

BIND = "app.bind"
MODULE_FOLDERS = "app.module_folders"
KERNEL_SETTINGS = "app.kernel_settings"

APP_SETTINGS: Mapping[str, Setting] = {
    BIND: _AddressSetting(
        default="127.0.0.1",
        title={"en": "Address to publish ports on", "zh": "端口发布地址"},
        help={
            "en": "127.0.0.1 allows access from this machine only. 0.0.0.0 allows access from all "
            "networks.",
            "zh": "127.0.0.1 仅允许本机访问；0.0.0.0 允许所有网络访问。",
        },
    ),
    "app.engine": _EngineSetting(
        default="",
        title={"en": "Docker engine", "zh": "Docker 引擎"},
        help={
            "en": "Its address, such as unix:///var/run/docker.sock. Leave it empty to find the "
            "engine of this machine. A change takes effect at the next start.",
            "zh": "引擎地址，例如 unix:///var/run/docker.sock。留空则自动查找本机引擎。"
            "更改在下次启动后生效。",
        },
    ),
    "app.language": Setting(
        type="choice",
        default="system",
        title={"en": "Language", "zh": "语言"},
        help={
            "en": "Takes effect at once. The menu of an open module window changes when you open "
            "the window again.",
            "zh": "立即生效。已打开的模块窗口，其菜单在重新打开后生效。",
        },
        choices={
            "system": Choice(title={"en": "System language", "zh": "跟随系统"}),
            "en": Choice(title={"en": "English", "zh": "English"}),
            "zh": Choice(title={"en": "中文", "zh": "中文"}),
        },
    ),
    "app.theme": Setting(
        type="choice",
        default="system",
        title={"en": "Theme", "zh": "主题"},
        help={"en": "Takes effect at once.", "zh": "立即生效。"},
        choices={
            "system": Choice(title={"en": "System", "zh": "跟随系统"}),
            "light": Choice(title={"en": "Light", "zh": "浅色"}),
            "dark": Choice(title={"en": "Dark", "zh": "深色"}),
        },
    ),
    MIRRORS: _MirrorsSetting(
        default="",
        title={"en": "Registry mirrors", "zh": "镜像仓库加速地址"},
        help={
            "en": "Pulls try these first, in this order, and then the image's own registry. "
            "Example: mirror.example.com.",
            "zh": "拉取镜像时，先依次尝试这些地址，再使用镜像自身的仓库，例如 mirror.example.com。",
        },
    ),
    KERNEL_SETTINGS: Setting(
        type="boolean",
        default="false",
        title={"en": "Raise kernel settings for modules", "zh": "为模块调高内核参数"},
        help={
            "en": "If a kernel setting such as vm.max_map_count is too low for a module, raise it "
            "when the module starts. A privileged container sets it in the kernel of the Docker "
            "engine and is removed within seconds. This is repeated after each restart of the "
            "engine. A setting is never lowered, and only the settings listed in the documentation "
            "are changed.",
            "zh": "启动模块时，如果内核参数（例如 vm.max_map_count）低于其要求，则将其调高。"
            "设置由一个特权容器在 Docker 引擎的内核中完成，该容器几秒内即被删除。"
            "引擎每次重启后会重新设置。不会调低任何参数，且只修改文档中列出的参数。",
        },
    ),
    MODULE_FOLDERS: _FoldersSetting(
        default="",
        title={"en": "Module folders", "zh": "模块文件夹"},
        help={
            "en": "Folders with modules of your own. Separate several by : (Windows: ;).",
            "zh": "您自己的模块所在的文件夹。多个文件夹用 :（Windows 用 ;）分隔。",
        },
    ),
    "app.notify_modules": Setting(
        type="boolean",
        default="true",
        title={"en": "Notify when a module fails or recovers", "zh": "模块出现故障或恢复时通知"},
    ),
    "app.notify_operations": Setting(
        type="boolean",
        default="true",
        title={
            "en": "Notify when an operation started from the tray ends",
            "zh": "从托盘发起的操作结束时通知",
        },
    ),
    "app.notify_engine": Setting(
        type="boolean",
        default="true",
        title={"en": "Notify when the engine stops or comes back", "zh": "引擎停止或恢复时通知"},
    ),
    "app.start_desired": Setting(
        type="boolean",
        default="true",
        title={"en": "Restore modules at startup", "zh": "启动时恢复模块"},
        help={
            "en": "When the applet starts, it starts the modules that were running before.",
            "zh": "应用启动时，自动启动之前运行的模块。",
        },
    ),
    "app.stop_unused_basics": Setting(
        type="boolean",
        default="false",
        title={"en": "Stop unused basic services", "zh": "停止不再使用的基础服务"},
        help={
            "en": "When you stop a feature, also stop the basic services that no other feature "
            "needs.",
            "zh": "停止功能模块时，同时停止其他功能模块不再需要的基础服务。",
        },
    ),
}
"""The settings by address, in the order of the settings page."""


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
    def theme(self) -> Theme:
        """How the dashboard looks."""
        return cast(Theme, self._text("theme"))

    @property
    def mirrors(self) -> tuple[str, ...]:
        """Registry prefixes, without a slash at the end."""
        return tuple(self._text("mirrors").split())

    @property
    def module_folders(self) -> tuple[str, ...]:
        """The folders with the user's own modules."""
        return tuple(filter(None, self._text("module_folders").split(os.pathsep)))

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
