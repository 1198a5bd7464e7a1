"""What hostile or broken clients send: refused with a problem, and the next request is served."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import msgspec
import pytest

from admin_http import routes
from admin_http.app import SERVICES
from admin_http.limits import BODY_BYTES_MAX
from tests.admin_http.site import Site, site
from tests.control.desk import spec

POST = "POST /v1/campaigns HTTP/1.1\r\nHost: localhost\r\n"
JSON = {"Content-Type": "application/json"}

BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "nothing": (b"", JSON, 400),
    "not json": (b"{", JSON, 400),
    "not utf-8": (b'{"name": "\xff"}', JSON, 400),
    "a list": (b"[]", JSON, 422),
    "null": (b"null", JSON, 422),
    "a name twice": (b'{"name": "a", "list": "b", "name": "c"}', JSON, 400),
    "half a pair": (b'{"name": "\\ud800", "list": "people"}', JSON, 400),
    "the other half": (b'{"name": "\\udc00x", "list": "people"}', JSON, 400),
    "a pair of halves": (b'{"name": "\\ud800\\ud800", "list": "people"}', JSON, 400),
    "nan": (b'{"name": NaN}', JSON, 400),
    "deep": (b'{"steps":' + b"[" * 200_000, JSON, 400),
    "too large": (b" " * (BODY_BYTES_MAX + 1), JSON, 413),
    "a bomb": (gzip.compress(b" " * (64 << 20)), {**JSON, "Content-Encoding": "gzip"}, 415),
    "no bomb at all": (b"not gzip", {**JSON, "Content-Encoding": "gzip"}, 415),
    "a form": (b"name=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "a page": (b"{}", {"Content-Type": "text/html"}, 415),
    "an odd type": (b"{}", {"Content-Type": "application/json/x; =;"}, 415),
    "a huge number": (b'{"attempts_max": ' + b"9" * 5000 + b"}", JSON, 400),
}


@pytest.mark.parametrize("name", BODIES)
async def test_bodies(tmp_path: Path, name: str) -> None:
    data, headers, expected = BODIES[name]
    async with site(tmp_path) as s:
        status, _ = await s.ask("POST", "/v1/campaigns", data, headers=headers)
        assert status == expected or (expected, status) == (400, 422)
        assert (await s.ask("GET", "/v1/lists"))[0] == 200


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_time_that_utc_does_not_have(tmp_path: Path, at: str) -> None:
    async with site(tmp_path) as s:
        body = msgspec.json.encode({**msgspec.to_builtins(spec()), "start_at": at})
        status, problem = await s.ask("POST", "/v1/campaigns", body, headers=JSON)
        assert status == 422
        assert "range" in problem["detail"]


async def test_a_body_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BODY_S", 0.05)
    async with site(tmp_path) as s:
        head = f"{POST}Authorization: Bearer {s.secret}\r\n"
        more = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        assert b" 408 " in await raw(s, (head + more).encode())
        assert (await s.ask("GET", "/v1/lists"))[0] == 200


async def test_a_body_that_says_it_is_too_large_is_not_waited_for(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        head = f"{POST}Authorization: Bearer {s.secret}\r\nContent-Type: application/json\r\n"
        for size in (BODY_BYTES_MAX + 1, 999_999_999_999):
            said = f"{head}Content-Length: {size}\r\n\r\n{{"
            assert b" 413 " in await raw(s, said.encode())
        assert (await s.ask("GET", "/v1/lists"))[0] == 200


PATHS = {
    "/": 404,
    "/v1": 404,
    "/v2/status": 404,
    "/v1/campaigns/../../etc/passwd": 404,
    "/v1/campaigns/%2e%2e%2f%2e%2e%2fetc%2fpasswd": 404,
    "/v1/campaigns/%00": 404,
    "/v1/campaigns/a%0d%0aSet-Cookie:%20x": 404,
    "/v1/campaigns/" + "x" * 201: 400,
    "/v1/campaigns/%ff%fe": 404,
    "/v1/campaigns/1/nothing": 404,
    "/v1/campaigns?limit=0": 400,
    "/v1/campaigns?limit=501": 400,
    "/v1/campaigns?limit=1e3": 400,
    "/v1/campaigns?limit=1&limit=2": 400,
    "/v1/campaigns?after=-1": 404,
    "/v1/campaigns?after=99999999999999999999999": 404,
    "/v1/reports/calls?until=0.5": 400,
    "/v1/reports/calls?until=1700000000": 400,
    "/v1/reports/calls?since=2000-01-01": 400,
    "/v1/reports/calls?outcome=null": 400,
    "/v1/plan?per_month=NULL": 400,
    "/v1/campaigns?after=%ED%A0%80": 400,
    "/v1/campaigns?surprise=1": 400,
    "/v1/status?x=1": 400,
    "/v1/health/live?x=%0d%0a": 400,
}


@pytest.mark.parametrize("path", PATHS)
async def test_paths(tmp_path: Path, path: str) -> None:
    from yarl import URL

    async with site(tmp_path) as s:
        url = URL(str(s.client.make_url("/")).rstrip("/") + path, encoded=True)
        headers = {"Authorization": f"Bearer {s.secret}"}
        async with s.client.session.get(url, headers=headers) as answer:
            assert answer.status == PATHS[path]
            assert answer.content_type == "application/problem+json"
            assert "Set-Cookie" not in answer.headers
            assert b"root:" not in await answer.read()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_methods(tmp_path: Path, method: str) -> None:
    async with site(tmp_path) as s, s.client.request(method, "/v1/campaigns") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_a_word_that_a_pattern_fits_has_its_own_methods(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for method in ("GET", "DELETE", "OPTIONS"):
            async with s.client.request(method, "/v1/dnc/imports") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert (await s.ask("GET", "/v1/dnc/1"))[0] == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("a" * 65, False), ("a b", False), ("<x>", False), ("é", False)],
)
async def test_request_ids(tmp_path: Path, given: str, kept: bool) -> None:
    async with site(tmp_path) as s:
        headers = {"X-Request-Id": given}
        async with s.client.get("/v1/health/live", headers=headers) as answer:
            assert (answer.headers["X-Request-Id"] == given) == kept


async def raw(s: Site, data: bytes) -> bytes:
    """Bytes straight to the port; everything that comes back until it closes or falls silent."""
    assert s.client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", s.client.port)
    found = b""
    try:
        writer.write(data)
        async with asyncio.timeout(1):
            while piece := await reader.read(65_536):
                found += piece
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return found


RAW = {
    "nonsense": b"\x00\x01\x02\x03\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "a long line": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    ),
    "length and chunks": (
        b"POST /v1/campaigns HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    "a bad chunk": (POST.encode() + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a version": b"GET / HTTP/9.9\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
async def test_raw_bytes(tmp_path: Path, name: str) -> None:
    async with site(tmp_path) as s:
        answer = await raw(s, RAW[name])
        assert b"Traceback" not in answer
        assert b" 200 " not in answer[:20]
        assert (await s.ask("GET", "/v1/lists"))[0] == 200


async def test_a_client_that_hangs_up_mid_body(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        assert s.client.port is not None
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", s.client.port)
            head = f"{POST}Authorization: Bearer {s.secret}\r\n"
            writer.write(head.encode() + b"Content-Type: application/json\r\n")
            writer.write(b"Content-Length: 1000\r\n\r\n{")
            await writer.drain()
            writer.transport.abort()
        assert (await s.ask("GET", "/v1/lists"))[0] == 200


async def test_our_bugs_show_no_insides(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as s:

        def broken(*_: object) -> None:
            raise KeyError("/secret/path")

        monkeypatch.setattr(s.client.app[SERVICES].control, "call", broken)
        status, problem = await s.ask("GET", "/v1/status", headers={"X-Request-Id": "bug-7"})
        assert status == 500
        assert problem["request_id"] == "bug-7"
        assert "secret" not in msgspec.json.encode(problem).decode()
        assert "bug-7" in caplog.text


async def test_text_that_would_be_a_formula_or_a_header_stays_text(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create(name="=cmd|' /C calc'!A0")
        assert made["name"].startswith("=cmd")
        body = {**msgspec.to_builtins(spec()), "name": "a\r\nSet-Cookie: x=1"}
        assert (await s.ask("POST", "/v1/campaigns", body))[0] == 422
