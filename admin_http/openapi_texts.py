"""What the OpenAPI document says beside the types: statuses and headers in words."""

from __future__ import annotations

from typing import Any, Final

INTRODUCTION: Final = """\
Call campaigns over SIP and GSM lines.

Refusals are `application/problem+json` (RFC 9457): `errors` points at what does not fit, `allowed`
says what would be possible; titles are in Vietnamese or English by `Accept-Language`. Lists come
in pages: `next` is the `after` of the page behind it, and `Link` its address. Times are RFC 3339.
A GET has an `ETag`; `If-None-Match` asks whether it changed, and an update must name it as
`If-Match`."""

SESSION: Final = """\
Set by POST /v1/session; with TLS it is called `__Host-dialerd_session`. A change needs the
session's `csrf` as X-CSRF-Token too."""

TEXTS: Final = {
    400: "A parameter or the body cannot be read.",
    401: "No valid credentials.",
    403: "They do not allow this.",
    404: "There is no such thing.",
    408: "The body took too long to arrive.",
    409: "Not in this state; `allowed` says what is possible.",
    411: "A body without end needs chunks, or its length.",
    412: "It has changed since it was read; `ETag` is what it is now.",
    413: "The body is too large.",
    415: "The body is of another type than can be read.",
    416: "No such range.",
    421: "This daemon is not called what Host says.",
    422: "A value does not fit; `errors` says where.",
    426: "This is a WebSocket.",
    428: "An update needs the ETag that was read as If-Match.",
    429: "Too many requests; try again after Retry-After.",
    500: "Our fault.",
    503: "Not now; try again after Retry-After.",
    507: "There is no room for it.",
}
REPLIED: Final = {
    206: "The bytes that were asked for.",
    304: "It is what If-None-Match names.",
}


def _header(text: str, **schema: Any) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string", **schema}}


HEADERS: Final = {
    "X-Request-Id": _header("Yours when it is a harmless text, else ours; it stands in our log."),
    "ETag": _header("Stands for the document as it is."),
    "Location": _header("Where the new thing is."),
    "Link": _header('The next page, with rel="next"; not on the last.'),
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": _header("How to ask."),
}
ETAG: Final = {"ETag": {"$ref": "#/components/headers/ETag"}}
REFUSED_HEADERS: Final = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An ETag that was read: 304 when it still is that.",
    "schema": {"type": "string"},
}
REQUEST_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The ETag of the document as it was read.",
        "schema": {"type": "string"},
        "examples": {
            "read": {"summary": "As it was read.", "value": '"3b1f0c9e5d7a2468ace01357"'},
            "any": {"summary": "Whatever it is by now: nobody else changes it.", "value": "*"},
        },
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "A text of yours for this very request: sent again with the same body within a day it "
            "does nothing more and is answered as before (`Idempotency-Replayed: true`); with "
            "another body, and while the first is under way, it is 409."
        ),
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
    },
    "Range": {
        "name": "Range",
        "in": "header",
        "required": False,
        "description": "Which bytes (RFC 9110, section 14).",
        "schema": {"type": "string"},
    },
    "If-Range": {
        "name": "If-Range",
        "in": "header",
        "required": False,
        "description": "The range only of the file that has this ETag or Last-Modified, else all.",
        "schema": {"type": "string"},
    },
    "If-None-Match": IF_NONE_MATCH,
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "The id of the last event that was seen.",
        "schema": {"type": "string"},
    },
}
