"""The declarations of the app's own settings, addressed ``app.NAME``."""

from collections.abc import Mapping

from aiserver_tray.base.errors.engine import MIRRORS
from aiserver_tray.catalog.setting import Choice, Setting
from aiserver_tray.settings.app_setting_types import (
    AddressSetting,
    CertificatesSetting,
    CountSetting,
    DaysSetting,
    DirectorySetting,
    DiskSizeSetting,
    EngineSetting,
    EnginesSetting,
    FolderSetting,
    FoldersSetting,
    LogSizeSetting,
    MirrorsSetting,
    ModuleNamesSetting,
    TimeSetting,
    WebhookSetting,
)
from aiserver_tray.settings.names import (
    ACME,
    BACKUP_FOLDER,
    BIND,
    CA_CERTIFICATES,
    DEFAULTS,
    ENGINE,
    ENGINES,
    KERNEL_SETTINGS,
    MODULE_FOLDERS,
    STOP_UNUSED_ENGINE,
)

WEBHOOK = "app.alert_webhook"

_WEEKDAYS = (
    ("Monday", "星期一"),
    ("Tuesday", "星期二"),
    ("Wednesday", "星期三"),
    ("Thursday", "星期四"),
    ("Friday", "星期五"),
    ("Saturday", "星期六"),
    ("Sunday", "星期日"),
)

