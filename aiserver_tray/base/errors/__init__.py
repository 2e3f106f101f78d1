"""All errors that are reported to users and programs.

::

    AiServerError             E_RUNTIME        a bug
    ├── JointError               the first's      several, found before anything was changed
    ├── CatalogError             E_CATALOG        a file is wrong: file, line, key, expected
    ├── SettingError          E_SETTING        a setting, a secret or their files: name, why
    ├── UnknownNameError      E_UNKNOWN        no such module or service; near names
    │   ├── UnknownSettingError                   no such setting; where they are listed
    │   └── UnlistedError                         a chosen module that left the catalog
    ├── CycleError            E_DEP_CYCLE      modules that require each other: the path
    ├── MissingError          E_DEP_MISSING    a required module that is not in the catalog
    ├── TrustError            E_TRUST          permissions that the user has not allowed
    ├── EngineDownError       E_ENGINE_DOWN
    ├── EngineNotInstalledError  E_ENGINE_NOT_INSTALLED
    ├── EngineRequestError    E_RUNTIME        the engine refused something we did not foresee
    │   ├── ObjectNotFoundError, ObjectConflictError, UnsupportedError
    ├── NameConflictError     E_NAME_CONFLICT  an object of our name that is not ours
    ├── PortConflictError     E_PORT_CONFLICT  address, owner, a free port
    ├── ResourcesError        E_RESOURCES      memory, disk, kernel setting
    ├── ImagePullError        E_IMAGE_PULL     sources tried
    ├── ImageBuildError       E_IMAGE_BUILD
    ├── ExitedError           E_EXITED         exit code, last lines
    ├── HealthTimeoutError    E_HEALTH_TIMEOUT last check, last lines
    ├── PostStartTimeoutError  E_HEALTH_TIMEOUT  command, last lines
    ├── ServiceNotRunningError  E_EXITED       asked something of a service that does not run
    ├── JobFailedError        E_JOB_FAILED
    ├── InUseError            E_IN_USE         by which modules
    ├── VolumeInUseError      E_IN_USE         by which containers
    ├── BusyError             E_BUSY           pid, command, home
    │   ├── AlreadyRunningError                   pid
    ├── OverloadedError       E_BUSY           one client wants too much at once
    ├── CancelledError        E_CANCELLED
    ├── RequestError          E_REQUEST        unknown channel, bad payload: which fields
    │   └── RefusedError                        what can't be done as things are, or was mistyped
    ├── NotPossibleError      E_REQUEST        what can't be done with a module now: why
    ├── AccessError           E_REQUEST        asked over HTTP by who was not let in
    ├── NotRunningError       E_NOT_RUNNING    no tray
    │   └── OwnerEndedError                     it ended while it was at what was asked
    ├── NoDesktopError        E_NO_DESKTOP     nothing to show an icon on
    │   ├── MissingExtraError                     nor the Python packages for it
    │   └── NoSessionError                        no desktop at all
    └── RemoteError           (any)            what another process answered

A message says what, why and what to do next. ``data`` is JSON and never holds a secret.
"""

from aiserver_tray.base.errors.base import (
    AiServerError,
    ErrorJson,
    JointError,
    each,
    raise_all,
)
from aiserver_tray.base.errors.catalog import (
    CatalogError,
    CycleError,
    MissingError,
    Place,
    Problem,
    SettingError,
    TrustError,
    UnknownNameError,
    UnknownSettingError,
    UnlistedError,
    mistyped,
    refuse_unknown,
)
from aiserver_tray.base.errors.contract import (
    AccessError,
    AlreadyRunningError,
    MissingExtraError,
    NoDesktopError,
    NoSessionError,
    NotPossibleError,
    NotRunningError,
    OverloadedError,
    OwnerEndedError,
    RefusedError,
    RemoteError,
    RequestError,
)
from aiserver_tray.base.errors.engine import (
    KIND_WORDS,
    EngineDownError,
    EngineNotInstalledError,
    EngineRequestError,
    ImageBuildError,
    ImagePullError,
    NameConflictError,
    ObjectConflictError,
    ObjectKind,
    ObjectNotFoundError,
    PortConflictError,
    ResourcesError,
    UnsupportedError,
)
from aiserver_tray.base.errors.operations import (
    BusyError,
    CancelledError,
    ExitedError,
    HealthTimeoutError,
    InUseError,
    JobFailedError,
    PostStartTimeoutError,
    ServiceNotRunningError,
    VolumeInUseError,
)

__all__ = [
    "KIND_WORDS",
    "AccessError",
    "AiServerError",
    "AlreadyRunningError",
    "BusyError",
    "CancelledError",
    "CatalogError",
    "CycleError",
    "EngineDownError",
    "EngineNotInstalledError",
    "EngineRequestError",
    "ErrorJson",
    "ExitedError",
    "HealthTimeoutError",
    "ImageBuildError",
    "ImagePullError",
    "InUseError",
    "JobFailedError",
    "JointError",
    "MissingError",
    "MissingExtraError",
    "NameConflictError",
    "NoDesktopError",
    "NoSessionError",
    "NotPossibleError",
    "NotRunningError",
    "ObjectConflictError",
    "ObjectKind",
    "ObjectNotFoundError",
    "OverloadedError",
    "OwnerEndedError",
    "Place",
    "PortConflictError",
    "PostStartTimeoutError",
    "Problem",
    "RefusedError",
    "RemoteError",
    "RequestError",
    "ResourcesError",
    "ServiceNotRunningError",
    "SettingError",
    "TrustError",
    "UnknownNameError",
    "UnknownSettingError",
    "UnlistedError",
    "UnsupportedError",
    "VolumeInUseError",
    "each",
    "mistyped",
    "raise_all",
    "refuse_unknown",
]
