"""Finding, reading and showing a configuration."""

from __future__ import annotations

import os
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Meta

from dialerd.config.regime_files import take_regimes
from dialerd.config.rules import rules
from dialerd.config.schema import Config
from dialerd.config.secrets import first_line, forget_secrets, secret_rules
from dialerd.config.sip_tables import Phone
from dialerd.config.trunk import Trunk
from dialerd.toml_faults import TomlError
from dialerd.toml_load import read

ConfigError = TomlError


def find_config(path: str | None = None) -> Path:
    """Where the file is: as named, $DIALERD_CONFIG, conf/dialerd.toml here, or under /etc.

    Raises:
        ConfigError: there is none.
    """
    named = path or os.environ.get("DIALERD_CONFIG")
    if named:
        return Path(named)
    usual = (Path("conf/dialerd.toml"), Path("/etc/dialerd/dialerd.toml"))
    for candidate in usual:
        if candidate.is_file():
            return candidate
    tried = " or ".join(str(candidate) for candidate in usual)
    raise ConfigError(
        f"error: no configuration: there is no {tried}\n"
        "   = help: name one with -c FILE or DIALERD_CONFIG"
    )


def load(path: Path | str, *, secrets: bool = True) -> Config:
    """Read and check a configuration file.

    Paths in the result are absolute; `password` holds what `password_file` named. Without `secrets`
    both are passed over and stay empty: a command that only asks the daemon, or reads a list, needs
    neither the daemon's environment nor its files. The regimes of its folder are known from then
    on.

    Raises:
        ConfigError: its text shows every fault with file:line:column, the line, a caret and a
            suggestion.
    """
    path = Path(path)
    if not secrets:
        found = read(path, Config, rules=partial(rules, secrets=False), prepare=forget_secrets)
        take_regimes(found.dialing.regimes)
        return found
    config = read(path, Config, rules=rules, raw_rules=lambda raw: secret_rules(raw, path))
    accounts: tuple[Trunk | Phone, ...] = (*config.trunk, *config.phones.user)
    for account in accounts:
        if account.password_file is not None:
            msgspec.structs.force_setattr(account, "password", first_line(account.password_file))
    take_regimes(config.dialing.regimes)
    return config


def check_text(text: str, path: Path) -> None:
    """What `load` would refuse if this stood in a file; nothing is taken over.

    Raises:
        ConfigError: with every fault.
    """
    read(path, Config, rules=rules, raw_rules=lambda raw: secret_rules(raw, path), text=text)


def masked(config: Config) -> Any:
    """The effective configuration as plain JSON-able data with every secret replaced."""

    def one(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            fields = {
                field.encode_name: (field, getattr(value, field.name))
                for field in msgspec.structs.fields(value)
            }
            return {
                name: "***" if _secret(field) and item else one(item)
                for name, (field, item) in fields.items()
            }
        if isinstance(value, tuple):
            return [one(item) for item in value]
        return str(value) if isinstance(value, Path | StrEnum | date) else value

    return one(config)


def secrets_of(config: Config) -> frozenset[str]:
    """Every secret text in it: what must not be written anywhere."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, msgspec.Struct):
            for field in msgspec.structs.fields(value):
                item = getattr(value, field.name)
                if _secret(field) and isinstance(item, str):
                    found.add(item)
                look(item)
        elif isinstance(value, tuple):
            for item in value:
                look(item)

    look(config)
    return frozenset(found - {""})


def _secret(field: msgspec.structs.FieldInfo) -> bool:
    metas = getattr(field.type, "__metadata__", ())
    return any(isinstance(meta, Meta) and bool((meta.extra or {}).get("secret")) for meta in metas)