APP_SETTINGS: Mapping[str, Setting] = {
    BIND: AddressSetting(
        default=DEFAULTS[BIND],
        title={"en": "Address to publish ports on", "zh": "端口发布地址"},
        help={
            "en": "127.0.0.1 allows access from this machine only. 0.0.0.0 allows access from all "
            "networks, to every port and without HTTPS. To open one module, use the tab Access of "
            "its page.",
            "zh": "127.0.0.1 仅允许本机访问；0.0.0.0 允许所有网络访问所有端口，且没有 HTTPS。"
            "若只开放一个模块，请使用其页面上的“访问”选项卡。",
        },
    ),
    ACME: DirectorySetting(
        default=DEFAULTS[ACME],
        title={"en": "Certificate authority for the internet", "zh": "互联网证书颁发机构"},
        help={
            "en": "The address of its ACME directory, and after a space, that of its test "
            "directory, which checks a domain first. The test directory can be left out.",
            "zh": "其 ACME 目录地址；空格后可再填写测试目录地址，用于先行检查域名。"
            "测试目录可以省略。",
        },
    ),
    ENGINE: EngineSetting(
        default=DEFAULTS[ENGINE],
        title={"en": "Docker engine", "zh": "Docker 引擎"},
        help={
            "en": "Its address, such as unix:///var/run/docker.sock, or ssh://USER@MACHINE for one "
            "elsewhere. Leave it empty to find the engine of this machine. A change takes effect "
            "at once, or when the running operation has ended.",
            "zh": "引擎地址，例如 unix:///var/run/docker.sock，或其他电脑上的 ssh://USER@MACHINE。"
            "留空则自动查找本机引擎。更改立即生效；如有操作正在进行，则在其结束后生效。",
        },
    ),
    ENGINES: EnginesSetting(
        default=DEFAULTS[ENGINES],
        title={"en": "Engines by name", "zh": "已命名的引擎"},
        help={
            "en": "Names and addresses of engines, such as server=ssh://USER@MACHINE, separated by "
            "spaces.",
            "zh": "引擎的名称和地址，例如 server=ssh://USER@MACHINE，以空格分隔。",
        },
    ),
    "app.language": Setting(
        type="choice",
        default=DEFAULTS["app.language"],
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
        default=DEFAULTS["app.theme"],
        title={"en": "Theme", "zh": "主题"},
        help={"en": "Takes effect at once.", "zh": "立即生效。"},
        choices={
            "system": Choice(title={"en": "System", "zh": "跟随系统"}),
            "light": Choice(title={"en": "Light", "zh": "浅色"}),
            "dark": Choice(title={"en": "Dark", "zh": "深色"}),
        },
    ),
    MIRRORS: MirrorsSetting(
        default=DEFAULTS[MIRRORS],
        title={"en": "Registry mirrors", "zh": "镜像仓库加速地址"},
        help={
            "en": "Pulls try these first, in this order, and then the image's own registry. "
            "Example: mirror.example.com.",
            "zh": "拉取镜像时，先依次尝试这些地址，再使用镜像自身的仓库，例如 mirror.example.com。",
        },
    ),
    CA_CERTIFICATES: CertificatesSetting(
        default=DEFAULTS[CA_CERTIFICATES],
        title={"en": "Own CA certificates", "zh": "自有 CA 证书"},
        help={
            "en": "The full path of a PEM file with the certificates of authorities, such as your "
            "company's. The modules, from their next start on, and the applet trust these for TLS "
            "connections. The Docker engine has its own.",
            "zh": "PEM 文件的完整路径，其中含有证书颁发机构（例如公司内部 CA）的证书。"
            "模块（下次启动后）和本应用在 TLS 连接中信任这些机构。Docker 引擎使用其自身的证书。",
        },
    ),
    KERNEL_SETTINGS: Setting(
        type="boolean",
        default=DEFAULTS[KERNEL_SETTINGS],
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
    MODULE_FOLDERS: FoldersSetting(
        default=DEFAULTS[MODULE_FOLDERS],
        title={"en": "Module folders", "zh": "模块文件夹"},
        help={
            "en": "Folders with modules of your own. Separate several by : (Windows: ;), or write "
            'them as a JSON list: ["/a", "/b"].',
            "zh": "您自己的模块所在的文件夹。多个文件夹用 :（Windows 用 ;）分隔，"
            '或写成 JSON 列表：["/a", "/b"]。',
        },
    ),
    "app.logs_keep": Setting(
        type="boolean",
        default=DEFAULTS["app.logs_keep"],
        title={"en": "Keep logs", "zh": "保留日志"},
        help={
            "en": "Stores what the services write, so that it can be searched and survives the "
            "removal of containers. If you turn it on again, everything that the engine still has "
            "is stored.",
            "zh": "保存各服务的输出，以便搜索，并在容器删除后仍可查看。重新开启后，"
            "会保存引擎中仍有的全部日志。",
        },
    ),
    "app.logs_keep_days": DaysSetting(
        default=DEFAULTS["app.logs_keep_days"],
        title={"en": "Days to keep logs", "zh": "日志保留天数"},
        help={"en": "Older lines are deleted.", "zh": "更早的日志行会被删除。"},
    ),
    "app.logs_keep_size": DiskSizeSetting(
        type="size",
        default=DEFAULTS["app.logs_keep_size"],
        title={"en": "Maximum size of kept logs", "zh": "日志占用空间上限"},
        help={
            "en": "On the disk, such as 500m or 2g. The oldest lines are deleted first.",
            "zh": "占用的磁盘空间，例如 500m 或 2g。最早的日志行最先删除。",
        },
    ),
    "app.logs_not_kept": ModuleNamesSetting(
        default=DEFAULTS["app.logs_not_kept"],
        title={"en": "Modules whose logs are not kept", "zh": "不保留日志的模块"},
        help={"en": "Names, separated by spaces.", "zh": "模块名称，以空格分隔。"},
    ),
    "app.logs_engine_size": LogSizeSetting(
        default=DEFAULTS["app.logs_engine_size"],
        title={"en": "Log size of a service in Docker", "zh": "Docker 中每个服务的日志大小"},
        help={
            "en": "Docker keeps a few files of at least this size for each service, such as 50m "
            "or 100m, and deletes the oldest. Without a value, the size is as each module says, "
            "mostly 10m. Set it if lines are missing from times at which AI-Server Tray did not "
            "run. Modules use it from their next start on.",
            "zh": "Docker 为每个服务保留若干个至少此大小的文件（例如 50m 或 100m），"
            "并删除最早的文件。未设置时按各模块的设定，通常为 10m。"
            "如果 AI-Server Tray 未运行期间的日志行缺失，请设置此值。模块下次启动后生效。",
        },
    ),
    BACKUP_FOLDER: FolderSetting(
        default=DEFAULTS[BACKUP_FOLDER],
        title={"en": "Folder for backups", "zh": "备份文件夹"},
        help={
            "en": "Best on another disk or on a share. Without one, backups are in the folder "
            "AI-Server Backups of your home folder. Backups that are in the former folder stay "
            "there.",
            "zh": "建议使用其他磁盘或网络共享。未设置时，备份保存在用户主目录的 AI-Server Backups "
            "文件夹中。更改后，原文件夹中的备份不会移动。",
        },
    ),
    "app.backup_every": Setting(
        type="choice",
        default=DEFAULTS["app.backup_every"],
        title={"en": "Automatic backups", "zh": "自动备份"},
        help={
            "en": "Each module stops for a short time meanwhile. A backup that was missed, for "
            "example because the computer slept, is made soon after.",
            "zh": "备份期间各模块会短暂停止。如因电脑休眠等原因错过备份，会在之后尽快补做。",
        },
        choices={
            "never": Choice(title={"en": "Never", "zh": "从不"}),
            "day": Choice(title={"en": "Every day", "zh": "每天"}),
            "week": Choice(title={"en": "Every week", "zh": "每周"}),
        },
    ),
    "app.backup_time": TimeSetting(
        default=DEFAULTS["app.backup_time"],
        title={"en": "Time of automatic backups", "zh": "自动备份时间"},
        help={
            "en": "By the clock of this computer, such as 03:00.",
            "zh": "以本机时间为准，例如 03:00。",
        },
    ),
    "app.backup_weekday": Setting(
        type="choice",
        default=DEFAULTS["app.backup_weekday"],
        title={"en": "Day of weekly backups", "zh": "每周备份日"},
        choices={
            str(number): Choice(title={"en": en, "zh": zh})
            for number, (en, zh) in enumerate(_WEEKDAYS)
        },
    ),
    "app.backup_keep_daily": CountSetting(
        default=DEFAULTS["app.backup_keep_daily"],
        title={"en": "Daily backups to keep", "zh": "保留的每日备份数"},
        help={
            "en": "The newest automatic backup of each of so many days. The newest verified backup "
            "of all modules is always kept, and so are backups that you make.",
            "zh": "保留最近若干天中每天最新的自动备份。最新一份通过验证的完整备份以及手动创建的备份"
            "始终保留。",
        },
    ),
    "app.backup_keep_weekly": CountSetting(
        default=DEFAULTS["app.backup_keep_weekly"],
        title={"en": "Weekly backups to keep", "zh": "保留的每周备份数"},
        help={
            "en": "The newest automatic backup of each of so many weeks.",
            "zh": "保留最近若干周中每周最新的自动备份。",
        },
    ),
    "app.backup_keep_monthly": CountSetting(
        default=DEFAULTS["app.backup_keep_monthly"],
        title={"en": "Monthly backups to keep", "zh": "保留的每月备份数"},
        help={
            "en": "The newest automatic backup of each of so many months.",
            "zh": "保留最近若干个月中每月最新的自动备份。",
        },
    ),
    "app.check_models": Setting(
        type="choice",
        default=DEFAULTS["app.check_models"],
        title={"en": "Check whether models answer", "zh": "检查模型是否应答"},
        help={
            "en": "Asks each model server of the stack one small question through OneAPI, and "
            "checks what else answers depend on. Uses about 60 tokens each time.",
            "zh": "通过 OneAPI 向每个模型服务器提一个小问题，并检查应答所依赖的其他部分。"
            "每次约消耗 60 个令牌。",
        },
        choices={
            "never": Choice(title={"en": "Only by hand", "zh": "仅手动"}),
            "hour": Choice(title={"en": "Every hour", "zh": "每小时"}),
            "day": Choice(title={"en": "Every day", "zh": "每天"}),
            "week": Choice(title={"en": "Every week", "zh": "每周"}),
        },
    ),
    "app.check_versions": Setting(
        type="boolean",
        default=DEFAULTS["app.check_versions"],
        title={"en": "Look for new versions of modules", "zh": "检查模块的新版本"},
        help={
            "en": "Asks the registries of their images once a day. Nothing is installed by itself.",
            "zh": "每天向镜像仓库查询一次。不会自动安装任何版本。",
        },
    ),
    "app.keep_upgrades_days": CountSetting(
        default=DEFAULTS["app.keep_upgrades_days"],
        title={"en": "Days in which an upgrade can be undone", "zh": "可撤销升级的天数"},
        help={
            "en": "The data from before an upgrade is kept so long, or until the next upgrade of "
            "the module.",
            "zh": "升级前的数据会保留这么多天，或保留到该模块下一次升级。",
        },
    ),
    "app.notify_alerts": Setting(
        type="boolean",
        default=DEFAULTS["app.notify_alerts"],
        title={"en": "Notify of alerts", "zh": "发出告警通知"},
        help={
            "en": "A module fails or recovers, or another alert rule applies.",
            "zh": "模块出现故障或恢复，或命中其他告警规则时。",
        },
    ),
    "app.notify_operations": Setting(
        type="boolean",
        default=DEFAULTS["app.notify_operations"],
        title={
            "en": "Notify when an operation started from the tray ends",
            "zh": "从托盘发起的操作结束时通知",
        },
    ),
    "app.notify_engine": Setting(
        type="boolean",
        default=DEFAULTS["app.notify_engine"],
        title={"en": "Notify when the engine stops or comes back", "zh": "引擎停止或恢复时通知"},
    ),
    WEBHOOK: WebhookSetting(
        type="secret",
        title={"en": "Webhook for alerts", "zh": "告警 Webhook"},
        help={
            "en": "Alerts are also sent to this web address, such as https://ntfy.sh/my-topic.",
            "zh": "告警同时发送到此地址，例如 https://ntfy.sh/my-topic。",
        },
    ),
    "app.alert_format": Setting(
        type="choice",
        default=DEFAULTS["app.alert_format"],
        title={"en": "Format of the webhook", "zh": "Webhook 格式"},
        choices={
            "json": Choice(title={"en": "JSON", "zh": "JSON"}),
            "ntfy": Choice(title={"en": "ntfy", "zh": "ntfy"}),
        },
    ),
    "app.start_desired": Setting(
        type="boolean",
        default=DEFAULTS["app.start_desired"],
        title={"en": "Restore modules at startup", "zh": "启动时恢复模块"},
        help={
            "en": "When the applet starts, it starts the modules that were running before.",
            "zh": "应用启动时，自动启动之前运行的模块。",
        },
    ),
    "app.stop_unused_basics": Setting(
        type="boolean",
        default=DEFAULTS["app.stop_unused_basics"],
        title={"en": "Stop unused basic services", "zh": "停止不再使用的基础服务"},
        help={
            "en": "When you stop a feature, also stop the basic services that no other feature "
            "needs.",
            "zh": "停止功能模块时，同时停止其他功能模块不再需要的基础服务。",
        },
    ),
    STOP_UNUSED_ENGINE: Setting(
        type="boolean",
        default=DEFAULTS[STOP_UNUSED_ENGINE],
        title={"en": "Stop the engine when unused", "zh": "不使用时停止引擎"},
        help={
            "en": "An engine in WSL stops some minutes after the last module, and starts by itself "
            "with the next one.",
            "zh": "最后一个模块停止几分钟后，WSL 中的引擎会停止；启动模块时自动启动。",
        },
    ),
}
"""The settings by address, in the order of the settings page."""
