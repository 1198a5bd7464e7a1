"""Who may use a route: each declares one of these words, and a test fails for one that does not.

A role that a route is not for gets 403. Who may use it, but not on this object, gets the 404 of an
object that does not exist: nobody learns what others have. The word's guard sees to that where the
path names the object (`of_campaign`, `of_agent`); with `filtered` the handler does, by
`call.known.sees_campaign(id)` and `call.known.sees_agent(name)`: lists show only what is seen, and
for one object `call.must_see_campaign` and `call.must_see_agent` refuse.

Scopes are beside that: they bound what a token may do. A token that belongs to a person has both
bounds, one without an owner is a program's and has its scopes alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from admin_http.people.asker import STAFF
from admin_http.people.roles import Role
from admin_http.problems import ProblemError
from dialerd.core.control import GetCampaign

if TYPE_CHECKING:
    from admin_http.services import Call

Guard = Callable[["Call", Any], Awaitable[None]]


class Access(msgspec.Struct, frozen=True):
    """Who may use a route."""

    text: str  # for the reference
    roles: frozenset[Role]  # empty: everybody, known or not
    guard: Guard | None = None  # given the call and its path parameters; raises 404


async def _bound(call: Call, path: Any) -> None:
    """A viewer is bound to the campaign in the path, by whichever name it goes there."""
    asker = call.known
    if not asker.is_staff:
        found = await call.services.control.call(GetCampaign(campaign=path.campaign))
        if not asker.sees_campaign(found.id):
            raise ProblemError(404, f"there is no campaign named {path.campaign!r:.80}")


async def _same(call: Call, path: Any) -> None:
    """An agent asks about itself."""
    if not call.known.sees_agent(path.agent):
        raise ProblemError(404, f"there is no agent named {path.agent!r:.80}")


open_: Final = Access("anybody", frozenset())
everyone: Final = Access("everyone", frozenset(Role))
staff: Final = Access("admin, supervisor", STAFF)
admins: Final = Access("admin", frozenset({Role.ADMIN}))
of_campaign: Final = Access(
    "admin, supervisor, viewer of the campaign", STAFF | {Role.VIEWER}, _bound
)
of_agent: Final = Access("admin, supervisor, the agent itself", STAFF | {Role.AGENT}, _same)
filtered: Final = Access("everyone, what each may see", frozenset(Role))


def filtered_to(*roles: Role) -> Access:
    """Staff and these roles, what each may see: the handler filters."""
    return Access(f"admin, supervisor; {', '.join(roles)}: own", STAFF | set(roles))
