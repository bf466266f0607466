"""Whatever the bytes of an answer are, they are read for what they are."""

import gzip
import zlib

import pytest

from proxy.extract.decode import MAX_READ
from proxy.extract.document import MAX_DEPTH, Shape, read_document
from proxy.extract.markup import visible_text
from proxy.terms import Facts
from proxy.terms.http import Headers
from tests.support.reading import read


def typed(kind: bytes) -> tuple[bytes, bytes]:
    return (b"Content-Type", kind)


def coded(*codings: bytes) -> Headers:
    return ((b"Content-Encoding", b", ".join(codings)),)


# The bytes.


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
def test_the_charset_is_found_by_looking(encoding: str) -> None:
    assert read('{"message":"Ünïcödé"}'.encode(encoding)).message == "Ünïcödé"


def test_a_declared_charset_counts_where_the_bytes_leave_a_choice() -> None:
    greek = '{"message":"Άκυρο"}'.encode("iso8859-7")
    assert read(greek, typed(b"application/json; charset=iso-8859-7")).message == "Άκυρο"
    for odd in (b"text/plain; charset=idna", b"text/plain; charset=nope", b"text/plain"):
        assert read(b"caf\xe9", typed(odd)).message == "café"


def test_a_character_cut_in_half_is_left_out() -> None:
    whole = "é" * (MAX_READ // 2) + "é"
    assert read(b"x" + whole.encode()).message == "x" + "é" * 999
    assert read(b"\xe9").message == "é"


@pytest.mark.item(67)
def test_a_compressed_body_is_read_on_a_bounded_copy() -> None:
    plain = b'{"message":"packed"}'
    raw = zlib.compressobj(wbits=-15)
    bare = raw.compress(plain) + raw.flush()
    assert read(gzip.compress(plain), *coded(b"gzip")).message == "packed"
    assert read(gzip.compress(plain), *coded(b"identity", b"x-gzip")).message == "packed"
    assert read(zlib.compress(plain), *coded(b"deflate")).message == "packed"
    assert read(bare, *coded(b"deflate")).message == "packed"
    assert read(gzip.compress(gzip.compress(plain)), *coded(b"gzip", b"gzip")).message == "packed"
    assert read(plain, *coded(b"gzip")).message == "packed"  # says so, and is not
    assert read(gzip.compress(b"x" * 10_000_000), *coded(b"gzip")).message == "x" * 1000


def test_what_cannot_be_unpacked_says_nothing() -> None:
    for body, codings in [
        (b"\x1f\x8b\xff", (b"gzip",)),
        (b"packed", (b"br",)),
        (b"packed", (b"gzip",) * 4),
    ]:
        assert read(body, *coded(*codings)) == Facts()


# Documents.


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \t\r\n",
        b"{}",
        b"[]",
        b"500",
        b"true",
        b"null",
        b'{"error":{"cod',
        b"[[",
        b"\0\1\2\3",
    ],
)
def test_a_body_without_words_gives_no_message(body: bytes) -> None:
    assert read(body).message is None


def test_the_first_of_several_documents_is_read_and_not_handed_on() -> None:
    facts = read(b'{"message":"first"}\n{"message":"second"}')
    assert (facts.message, facts.document) == ("first", None)


def test_odd_numbers_stay_json() -> None:
    facts = read(b'{"code":' + b"9" * 4301 + b',"a":1e999,"b":NaN,"c":1.5,"message":"m"}')
    assert (facts.code, facts.message) == (None, "m")
    assert facts.document == {
        "code": "9" * 4301,
        "a": "1e999",
        "b": None,
        "c": 1.5,
        "message": "m",
    }
    assert read(b'{"code":12345678901234567890123}').code == "12345678901234567890123"


def test_the_document_is_handed_on_up_to_64_kib() -> None:
    assert read({"message": "m"}).document == {"message": "m"}
    facts = read({"message": "m", "pad": "x" * 65_536})
    assert (facts.message, facts.document) == ("m", None)


