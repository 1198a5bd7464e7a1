"""Speech by files on the module, where it has no other way to the computer (`module_file`).

In a call a file is played to the far end, or what it says is recorded: one of each at a time, each
told to be over exactly once, before the call's end is. Files come and go while the port is idle.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from gsm import port_table as table
from gsm.call import Call
from gsm.command import Command, Haste, Result
from gsm.dialect import NO_FILES, Files
from gsm.events import FileGot, FilePlayed, FilePut, FileRecorded
from gsm.floor import Floor
from gsm.limits import FILE_CHUNK, FILE_MAX, FILES_QUEUE_MAX, LONG, MEDIUM
from gsm.script import Steps

_NAME: Final = re.compile(r"[a-z0-9_]{1,24}")
OVER: Final = "the call is over"
Wanted = tuple[str, str, bytes]  # put, get or drop; its name; what it holds


class Deed:
    """What a module does with a file during a call; `held` is its leg and name while it does.

    `stopped` and `cut` are the reasons told when we end it, and when the call does.
    """

    __slots__ = ("busy", "cut", "held", "idle", "start", "stop", "stopped", "told")

    def __init__(
        self,
        told: type[FilePlayed | FileRecorded],
        start: str,
        stop: str,
        busy: str,
        idle: str,
        stopped: str,
        cut: str,
    ) -> None:
        """By the dialect's commands of those names. Nothing is done yet."""
        self.told, self.start, self.stop = told, start, stop
        self.busy, self.idle, self.stopped, self.cut = busy, idle, stopped, cut
        self.held: tuple[int, str] | None = None


