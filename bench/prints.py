"""Announcements by their fingerprints: how often and how soon they are told, and false actions.

`python -m bench.prints` prints the tables. The announcements are spoken by a synthesiser at test
time, since carriers' own may not be kept: two voices, twelve texts, most of their words in common.
Being deterministic it says the same words by the same audio: as hard as one speaker's phrases put
together. What is no announcement is recorded speech in five languages, other voices of the
synthesiser, the same voices with other words, music and tones.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.answer_audio import RATE, Audio, music, recorded, say, spoken, synthetic, tones, trimmed
from bench.answer_lines import Samples, noise, through
from dialerd.detect.bank import compose
from dialerd.detect.bank_file import Kind
from dialerd.detect.bank_prints import Prints, prints_of
from fastpath.prints import PrintMatch, PrintMatcher
from fastpath.prints_bank import PrintBank

TEXTS: Final[tuple[tuple[Kind, str, str], ...]] = (
    (Kind.SWITCHED_OFF, "vi",
     "thuê bao quý khách vừa gọi hiện đang tắt máy, xin quý khách vui lòng gọi lại sau"),
    (Kind.UNREACHABLE, "vi",
     "thuê bao quý khách vừa gọi tạm thời không liên lạc được, xin quý khách vui lòng "
     "gọi lại sau"),
    (Kind.INVALID, "vi",
     "số máy quý khách vừa gọi không đúng, xin quý khách vui lòng kiểm tra lại"),
    (Kind.BLOCKED, "vi",
     "số máy quý khách vừa gọi hiện đang bị khóa hai chiều, xin vui lòng liên hệ tổng "
     "đài để biết thêm chi tiết"),
    (Kind.BUSY, "vi",
     "thuê bao quý khách vừa gọi hiện đang bận, xin quý khách vui lòng gọi lại sau ít "
     "phút"),
    (Kind.LEAVE_MESSAGE, "vi",
     "xin chào, đây là hộp thư thoại, xin quý khách vui lòng để lại lời nhắn sau tiếng "
     "bíp"),
    (Kind.NO_CREDIT, "vi",
     "tài khoản của quý khách không đủ để thực hiện cuộc gọi này, vui lòng nạp thêm tiền"
     " vào tài khoản"),
    (Kind.SWITCHED_OFF, "en-gb",
     "the number you have dialed is switched off, please try again later, thank you"),
    (Kind.INVALID, "en-gb",
     "the number you have dialed is not in service, please check the number and dial "
     "again"),
    (Kind.UNREACHABLE, "en-gb",
     "the subscriber you are calling cannot be reached at the moment, please call again "
     "later"),
    (Kind.BUSY, "vi",
     "hiện tại tất cả các đường dây đều bận, xin quý khách gọi lại vào lúc khác, trân "
     "trọng cảm ơn"),
    (Kind.OTHER, "vi",
     "dịch vụ này không được cung cấp cho thuê bao của quý khách, xin vui lòng gọi một "
     "trăm chín mươi tám"),
)  # fmt: skip
VOICES: Final = (("+f2", 160, 55), ("", 150, 40))  # variant, words a minute, pitch
OTHER_WORDS: Final = (
    ("vi",
     "chúng tôi xin thông báo lịch cắt điện khu vực phường năm vào sáng thứ bảy tuần "
     "này, quý khách vui lòng chuẩn bị"),
    ("vi",
     "cảm ơn quý khách đã gọi đến tổng đài chăm sóc khách hàng, vui lòng nhấn phím một "
     "để gặp nhân viên tư vấn"),
    ("vi",
     "đơn hàng của quý khách đã được giao thành công, xin quý khách vui lòng đánh giá "
     "chất lượng dịch vụ"),
    ("vi",
     "số dư tài khoản của quý khách là một trăm hai mươi nghìn đồng, hạn sử dụng đến "
     "ngày ba mươi tháng tư"),
    ("vi",
     "thuê bao quý khách vừa gọi đã chuyển sang số mới, xin quý khách vui lòng ghi lại "
     "số sau đây"),
    ("vi",
     "quý khách đang được chuyển đến hộp thư, vui lòng giữ máy trong giây lát, xin cảm "
     "ơn quý khách"),
    ("en-gb",
     "the person you are calling has moved to a new number, please check the number and "
     "dial again"),
    ("en-gb",
     "your call is important to us, please stay on the line and an agent will be with "
     "you"),
)  # fmt: skip
LINES: Final = (  # codec, dB of white noise below the speech
    ("ulaw", 40), ("alaw", 25), ("ulaw", 15), ("gsm", 25), ("gsm", 15), ("gsm", 10),
)  # fmt: skip
WINDOW_S, STEP_S = 4.0, 2.0
BRIEF_S, DIFFER_S = 2.0, 0.1
CHUNK: Final = 160


def pcm(samples: Audio) -> Samples:
    """16 bits."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


