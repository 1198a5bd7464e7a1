"""Every route of the application is in its OpenAPI document and answers well to a real daemon.

The daemon has a carrier, a bank of simulated modems, telephones and people; the test does what a
day's work does, resource by resource, and then looks which routes it left out. Whoever adds a
route adds its line to a walk below.
"""

from __future__ import annotations

import http.client
import io
import re
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from admin_http.app import MODULES
from admin_http.routes import ROUTES
from tests.daemon.gateway import Gateway
from tests.daemon.test_agents import PHONES, USER
from tests.daemon.test_banks import BANK, bank_of
from tests.daemon.test_calls_http import begin, until_up
from tests.daemon.test_daemon import people
from tests.daemon.web import TIMEOUT_S, Web, web
from tests.ports import free_port
from tests.waiting import until

ELSEWHERE = {
    ("GET", "/v1/agent"),  # a WebSocket: admin_http/test_agent_socket opens it
    ("POST", "/v1/jobs/{job}/cancel"),  # needs a job that lasts: admin_http/test_imports
}
ENDED = {"done", "failed", "cancelled", "interrupted"}


def tone() -> bytes:
    """Half a second of a loud square wave as WAV, in stereo at 16 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes((b"\x00\x30" * 2 * 20 + b"\x00\xd0" * 2 * 20) * 200)
    return out.getvalue()


def patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    """How the addresses of each route look; literal ones first."""
    found = {}
    for route in sorted(ROUTES, key=lambda one: one.path.count("{")):
        parts = re.split(r"\{\w+\}", route.path)
        found[route.method, route.path] = re.compile("[^/]+".join(map(re.escape, parts)))
    return found


def routes_of(answered: list[tuple[str, str, int]]) -> set[tuple[str, str]]:
    """The routes that were answered well."""
    known = patterns()
    found = set()
    for method, path, status in answered:
        if 200 <= status < 300:
            found |= {next(r for r, p in known.items() if r[0] == method and p.fullmatch(path))}
    return found


def walk_open(w: Web) -> None:
    for path in ("health/live", "health/ready", "openapi.json", "docs", "docs/docs.js"):
        w.good("GET", f"/v1/{path}", token="")


def walk_prompts(w: Web) -> None:
    """Uploaded, heard, replaced, refused while it is used, removed."""
    made = w.good(
        "POST", "/v1/prompts?name=vi/xin-chao&lang=vi&file=a.wav", tone(), Content_Type="audio/wav"
    )
    assert made.status == 201
    assert made.data["rate"] == 16_000
    where = made.headers["location"]
    assert where == "/v1/prompts/vi%2Fxin-chao"
    again = w.ask("POST", "/v1/prompts?name=vi/xin-chao", tone(), Content_Type="audio/wav")
    assert again.status == 409
    bad = w.ask(
        "POST", "/v1/prompts?name=bad", b"no audio at all", Content_Type="application/octet-stream"
    )
    assert bad.status == 422, bad.body
    assert "uploads" not in bad.data["detail"]
    assert [one["name"] for one in w.get("/v1/prompts")["items"]] == ["vi/xin-chao"]
    heard = w.good("GET", f"{where}/audio")
    with wave.open(io.BytesIO(heard.body)) as file:
        assert file.getparams()[:3] == (1, 2, 8_000)
        assert 3_500 < file.getnframes() <= 4_000
    part = w.good("GET", f"{where}/audio", Range="bytes=0-3")
    assert (part.status, part.body) == (206, b"RIFF")
    tag = w.good("GET", where).headers["etag"]
    assert w.ask("PUT", where, tone(), Content_Type="audio/wav").status == 428
    w.good("PUT", f"{where}?file=b.wav", tone(), Content_Type="audio/wav", If_Match=tag)
    assert w.get(where)["file"] == "b.wav"
    spec = {
        "name": "uses", "list": "people", "regime": "loopback",
        "steps": [{"prompt": "vi/xin-chao"}],
    }  # fmt: skip
    user = w.good("POST", "/v1/campaigns", spec).data
    assert w.get(where)["used_by"] == ["uses"]
    assert w.ask("DELETE", where).status == 409
    revised = {**user["spec"], "steps": [{"prompt": "en/thanks"}]}
    read = w.good("GET", "/v1/campaigns/uses").headers["etag"]
    w.good("PUT", "/v1/campaigns/uses", revised, If_Match=read)
    w.good("DELETE", where)
    assert w.ask("GET", where).status == 404


def walk_flows(w: Web) -> None:
    spec = {"name": "chào", "steps": [{"prompt": "en/thanks", "wait_ms": 100}]}
    where = f"/v1/flows/{quote('chào')}"
    assert "nosuch" in w.good("POST", "/v1/flows:check", wrong(spec)).data["notes"][0]
    assert w.ask("POST", "/v1/flows:check", {**spec, "steps": []}).status == 422
    assert w.get("/v1/flows")["items"] == []
    assert w.good("POST", "/v1/flows", spec).status == 201
    assert w.ask("POST", "/v1/flows", spec).status == 409
    read = w.good("GET", where)
    changed = {**spec, "steps": [{"prompt": "en/welcome"}]}
    saved = w.good("PUT", where, changed, If_Match=read.headers["etag"])
    assert saved.data["version"] == 2
    late = w.ask("PUT", where, spec, If_Match=read.headers["etag"])
    assert (late.status, late.headers["etag"]) == (412, saved.headers["etag"])
    assert w.get(f"{where}?version=1")["spec"]["steps"][0]["prompt"] == "en/thanks"
    assert [one["version"] for one in w.get(f"{where}/versions")["items"]] == [1, 2]
    user = {"name": "flows", "list": "people", "regime": "loopback", "flow": "chào"}
    w.good("POST", "/v1/campaigns", user)
    refused = w.ask("DELETE", where)
    assert (refused.status, "flows" in refused.data["detail"]) == (409, True)
    w.good("POST", "/v1/flows", {**spec, "name": "unused"})
    w.good("DELETE", "/v1/flows/unused")
    assert w.ask("GET", "/v1/flows/unused").status == 404


def wrong(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "steps": [{"prompt": "nosuch"}]}


def walk_scripts(w: Web) -> None:
    spec = {"name": "survey", "items": [{"id": "a", "text": "Hello {name}"}]}
    w.good("POST", "/v1/scripts:check", spec)
    assert w.good("POST", "/v1/scripts", spec).status == 201
    read = w.good("GET", "/v1/scripts/survey")
    changed = {**spec, "items": [{"id": "a", "text": "Good morning"}]}
    w.good("PUT", "/v1/scripts/survey", changed, If_Match=read.headers["etag"])
    assert len(w.get("/v1/scripts/survey/versions")["items"]) == 2
    assert [one["version"] for one in w.get("/v1/scripts")["items"]] == [2]


def walk_agents(w: Web) -> None:
    people = {"list": "people", "regime": "loopback", "agents": {"members": ["lan", "hoa"]}}
    spec = {"name": "sell", "mode": "manual", **people}
    made = w.good("POST", "/v1/campaigns", spec).data
    for action in ("approve", "start"):
        w.good("POST", f"/v1/campaigns/{made['id']}/actions", {"action": action})
    order = {"act": {"act": "login", "phone": "1001", "campaigns": ["sell"]}}
    state = w.good("POST", "/v1/agents/lan/actions", order).data["state"]
    assert state == "paused"
    assert w.get("/v1/agents")["items"][0]["name"] == "lan"
    assert w.get("/v1/agents/lan")["campaigns"] == ["sell"]
    assert w.get("/v1/agents/lan/campaigns")["items"][0]["joined"] is True
    of = w.get("/v1/campaigns/sell/agents")
    assert ([one["name"] for one in of["items"]], of["members"]) == (["lan"], ["lan", "hoa"])
    assert of["team"]["joined"] == 1
    assert w.ask("GET", "/v1/agents/nobody").status == 404
    team = w.get("/v1/campaigns/sell/stats")["team"]
    assert (team["joined"], team["paused"]) == (1, 1)
    w.good("POST", "/v1/agents/lan/actions", {"act": {"act": "logout"}})
    w.good("POST", f"/v1/campaigns/{made['id']}/actions", {"action": "finish"})


def walk_lines(w: Web) -> None:
    assert "viettel" in [one["name"] for one in w.get("/v1/carriers")["items"]]
    lines = w.get("/v1/lines")["items"]
    assert (lines[0]["trunk"], lines[0]["port"]) == ("gateway", "")
    assert "sims" in [one["trunk"] for one in lines]
    w.get("/v1/trunks")
    w.get("/v1/trunks/gateway")
    w.get("/v1/lines/idle")
    w.good("GET", "/v1/metrics")
    until(lambda: [one["ready"] for one in w.get("/v1/ports")["items"]] == [True], 60.0, 0.1)
    slot = w.get("/v1/ports")["items"][0]["slot"]
    where = f"/v1/ports/sims/{quote(slot, safe='')}"
    w.get(where)
    w.good("POST", f"{where}/ussd", {"code": "*101#"})
    w.good("POST", f"{where}/actions", {"action": "block", "reason": "test"})


def walk_configuration(w: Web) -> None:
    config = w.get("/v1/config")["config"]
    assert config["trunk"][0]["name"] == "gateway"
    assert "secret" not in str(config)
    good = w.good("POST", "/v1/config:check", {"toml": "[sip]\nport = 5060\n"}).data
    assert good == {"ok": True, "faults": [], "text": ""}
    bad = w.good("POST", "/v1/config:check", {"toml": "[sip]\nprot = 5060\n"}).data
    assert (bad["ok"], bad["faults"][0]["line"]) == (False, 2)
    assert "port" in bad["faults"][0]["help"]
    w.good("POST", "/v1/config:reload")
    plan = w.get("/v1/plan?per_month=1000000&call_s=60")
    assert (plan["needed"]["lines"], plan["needed"]["boxes"]["16"]) == (70, 5)
    assert plan["configured"][0]["trunk"] == "gateway"
    w.get("/v1/status")
    w.good("POST", "/v1/numbers:analyze", {"numbers": ["0912345678"]})


def walk_calls(w: Web) -> None:
    made = begin(w, name="live", record=True)
    one = until_up(w, 3)[0]
    where = f"/v1/calls/{one['id']}"
    w.get(f"{where}/events")
    stats = w.get("/v1/campaigns/live/stats")
    assert (stats["calls_in_progress"], stats["calls"]) == (3, 0)
    w.good("POST", f"{where}/actions", {"action": "hang_up"})
    until(lambda: w.get(where)["state"] == "ended", 60.0, 0.02)
    until(lambda: w.get(where)["recordings"] == 1, 60.0, 0.02)  # its name comes when it is written
    for part in ("recording", "ladder", "pcap"):
        w.good("GET", f"{where}/{part}")
    assert w.get("/v1/attempts")["items"][0]["call"] == one["id"]
    at = f"/v1/campaigns/{made['id']}"
    funnel = {step["step"]: step["people"] for step in w.get(f"{at}/funnel")["steps"]}
    assert (funnel["audience"], funnel["dialed"], funnel["answered"]) == (3, 1, 1)
    (cell,) = w.get(f"{at}/heatmap")["cells"]
    assert (cell["calls"], cell["answered"], cell["rate"]) == (1, 1, 1.0)
    for part in ("", "/progress", "/moves", "/check", "/leads", "/why?number=84912000000"):
        w.get(f"{at}{part}")
    w.good("GET", f"{at}/report")
    w.good("POST", f"{at}/clone", {"name": "copy"})
    w.get("/v1/campaigns")
    assert w.get("/v1/emergency-stop")["halted"] is False
    assert w.good("POST", "/v1/emergency-stop", {}).data["paused"] == ["live"]
    assert w.get("/v1/emergency-stop")["halted"] is True


def walk_lists(w: Web) -> None:
    w.get("/v1/lists")
    made = w.good("POST", "/v1/lists", {"name": "more"})
    where = made.headers["location"]
    tag = w.good("GET", where).headers["etag"]
    w.good("PATCH", where, {"name": "much more"}, If_Match=tag)
    w.get(f"{where}/stats")
    w.good("POST", f"{where}/leads", {"people": [{"number": "0912 000 111"}]})
    w.get(f"{where}/leads")
    for kind in ("dnc", "blacklist"):
        w.good("POST", f"/v1/{kind}", {"numbers": ["0912 999 999"]})
        w.get(f"/v1/{kind}")
        w.get(f"/v1/{kind}/0912999999")
        w.good("DELETE", f"/v1/{kind}/0912999999")


def walk_leads(w: Web) -> None:
    """People of a campaign that dials nobody: looked at, changed, promised, left alone."""
    spec = {"name": "quiet", "list": "people", "regime": "loopback", "mode": "manual"}
    made = w.good("POST", "/v1/campaigns", spec).data
    for action in ("approve", "start"):
        w.good("POST", f"/v1/campaigns/{made['id']}/actions", {"action": action})
    people = w.get(f"/v1/campaigns/{made['id']}/leads")["items"]
    first, second, third = (f"{made['id']}-{one['lead']}" for one in people)
    found = w.get(f"/v1/leads?number={quote(people[0]['number'])}")["items"]
    assert (found[-1]["id"], found[-1]["campaign_name"]) == (first, "quiet")
    where = f"/v1/leads/{first}"
    tag = w.good("GET", where).headers["etag"]
    w.good("PATCH", where, {"fields": {}}, If_Match=tag)
    pushed = {"people": [{"number": "0912 000 222"}]}
    told = w.good("POST", f"/v1/campaigns/{made['id']}/leads", pushed).data
    assert (told["added"], "quiet" in told["campaigns"]) == (1, True)
    promise = {"lead": first, "due": "2099-12-01T09:00:00+07:00"}
    booked = w.good("POST", "/v1/callbacks", promise)
    assert booked.status == 201
    at = booked.headers["location"]
    assert [one["id"] for one in w.get("/v1/callbacks")["items"]] == [first]
    tag = w.good("GET", at).headers["etag"]
    w.good("PUT", at, {"due": "2099-12-02T09:00:00+07:00"}, If_Match=tag)
    w.good("DELETE", at)
    w.get("/v1/dispositions")
    w.good("POST", f"/v1/leads/{second}/stop", {})
    w.good("POST", f"/v1/leads/{third}/do-not-call", {})
    w.good("DELETE", f"/v1/dnc/{quote(people[2]['number'])}")
    w.good("POST", f"/v1/campaigns/{made['id']}/actions", {"action": "finish"})


def walk_people(w: Web) -> None:
    """A user logs in, changes the password, leaves; a token is made and removed; the audit log."""
    old, new = "correct horse battery", "staple of another kind"
    w.good("POST", "/v1/users", {"name": "mai", "password": old, "role": "supervisor"})
    w.get("/v1/users")
    tag = w.good("GET", "/v1/users/mai").headers["etag"]
    w.good("PUT", "/v1/users/mai", {"role": "viewer"}, If_Match=tag)
    w.good("POST", "/v1/users/mai/password", {"password": new})
    made = w.good("POST", "/v1/session", {"user": "mai", "password": new}, token="")
    cookie = made.headers["set-cookie"].partition(";")[0]
    own = {"token": "", "Cookie": cookie, "X_CSRF_Token": made.data["csrf"]}
    assert w.good("GET", "/v1/session", **own).data["role"] == "viewer"
    w.good("POST", "/v1/session/password", {"old": new, "new": old}, **own)
    w.good("DELETE", "/v1/session", **own)
    w.good("POST", "/v1/tokens", {"name": "crm", "scopes": ["read"]})
    w.get("/v1/tokens")
    w.get("/v1/tokens/crm")
    w.good("DELETE", "/v1/tokens/crm")
    w.good("DELETE", "/v1/users/mai")
    w.get("/v1/audit")
    w.get("/v1/audit/check")


def walk_imports(w: Web) -> None:
    """Files of people and of numbers, each read by a job."""
    sent = {"Content_Type": "text/csv"}
    jobs = [
        w.good("POST", "/v1/imports?list=imported", b"phone,name\n0912000222,An\nx,B\n", **sent),
        w.good("POST", "/v1/dnc/imports", b"0912000333\n", **sent),
        w.good("POST", "/v1/blacklist/imports", b"0912000444\n", **sent),
    ]
    for one in jobs:
        assert one.status == 202
        where = one.headers["location"]
        until(lambda where=where: w.get(where)["state"] in ENDED, 60.0, 0.1)
        assert w.get(where)["state"] == "done", w.get(where)
    w.good("GET", f"{jobs[0].headers['location']}/problems")
    w.get("/v1/jobs")
    w.get("/v1/imports")
    made = w.good("POST", "/v1/exports", {"what": "calls"}).headers["location"]
    until(lambda: w.get(made)["state"] in ENDED, 60.0, 0.1)
    assert w.get(made)["state"] == "done", w.get(made)
    w.good("GET", f"{made}/file")
    w.get("/v1/exports")
    for one in w.get("/v1/reports")["items"]:
        w.get(one["href"])


def walk_webhooks(w: Web) -> None:
    w.good("POST", "/v1/webhooks", {"name": "crm", "url": "https://192.0.2.9/calls"})
    w.get("/v1/webhooks")
    where = "/v1/webhooks/crm"
    w.get(where)
    w.good("PUT", where, {"url": "https://192.0.2.9/ended", "active": False})
    w.good("POST", f"{where}/test")
    w.get(f"{where}/deliveries")
    w.good("DELETE", where)


def walk_stream(w: Web) -> None:
    """It never ends: its head, and the first event."""
    line = http.client.HTTPConnection("127.0.0.1", w.port, timeout=TIMEOUT_S)
    try:
        line.request("GET", "/v1/stream", headers={"Authorization": f"Bearer {w.secret}"})
        answer = line.getresponse()
        while not answer.readline().startswith(b"event: snapshot"):
            pass
        w.answered.append(("GET", "/v1/stream", answer.status))
    finally:
        line.close()


WALKS: tuple[Callable[[Web], None], ...] = (
    walk_open,
    walk_prompts,
    walk_flows,
    walk_scripts,
    walk_agents,
    walk_lists,
    walk_configuration,
    walk_lines,
    walk_calls,
    walk_leads,
    walk_people,
    walk_imports,
    walk_webhooks,
    walk_stream,
)


@contextmanager
def everything(daemon: Any, folder: Any) -> Iterator[tuple[Any, Web]]:
    """A daemon with all that there is, and its API."""
    with Gateway(talks=lambda _: True) as gateway, bank_of(folder, "quectel", 1) as bank:
        more = BANK.format(folder=bank.folder).replace('prefixes = ["8498"]', "", 1)
        more += PHONES.format(port=free_port()) + USER.format(name="1001")
        d = daemon(gateway=gateway.port, admin=True, more=more)
        people(d.folder, 3)
        with web(d) as w:
            yield d, w


@pytest.mark.timeout(400)  # twenty processes start in it, one after the other
def test_every_route_answers_well(daemon: Any, tmp_path: Any) -> None:
    with everything(daemon, tmp_path) as (d, w):
        for walk in WALKS:
            walk(w)
        described = w.get("/v1/openapi.json")["paths"]
        answered = routes_of(w.answered)
        code, log = d.stop()
    assert MODULES
    every = {(route.method, route.path) for route in ROUTES}
    assert {(m.upper(), path) for path, item in described.items() for m in item} == every
    left_out = sorted(every - answered - ELSEWHERE)
    assert not left_out, f"walk them too: {left_out}"
    assert (code, "Traceback" in log) == (0, False)
