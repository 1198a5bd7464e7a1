"""Bytes to lines: every habit of modems, any chunking, bounded memory."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsm.lexer import PROMPT, Lexer
from gsm.limits import FEED_MAX, LINE_MAX


def lex(*chunks: bytes, prompt: bool = False) -> list[str]:
    lexer = Lexer()
    lexer.expects_prompt = prompt
    return [token for chunk in chunks for token in lexer.feed(chunk)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"\r\nOK\r\n", ["OK"]),
        (b"AT\r\r\nOK\r\n", ["AT", "OK"]),
        (b"OK\r\n\r\nRING\r\n", ["OK", "RING"]),
        (b"\r\r\nRING\r\r\n", ["RING"]),
        (b"OK\nRING\n", ["OK", "RING"]),
        (b"OK\rRING\r", ["OK", "RING"]),
        (b"\0\0O\0K\0\r\n\0", ["OK"]),
        (b"\x11\x13OK\x7f\r\n", ["OK"]),
        (b"  \t+CSQ: 20,99  \r\n", ["+CSQ: 20,99"]),
        (b"\r\n\r\n\r\n", []),
        (b"OK", []),
        (b"\xff\xfe\r\n", ["ÿþ"]),
        (b'+CUSD: 0,"a\r\nb\r\n\r\nc",15\r\nOK\r\n', ['+CUSD: 0,"a\nb\nc",15', "OK"]),
        (b'+CUSD: 0,"cut off\r\nOK\r\n', ['+CUSD: 0,"cut off', "OK"]),
        (b'+CUSD: 0,"cut off\r\n+CME ERROR: 3\r\n', ['+CUSD: 0,"cut off', "+CME ERROR: 3"]),
        (b"\r\n> ", [PROMPT]),
        (b"\r\n> 0011\x1a\r\nOK\r\n", [PROMPT, "0011", "OK"]),
        (b"> > OK\r\n", [PROMPT, PROMPT, "OK"]),
        (b">x\r\n", [">x"]),
    ],
)
def test_habits(data, lines):
    assert lex(data) == lines
    assert lex(*(data[i : i + 1] for i in range(len(data)))) == lines


def test_a_prompt_without_its_blank_is_one_when_it_is_expected():
    for chunks in ((b"\r\n>",), (b"\r\n", b">"), (b"\r\n>", b" ")):
        assert lex(*chunks, prompt=True) == [PROMPT]
    assert lex(b"\r\n>") == []
    assert lex(b">", b" OK\r\n", prompt=True) == [PROMPT, "OK"]


def test_a_line_without_end_is_cut_and_the_next_is_whole():
    lexer = Lexer()
    for _ in range(300):
        assert lexer.feed(b"x" * 1_000) == []
    line, rest = lexer.feed(b"\r\nOK\r\n")
    assert len(line) == LINE_MAX
    assert rest == "OK"


def test_a_quote_without_end_ends():
    lexer = Lexer()
    told = lexer.feed(b'+CUSD: 0,"' + b"x\r\n" * 200 + b"OK\r\n")
    assert told[-1] == "OK"
    assert told[0].startswith('+CUSD: 0,"x\nx')
    told = lexer.feed(b'+CUSD: 0,"' + b"y" * 9_000 + b"\r\nOK\r\n")
    assert told[-1] == "OK"
    assert all(len(line) <= LINE_MAX for line in told)


def test_reset_forgets():
    lexer = Lexer()
    lexer.feed(b'+CUSD: 0,"a\r\nhalf')
    lexer.reset()
    assert lexer.feed(b"OK\r\n") == ["OK"]


@given(st.lists(st.binary(max_size=80)))
def test_any_chunking_gives_the_same_lines(chunks):
    assert lex(*chunks) == lex(b"".join(chunks))


@given(
    st.lists(st.one_of(st.binary(max_size=5_000), st.sampled_from([b'+CUSD: 1,"', b">", b"\r"])))
)
def test_nothing_is_held_beyond_the_bound(chunks):
    lexer = Lexer()
    for chunk in chunks:
        for token in lexer.feed(chunk):
            assert len(token) <= LINE_MAX
            assert token == PROMPT or not any(ord(c) < 32 and c not in "\n\t" for c in token)
        held = sys.getsizeof(lexer._partial) + sys.getsizeof(lexer._quoted)
        assert held <= 2 * LINE_MAX + 200


def test_a_flood_is_cut():
    lexer = Lexer()
    assert len(lexer.feed(b"a\n" * FEED_MAX)) <= 4_097
    assert lexer.feed(b"\r\nOK\r\n")[-1] == "OK"
