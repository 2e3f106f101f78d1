"""What modules require, and all that is wrong with it."""

import pytest

from aiserver_tray.base.errors import JointError, UnknownNameError
from aiserver_tray.model import ModuleModel
from aiserver_tray.operations.modules import with_requires

MODELS = {
    "store": ModuleModel("store", "basic"),
    "web": ModuleModel("web", "feature", ("store",)),
    "lost": ModuleModel("lost", "feature", ("store", "gone")),
    "egg": ModuleModel("egg", "feature", ("hen",)),
    "hen": ModuleModel("hen", "feature", ("egg",)),
}


def get(name: str) -> ModuleModel:
    """The module, as a catalog has it."""
    if name not in MODELS:
        raise UnknownNameError(name, list(MODELS))
    return MODELS[name]


def test_required_modules_come_first_and_all_that_is_wrong_is_reported_together() -> None:
    assert [module.name for module in with_requires(["web"], get)] == ["store", "web"]
    # A cycle and missing modules are reported together.
    with pytest.raises(JointError) as refused:
        with_requires(["lost", "egg"], get)
    assert [error.code for error in refused.value.errors] == ["E_DEP_MISSING", "E_DEP_CYCLE"]
