"""The configuration: `conf/dialerd.toml`, checked whole before anything starts.

It describes infrastructure and tuning. Campaigns, lists and prompts are data and are not here.
"""

from dialerd.config.load import ConfigError, find_config, load, masked
from dialerd.config.rules import parse_zone
from dialerd.config.schema import (
    Admin,
    Codec,
    Config,
    Control,
    Dialing,
    Log,
    LogLevel,
    Media,
    Numbering,
    Section,
    Sip,
    Store,
    Trunk,
)
from dialerd.toml_faults import Finding

__all__ = [
    "Admin",
    "Codec",
    "Config",
    "ConfigError",
    "Control",
    "Dialing",
    "Finding",
    "Log",
    "LogLevel",
    "Media",
    "Numbering",
    "Section",
    "Sip",
    "Store",
    "Trunk",
    "find_config",
    "load",
    "masked",
    "parse_zone",
]
