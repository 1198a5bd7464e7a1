"""What people are, and the records of them that the admin store keeps."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from admin_http.people.store import Kind
from dialerd.core.agents_view import AgentName
from dialerd.core.calls_view import PHONE_PATTERN

CAMPAIGNS_MAX: Final = 1_000  # that a viewer is bound to
PHONES_MAX: Final = 8  # of one person


class Role(StrEnum):
    """What a person is."""

    ADMIN = "admin"  # everything
    SUPERVISOR = "supervisor"  # everything but users, tokens, audit and the configuration
    VIEWER = "viewer"  # looks at named campaigns
    AGENT = "agent"  # works as one agent, sees its own customers


UserName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9_.@-]+$(?!\n)",
        extra={"hint": "1 to 64 small letters, digits, dot, dash, underscore, @"},
    ),
]
CampaignIds = Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(max_length=CAMPAIGNS_MAX)]

Phones = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=64, pattern=PHONE_PATTERN)], ...],
    Meta(max_length=PHONES_MAX),
]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may log in, as stored."""

    name: UserName
    role: Role
    created_at: datetime
    password: str = ""  # its argon2id hash; empty: nobody can log in by one
    password_at: datetime | None = None
    campaigns: CampaignIds = ()  # that a viewer sees
    agent: AgentName | None = None  # whom an agent's person works as
    disabled: bool = False
    phones: Phones = ()  # accounts of the registrar that may be rung for this person to listen in


USERS: Final = Kind("users", User, lambda user: user.name.encode())
