"""What stands around every resource: pages, conditions, languages, rates, HEAD, the docs page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from admin_http import cursors, etags
from admin_http.languages import preferred
from admin_http.problems import ProblemError
from admin_http.rates import Buckets, Rate
from admin_http.routes import ROUTES
from admin_http.serving import encode
from tests.admin_http.site import Site, site
from tests.control.desk import spec

S = 1_000_000_000


def test_cursors_belong_to_one_list() -> None:
    made = cursors.encode("campaigns", (7,))
    assert re.fullmatch(r"[A-Za-z0-9_-]+", made)
    assert cursors.number(cursors.decode("campaigns", made)) == 7
    assert cursors.number(cursors.decode("campaigns", "")) == 0
    for wrong in (
        cursors.encode("lists", (7,)),
        made[:-1],
        "x",
        "====",
        cursors.encode("campaigns", ()),
    ):
        with pytest.raises(ProblemError) as refused:
            cursors.decode("campaigns", wrong)
        assert refused.value.errors[0].parameter == "after"
    for odd in (("x",), (-1,), (1, 2), (1 << 63,)):
        with pytest.raises(ProblemError):
            cursors.number(odd)


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
        (", ".join(f'"{n}"' for n in range(40)) + ', "a"', False),  # more than are looked at
    ],
)
def test_if_none_match(header: str, same: bool) -> None:
    assert etags.named(header, '"a"') is same


@pytest.mark.parametrize(("header", "status"), [(None, 428), ('"b"', 412), ('W/"a"', 412)])
def test_if_match_refuses(header: str | None, status: int) -> None:
    with pytest.raises(ProblemError) as refused:
        etags.must_match(header, '"a"')
    assert refused.value.status == status
    assert refused.value.headers.get("ETag") == ('"a"' if status == 412 else None)
    for right in ('"a"', "*", '"b", "a"'):
        etags.must_match(right, '"a"')


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("vi", "vi"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en;q=0.2, VI;q=0.7", "vi"),
        ("fr, de", "en"),
        ("vi;q=0, en;q=0.1", "en"),
        ("vi;q=nan", "en"),
        ("vi;q=9", "en"),
        (",;,=" * 500, "en"),
    ],
)
def test_preferred_language(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_bucket_fills_again() -> None:
    buckets = Buckets(Rate(per_s=2.0, burst=3.0), 10)
    assert [buckets.take("a", 0) for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.take("b", 0) == 0
    assert buckets.take("a", S // 2) == 0
    assert buckets.take("a", S // 2) == 1
    slow = Buckets(Rate(per_s=0.1, burst=1.0), 10)
    assert [slow.take("a", 0), slow.take("a", 0), slow.take("a", 5 * S)] == [0, 10, 5]


def test_very_many_askers_take_bounded_memory() -> None:
    buckets = Buckets(Rate(per_s=1.0, burst=2.0), 100)
    for n in range(10_000):
        buckets.take(str(n), 0)
    assert len(buckets) == 100
    for n in range(100):  # those are full again, and forgotten two at a time
        buckets.take("a", 10 * S + n)
    assert len(buckets) == 1


def bearer(s: Site, **more: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {s.secret}",
        **{k.replace("_", "-"): v for k, v in more.items()},
    }


async def test_a_document_that_did_not_change_is_304(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create()
        async with s.client.get("/v1/campaigns/1", headers=bearer(s)) as answer:
            seen = answer.headers["ETag"]
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert seen == etags.tag(await answer.read())
        async with s.client.get("/v1/campaigns/1", headers=bearer(s, If_None_Match=seen)) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == seen
        await s.ask("POST", "/v1/campaigns/1/actions", {"action": "approve"})
        async with s.client.get("/v1/campaigns/1", headers=bearer(s, If_None_Match=seen)) as answer:
            assert answer.status == 200
            assert answer.headers["ETag"] != seen
            assert (await answer.json())["state"] != made["state"]


async def test_a_draft_is_changed_by_who_has_read_it(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create()
        where, other = "/v1/campaigns/1", spec("Tên khác", attempts_max=2)
        tag = etags.tag(encode(msgspec.json.decode(encode(made))))
        status, problem = await s.ask("PUT", where, other)
        assert status == 428, problem
        status, problem = await s.ask("PUT", where, other, headers={"If-Match": '"old"'})
        assert status == 412
        async with s.client.get(where, headers=bearer(s)) as answer:
            tag = answer.headers["ETag"]
        body = encode(other)
        async with s.client.put(
            where, data=body, headers=bearer(s, If_Match=tag, Content_Type="application/json")
        ) as answer:
            assert answer.status == 200
            fresh = answer.headers["ETag"]
            changed = await answer.json()
        assert changed["spec"]["name"] == changed["name"] == "Tên khác"
        assert (await s.ask("PUT", where, other, headers={"If-Match": tag}))[0] == 412
        status, problem = await s.ask(
            "PUT", where, spec(list="nobody"), headers={"If-Match": fresh}
        )
        assert (status, problem["errors"][0]["pointer"]) == (422, "/list")
        status, problem = await s.ask("GET", "/v1/campaigns/" + spec().name)
        assert status == 404  # the old name is free
        await s.create()
        status, problem = await s.ask("PUT", where, spec(), headers={"If-Match": "*"})
        assert (status, spec().name in problem["detail"]) == (409, True)
        await s.ask("POST", f"{where}/actions", {"action": "approve"})
        status, problem = await s.ask("PUT", where, other, headers={"If-Match": "*"})
        assert (status, "no draft" in problem["detail"]) == (409, True)
        moves = (await s.ask("GET", f"{where}/moves"))[1]["items"]
        assert [one["reason"] for one in moves] == ["created", "changed", ""]


async def test_a_clone_is_a_draft_of_the_same_content(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create()
        await s.ask("POST", "/v1/campaigns/1/actions", {"action": "approve"})
        status, copy = await s.ask("POST", "/v1/campaigns/1/clone", {"name": "lần hai"})
        assert (status, copy["state"]) == (201, "draft")
        assert {**copy["spec"], "name": made["name"]} == made["spec"]
        assert (await s.ask("POST", "/v1/campaigns/1/clone", {"name": "lần hai"}))[0] == 409
        assert (await s.ask("POST", "/v1/campaigns/9/clone", {"name": "x"}))[0] == 404


async def test_every_list_comes_in_pages(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for n in range(4):
            await s.booth.people(f"more {n}")
        names: list[str] = []
        url = "/v1/lists?limit=2"
        while url:
            async with s.client.get(url, headers=bearer(s)) as answer:
                found = await answer.json()
                names += [one["name"] for one in found["items"]]
                url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
                assert (found["next"] is None) == (not url)
                assert found["next"] is None or found["next"] in urlsplit(url).query
        assert names == ["people", *(f"more {n}" for n in range(4))]
        cursor = cursors.encode("campaigns", (1,))
        for wrong, status in ((cursor, 404), ("%2e%2e", 400), ("x" * 513, 400)):
            assert (await s.ask("GET", f"/v1/lists?after={wrong}"))[0] == status


async def test_refusals_are_titled_in_the_language_of_the_reader(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for language, title in (("vi", "Không tìm thấy"), ("en", "Not Found")):
            headers = bearer(s, Accept_Language=language)
            async with s.client.get("/v1/campaigns/nobody", headers=headers) as answer:
                assert (await answer.json(content_type=None))["title"] == title
                assert answer.headers["Content-Language"] == language
                assert answer.headers["Vary"] == "Accept-Language"


async def test_who_asks_too_often_waits(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.services.known = Buckets(Rate(per_s=0.001, burst=2.0), 10)
        s.services.strangers = Buckets(Rate(per_s=0.001, burst=3.0), 10)
        found = [(await s.ask("GET", "/v1/lists"))[0] for _ in range(3)]
        assert found == [200, 200, 429]
        found = []
        for n in range(4):  # guesses of a token and open routes draw from the address's bucket
            path = "/v1/health/live" if n % 2 else "/v1/lists"
            async with s.client.get(path) as answer:
                found.append(answer.status)
        assert found == [401, 200, 401, 429]
        assert int(answer.headers["Retry-After"]) == 1_000


async def test_head_is_get_without_its_body(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for path in ("/v1/campaigns", "/v1/status", "/v1/docs", "/v1/openapi.json"):
            async with s.client.get(path, headers=bearer(s)) as answer:
                wanted = answer.headers
            async with s.client.head(path, headers=bearer(s)) as answer:
                assert (answer.status, await answer.read()) == (200, b"")
                assert answer.content_type == wanted["Content-Type"].partition(";")[0]
        async with s.client.head("/v1/stream", headers=bearer(s)) as answer:
            assert answer.status == 405  # it has no end


async def test_the_page_to_read_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        async with s.client.get("/v1/docs") as answer:
            text = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in policy
        assert "<script>" not in text
        assert not re.search(r"(?:https?:)?//", text.replace("<!doctype", ""))
        for link in re.findall(r'(?:src|href)="([^"]+)"', text):
            async with s.client.get(link) as answer:
                assert answer.status == 200, link
        assert (await s.client.get("/v1/docs/secrets.js")).status == 400


def test_every_json_body_has_an_example_that_fits() -> None:
    for route in ROUTES:
        if "body" in route.parts:
            assert route.example is not None, route.path
            assert msgspec.convert(route.example, route.parts["body"]), route.path
