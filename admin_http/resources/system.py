"""The daemon as a whole: health, status, its configuration, and the big red button."""

from __future__ import annotations

from admin_http.documents import Document
from admin_http.people.access import admins, open_, staff
from admin_http.people.store import AdminError
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.control import (
    ControlError,
    DaemonState,
    EmergencyStop,
    GetStatus,
    Ping,
    Status,
    Stopped,
)
from dialerd.core.lines_view import Reload, Reloaded


class Stop(Document):
    """How to stop."""

    hang_up: bool = True


class Health(Document):
    """Whether it works; `detail` says what does not."""

    ok: bool
    detail: str = ""


@route("GET", "/v1/health/live", None, access=open_)
async def live(call: Call) -> Health:
    """Whether this process answers."""
    del call
    return Health(ok=True)


@route("GET", "/v1/health/ready", None, access=open_)
async def ready(call: Call) -> Health:
    """Whether the daemon can be asked and tokens can be checked; 503 when not."""
    try:
        await call.services.control.call(Ping())
        with call.services.admin.read():
            pass
    except (ControlError, AdminError):
        # An open route tells nobody about paths: the log and `dialerd status` do.
        raise ProblemError(503, "the daemon cannot be reached just now") from None
    return Health(ok=True)


@route("GET", "/v1/status", Scope.READ, access=staff)
async def status(call: Call) -> Status:
    """The daemon now."""
    return await call.services.control.call(GetStatus())


@route("POST", "/v1/config:reload", Scope.OPERATE, access=admins, also=(422,))
async def reload_config(call: Call) -> Reloaded:
    """Read the configuration again: all of it is taken over, or nothing."""
    return await call.services.control.call(Reload(who=call.who))


class EmergencyState(Document):
    """Whether everything is stopped; who starts or resumes a campaign ends that."""

    halted: bool
    calls_in_flight: int


@route("GET", "/v1/emergency-stop", Scope.READ, access=staff)
async def emergency_state(call: Call) -> EmergencyState:
    """Whether an emergency stop is in force."""
    now = await call.services.control.call(GetStatus())
    halted = now.state is DaemonState.HALTED
    return EmergencyState(halted=halted, calls_in_flight=now.calls_in_flight)


@route("POST", "/v1/emergency-stop", Scope.OPERATE, access=staff, example={"hang_up": True})
async def emergency_stop(call: Call, body: Stop) -> Stopped:
    """Stop all dialing now and pause every running campaign."""
    return await call.services.control.call(EmergencyStop(who=call.who, hang_up=body.hang_up))