class ModuleFiles:
    """Of one port."""

    def __init__(self, floor: Floor) -> None:
        """None known: what is on a module is its user's to know."""
        self.floor = floor
        self.playing = Deed(FilePlayed, "play", "stop", "a file is being played",
                            "no file is being played", "stopped", OVER)  # fmt: skip
        self.recording = Deed(FileRecorded, "record", "record_stop", "it is being recorded",
                              "nothing is being recorded", "", "")  # fmt: skip
        self._queue: deque[Wanted] = deque()
        self._moving: Wanted | None = None

    def why_not(self, name: str) -> str:
        """Why such a file is of no use here; empty when it is."""
        if self.floor.audio_class() != "module_file":
            return "this port's speech does not go by files on the module"
        if _NAME.fullmatch(name) is None:
            return "a file's name is of a to z, 0 to 9 and _, at most 24"
        return ""

    def _text(self, command: str, name: str, **fields: str) -> str:
        files = self._files()
        fields |= {"file": files.folder + name + files.suffix, "name": name + files.suffix}
        for field, value in fields.items():
            command = command.replace(f"{{{field}}}", value)
        return command

    def _files(self) -> Files:
        return self.floor.dialect.files or NO_FILES  # of a module that was changed meanwhile

    # in a call

    def begin(self, deed: Deed, call: Call, name: str, now_ns: int, longest_ns: int = 0) -> str:
        """Play or record a file. Returns why not, or nothing.

        It is over after `longest_ns` at the latest, 0: when the module says so; lines get lost.
        """
        why = self.why_not(name) or (deed.busy if deed.held is not None else "")
        if not why:
            deed.held = call.leg, name
            text = self._text(getattr(self._files(), deed.start), name)
            start = Command(text, Haste.AUDIO, MEDIUM)
            self.floor.put(start, now_ns, lambda result, _at: self._begun(deed, result))
            if longest_ns:
                due = now_ns + longest_ns
                self.floor.at(deed.start, due, lambda _at: self.over(deed, ""))
        return why

    def _begun(self, deed: Deed, result: Result) -> None:
        if not result.ok:
            self.over(deed, result.final or result.outcome)

    def stop(self, deed: Deed, now_ns: int) -> str:
        """Have it end. Returns why not, or nothing."""
        if deed.held is None:
            return deed.idle
        held = deed.held

        def then(result: Result, _at_ns: int) -> None:
            if deed.held is held:  # else it ended by itself meanwhile, and the next one began
                self.over(deed, deed.stopped if result.ok else result.final or result.outcome)

        self.floor.put(self._stop(deed), now_ns, then)
        return ""

    def _stop(self, deed: Deed) -> Command:
        return Command(getattr(self._files(), deed.stop), Haste.AUDIO, MEDIUM)

    def over(self, deed: Deed, why: str) -> None:
        """It is over, once; the module said so, or cannot say so any more."""
        if deed.held is not None:
            (leg, name), deed.held = deed.held, None
            self.floor.cancel(deed.start)
            self.floor.tell(deed.told(leg, name, why))

    def call_over(self, now_ns: int) -> None:
        """Neither goes on without a call; what was recorded is kept by the module."""
        for deed in (self.playing, self.recording):
            if deed.held is not None:
                self.floor.put(self._stop(deed), now_ns)
                self.over(deed, deed.cut)

    # while it is idle

    def want(self, what: str, name: str, data: bytes = b"") -> str:
        """Have a file put, got or dropped when the port is idle. Returns why not, or nothing."""
        why = self.why_not(name)
        if not why and what != "drop" and not getattr(self._files(), what):
            why = "this module's files cannot be moved"
        if not why and len(data) > FILE_MAX:
            why = f"a file holds at most {FILE_MAX} bytes"
        if not why and what == "put" and not data:
            why = "the file is empty"
        if not why and len(self._queue) >= FILES_QUEUE_MAX:
            why = "too many files wait"
        if not why:
            self._queue.append((what, name, data))
        return why

    def has_work(self) -> bool:
        """Whether files are to be moved."""
        return bool(self._queue)

    def work(self, now_ns: int) -> None:
        """Move them. The state allows it."""
        self.floor.move(table.FILE, now_ns)
        self.floor.run("files", self._work(), now_ns, self._done)

    def _done(self, now_ns: int) -> None:
        if self.floor.state == table.FILES:
            self.floor.move(table.DONE, now_ns)

    def _work(self) -> Steps:
        while self._queue:
            what, name, data = self._moving = self._queue.popleft()
            if what == "get":
                yield from self._get(name)
            else:
                for text in self._files().drop:  # what is there already is not written over
                    yield Command(self._text(text, name), Haste.TEXT, MEDIUM, optional=True)
                if what == "put":
                    yield from self._put(name, data)
            self._moving = None

    def _put(self, name: str, data: bytes) -> Steps:
        files = self._files()
        if files.create:
            yield Command(self._text(files.create, name), Haste.TEXT, MEDIUM)
        why, step = "", files.chunk or len(data)
        for at in range(0, len(data), step):
            part = data[at : at + step]
            text = self._text(files.put, name, size=str(len(part)), append="01"[at > 0])
            result = yield Command(text, Haste.TEXT, LONG, data=part)
            if not result.ok:
                why = result.final or result.outcome
                break
        self.floor.tell(FilePut(name, why))

    def _get(self, name: str) -> Steps:
        files = self._files()
        got, why, handle = bytearray(), "", ""
        if files.open:
            result = yield Command(self._text(files.open, name), Haste.TEXT, MEDIUM)
            found = re.search(files.opened, " ".join(result.lines)) if result.ok else None
            if found is None:
                self.floor.tell(FileGot(name, b"", result.final or result.outcome))
                return
            handle = found["handle"]
        while len(got) < FILE_MAX:
            text = self._text(files.get, name, handle=handle, offset=str(len(got)),
                              size=str(FILE_CHUNK))  # fmt: skip
            result = yield Command(text, Haste.TEXT, LONG, data_match=files.data)
            got += result.data
            if not result.ok and not (got and result.outcome == "error" and not result.data):
                why = result.final or result.outcome
            if not result.ok or len(result.data) < FILE_CHUNK:
                break
        if files.close:
            yield Command(self._text(files.close, name, handle=handle), Haste.TEXT, MEDIUM)
        self.floor.tell(FileGot(name, b"" if why else bytes(got), why))

    def interrupted(self, why: str) -> None:
        """A call, or the port's loss: what was being moved goes no further, and is told so."""
        if self._moving is not None:
            (what, name, _), self._moving = self._moving, None
            self._tell_failed(what, name, why)

    def fail_all(self, why: str) -> None:
        """The port goes away."""
        self.interrupted(why)
        while self._queue:
            what, name, _ = self._queue.popleft()
            self._tell_failed(what, name, why)

    def _tell_failed(self, what: str, name: str, why: str) -> None:
        if what == "put":
            self.floor.tell(FilePut(name, why))
        elif what == "get":
            self.floor.tell(FileGot(name, b"", why))
