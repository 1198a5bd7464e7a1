"""The configuration: as it is in force, and a proposed one checked. Reload is in `system`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta

from admin_http.documents import Document
from admin_http.limits import BODY_BYTES_MAX
from admin_http.people.access import admins
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.config import ConfigError, Finding, check_text
from dialerd.core.lines_view import ConfigInfo, GetConfig


class Proposed(Document):
    """The text of a whole `dialerd.toml`."""

    toml: Annotated[str, Meta(max_length=BODY_BYTES_MAX)]


class ConfigFault(Document):
    """One fault, and what may help; lines and columns count from 1."""

    line: int
    column: int
    text: str
    help: str


class ConfigCheck(Document):
    """Whether it could be taken over; `text` shows the faults as `dialerd check-config` does."""

    ok: bool
    faults: tuple[ConfigFault, ...] = ()
    text: str = ""


@route("GET", "/v1/config", Scope.OPERATE, access=admins)
async def config(call: Call) -> ConfigInfo:
    """Every key with its value in force, secrets masked."""
    return await call.services.control.call(GetConfig())


@route(
    "POST",
    "/v1/config:check",
    Scope.OPERATE,
    access=admins,
    example={"toml": "[sip]\nport = 5060\n"},
)
async def check_config(call: Call, body: Proposed) -> ConfigCheck:
    """What is wrong with a proposed configuration; nothing is taken over."""
    try:
        await asyncio.to_thread(check_text, body.toml, call.services.config_path)
    except ConfigError as error:
        faults = tuple(_fault(finding) for finding in error.findings)
        return ConfigCheck(ok=False, faults=faults, text=str(error))
    return ConfigCheck(ok=True)


def _fault(finding: Finding) -> ConfigFault:
    return ConfigFault(
        line=finding.line, column=finding.column, text=finding.text, help=finding.hint
    )
