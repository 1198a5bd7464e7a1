"""Titles of problems in the language that the client prefers: English or Vietnamese."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

LANGUAGES: Final = ("en", "vi")  # the first is for everybody else

_VI: Final = {
    400: "Yêu cầu không hợp lệ",
    401: "Chưa xác thực",
    403: "Không được phép",
    404: "Không tìm thấy",
    405: "Phương thức không được phép",
    406: "Không có dạng này",
    408: "Hết thời gian chờ yêu cầu",
    409: "Xung đột với trạng thái hiện tại",
    411: "Cần biết độ dài",
    412: "Điều kiện không còn đúng",
    413: "Nội dung quá lớn",
    414: "Đường dẫn quá dài",
    415: "Kiểu nội dung không được hỗ trợ",
    416: "Khoảng yêu cầu không hợp lệ",
    417: "Không đáp ứng được điều kiện Expect",
    421: "Yêu cầu gửi sai nơi",
    422: "Nội dung không phù hợp",
    426: "Cần chuyển giao thức",
    428: "Cần có điều kiện",
    429: "Quá nhiều yêu cầu",
    431: "Phần đầu yêu cầu quá lớn",
    500: "Lỗi nội bộ",
    501: "Chưa được hỗ trợ",
    503: "Dịch vụ chưa sẵn sàng",
    507: "Hết chỗ lưu trữ",
}


def title(status: int, language: str) -> str:
    """A status in words."""
    if language == "vi" and status in _VI:
        return _VI[status]
    return HTTPStatus(status).phrase


def preferred(header: str) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110, section 12.5.4)."""
    best, weight = LANGUAGES[0], 0.0
    for part in header[:1_000].split(",")[:20]:
        name, _, parameter = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        quality = _quality(parameter)
        if language in LANGUAGES and quality > weight:
            best, weight = language, quality
    return best


def _quality(parameter: str) -> float:
    text = parameter.strip()
    if not text:
        return 1.0
    try:
        found = float(text.removeprefix("q="))
    except ValueError:
        return 0.0
    return found if 0.0 <= found <= 1.0 else 0.0
