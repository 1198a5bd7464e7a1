"""Refusals as RFC 9457 problem documents.

A problem names what is wrong (`detail`), where (`errors`: RFC 6901 pointers into the body, or the
name of a parameter), what is allowed instead, and the request's id for whoever reads the log. The
title is in the client's language, the detail in English: it is what the daemon logs, too.
"""

from __future__ import annotations

from typing import Final

import msgspec

from admin_http.languages import LANGUAGES, title
from admin_http.limits import RETRY_AFTER_S
from dialerd.core.control import ControlError, ErrorKind

CONTENT_TYPE: Final = "application/problem+json"


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that was refused: `pointer` into the body, or `parameter` of path or query."""

    detail: str
    pointer: str = ""
    parameter: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The document; with `type` about:blank the title is the status in words."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    request_id: str = ""
    errors: tuple[Fault, ...] = ()
    allowed: tuple[str, ...] = ()


class ProblemError(Exception):
    """Raised by a handler; becomes the response."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[Fault, ...] = (),
        allowed: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        """`headers` go into the response beside the document."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.allowed = allowed
        again = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
        self.headers = {**again, **(headers or {})}

    def document(self, instance: str, request_id: str, language: str = LANGUAGES[0]) -> bytes:
        """The body of the response."""
        return msgspec.json.encode(
            Problem(
                type="about:blank",
                title=title(self.status, language),
                status=self.status,
                detail=self.detail,
                instance=instance,
                request_id=request_id,
                errors=self.errors,
                allowed=self.allowed,
            )
        )


_STATUS: Final = {
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.INVALID: 422,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}


def from_control(error: ControlError, body_at: str = "") -> ProblemError:
    """A refusal of the daemon; `body_at` is where the request's body stands in the daemon's."""
    errors = tuple(
        Fault(detail=fault.detail, pointer=fault.pointer.removeprefix(body_at))
        for fault in error.faults
    )
    return ProblemError(_STATUS[error.kind], error.text, errors=errors, allowed=error.allowed)
