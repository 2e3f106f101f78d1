"""The names of the files in a home folder that several modules read."""

from typing import Final

INSTALLATION: Final = "installation.json"
SETTINGS: Final = "settings.json"
STATE: Final = "state.json"
SECRETS: Final = "secrets.json"
