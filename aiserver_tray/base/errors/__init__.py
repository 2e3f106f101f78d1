"""All errors that are reported to users and programs. A message says what, why and what to do next.
``data`` is JSON and never holds a secret. The codes are in ``docs/errors.md``."""

from aiserver_tray.base.errors.base import AiServerError, ErrorJson, JointError, each, raise_all
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
    NoShellError,
    ObjectConflictError,
    ObjectKind,
    ObjectNotFoundError,
    PortConflictError,
    ResourcesError,
    UnsupportedError,
)
from aiserver_tray.base.errors.operations import (
    ActionError,
    ActionTimeoutError,
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
