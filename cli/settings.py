"""The settings, for commands; apart from what else those need, which takes long to load."""

from pydantic import ValidationError

from cli.failure import Failure
from runtime.settings import Settings, setting_errors


def read_settings() -> Settings:
    """The settings of this installation."""
    try:
        return Settings()
    except ValidationError as error:
        raise Failure(setting_errors(error)) from None
