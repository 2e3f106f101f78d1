"""All errors that are reported to users and programs.

::

    AiServerError             E_RUNTIME        a bug
    ├── JointError               (the first's)    several errors, found before any change
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
    ├── EngineRequestError    E_RUNTIME        the engine rejected a request unexpectedly
    │   ├── ObjectNotFoundError, ObjectConflictError, UnsupportedError
    ├── NameConflictError     E_NAME_CONFLICT  a foreign object has a name that we need
    ├── PortConflictError     E_PORT_CONFLICT  address, owner, a free port
    ├── ResourcesError        E_RESOURCES      memory, disk, kernel setting
    ├── ImagePullError        E_IMAGE_PULL     sources tried
    ├── ImageBuildError       E_IMAGE_BUILD
    ├── ExitedError           E_EXITED         exit code, last lines
    ├── HealthTimeoutError    E_HEALTH_TIMEOUT last check, last lines
    ├── PostStartTimeoutError  E_HEALTH_TIMEOUT  command, last lines
    ├── ServiceNotRunningError  E_EXITED       a request needs a service that does not run
    ├── JobFailedError        E_JOB_FAILED
    ├── InUseError            E_IN_USE         by which modules
    ├── VolumeInUseError      E_IN_USE         by which containers
    ├── BusyError             E_BUSY           pid, command, home
    │   ├── AlreadyRunningError                   pid
    ├── OverloadedError       E_BUSY           a client sent too many requests at once
    ├── CancelledError        E_CANCELLED
    ├── RequestError          E_REQUEST        unknown channel, bad payload: which fields
    │   └── RefusedError                        a valid request that can't be done now
    ├── NotPossibleError      E_REQUEST        an action that a module can't do now: why
    ├── AccessError           E_REQUEST        an HTTP client without a valid token
    ├── NotRunningError       E_NOT_RUNNING    no tray
    │   └── OwnerEndedError                     the owner exited during a request
    ├── NoDesktopError        E_NO_DESKTOP     the icon can't be shown
    │   ├── MissingExtraError                     the Python packages are missing
    │   └── NoSessionError                        no desktop session
    └── RemoteError           (any)            the error that the owner returned

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
