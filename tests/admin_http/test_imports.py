"""Files of people and of numbers sent over HTTP: jobs, and whatever may be wrong with a file."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import xlsxwriter

from admin_http import jobs, uploads, workbooks
from admin_http.child_ends import SO_FAR, note
from admin_http.people.store import Txn
from tests.admin_http.site import Site, site

CSV = {"Content-Type": "text/csv"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
PEOPLE = "Tên,Số máy\nAn,0912345678\nBình,113\nChi,0912 345 679\n".encode()


async def sent(
    s: Site, data: bytes, query: str = "list=new", headers: dict[str, str] = CSV, **more: Any
) -> tuple[int, Any]:
    where = f"{more.pop('where', '/v1/imports')}?{query}"
    return await s.ask("POST", where, data, headers={**headers, **more})


async def ended(s: Site, job: dict[str, Any]) -> dict[str, Any]:
    """The job when it is over."""
    found = job
    while found["state"] in ("waiting", "running"):
        await asyncio.sleep(0.02)  # a poll over HTTP; the test's own time limit bounds it
        found = (await s.ask("GET", f"/v1/jobs/{job['id']}"))[1]
    return found


async def imported(s: Site, data: bytes, *args: Any) -> dict[str, Any]:
    status, job = await sent(s, data, *args)
    assert status == 202, job
    return await ended(s, job)


def left(s: Site) -> list[str]:
    """What lies in the folder of jobs."""
    folder = s.services.jobs.folder
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def text_of(s: Site, where: str, **headers: str) -> tuple[int, bytes, Any]:
    given = {"Authorization": f"Bearer {s.secret}", **headers}
    async with s.client.get(where, headers=given) as answer:
        return answer.status, await answer.read(), answer.headers


def workbook(rows: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return out.getvalue()


async def test_people_of_a_file(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        status, job = await sent(s, PEOPLE)
        assert (status, job["kind"], job["what"]) == (202, "import", "new")
        found = await ended(s, job)
        assert found["state"] == "done", found["error"]
        assert found["result"]["valid"] == 2
        assert found["result"]["list_name"] == "new"
        people = (await s.ask("GET", "/v1/lists/new/leads"))[1]["items"]
        assert [(one["number"], one["fields"]) for one in people] == [
            ("+84912345678", {"Tên": "An"}),
            ("+84912345679", {"Tên": "Chi"}),
        ]
        status, text, headers = await text_of(s, found["files"]["problems"])
        assert status == 200
        assert headers["Content-Disposition"] == 'attachment; filename="import-1-problems.csv"'
        assert "3,113," in text.decode("utf-8-sig")
        part = await text_of(s, found["files"]["problems"], Range="bytes=3-5")
        assert (part[0], part[1]) == (206, b"row")
        assert (await text_of(s, "/v1/jobs/1/file"))[0] == 404
        assert left(s) == ["1"]
        assert [one["id"] for one in (await s.ask("GET", "/v1/imports"))[1]["items"]] == [1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1258"])
async def test_encodings(tmp_path: Path, encoding: str) -> None:
    async with site(tmp_path) as s:
        data = "ten;sdt\nHa;0912345678\n".encode(encoding)
        assert (await imported(s, data))["result"].get("valid") == 1


async def test_a_workbook(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        data = workbook([["Tên", "SĐT"], ["An", 912345678], ["=1+1", "0912345679"], [None, True]])
        found = await imported(s, data, "list=new", XLSX)
        assert found["state"] == "done", found["error"]
        assert found["result"]["valid"] == 2
        people = (await s.ask("GET", "/v1/lists/new/leads"))[1]["items"]
        assert [one["number"] for one in people] == ["+84912345678", "+84912345679"]
        octets = {"Content-Type": "application/octet-stream"}
        again = await imported(s, data, "list=new", octets)
        assert again["result"]["duplicate"] == 2
        assert "sheet.csv" not in str(list(s.services.jobs.folder.rglob("*")))


async def test_columns_and_duplicates_are_chosen(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        data = b"a,b\n0912345678,0912000000\n0912345670,0912000001\n"
        query = 'list=new&map={"b":"phone"}&one_number=true&skip_elsewhere=true'
        found = await imported(s, data, query)
        assert found["result"]["elsewhere"] == 2
        assert found["result"]["valid"] == 0
        assert (await sent(s, data, "list=new&map=[]"))[0] == 400
        assert (await sent(s, data, "list="))[0] == 400
        assert (await sent(s, data, "list=1"))[0] == 400  # an id, everywhere else
        assert (await sent(s, data, "list=x%0d%0aSet-Cookie:y"))[0] == 400


def bomb() -> bytes:
    """A workbook with one text of 400 MiB."""
    out = io.BytesIO(workbook([["x"]]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as book:
        names = book.namelist()
    plain = zipfile.ZipFile(out)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name in names:
            if name != "xl/sharedStrings.xml":
                book.writestr(name, plain.read(name))
                continue
            with book.open(name, "w", force_zip64=True) as strings:
                head = b'<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/'
                strings.write(head + b'spreadsheetml/2006/main"><si><t>')
                for _ in range(400):
                    strings.write(b"a" * (1 << 20))
                strings.write(b"</t></si></sst>")
    return made.getvalue()


BROKEN = {
    "no people": (b"x,y\n1,2\n", CSV),
    "nothing but zeros": (b"\0" * 4_000, CSV),
    "no workbook": (b"not a zip at all", XLSX),
    "a zip that is none": (b"PK\x03\x04" + b"\xff" * 100, XLSX),
    "half a workbook": (workbook([["phone"], ["0912345678"]])[:-300], XLSX),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    data, headers = BROKEN[name]
    async with site(tmp_path) as s:
        found = await imported(s, data, "list=new", headers)
        assert found["state"] == "failed", found
        assert found["error"]
        assert str(tmp_path) not in found["error"]
        assert left(s) == []


async def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "WORKBOOK_MEMORY_BYTES", 512 << 20)
    async with site(tmp_path) as s:
        found = await imported(s, bomb(), "list=new", XLSX)
        assert found["state"] == "failed"
        assert "memory" in found["error"]
        assert left(s) == []
        assert (await s.ask("GET", "/v1/lists"))[0] == 200


async def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_BYTES_MAX", 1_000)
    async with site(tmp_path) as s:
        assert (await sent(s, b"x" * 1_001))[0] == 413

        async def without_length() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"y" * 100

        headers = {"Authorization": f"Bearer {s.secret}", **CSV}
        async with s.client.post(
            "/v1/imports?list=new", data=without_length(), headers=headers
        ) as answer:
            assert answer.status == 413
        assert left(s) == []


async def test_files_of_other_types(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        assert (await sent(s, b"{}", headers={"Content-Type": "application/json"}))[0] == 415
        assert (await sent(s, PEOPLE, headers={**CSV, "Content-Encoding": "gzip"}))[0] == 415
        assert (await sent(s, b""))[0] == 422
        assert left(s) == []


@pytest.mark.parametrize("limit", ["UPLOAD_CHUNK_S", "UPLOAD_S"])
async def test_a_file_that_never_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(uploads, limit, 0.05)
    async with site(tmp_path) as s:
        answer = await asyncio.wait_for(raw(s, end=False), 100)
        assert b" 408 " in answer
        await until_gone(s)


async def test_a_client_that_leaves_in_the_middle(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await raw(s, end=True)
        await until_gone(s)
        assert (await s.ask("GET", "/v1/jobs"))[1]["items"] == []


async def until_gone(s: Site) -> None:
    for _ in range(3_000):
        if not left(s):
            break
        await asyncio.sleep(0.01)  # the server finds out by itself
    assert left(s) == []


async def raw(s: Site, *, end: bool) -> bytes:
    """The beginning of an upload; with `end` the connection is cut once its file is there."""
    host, port = s.client.host, s.client.port
    reader, writer = await asyncio.open_connection(host, port)
    head = (
        f"POST /v1/imports?list=new HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {s.secret}\r\n"
        "Content-Type: text/csv\r\nContent-Length: 100000\r\n\r\nphone\n"
    )
    writer.write(head.encode())
    await writer.drain()
    try:
        if not end:
            return await reader.read(4_096)
        for _ in range(3_000):
            if left(s):
                break
            await asyncio.sleep(0.01)  # for the server to begin
        assert left(s)
        writer.transport.abort()
        return b""
    finally:
        writer.close()


async def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        del path, data
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "_append", full)
    async with site(tmp_path) as s:
        status, problem = await sent(s, PEOPLE)
        assert (status, "room" in problem["detail"]) == (507, True)
        assert left(s) == []


async def test_the_same_file_under_one_key(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        key = {"Idempotency-Key": "file-1"}
        first = (await sent(s, PEOPLE, **key))[1]
        await ended(s, first)
        again = await sent(s, PEOPLE, **key)
        assert (again[0], again[1]["id"]) == (202, first["id"])
        assert again[1] == (await s.ask("GET", f"/v1/jobs/{first['id']}"))[1]  # as it is now
        assert (again[1]["state"], again[1]["result"]["valid"]) == ("done", 2)
        assert (await sent(s, PEOPLE + b"x", **key))[0] == 409
        assert len((await s.ask("GET", "/v1/jobs"))[1]["items"]) == 1
        assert left(s) == ["1"]


async def test_a_job_is_cancelled(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        rows = b"".join(b"09%08d\n" % n for n in range(400_000))
        status, job = await sent(s, b"phone\n" + rows)
        assert status == 202
        where = f"/v1/jobs/{job['id']}"
        while not job["done"]:
            await asyncio.sleep(0.01)  # until its child has added some
            job = (await s.ask("GET", where))[1]
        status, found = await s.ask("POST", f"{where}/cancel")
        assert (status, found["state"]) == (200, "cancelled")
        size = (await s.ask("GET", "/v1/lists/new"))[1]["size"]
        assert found["result"]["added"] == size > 0  # what it had added is told, and stays
        assert (await s.ask("POST", f"{where}/cancel"))[0] == 409
        assert left(s) == []
        assert (await s.ask("POST", "/v1/jobs/99/cancel"))[0] == 404


async def test_too_many_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOBS_WAITING_MAX", -jobs.JOBS_RUNNING_MAX)
    async with site(tmp_path) as s:
        assert (await sent(s, PEOPLE))[0] == 503
        assert left(s) == []


async def test_a_job_of_before_is_interrupted(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        job = jobs.Job(7, "import", "x", "an", jobs.JobState.RUNNING, 1)

        def put(txn: Txn) -> None:
            txn.put(jobs.JOBS, job)

        await s.services.admin.change(put)
        folder = s.services.jobs.folder
        folder.mkdir()
        for name in ("upload-1", "3", "7"):
            (folder / name).mkdir()
        (folder / "7" / "sheet.csv").write_text("left")
        note(folder / "7", {"added": 2_000, "rows": 2_003})
        await s.services.jobs.start()
        found = (await s.ask("GET", "/v1/jobs/7"))[1]
        assert (found["state"], found["ended_at"] is None) == ("interrupted", False)
        assert "another Idempotency-Key" in found["error"]
        assert found["result"] == {"added": 2_000, "rows": 2_003}
        note(
            folder / "7", {"added": 4_000, "rows": 4_003}
        )  # its process has outlived the one before
        assert (await s.ask("GET", "/v1/jobs/7"))[1]["result"]["added"] == 4_000
        again = jobs.Jobs(s.services.admin, folder.parent)
        await again.start()  # by then nobody writes there: it is kept with the job
        (folder / "7" / SO_FAR).rename(folder / "7" / "away")
        found_again = again.get(7)
        assert found_again is not None
        assert found_again.result == {"added": 4_000, "rows": 4_003}
        (folder / "7" / "away").rename(folder / "7" / SO_FAR)
        assert left(s) == ["7"]
        assert [path.name for path in (folder / "7").iterdir()] == [SO_FAR]
        assert (await imported(s, PEOPLE))["id"] == 8


async def test_old_jobs_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOBS_KEPT_MAX", 2)
    async with site(tmp_path) as s:
        for _ in range(4):
            await imported(s, PEOPLE)
        ids = [one["id"] for one in (await s.ask("GET", "/v1/jobs"))[1]["items"]]
        assert ids == [4, 3]
        assert left(s) == ["3", "4"]


async def test_numbers_of_a_file(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        data = b"number\n" + b"".join(b"0912%06d,x\n" % n for n in range(2_500)) + b"\n=cmd\n"
        status, job = await sent(s, data, "source=register", where="/v1/dnc/imports")
        assert status == 202
        found = await ended(s, job)
        assert found["result"] == {"lines": 2_503, "added": 2_500, "refused": 2}, found
        assert s.booth.store.bans(84_912_000_007)[0].source == "register"
        refused = (await text_of(s, found["files"]["problems"]))[1].decode()
        assert "2503,'=cmd" in refused
        status, job = await sent(s, b"0912345678", "", where="/v1/blacklist/imports")
        assert (await ended(s, job))["result"]["added"] == 1
        late = await sent(s, b"0912345678", "until=2020-01-01T00:00:00Z", where="/v1/dnc/imports")
        assert (await ended(s, late[1]))["state"] == "failed"


async def test_jobs_in_pages(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for _ in range(3):
            await imported(s, PEOPLE)
        page = (await s.ask("GET", "/v1/jobs?limit=2"))[1]
        assert [one["id"] for one in page["items"]] == [3, 2]
        page = (await s.ask("GET", f"/v1/jobs?limit=2&after={page['next']}"))[1]
        assert ([one["id"] for one in page["items"]], page["next"]) == ([1], None)
        assert msgspec.json.decode(msgspec.json.encode(page))["items"][0]["state"] == "done"
