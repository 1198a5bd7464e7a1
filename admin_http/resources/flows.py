"""Saved flows: shown by version, checked, saved, removed. A saving makes a version."""

from __future__ import annotations

from admin_http.documents import Document, Page, Paging
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.resources.saved import NEWEST, VersionQuestion, Versions, named_page, version_info
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.flow_spec import FlowSpec
from dialerd.core.scripts_view import (
    Checked,
    CheckFlow,
    FlowInfo,
    GetFlow,
    Gone,
    ListScripts,
    RemoveFlow,
    SavedInfo,
    SaveFlow,
)
from dialerd.core.spec_parts import Name

_FLOW = {
    "name": "hello",
    "steps": [{"prompt": "vi/hello", "keys": {"1": "more"}}, {"id": "more", "prompt": "vi/thanks"}],
}


class OneFlow(Document):
    """Which flow."""

    flow: Name


@route("GET", "/v1/flows", Scope.READ, access=staff)
async def flows(call: Call, query: Paging) -> Page[SavedInfo]:
    """The newest version of every flow, by name."""
    found = await call.services.control.call(ListScripts())
    return named_page(call, query, found.flows)


@route(
    "POST", "/v1/flows", Scope.CAMPAIGNS, access=staff, status=201, body_at="/spec", example=_FLOW
)
async def create_flow(call: Call, body: FlowSpec) -> FlowInfo:
    """A flow with a new name."""
    request = SaveFlow(spec=body, who=call.who, behind=0)
    made = await call.services.control.call(request)
    call.headers["Location"] = f"/v1/flows/{made.spec.name}"
    return made


@route("POST", "/v1/flows:check", Scope.READ, access=staff, body_at="/spec", example=_FLOW)
async def check_flow(call: Call, body: FlowSpec) -> Checked:
    """What saving it would refuse, and what may surprise; nothing is saved."""
    return await call.services.control.call(CheckFlow(spec=body))


@route("GET", "/v1/flows/{flow}", Scope.READ, access=staff)
async def flow(call: Call, path: OneFlow, query: VersionQuestion = NEWEST) -> FlowInfo:
    """One flow, its newest version or another."""
    return await call.services.control.call(GetFlow(name=path.flow, version=query.version))


@route(
    "PUT",
    "/v1/flows/{flow}",
    Scope.CAMPAIGNS,
    access=staff,
    body_at="/spec",
    example=_FLOW,
    document=flow,
)
async def save_flow(call: Call, path: OneFlow, body: FlowSpec) -> FlowInfo:
    """A new version behind the one that was read; running campaigns keep theirs."""
    if body.name != path.flow:
        raise ProblemError(409, "name: a flow keeps its name")
    request = SaveFlow(spec=body, who=call.who, behind=call.seen.version)
    return await call.services.control.call(request)


@route("DELETE", "/v1/flows/{flow}", Scope.CAMPAIGNS, access=staff, also=(409,))
async def remove_flow(call: Call, path: OneFlow) -> Gone:
    """Forget it with all its versions, when no unfinished campaign names it."""
    return await call.services.control.call(RemoveFlow(name=path.flow, who=call.who))


@route("GET", "/v1/flows/{flow}/versions", Scope.READ, access=staff)
async def flow_versions(call: Call, path: OneFlow) -> Versions:
    """Every version, oldest first: who saved it and when."""
    found = await call.services.read(lambda store: store.flow_versions(path.flow))
    return Versions(items=tuple(version_info(one) for one in found))
