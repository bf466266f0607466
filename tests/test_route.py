"""A path means one provider and one route, and reaches it byte for byte or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.route import OTHER, Matched, ProviderRoutes, Router, RouteRule, parse_match
from proxy.terms import Refusal, Refused, RouteEffect

READ, IDEMPOTENT, PAYMENT = RouteEffect.READ, RouteEffect.IDEMPOTENT, RouteEffect.PAYMENT

ACME = ProviderRoutes(
    name="acme",
    mount=b"/acme/",
    base_path=b"/api/v1",
    rules=(
        parse_match("POST /payments", name="create_payment"),
        parse_match("POST /search", name="search", effect=READ),
        parse_match("GET /pay/{id}", name="pay_by_get", effect=PAYMENT),
        parse_match("GET /payments/{id}", name="get_payment"),
        parse_match("GET /payments/latest", name="never_reached"),
    ),
    operations=(
        parse_match("POST /payments", name="payments.create", effect=PAYMENT),
        parse_match("POST /search", name="payments.search", effect=PAYMENT),
        parse_match("POST /refunds", name="refunds.create"),
        parse_match("POST /balance", name="balance.read", effect=READ),
        parse_match("PUT /api/v1/full", name="full", effect=PAYMENT),
    ),
    prefixes=(b"/other", b"/api/v1/", b"/"),
)
DEEP = ProviderRoutes(name="deep", mount=b"/acme/deep/")
ROUTER = Router([ACME, DEEP])
ALONE = Router([ProviderRoutes(name="sim", mount=b"/")])


def found(method: str, target: bytes, router: Router = ROUTER) -> Matched:
    matched = router.match(method, target)
    assert isinstance(matched, Matched)
    return matched


def test_a_match_says_provider_route_operation_effect_and_target() -> None:
    assert found("POST", b"/acme/payments?x=1") == Matched(
        provider="acme",
        route="create_payment",
        operation="payments.create",
        effect=PAYMENT,
        target=b"/api/v1/payments?x=1",
    )


@pytest.mark.item(20)
@pytest.mark.parametrize(
    "rest",
    [
        b"/",
        b"/a%2Fb?x=1",
        b"/%2f/%20/+/%7E~/%zz/;p=1",
        b"//double//",
        b"/a?",
        b"/a?x=%5C%2e%2e/../y&u=http://x/?",
        b"/a.b/..c/...",
        b"/%252e%252e/",
    ],
)
def test_path_and_query_go_on_byte_for_byte(rest: bytes) -> None:
    assert found("GET", b"/acme" + rest).target == b"/api/v1" + rest
    assert found("GET", rest, ALONE).target == rest


@pytest.mark.parametrize(
    ("target", "sent"), [(b"/acme", b"/api/v1/"), (b"/acme?x=1", b"/api/v1/?x=1")]
)
def test_a_mount_without_its_slash_means_the_mount(target: bytes, sent: bytes) -> None:
    assert found("GET", target).target == sent


def test_the_longest_mount_wins() -> None:
    assert found("GET", b"/acme/deep/x").provider == "deep"
    assert found("GET", b"/acme/deep").provider == "deep"
    assert found("GET", b"/acme/deeper").provider == "acme"


@pytest.mark.item(21)
def test_what_looks_like_another_host_stays_a_path() -> None:
    assert found("GET", b"//evil.com/x", ALONE).target == b"//evil.com/x"


@pytest.mark.item(20, 21, 23)
@pytest.mark.parametrize(
    "path",
    [
        b"/acme/../x",
        b"/acme/./x",
        b"/acme/..",
        b"/acme/.",
        b"/acme/%2e%2e/x",
        b"/acme/%2E./x",
        b"/acme/.%2e/x",
        b"/acme/%2E%2e",
        b"/acme/%2e/x",
        b"/acme/..%2fx",
        b"/acme/a%2F..%2Fx",
        b"/acme/..;v=1/x",
        b"/acme/%2e%2E%3bv/x",
        b"/acme/..?x=1",
        b"/%2e%2e/acme/x",
        b"/acme/a\\b",
        b"/acme/a?b\\c",
        b"/acme/a%5cb",
        b"/acme/a%5Cb",
        b"/acme/a#b",
        b"/acme/a b",
        b"/acme/a\tb",
        b"/acme/a\x00b",
        b"/acme/a\x7fb",
        b"/acme/caf\xc3\xa9",
        b"/acme/x?\xff",
        b"acme/x",
        b"*",
        b"",
        b"http://acme/x",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(path: bytes) -> None:
    refused = ROUTER.match("GET", path)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.MALFORMED
    assert refused.hint


@pytest.mark.item(23)
@pytest.mark.parametrize("path", [b"/", b"/nobody/x", b"/acmex", b"/ACME/x", b"/%61cme/x"])
def test_a_path_that_nobody_is_mounted_at_finds_no_provider(path: bytes) -> None:
    assert ROUTER.match("GET", path) == Refused(reason=Refusal.NO_PROVIDER)


@pytest.mark.parametrize("path", [b"/_paysluice", b"/_paysluice/outcomes/1", b"/_paysluice?x"])
def test_our_own_place_is_nobody_else_s(path: bytes) -> None:
    assert ALONE.match("GET", path) == Refused(reason=Refusal.NO_PROVIDER)
    assert found("GET", b"/_paysluicer", ALONE).provider == "sim"


@pytest.mark.item(1)
@pytest.mark.parametrize(
    ("method", "path", "route", "operation", "effect"),
    [
        ("POST", b"/search", "search", "payments.search", READ),
        ("POST", b"/refunds", "refunds.create", "refunds.create", PAYMENT),
        ("POST", b"/balance", "balance.read", "balance.read", READ),
        ("PUT", b"/full", "full", "full", PAYMENT),
        ("GET", b"/payments/1", "get_payment", "", READ),
        ("GET", b"/payments/latest", "get_payment", "", READ),
        ("GET", b"/payments/%7Bid%7D?x=/y", "get_payment", "", READ),
        ("GET", b"/payments/", OTHER, "", READ),
        ("GET", b"/payments/1/", OTHER, "", READ),
        ("GET", b"/%70ayments/1", OTHER, "", READ),
        ("GET", b"/pay/1", "pay_by_get", "", PAYMENT),
        ("HEAD", b"/payments/1", "get_payment", "", READ),
        ("HEAD", b"/pay/1", "pay_by_get", "", PAYMENT),
        ("HEAD", b"/payments", OTHER, "", READ),
        ("OPTIONS", b"/x", OTHER, "", READ),
        ("QUERY", b"/x", OTHER, "", READ),
        ("PUT", b"/x", OTHER, "", IDEMPOTENT),
        ("DELETE", b"/x", OTHER, "", IDEMPOTENT),
        ("PATCH", b"/x", OTHER, "", PAYMENT),
        ("BREW", b"/x", OTHER, "", PAYMENT),
        ("get", b"/payments/1", OTHER, "", PAYMENT),
    ],
)
def test_a_route_is_named_and_judged(
    method: str, path: bytes, route: str, operation: str, effect: RouteEffect
) -> None:
    matched = found(method, b"/acme" + path)
    assert (matched.route, matched.operation, matched.effect) == (route, operation, effect)


@pytest.mark.parametrize("base_path", [b"", b"/", b"/v1", b"/v1/"])
def test_an_operation_is_found_wherever_its_prefix_stands(base_path: bytes) -> None:
    routes = replace(
        ACME,
        base_path=base_path,
        rules=(),
        operations=(parse_match("POST /charges", name="charges.create"),),
        prefixes=(b"/v1",),
    )
    path = b"/acme/charges" if base_path.strip(b"/") else b"/acme/v1/charges"
    matched = found("POST", path, Router([routes]))
    assert matched.operation == "charges.create"
    assert matched.target == b"/v1/charges"


def test_a_root_pattern_matches_the_root() -> None:
    routes = ProviderRoutes(name="a", mount=b"/", rules=(parse_match("GET /", name="root"),))
    assert found("GET", b"/?x", Router([routes])).route == "root"


@pytest.mark.parametrize(
    ("match", "segments"),
    [
        ("GET /", (b"",)),
        ("POST /payments", (b"payments",)),
        ("GET /payments/{id}/refunds/{refund_id}", (b"payments", None, b"refunds", None)),
        ("DELETE /a%2Fb/", (b"a%2Fb", b"")),
    ],
)
def test_a_pattern_is_read_into_segments(match: str, segments: tuple[bytes | None, ...]) -> None:
    rule = parse_match(match, name="n", effect=READ)
    assert rule == RouteRule("n", match.split(maxsplit=1)[0], segments, READ)


@pytest.mark.parametrize(
    "match",
    [
        "",
        "/payments",
        "GET",
        "GET payments",
        "get /payments",
        "GET  /payments",
        "GET /a b",
        "GET /a?b=1",
        "GET /a#b",
        "GET /../a",
        "GET /%2e/a",
        "GET /é",
        "GET /a/{",
        "GET /a/{}",
        "GET /a/x{id}",
        "GET /a/{id}.json",
        "GET /a/{i d}",
    ],
)
def test_a_pattern_that_no_request_could_match_is_refused_and_named(match: str) -> None:
    with pytest.raises(ValueError, match=r"GET /|path begins|parameter is") as caught:
        parse_match(match)
    assert repr(match) in str(caught.value)


@pytest.mark.parametrize(
    ("providers", "text"),
    [
        ([replace(ACME, mount=b"/a")], "begins and ends"),
        ([replace(ACME, mount=b"a/")], "begins and ends"),
        ([replace(ACME, mount=b"/a/../b/")], "begins and ends"),
        ([replace(ACME, mount=b"/a?b/")], "begins and ends"),
        ([replace(ACME, mount=b"/_paysluice/x/")], "is ours"),
        ([replace(ACME, base_path=b"api")], "base path"),
        ([replace(ACME, base_path=b"/api?x")], "base path"),
        ([ACME, replace(DEEP, mount=b"/acme/")], "the same mount"),
        ([ACME, replace(DEEP, mount=b"/")], "the only one"),
    ],
)
def test_a_mount_that_could_not_work_is_refused(providers: list[ProviderRoutes], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Router(providers)


@pytest.mark.item(23)
@given(st.binary(max_size=40))
def test_whatever_is_let_through_stays_below_the_mount(rest: bytes) -> None:
    target = b"/acme/" + rest
    matched = ROUTER.match("GET", target)
    if isinstance(matched, Refused):
        return
    assert matched.target.endswith(b"/" + rest) or matched.provider == "deep"
    path = matched.target.split(b"?")[0].lower().replace(b"%2e", b".")
    assert not {b".", b".."} & set(path.split(b"/"))
