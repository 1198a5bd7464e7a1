"""The real HTTP process, killed while it tells webhooks, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from admin_http import tokens
from admin_http.people.store import AdminStore
from admin_http.tokens import Scope, utc_now
from dialerd.store import open_store
from tests.admin_http.receiver import HERE, Receiver, end_calls
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


LONG_S = 120.0  # a start of the process takes seconds on a busy machine


async def told(receiver: Receiver, many: int) -> None:
    """Until so many calls were told."""
    await asyncio.to_thread(until, lambda: len(set(receiver.ids)) >= many, LONG_S)


async def test_killed_in_the_middle_it_tells_everything(tmp_path: Path) -> None:
    """The real process, killed each time some were told: each call is told at least once."""
    port, many = free_port(), 150
    path = tmp_path / "dialerd.toml"
    path.write_text(f'[store]\npath = "data"\n[control]\nsocket = "c.sock"\n{HERE}port = {port}\n')
    admin = AdminStore(tmp_path / "data")
    token = admin.write(lambda txn: tokens.add(txn, "t", tuple(Scope), utc_now(), None))
    admin.close()
    store = await asyncio.to_thread(open_store, tmp_path / "data")
    receiver = Receiver()
    await receiver.server.start_server()
    base = f"http://127.0.0.1:{port}/v1"
    process = _admin(path)
    try:
        async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
            body = {"name": "crm", "url": receiver.url}
            assert await _until_it_answers(client, "POST", f"{base}/webhooks", body) == 201
            await asyncio.to_thread(end_calls, store, many)
            for stage in (10, 60, 110):
                await told(receiver, stage)
                os.kill(process.pid, signal.SIGKILL)
                await asyncio.to_thread(process.wait)
                process = _admin(path)
            await told(receiver, many)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        await receiver.server.close()
        await asyncio.to_thread(store.close)
    assert set(receiver.ids) == {f"ended-{n}" for n in range(1, many + 1)}
    bodies = {headers["webhook-id"]: event for headers, event, _ in receiver.got}
    for headers, event, _ in receiver.got:  # told again it is the same event
        assert event == bodies[headers["webhook-id"]]


def _admin(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "admin_http", "-c", str(path)], cwd=ROOT)


async def _until_it_answers(client: ClientSession, method: str, url: str, body: Any) -> int:
    for _ in range(2_000):
        try:
            async with client.request(method, url, json=body) as answer:
                return answer.status
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("it does not listen")
