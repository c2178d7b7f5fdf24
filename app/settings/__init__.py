"""What an operator may set: every environment variable, typed, in groups, and how they are read."""

from app.settings.assessments import RiskProviderName
from app.settings.environment import PREFIX, SettingFault, load_settings, read_settings
from app.settings.fields import ConfigurationError
from app.settings.model import Settings, variables

__all__ = [
    "PREFIX",
    "ConfigurationError",
    "RiskProviderName",
    "SettingFault",
    "Settings",
    "load_settings",
    "read_settings",
    "variables",
]