def said(language: str, text: str, voice: tuple[str, int, int]) -> Audio:
    """A text by a voice, at the level of telephone speech."""
    variant, rate, pitch = voice
    return spoken(trimmed(say(language + variant, text, rate, pitch)))


@lru_cache(maxsize=1)
def announcements() -> tuple[Audio, ...]:
    """Every text by every voice."""
    jobs = [(language, text, voice) for voice in VOICES for _, language, text in TEXTS]
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(lambda job: said(*job), jobs))


@lru_cache(maxsize=1)
def alike() -> frozenset[int]:
    """Those whose first 2 s are another's but for the last 0.1 s at most: nobody can tell which."""
    size = round((BRIEF_S - DIFFER_S) * RATE)
    begins = [one[:size] for one in announcements()]
    return frozenset(
        number
        for number, one in enumerate(begins)
        for other, another in enumerate(begins)
        if number != other and np.abs(one - another).max() < 0.05 * np.abs(one).max()
    )


def kind_of(number: int) -> Kind:
    """The class of an announcement."""
    return TEXTS[number % len(TEXTS)][0]


@lru_cache(maxsize=1)
def prints() -> tuple[Prints, ...]:
    """Their prints, as a bank has them."""
    return tuple(prints_of(pcm(one)) for one in announcements())


@lru_cache(maxsize=32)
def bank(without: int = -1) -> PrintBank:
    """All of them, or all but one."""
    pairs = [(kind_of(k), one) for k, one in enumerate(prints()) if k != without]
    return compose(pairs)[0]


@lru_cache(maxsize=1)
def large_bank(seconds: float = 600.0) -> PrintBank:
    """So much recorded speech in pieces of 10 s: nothing but its size matters."""
    speech = np.hstack([clip.samples for clip in recorded("train")])
    pieces = [
        prints_of(pcm(speech[at : at + 10 * RATE]))
        for at in range(0, round(seconds * RATE), 10 * RATE)
    ]
    return PrintBank((one.codes, one.flags, 0) for one in pieces)


def on_line(samples: Audio, codec: str, snr_db: float, rng: np.random.Generator) -> Samples:
    """What a line makes of it."""
    hiss = noise("white", len(samples), rng, ())
    return through(codec, pcm(samples + 10 ** ((-26 - snr_db) / 20) * hiss).astype(float))


class Row(NamedTuple):
    """What became of calls by one line; counts of `calls`."""

    line: str
    calls: int
    right: tuple[int, int, int]  # the newest match after 2, 3 and 4 s
    told: int  # calls whose first 2 s are no other announcement's, and
    told_right: int  # those of them with the right match after 2 s
    acted: int  # sure of the right one within 4 s
    wrong: int  # sure of another
    at_s: float  # median of when it was sure
    ber: float
    pairs: Counter[tuple[Kind, str]]  # class, and what it was taken for after 4 s


def judge(codec: str, snr_db: float, calls: int, *, begin: bool, seed: int = 1) -> Row:
    """Calls that hear an announcement from its beginning, or from anywhere 4 s before its end."""
    rng = np.random.default_rng((seed, calls, round(snr_db), begin))
    right, acted, wrong = [0, 0, 0], 0, 0
    told = told_right = 0
    times, rates = [], []
    pairs: Counter[tuple[Kind, str]] = Counter()
    for _ in range(calls):
        truth = int(rng.integers(len(announcements())))
        whole = announcements()[truth]
        room = len(whole) - round(WINDOW_S * RATE)
        at = int(rng.integers(0, 256 if begin else max(room, 1)))
        found = PrintMatcher(bank()).hear(
            on_line(whole[at:], codec, snr_db, rng)[: round(WINDOW_S * RATE)].data
        )
        parted = not begin or truth not in alike()
        told += parted
        for k, limit_ms in enumerate((2_000, 3_000, 4_000)):
            until = [one for one in found if one.at_ms <= limit_ms]
            right[k] += bool(until) and until[-1].ref == truth
            told_right += k == 0 and parted and bool(until) and until[-1].ref == truth
        sure = next((one for one in found if one.sure), None)
        acted += sure is not None and sure.ref == truth
        wrong += sure is not None and sure.ref != truth
        pairs[kind_of(truth), kind_of(sure.ref) if sure else "-"] += 1
        if sure is not None:
            times.append(sure.at_ms / 1000)
            rates.append(sure.ber)
    middle = (float(np.median(row)) if row else float("nan") for row in (times, rates))
    name = f"{codec} {snr_db:.0f} dB"
    three = (right[0], right[1], right[2])
    return Row(name, calls, three, told, told_right, acted, wrong, *middle, pairs)


