"""XML and SOAP, sound or not: a tree with its attributes, and nothing that it asks for is done."""

import pytest

from proxy.extract.document import Shape, read_document
from proxy.extract.xml import read_xml
from proxy.terms import Facts
from tests.support.reading import read

WPG = """<?xml version="1.0" encoding="UTF-16"?>
<!DOCTYPE paymentService PUBLIC "-//Acme//DTD v1//EN" "http://dtd.acme.example/v1.dtd">
<paymentService version="1.4"><reply><orderStatus orderCode="o-1"><error code="5">
<![CDATA[Order <o-1> & more: invalid]]></error></orderStatus></reply></paymentService>"""
SOAP_1_1 = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
<s:Body><s:Fault>
<faultcode>s:Client</faultcode><faultstring>Bad card</faultstring>
</s:Fault></s:Body></s:Envelope>"""
SOAP_1_2 = """<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><Fault>
<Code><Value>Sender</Value></Code><Reason><Text xml:lang="de">Nein</Text>
<Text xml:lang="en">No</Text></Reason></Fault></Body></Envelope>"""


def test_elements_attributes_texts_and_lists() -> None:
    tree = read_xml('<r a="1"><x>one</x><x>two</x><y b="2">text</y><z/><w>a<v>b</v></w></r>')
    assert tree == {
        "x": "one",
        "y": "text",
        "v": "b",
        "r": {
            "@a": "1",
            "x": ["one", "two"],
            "y": {"@b": "2", "#text": "text"},
            "z": "",
            "w": {"v": "b", "#text": "a"},
        },
    }


def test_a_declared_encoding_and_a_dtd_elsewhere_do_not_count() -> None:
    facts = read(WPG.encode())
    assert (facts.code, facts.message) == ("5", "Order & more: invalid")
    tree = read_xml(WPG)
    assert tree is not None
    assert tree["paymentService"]["reply"]["orderStatus"]["@orderCode"] == "o-1"  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (SOAP_1_1, "s:Client", "Bad card"),
        (SOAP_1_2, "Sender", "No"),
        ("<s:Fault><faultcode>s:Client</faultcode><faultstring>No: x:y</faultstring></s:Fault>",
         "s:Client", "No: x:y"),
        ("<Errors><Error Code='E7' Message='Nothing there'/></Errors>", "E7", "Nothing there"),
        ("<e><code>E1</code><message>caf&eacute; &nope; & co &#233;</message></e>",
         "E1", "café &nope; & co é"),
        ("<e><code>E1</code><message>No</message><rest>cut", "E1", "No"),
        ("<e><code>E1</code><message>No</message></wrong>", "E1", "No"),
        ("<e><code>E1</code><message>a\x0bb\x00c</message></e>", "E1", "a b c"),
        ("<!-- a note --><e><code>E1</code><message>No</message></e>", "E1", "No"),
        ("<Body><code>E1</code><message>No</message></Body>", "E1", None),
    ],
    ids=["soap_1_1", "soap_1_2", "unbound", "attributes", "entities", "cut", "crossed", "controls",
         "comment", "page"],
)  # fmt: skip
def test_an_error_is_found_wherever_it_stands(
    body: str, code: str | None, message: str | None
) -> None:
    facts = read(body.encode())
    if message is None:  # it begins as a page does
        assert read_document(body).shape is Shape.HTML
    else:
        assert (facts.code, facts.message) == (code, message)


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE l [<!ENTITY a "aa">]><e><message>&a;</message></e>',
        '<!DOCTYPE l [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><e><message>m</message></e>',
        '<!DOCTYPE l [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]><e><message>&a;</message></e>',
        "<",
        "<>",
        "< a>",
        "<1/>",
        "<?xml version='1.0'?>",
        "<p:" + "q" * 60 + ":r/>",
    ],
)
def test_of_what_is_hostile_or_no_xml_nothing_is_read(body: str) -> None:
    assert read(body.encode()) == Facts()


def test_what_is_too_deep_or_too_long_is_read_as_far_as_it_goes() -> None:
    for more in ("<a>" * 10_000, "<a/>" * 10_000, "<a b='c'>d</a>" * 10_000):
        facts = read(f"<e><code>E1</code>{more}<message>late</message></e>".encode())
        assert (facts.code, facts.message) == ("E1", None)
    long = read_xml("<e><m>" + "x" * 100_000 + "</m></e>")
    assert long is not None
    assert long["m"] == "x" * 4096


def test_a_page_with_plain_text_in_it_is_read_line_by_line() -> None:
    page = (
        "<html><body><plaintext>\nStatus=Declined\n"
        "Message=No: 5=x\r\nStatus=Other\n=x\n</plaintext>"
    )
    assert read_document(page).tree == {"Status": "Declined", "Message": "No: 5=x"}
    assert read(b"<html><plaintext>Sorry").message == "Sorry"
