"""Who asks: the same for a token and for a person's session."""

from __future__ import annotations

import msgspec

from admin_http.people.roles import Role, User
from admin_http.tokens import Scope, Token

STAFF = frozenset({Role.ADMIN, Role.SUPERVISOR})


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was let in."""

    key: str  # of the bucket of requests
    who: str  # for the record of moves, and the audit log
    role: Role
    scopes: frozenset[Scope]
    user: str = ""
    campaigns: frozenset[int] = frozenset()
    agent: str = ""
    phones: tuple[str, ...] = ()
    session: bytes = b""  # the key of it; empty: a token asks

    @property
    def is_staff(self) -> bool:
        """Whether it sees everything."""
        return self.role in STAFF

    def sees_campaign(self, campaign_id: int) -> bool:
        """Whether it may look at what belongs to a campaign."""
        return self.is_staff or (self.role is Role.VIEWER and campaign_id in self.campaigns)

    def sees_agent(self, agent: str) -> bool:
        """Whether it may look at what is an agent's: its customers, calls, day."""
        return self.is_staff or (self.role is Role.AGENT and agent == self.agent != "")

    def may_ring(self, phone: str) -> bool:
        """Whether a telephone may be rung for it to listen in on calls: an admin's may be any."""
        return self.role is Role.ADMIN or phone in (*self.phones, self.user)


def token_key(name: str) -> str:
    """The key of who asks by the token of this name."""
    return f"token {name}"


def by_token(token: Token, owner: User | None) -> Asker:
    """Who asks by a token: without an owner it is a program's, and its scopes alone bound it."""
    return Asker(
        key=token_key(token.name),
        who=f"{owner.name} (token {token.name})" if owner else f"token {token.name}",
        role=owner.role if owner else Role.ADMIN,
        scopes=frozenset(token.scopes),
        user=owner.name if owner else "",
        campaigns=frozenset(owner.campaigns) if owner else frozenset(),
        agent=(owner.agent or "") if owner else "",
        phones=owner.phones if owner else (),
    )


def by_session(user: User, session: bytes) -> Asker:
    """Who asks by a session: its role alone bounds it."""
    return Asker(
        key=f"user {user.name}",
        who=user.name,
        role=user.role,
        scopes=frozenset(Scope),
        user=user.name,
        campaigns=frozenset(user.campaigns),
        agent=user.agent or "",
        phones=user.phones,
        session=session,
    )