class Noise(NamedTuple):
    """What is no announcement of the bank: windows, and those that were taken for one."""

    name: str
    windows: int
    candidates: int
    actions: int


def windows(parts: Iterable[Audio], limit: int) -> Iterator[Samples]:
    """4 s of every 2 s, by G.711."""
    whole = np.hstack(list(parts))
    size, step = round(WINDOW_S * RATE), round(STEP_S * RATE)
    for at in range(0, min(len(whole) - size, limit * step), step):
        yield through("ulaw", pcm(whole[at : at + size]).astype(float))


def taken_for(name: str, heard: Iterable[Samples], against: PrintBank | None = None) -> Noise:
    """How often something is told that is not there."""
    count = candidates = actions = 0
    for samples in heard:
        found: list[PrintMatch] = PrintMatcher(against or bank()).hear(samples.data)
        count += 1
        candidates += bool(found)
        actions += any(one.sure for one in found)
    return Noise(name, count, candidates, actions)


def without_each() -> Iterator[Noise]:
    """Every announcement while the bank has all others: the same voice, most words in common."""
    rng = np.random.default_rng(2)
    for number, one in enumerate(announcements()):
        heard = [on_line(one, codec, snr, rng) for codec, snr in (("ulaw", 40), ("gsm", 25))]
        yield taken_for("one", heard, bank(number))


def false_actions(limit: int = 1_000) -> list[Noise]:
    """Everything that is to be nothing."""
    others = synthetic("train", 2) + synthetic("held out", 2)
    same = [said(language, text, voice) for voice in VOICES for language, text in OTHER_WORDS]
    rows = [
        taken_for(
            "recorded speech, 5 languages",
            windows((c.samples for split in ("train", "held out") for c in recorded(split)), limit),
        ),
        taken_for("other voices", windows((c.samples for c in others), limit)),
        taken_for("music", windows((c.samples for c in music("train")), limit)),
        taken_for(
            "tones", windows((c.samples for s in ("train", "held out") for c in tones(s)), limit)
        ),
        taken_for("the same voices, other words", windows(same * 4, limit)),
    ]
    each = list(without_each())
    unlearned = [sum(column) for column in zip(*(row[1:] for row in each), strict=True)]
    return [*rows, Noise("an announcement not in the bank, same voice", *unlearned)]


def lines_table(title: str, rows: Iterable[Row]) -> Table:
    """How often and how soon."""
    table = Table(title=title)
    heads = ("calls", "right at 2 s", "of those told apart then", "3 s", "4 s", "acted", "wrong")
    for head in ("line", *heads, "at", "BER"):
        table.add_column(head, justify="left" if head == "line" else "right")
    for row in rows:
        shares = [f"{count / row.calls:.1%}" for count in (*row.right, row.acted)]
        more = [str(row.wrong), f"{row.at_s:.2f} s", f"{row.ber:.2f}"]
        shares.insert(1, f"{row.told_right} of {row.told}")
        table.add_row(row.line, str(row.calls), *shares, *more)
    return table


def confusion_table(rows: Iterable[Row]) -> Table:
    """Classes against what was acted on, all lines together."""
    pairs: Counter[tuple[Kind, str]] = Counter()
    for row in rows:
        pairs.update(row.pairs)
    heads = [*Kind, "-"]
    table = Table(title="acted on within 4 s, all lines (-: not acted)")
    table.add_column("announcement")
    for head in heads:
        table.add_column(str(head), justify="right")
    for kind in Kind:
        table.add_row(kind, *(str(pairs[kind, head] or "") for head in heads))
    return table


def main() -> int:
    """Print all tables."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    console = Console(width=140)
    begun = [judge(codec, snr, 300, begin=True) for codec, snr in LINES]
    anywhere = [judge(codec, snr, 300, begin=False) for codec, snr in LINES]
    console.print(lines_table("heard from the beginning (synthetic voices)", begun))
    console.print(lines_table("heard from anywhere (synthetic voices)", anywhere))
    console.print(confusion_table([*begun, *anywhere]))
    table = Table(title="what is no announcement of the bank: windows of 4 s")
    for head in ("what", "windows", "candidates", "actions"):
        table.add_column(head, justify="left" if head == "what" else "right")
    for row in false_actions():
        table.add_row(row.name, *map(str, row[1:]))
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