@pytest.mark.item(76)
def test_a_nesting_bomb_says_nothing() -> None:
    for body in (
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b"[" * 100 + b"]" * 100,
        b'{"a":' * 70 + b"1" + b"}" * 70,
    ):
        assert read(body) == Facts()
    many = b'{"message":"m","x":[' + b"[]," * 100 + b"[]]}"
    assert read(many).message == "m"
    assert read(b'"' + b"[" * 100 + b'"').message == "[" * 100
    assert MAX_DEPTH >= 32


def test_a_form_is_read_by_its_names() -> None:
    facts = read(b"code=E1&message=Not+allowed&code=E2", typed(b"text/plain"))
    assert (facts.code, facts.message) == ("E1", "Not allowed")
    assert read(b"a=" + b"&a=" * 400).code is None
    assert read(b"limit=5 was exceeded").message == "limit=5 was exceeded"
    assert read_document("a=1").shape is Shape.FORM


def test_plain_text_is_a_message_unless_nobody_could_read_it() -> None:
    assert read(b"Can\x92t").message == "Can\u2019t"
    assert read(b"400 Bad Request").message == "400 Bad Request"
    assert read(b"\x01\x02\x03abc").message is None
    assert read(b'"a JSON text"').message == "a JSON text"


# Markup.


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>n",
         "502 Bad Gateway n"),
        (b"<html><title>Error</title><body><pre>Cannot POST /x</pre>", "Error: Cannot POST /x"),
        (b"<html><head><title>Maintenance</title></head></html>", "Maintenance"),
        (b"<html><head><script>if (a<b) x()</script><style>p{}</style></head><body>Hi &amp; bye",
         "Hi & bye"),
        (b"<html><body><!-- <b>secret</b> -->shown<br/>x<svg>no</svg></body>", "shown x"),
        (b"<?xml version='1.0'?><!DOCTYPE html><html><body>Guru Meditation</body></html>",
         "Guru Meditation"),
        (b"<html>", None),
    ],
)  # fmt: skip
def test_a_page_gives_what_its_reader_sees(page: bytes, message: str | None) -> None:
    assert read(page).message == message


@pytest.mark.item(76)
def test_a_message_is_never_html() -> None:
    assert read({"message": "<b>Bad</b> request <script>x()</script>"}).message == "Bad request"
    assert read({"message": "1 < 2"}).message == "1 < 2"
    assert visible_text("a </ > b < c") == "a b"


def test_xml_is_read_without_expanding_anything() -> None:
    facts = read(b"<a:e xmlns:a='u'><a:errorCode>E1</a:errorCode><a:message>No</a:message></a:e>")
    assert (facts.code, facts.message, facts.document) == ("E1", "No", None)
    bomb = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aa">]><e><message>&a;</message></e>'
    assert read(bomb) == Facts()
    marked = b'<reply><error code="7"><![CDATA[ Card <b> & ]]></error></reply>'
    assert read(marked).code == "7"
    assert read(marked).message == "Card &"
    spoken = b'<r><Text xml:lang="de">Nein</Text><Text xml:lang="en">No</Text></r>'
    assert read(spoken).message == "No"
    assert read(b"<a/>") == Facts()


# Texts.


def test_a_message_is_one_bounded_line() -> None:
    assert read({"message": "a\0\x1b[31mred\r\nX: 1\u202e\ud800\x85 b"}).message == "a red X: 1 b"
    assert read({"message": "x" * 20_000}).message == "x" * 1000
    assert read({"message": " \0 ", "title": "t"}).message == "t"
    assert read({"messages": ["a", 1, "b"]}).message == "a; b"
    assert read({"message": [1], "description": {"a": 1}}).message is None


def test_a_code_is_a_short_word_or_a_number() -> None:
    assert read({"code": 1001}).code == "1001"
    assert read({"code": 404.001}).code == "404.001"
    assert read({"code": 400}).code is None  # says the status again
    for odd in (True, None, [], {}, "x" * 129, "y" * 600, "", 10**200):
        assert read({"code": odd}).code is None
