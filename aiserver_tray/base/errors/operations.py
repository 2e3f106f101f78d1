"""Errors of operations."""

from collections.abc import Sequence
from typing import Any

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.errors.remedies import Remedy, logs, restart, retry
from aiserver_tray.base.i18n import Listed, Plural, Text
from aiserver_tray.base.json_line import told


class ExitedError(AiServerError):
    """A service's container exited, or can't start. ``lines`` are the last lines of its log."""

    code = "E_EXITED"

    def __init__(
        self, service: str, exit_code: int | None, why: object, lines: Sequence[str]
    ) -> None:
        ended = Text("{service} exited with code {exit_code}", service=service, exit_code=exit_code)
        if exit_code is None:
            ended = Text("{service} failed", service=service)
        text = Text(
            "{ended}{why}.{lines}\nFix the cause, then try again. To see its log, run: "
            "aiserver-tray logs {module}",
            ended=ended,
            why=Text(" ({why})", why=why) if why else "",
            lines=quoted(lines),
            module=module_of(service),
        )
        said = why if isinstance(why, Text) else str(why or "")
        super().__init__(text, **_log_of(service, lines), exitCode=exit_code, why=said)


class HealthTimeoutError(AiServerError):
    """A service did not become healthy in time. ``check`` is the last check's output."""

    code = "E_HEALTH_TIMEOUT"

    def __init__(self, service: str, seconds: float, check: str, lines: Sequence[str]) -> None:
        text = Text(
            "{service} is still not healthy after {seconds:.0f} s. Output of the last health "
            "check: {check}{lines}\nThe service keeps running. To see its log, run: "
            "aiserver-tray logs {module}",
            service=service,
            seconds=seconds,
            check=check or "-",
            lines=quoted(lines),
            module=module_of(service),
        )
        data = _log_of(service, lines, retry(Text("Wait longer")), restart(module_of(service)))
        super().__init__(text, **data, seconds=seconds, check=check)


class PostStartTimeoutError(AiServerError):
    """A post-start command of a service takes too long. ``lines`` are the last lines of its
    output."""

    code = "E_HEALTH_TIMEOUT"

    def __init__(self, service: str, seconds: float, command: str, lines: Sequence[str]) -> None:
        text = Text(
            "{service} is not ready after {seconds:.0f} s, because a post_start command is "
            "still running: {command}{lines}\nFix the command, or give it more time with "
            "ready_within in the module's file. Then try again.",
            service=service,
            seconds=seconds,
            command=command,
            lines=quoted(lines),
        )
        super().__init__(text, **_log_of(service, lines), seconds=seconds, command=command)


class JobFailedError(AiServerError):
    """A job did not exit with 0. ``lines`` are the last lines of its log."""

    code = "E_JOB_FAILED"

    def __init__(self, service: str, exit_code: int, lines: Sequence[str]) -> None:
        text = Text(
            "The job {service} failed with exit code {exit_code}.{lines}\nFix the cause, "
            "then try again. To see its log, run: aiserver-tray logs {module}",
            service=service,
            exit_code=exit_code,
            lines=quoted(lines),
            module=module_of(service),
        )
        super().__init__(text, **_log_of(service, lines), exitCode=exit_code)


class ServiceNotRunningError(AiServerError):
    """A request needs a service that does not run. ``state`` is the engine's word, or absent."""

    code = "E_EXITED"

    def __init__(self, service: str, state: str) -> None:
        text = Text(
            "{service} is not running ({state}). Start it with: aiserver-tray up {module}",
            service=service,
            state=Text("no container") if state == "absent" else state,
            module=module_of(service),
        )
        super().__init__(text, service=service, state=state)


class ActionError(AiServerError):
    """The command of an action of a service failed. ``lines`` are the last lines of its output."""

    code = "E_ACTION"

    def __init__(self, title: Text, service: str, exit_code: int, lines: Sequence[str]) -> None:
        text = Text(
            "{title}: the command failed with exit code {exit_code}.{lines}\nFix the cause, then "
            "run it again. To see the log of its service, run: aiserver-tray logs {module}",
            title=title,
            exit_code=exit_code,
            lines=quoted(lines),
            module=module_of(service),
        )
        super().__init__(text, **_log_of(service, lines), exitCode=exit_code)


class ActionTimeoutError(AiServerError):
    """The command of an action of a service was ended, because it took too long. ``lines`` are the
    last lines of its output."""

    code = "E_ACTION_TIMEOUT"

    def __init__(self, title: Text, service: str, seconds: float, lines: Sequence[str]) -> None:
        text = Text(
            "{title}: the command was ended after {seconds:.0f} s, and may have done a part of its "
            "work.{lines}\nTo see the log of its service, run: aiserver-tray logs {module}",
            title=title,
            seconds=seconds,
            lines=quoted(lines),
            module=module_of(service),
        )
        super().__init__(text, **_log_of(service, lines), seconds=seconds)


class InUseError(AiServerError):
    """Running modules need the one that is to stop."""

    code = "E_IN_USE"

    def __init__(self, module: str, users: Sequence[str]) -> None:
        text = Plural(
            "{module} is required by {users}. Stop that module first, or stop both with --cascade.",
            "{module} is required by {users}. Stop those modules first, or stop them all with "
            "--cascade.",
            count=len(users),
            module=module,
            users=Listed(users),
        )
        super().__init__(text, module=module, users=list(users))


