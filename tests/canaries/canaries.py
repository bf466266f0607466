"""What must never be seen: card numbers in every spelling, their codes, keys, tokens; and the eye
that finds them again, however they are written."""

import base64
import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from proxy.terms.luhn import is_luhn


def _card(digits: str) -> str:
    return next(digits + end for end in "0123456789" if is_luhn([*map(int, digits + end)]))


VISA: Final = _card("453981736402915")
AMEX: Final = _card("37826493015827")
MAESTRO: Final = _card("630495718264039517")
OLD_VISA: Final = _card("402918365740")
CARDS: Final = (VISA, AMEX, MAESTRO, OLD_VISA)
CODE: Final = "9173"  # a card's code: nothing else here is called by such a name

SECRETS: Final = (
    "sk_live_Zq7CanaryKeyOne4242",
    "rk_test_CanaryRestricted77",
    "whsec_CanaryHook0123456789abcd",
    "eyJhbGciOiJIUzI1NiJ9.eyJDYW5hcnkiOiIxIn0.Q2FuYXJ5U2lnbmF0dXJl",
    "CanaryBearer.8f3a-77b1",
    "Q2FuYXJ5OnBhc3N3b3JkLW9mLWNhbmFyeQ==",
    "canary-password-hunter2",
    "canary-api-key-5f5f",
    "canary-client-secret-9b",
    "Y2FuYXJ5IGxvbmcgYmFzZTY0IHNlY3JldCBvZiBhIHZhdWx0IG9yIGEga2V5",
)
_KEY, _RESTRICTED, _HOOK, _JWT, _BEARER, _BASIC, _PASSWORD, _API_KEY, _CLIENT, _LONG = SECRETS


def _grouped(digits: str, joint: str) -> str:
    return joint.join(digits[at : at + 4] for at in range(0, len(digits), 4))


# As a person, a program, or a provider's error message writes them.
SPELLINGS: Final[dict[str, str]] = {
    **{f"plain_{number[:2]}": number for number in CARDS},
    **{
        name: _grouped(VISA, joint)
        for name, joint in {
            "spaces": " ",
            "dashes": "-",
            "dots": ".",
            "slashes": "/",
            "underscores": "_",
            "colons": ":",
            "spaced_dashes": " - ",
            "no_break_spaces": "\u00a0",
            "zero_width": "\u200b",
            "plus": "+",
            "percent_20": "%20",
            "percent_2d": "%2D",
            "percent_twice": "%2520",
            "entities": "&nbsp;",
            "numbered_entities": "&#160;",
            "escaped": "\\u0020",
            "escaped_no_break": "\\u00a0",
            "escaped_tabs": "\\t",
        }.items()
    },
    "amex_groups": f"{AMEX[:4]} {AMEX[4:10]} {AMEX[10:]}",
    "one_by_one": " ".join(VISA),
    "in_words": f"order {VISA} refused",
    "between_letters": f"x{VISA}y",
    "with_date_and_code": f"{VISA} 12/29 {CODE}",
    "full_width": VISA.translate({48 + n: 0xFF10 + n for n in range(10)}),
    "arabic": VISA.translate({48 + n: 0x0660 + n for n in range(10)}),
    "escaped_digits": "".join(f"\\u{ord(digit):04x}" for digit in VISA),
    "entity_digits": "".join(f"&#{ord(digit)};" for digit in VISA),
    "percent_digits": "".join(f"%{ord(digit):02x}" for digit in VISA),
    "first_track": f"%B{VISA}^DOE/JANE^29121010000000000000?",
    "second_track": f";{VISA}=29121010000000000000?",
    "in_json": f'{{"number": "{VISA}", "cvc": "{CODE}"}}',
    "in_form": f"card[number]={VISA}&card[cvc]={CODE}",
    "code_in_json": f'{{"cvv": "{CODE}"}}',
    "code_as_number": f'{{"cvv2":{CODE}}}',
    "code_in_form": f"cvc={CODE}&amount=1",
    "code_in_words": f"security code: {CODE}",
    "code_in_member": f'"card_verification_value": "{CODE}"',
    "pin": f"PIN {CODE}",
    "key": _KEY,
    "restricted_key": f"the key {_RESTRICTED} is not allowed",
    "hook_secret": _HOOK,
    "token": f"token {_JWT} has expired",
    "bearer": f"Authorization: Bearer {_BEARER}",
    "bearer_in_query": f"auth=Bearer%20{_BEARER}",
    "basic": f"Basic {_BASIC}",
    "password": f"password={_PASSWORD}",
    "api_key": f"api_key: {_API_KEY}",
    "api_key_in_json": f'{{"x-api-key": "{_API_KEY}"}}',
    "client_secret": f'{{"client_secret": "{_CLIENT}"}}',
    "access_token": f"access_token={_BEARER}",
    "in_an_address": f"https://user:{_PASSWORD}@api.example.com/x",
    "long": f"digest {_LONG}",
}

# One of each kind, where it is the place that is tried.
FEW: Final = {
    name: SPELLINGS[name]
    for name in ("plain_45", "spaces", "percent_20", "first_track", "in_json", "code_in_form",
                 "key", "bearer", "token", "client_secret", "long")
}  # fmt: skip

_NAMED_CODE: Final = re.compile(
    rf"(?i)(?:cvv|cvc|csc|cvn|cid|security.?code|verification.?(?:code|value)|pin)2?\W{{0,9}}{CODE}"
)
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


def _plain(text: str) -> str:
    """Take off every way of writing a character as others."""
    for _ in range(3):
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        text = html.unescape(unquote(text)).replace("\\t", " ")
    return text


def _digits(text: str) -> str:
    """Give *text* with nothing between digits, and each as ASCII has it."""
    joined = re.sub(r"[\W_]+", "", text)
    return "".join(str(unicodedata.digit(c, -1)) if c.isdigit() else c for c in joined)


@dataclass(frozen=True)
class Eye:
    """Finds canaries in bytes: cards and their codes, and *words* as they stand or in base64."""

    words: tuple[str, ...] = SECRETS

    def sees(self, data: bytes) -> list[str]:
        """Give the canaries in *data*, each with a little of what stands around it."""
        found = []
        # What is served again and again is looked at once; no canary holds such an end.
        pieces = dict.fromkeys(re.split(rb"(?<=[>\n])|(?<=}, )", data))
        raw = b"".join(pieces).decode("utf-8", "replace")
        texts = {raw, _plain(raw)}
        for text in texts:
            joined = _digits(text)
            # Masked, the first six and the last four digits stay.
            found += [f"card {c[:4]}…" for c in CARDS if c[4:-2] in joined]
            found += [_around(text, hit.start()) for hit in _NAMED_CODE.finditer(text)]
            for secret in self.words:
                coded = base64.b64encode(secret.encode()).decode().rstrip("=")
                for way in (secret, coded):
                    if way in text:
                        found.append(_around(text, text.index(way)))
        return found


def _around(text: str, at: int) -> str:
    return text[max(0, at - 60) : at + 60]
