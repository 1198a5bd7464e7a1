"""What the service manager is told, over a datagram socket as systemd has it."""

import asyncio
import os
import socket

import pytest

from dialerd.shell.service_manager import FEEDS, ServiceManager


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as side:
        side.bind(str(tmp_path / "notify"))
        side.settimeout(100)
        yield side


def environment(tmp_path, **more):
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), **more}


def told(side):
    return side.recv(4096).decode().split("\n")


def test_ready_reload_and_stop_are_told(manager, tmp_path):
    async def main():
        one = ServiceManager(environment(tmp_path))
        one.starting("examining")
        one.ready("SIP 127.0.0.1:5060", lambda: asyncio.sleep(0))
        one.reloading()
        one.reloaded()
        one.stopping(31.5)
        await one.close()

    asyncio.run(main())
    assert told(manager) == ["STATUS=examining"]
    assert told(manager) == ["READY=1", "STATUS=SIP 127.0.0.1:5060"]
    again = told(manager)
    assert again[0] == "RELOADING=1"
    assert again[1].startswith("MONOTONIC_USEC=")
    assert told(manager) == ["READY=1"]
    assert told(manager) == ["STOPPING=1", "STATUS=draining", "EXTEND_TIMEOUT_USEC=31500000"]


def test_the_watchdog_is_fed_only_by_answers(manager, tmp_path):
    async def main():
        answers = asyncio.Semaphore(2)  # two come, then nothing any more
        one = ServiceManager(environment(tmp_path, WATCHDOG_USEC="30000"))
        assert one.watchdog_s == 0.03
        one.ready("", answers.acquire)
        loop = asyncio.get_running_loop()
        heard = [await loop.run_in_executor(None, told, manager) for _ in range(3)]
        assert heard[1:] == [["WATCHDOG=1"], ["WATCHDOG=1"]]
        manager.settimeout(0.03 * FEEDS)
        with pytest.raises(TimeoutError):
            await loop.run_in_executor(None, told, manager)
        answers.release()  # it lives again
        manager.settimeout(100)
        assert await loop.run_in_executor(None, told, manager) == ["WATCHDOG=1"]
        await one.close()

    asyncio.run(main())


def test_a_refusal_is_a_sign_of_life(manager, tmp_path):
    async def full():
        raise OSError("no space left on device")

    async def main():
        one = ServiceManager(environment(tmp_path, WATCHDOG_USEC="30000"))
        one.ready("", full)
        loop = asyncio.get_running_loop()
        heard = [await loop.run_in_executor(None, told, manager) for _ in range(3)]
        assert heard[1:] == [["WATCHDOG=1"], ["WATCHDOG=1"]]
        await one.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "variables",
    [{"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "30000", "WATCHDOG_PID": str(os.getpid() + 1)}],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(manager, tmp_path, variables):
    one = ServiceManager(environment(tmp_path, **variables))
    asyncio.run(one.close())
    assert one.watchdog_s == 0.0


def test_without_a_manager_nothing_is_told():
    async def main():
        one = ServiceManager({"WATCHDOG_USEC": "30000"})
        assert one.watchdog_s == 0.0
        one.ready("", lambda: asyncio.sleep(0))
        one.stopping(1)
        await one.close()

    asyncio.run(main())


def test_a_manager_that_is_gone_is_survived(tmp_path, caplog):
    async def main():
        one = ServiceManager(environment(tmp_path))
        one.tell("READY=1")
        await one.close()

    asyncio.run(main())
    assert "cannot be told" in caplog.text
