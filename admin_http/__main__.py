"""The HTTP process: `python -m admin_http -c CONFIG`. The daemon starts it, and again if it dies.

It ends when told to (SIGTERM, SIGINT) or when the process that started it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from yarl import URL

from admin_http.app import make_app
from admin_http.connection import listen
from admin_http.services import Services
from admin_http.tls import Certificate
from dialerd.config import Config, ConfigError, load, secrets_of
from dialerd.garbage import seldom_collected
from dialerd.log_lines import Log
from dialerd.turns import USUAL_NS, take_turns

log = logging.getLogger("admin_http")

FAILED = 1
CONFIG = 3
NICE = 5  # calls come first
GIL_SWITCH_S = 0.0001  # a thread that reads a report must not hold up each turn of the loop by 5 ms
PARENT_S = 1.0
SHUTDOWN_S = 2.0


async def serve(config: Config, services: Services, parent: int) -> None:
    """Until told to stop or `parent` is gone. OSError when the port cannot be had."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    certificate, context = certificate_of(config), None
    if certificate is not None:
        context = certificate.context
        loop.add_signal_handler(signal.SIGHUP, certificate.read_again)
    else:
        loop.add_signal_handler(signal.SIGHUP, log.debug, "SIGHUP: there is nothing to read again")
    runner = web.AppRunner(
        make_app(services), access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False
    )
    await runner.setup()
    listener: asyncio.Server | None = None
    try:
        listener = await listen(runner, config.admin.bind, config.admin.port, context)
        name = URL.build(
            scheme="https" if context else "http", host=config.admin.bind, port=config.admin.port
        )
        log.info("HTTP API on %s/v1", name.origin())
        while not stop.is_set() and os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PARENT_S)
    finally:
        if listener is not None:
            listener.close()
        await runner.cleanup()


def certificate_of(config: Config) -> Certificate | None:
    """What HTTPS is served with; None: plain HTTP. OSError when it cannot be used."""
    certificate, key = config.admin.certificate, config.admin.key
    return Certificate(certificate, key) if certificate is not None and key is not None else None


def main() -> int:
    """Returns the exit code: 0 ok, 1 failed, 3 configuration."""
    parser = argparse.ArgumentParser(prog="admin_http", description="The HTTP API of dialerd.")
    parser.add_argument("-c", "--config", required=True, type=Path)
    parser.add_argument(
        "--parent",
        type=int,
        default=os.getppid(),
        help="end when this process is no longer our parent (it may be gone before we look)",
    )
    asked = parser.parse_args()
    path = asked.config
    os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    sys.setswitchinterval(GIL_SWITCH_S)
    take_turns(USUAL_NS)  # the daemon's are short, and ours would be, too
    try:
        config = load(path)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return CONFIG
    try:
        with Log(config.log.level, config.log.format, secrets_of(config), config.log.file):
            # Broken requests are not our errors; those of ours the application logs itself.
            logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
            with seldom_collected():
                uvloop.run(_run(config, path, asked.parent))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return CONFIG
    except OSError as error:
        where = f"[admin] {config.admin.bind}:{config.admin.port}"
        sys.stderr.write(f"error: {where}: {error.strerror or error}\n")
        return FAILED
    return 0


async def _run(config: Config, path: Path, parent: int) -> None:
    await serve(config, Services(config, path=path), parent)


if __name__ == "__main__":
    raise SystemExit(main())
