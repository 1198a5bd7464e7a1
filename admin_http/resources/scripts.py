"""Saved scripts, which agents go through with customers: shown by version, checked, saved."""

from __future__ import annotations

from admin_http.documents import Document, Page, Paging
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.resources.saved import NEWEST, VersionQuestion, Versions, named_page, version_info
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.script_spec import ScriptSpec
from dialerd.core.scripts_view import (
    Checked,
    CheckScript,
    GetScript,
    ListScripts,
    SavedInfo,
    SaveScript,
    ScriptInfo,
)
from dialerd.core.spec_parts import Name

_SCRIPT = {
    "name": "satisfaction",
    "items": [
        {"id": "greet", "text": "Good morning, {name}."},
        {"id": "again", "text": "Would you buy again?", "asks": "choice", "choices": ["yes", "no"]},
    ],
}


class OneScript(Document):
    """Which script."""

    script: Name


@route("GET", "/v1/scripts", Scope.READ, access=staff)
async def scripts(call: Call, query: Paging) -> Page[SavedInfo]:
    """The newest version of every script, by name."""
    found = await call.services.control.call(ListScripts())
    return named_page(call, query, found.scripts)


@route(
    "POST",
    "/v1/scripts",
    Scope.CAMPAIGNS,
    access=staff,
    status=201,
    body_at="/spec",
    example=_SCRIPT,
)
async def create_script(call: Call, body: ScriptSpec) -> ScriptInfo:
    """A script with a new name."""
    request = SaveScript(spec=body, who=call.who, behind=0)
    made = await call.services.control.call(request)
    call.headers["Location"] = f"/v1/scripts/{made.spec.name}"
    return made


@route("POST", "/v1/scripts:check", Scope.READ, access=staff, body_at="/spec", example=_SCRIPT)
async def check_script(call: Call, body: ScriptSpec) -> Checked:
    """What saving it would refuse, and what may surprise; nothing is saved."""
    return await call.services.control.call(CheckScript(spec=body))


@route("GET", "/v1/scripts/{script}", Scope.READ, access=staff)
async def script(call: Call, path: OneScript, query: VersionQuestion = NEWEST) -> ScriptInfo:
    """One script, its newest version or another."""
    return await call.services.control.call(GetScript(name=path.script, version=query.version))


@route(
    "PUT",
    "/v1/scripts/{script}",
    Scope.CAMPAIGNS,
    access=staff,
    body_at="/spec",
    example=_SCRIPT,
    document=script,
)
async def save_script(call: Call, path: OneScript, body: ScriptSpec) -> ScriptInfo:
    """A new version behind the one that was read; running campaigns keep theirs."""
    if body.name != path.script:
        raise ProblemError(409, "name: a script keeps its name")
    request = SaveScript(spec=body, who=call.who, behind=call.seen.version)
    return await call.services.control.call(request)


@route("GET", "/v1/scripts/{script}/versions", Scope.READ, access=staff)
async def script_versions(call: Call, path: OneScript) -> Versions:
    """Every version, oldest first: who saved it and when."""
    found = await call.services.read(lambda store: store.script_versions(path.script))
    return Versions(items=tuple(version_info(one) for one in found))
