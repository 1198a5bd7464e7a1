"""Calls by aiosip 0.2.0, in a process of its own: `aiosip_caller.py LOCAL REMOTE CALLS PAUSE_S`.

Prints the CPU that a call needed, in microseconds.

Two lines bring back what it imports and Python has removed since. It acknowledges on the INVITE's
branch with the INVITE's CSeq, hangs up on that branch too, and acknowledges the answer to its BYE.
"""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import sys
import time
import types
import warnings

warnings.simplefilter("ignore")
asyncio.coroutine = types.coroutine  # type: ignore[attr-defined]
collections.MutableMapping = collections.abc.MutableMapping  # type: ignore[attr-defined]

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
SDP += "m=audio 23280 RTP/AVP 8\r\n"


async def main(local: int, remote: int, calls: int, pause_s: float) -> None:
    from aiosip.application import Application
    from aiosip.call import Call
    from multidict import CIMultiDict

    app = Application(loop=asyncio.get_running_loop())
    before = time.process_time()
    for n in range(calls):
        dialog = await app.start_dialog(
            f"sip:legacy@127.0.0.1:{local}",
            f"sip:9{n}@127.0.0.1:{remote}",
            local_addr=("127.0.0.1", local),
            remote_addr=("127.0.0.1", remote),
        )
        kind = CIMultiDict({"Content-Type": "application/sdp"})
        call = await Call.invite(dialog, headers=kind, sdp=SDP)
        await asyncio.sleep(pause_s)
        await call.close()
    sys.stdout.write(f"{(time.process_time() - before) / calls * 1e6}\n")
    await asyncio.sleep(0.1)
    for transport in app._transports.values():
        transport.close()


asyncio.run(main(*map(int, sys.argv[1:4]), float(sys.argv[4])))
