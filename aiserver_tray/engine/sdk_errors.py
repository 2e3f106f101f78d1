"""The errors of the SDK and of requests. Imported only after one of them was raised, because these
packages take long to import."""

import docker.errors as sdk
import requests

from aiserver_tray.base.errors import AiServerError, EngineRequestError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.translate import refusal

MISUSED: tuple[type[Exception], ...] = (
    sdk.TLSParameterError,
    sdk.InvalidConfigFile,
    sdk.ContextException,
    sdk.ContextNotFound,
    sdk.ContextAlreadyExists,
    sdk.MissingContextParameter,
)
"""Docker's own settings on this machine are wrong."""

UNFIT: tuple[type[Exception], ...] = (
    sdk.InvalidVersion,
    sdk.InvalidRepository,
    sdk.InvalidArgument,
    sdk.DeprecatedMethod,
    sdk.NullResource,
    sdk.ContainerError,
    sdk.ImageLoadError,
    sdk.BuildError,
    sdk.StreamParseError,
)
"""The SDK refused to ask, or understood no word of the answer."""


def translate_sdk(error: Exception) -> AiServerError | None:
    """Our error for *error*. None if it is about the connection."""
    if isinstance(error, sdk.APIError):
        return refusal(error.status_code or 0, error.explanation or str(error))
    if isinstance(error, MISUSED):
        why = Text(
            "{why} Check DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and Docker's config.json.",
            why=getattr(error, "msg", error),
        )
        return SettingError("Docker", why)
    if isinstance(error, (*UNFIT, sdk.DockerException)):
        return EngineRequestError(0, str(error))
    return None


def is_timeout(error: BaseException) -> bool:
    """Whether *error* is a timeout of requests."""
    return isinstance(error, requests.Timeout)
