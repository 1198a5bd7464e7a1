"""The configuration: `conf/dialerd.toml`, checked whole before anything starts.

It describes infrastructure and tuning. Campaigns, lists and prompts are data and are not here.
"""

from dialerd.config.keys import Section
from dialerd.config.load import (
    ConfigError,
    check_text,
    find_config,
    load,
    masked,
    secrets_of,
)
from dialerd.config.schema import (
    Admin,
    Config,
    Control,
    DetectionFiles,
    Dialing,
    Log,
    LogLevel,
    Media,
    Numbering,
    Store,
)
from dialerd.config.sip_tables import Dns, Listen, Phone, Phones, Side, Sip, Trace, Transport
from dialerd.config.trunk import (
    Codec,
    Kind,
    NumberFormat,
    Srtp,
    Trunk,
    TrunkTransport,
)
from dialerd.config.trunk_tables import (
    DialRule,
    IncomingRule,
    OutcomeRule,
    Plan,
    Ports,
    PortsBy,
    Rel100,
)
from dialerd.core.zones import parse_zone
from dialerd.toml_faults import Finding

__all__ = [
    "Admin",
    "Codec",
    "Config",
    "ConfigError",
    "Control",
    "DetectionFiles",
    "DialRule",
    "Dialing",
    "Dns",
    "Finding",
    "IncomingRule",
    "Kind",
    "Listen",
    "Log",
    "LogLevel",
    "Media",
    "NumberFormat",
    "Numbering",
    "OutcomeRule",
    "Phone",
    "Phones",
    "Plan",
    "Ports",
    "PortsBy",
    "Rel100",
    "Section",
    "Side",
    "Sip",
    "Srtp",
    "Store",
    "Trace",
    "Transport",
    "Trunk",
    "TrunkTransport",
    "check_text",
    "find_config",
    "load",
    "masked",
    "parse_zone",
    "secrets_of",
]