class VolumeInUseError(AiServerError):
    """A container that does not go with it has the volume that is to be removed."""

    code = "E_IN_USE"

    def __init__(self, volume: str, module: str, containers: Sequence[str]) -> None:
        text = Text(
            "The volume {volume} was not removed. It is in use by: {containers}. Remove "
            "these containers first (docker rm), even if they are stopped. Then run: "
            "aiserver-tray down {module} --volumes",
            volume=volume,
            containers=Listed(containers),
            module=module,
        )
        super().__init__(text, volume=volume, module=module, containers=list(containers))


class BusyError(AiServerError):
    """Another operation has locked the module. ``pid`` and ``command`` name it, if they are known.
    ``home``: the home folder of its installation, if it is not ours."""

    code = "E_BUSY"

    def __init__(
        self, module: str, pid: int | None, command: str | None, home: str | None = None
    ) -> None:
        named = {"module": module, "command": command or "?", "pid": pid or "?"}
        if home is None:
            text = Text(
                "{module} is locked by another operation: {command} (process {pid}). Wait until "
                "it finishes, or end that process.",
                **named,
            )
        else:
            text = Text(
                "{module} is locked by another installation of AI-Server Tray with the home folder "
                "{home}: {command} (process {pid}). Wait until it finishes, or end that process.",
                **named,
                home=home,
            )
        super().__init__(text, module=module, pid=pid, command=command, home=home)


class CancelledError(AiServerError):
    """The user cancelled the operation. ``kind`` and ``modules`` are those of the request, once
    they are known. The next steps in the message depend on them."""

    code = "E_CANCELLED"

    def __init__(self, kind: str | None = None, modules: Sequence[str] = ()) -> None:
        super().__init__(_after_cancelling(kind, modules), kind=kind, modules=list(modules))


def _after_cancelling(kind: str | None, modules: Sequence[str]) -> Text:
    if kind is None:
        return Text("Cancelled. Completed steps are kept.")
    if kind in ("pull", "build", "cluster"):
        return Text("Cancelled. Run the same command again to continue.")
    if kind in ("up", "restart") and modules:
        # Without a name, `down` would remove everything. Even some of these modules may have run
        # before.
        return Text(
            "Cancelled. Completed steps are kept. Run the same command again to continue. "
            "`aiserver-tray down {modules}` removes these modules, including containers that "
            "were already running.",
            modules=" ".join(modules),
        )
    return Text("Cancelled. Completed steps are kept. Run the same command again to continue.")


class BackupError(AiServerError):
    """A backup can't be made or read; the subclasses are about its file."""

    code = "E_BACKUP"


class BackupKeyError(BackupError):
    """The keys at hand do not open the backup or the recovery file."""

    code = "E_BACKUP_KEY"


class BackupFormatError(BackupError):
    """The file is no backup, or a newer version made it."""

    code = "E_BACKUP_FORMAT"


class BackupDamagedError(BackupError):
    """The content of the file is not what a backup holds: it was changed, or made to do harm."""

    code = "E_BACKUP_DAMAGED"


class RestoreError(AiServerError):
    """The backup must not be restored in this way."""

    code = "E_RESTORE"


class UpgradeError(AiServerError):
    """The module can't be upgraded in this way."""

    code = "E_UPGRADE"


class AdoptError(AiServerError):
    """What runs elsewhere on the engine can't be copied, or switched over to."""

    code = "E_ADOPT"


class AdoptKeyError(AdoptError):
    """The encryption key that was found does not open the data."""

    code = "E_ADOPT_KEY"


class UpgradeUnfitError(UpgradeError):
    """The new version does not work with the data of the module. ``lines`` are the last ones of the
    service that failed."""

    code = "E_UPGRADE_UNFIT"

    def __init__(self, module: str, version: str, why: object, lines: Sequence[str] = ()) -> None:
        text = Text(
            "{module} {version} does not work with your data: {why}",
            module=module,
            version=version,
            why=why,
        )
        super().__init__(text, module=module, lines=[told(line) for line in lines])


class AddressError(AiServerError):
    """The module can't be opened to the network, or not closed."""

    code = "E_ADDRESS"


class ClusterError(AiServerError):
    """What is wanted of a cluster can't be done, or has failed."""

    code = "E_CLUSTER"


class ClusterDownError(ClusterError):
    """No manager of a cluster answers, or too few are left to decide anything."""

    code = "E_CLUSTER_DOWN"


def module_of(service: str) -> str:
    """The module of a service's address (``module/service``)."""
    return service.partition("/")[0]


def quoted(lines: Sequence[str]) -> str:
    """*lines* of a log, to be put after a message."""
    return "".join(f"\n  {told(line)}" for line in lines)


def _log_of(service: str, lines: Sequence[str], *remedies: Remedy) -> dict[str, Any]:
    """The data of an error that quotes *lines* of the log of *service*, which is the last of the
    next steps."""
    remedies = (*remedies, logs(service))
    named = {"module": module_of(service), "service": service}
    return {**named, "lines": [told(line) for line in lines], "remedies": remedies}
