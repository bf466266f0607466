"""What stands between the load and the provider, each a process of its own on one core.

Each is set up as somebody would run it who forwards to a payment provider: connections to it are
kept, nothing is logged for a success, and Envoy has a retry policy and a local rate limit.
"""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
TARGET: Final = "/acme"  # where Paysluice mounts the provider


@dataclass(frozen=True)
class Place:
    """Where a way listens, where the provider is, and a folder for its files."""

    folder: Path
    port: int
    provider: int
    provider_tls: int
    is_tls: bool = False
    providers: int = 1
    routes: int = 1

    @property
    def upstream(self) -> int:
        """The port of the provider that is meant."""
        return self.provider_tls if self.is_tls else self.provider

    def write(self, name: str, text: str) -> str:
        """Keep a file; give its path."""
        file = self.folder / f"{self.port}-{name}"
        file.write_text(text)
        return str(file)


@dataclass(frozen=True)
class Way:
    """One that forwards; *command* gives how it is started, None where it is not installed."""

    name: str
    command: Callable[[Place], list[str] | None]
    prefix: str = ""  # of the path


def nginx(place: Place) -> list[str] | None:
    scheme = "https" if place.is_tls else "http"
    return _nginx(
        place,
        f"""
        upstream provider {{ server 127.0.0.1:{place.upstream}; keepalive 64;
                             keepalive_requests 100000000; }}
        server {{
            listen 127.0.0.1:{place.port};
            location / {{
                proxy_pass {scheme}://provider;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
            }}
        }}
        """,
    )


def provider(place: Place, certificate: Path) -> list[str] | None:
    """Give the provider itself: it answers at once, in plain text and over TLS."""
    (place.folder / "big").write_bytes(b"x" * 65_536)
    paid = json.dumps({"id": "pay_1", "status": "succeeded", "amount": 1000, "currency": "EUR"})
    refused = json.dumps(
        {"error": {"code": "amount_too_small", "message": "Amount must be at least 50.",
                   "param": "amount", "type": "invalid_request_error"}}
    )  # fmt: skip
    return _nginx(
        place,
        f"""
        server {{
            listen 127.0.0.1:{place.provider};
            listen 127.0.0.1:{place.provider_tls} ssl;
            ssl_certificate {certificate}; ssl_certificate_key {certificate};
            default_type application/json;
            location /payments {{ return 200 '{paid}'; }}
            location /refused {{ return 422 '{refused}'; }}
            location /big {{ root {place.folder}; }}
        }}
        """,
    )


def _nginx(place: Place, servers: str) -> list[str] | None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        return None
    temporary = " ".join(
        f"{kind}_temp_path {place.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = f"""
    daemon off; master_process off; worker_processes 1; pid {place.folder}/{place.port}.pid;
    error_log stderr crit;
    events {{ worker_connections 4096; }}
    http {{ access_log off; keepalive_requests 100000000; {temporary} {servers} }}
    """
    return [program, "-c", place.write("nginx.conf", conf), "-p", str(place.folder)]


def haproxy(place: Place) -> list[str] | None:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        return None
    tls = " ssl verify none" if place.is_tls else ""
    conf = f"""
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    retries 2
    http-reuse always
frontend callers
    bind 127.0.0.1:{place.port}
    default_backend provider
backend provider
    server one 127.0.0.1:{place.upstream}{tls}
"""
    return [program, "-db", "-f", place.write("haproxy.cfg", conf)]


def envoy(place: Place) -> list[str] | None:
    program = shutil.which("envoy") or shutil.which("envoy", path=str(Path(sys.executable).parent))
    if program is None:
        return None
    conf = yaml.safe_dump(_envoy(place))
    return [program, "-c", place.write("envoy.yaml", conf), "--concurrency", "1", "-l", "error"]


def _envoy(place: Place) -> dict[str, Any]:
    api = "type.googleapis.com/envoy.extensions"
    limit = {
        "@type": f"{api}.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limit",
        "token_bucket": {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000,
                         "fill_interval": "1s"},
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
    }  # fmt: skip
    retries = {"retry_on": "connect-failure,refused-stream,retriable-status-codes",
               "retriable_status_codes": [503], "num_retries": 2}  # fmt: skip
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": "provider", "timeout": "30s", "retry_policy": retries},
    }
    manager = {
        "@type": f"{api}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "callers",
        "generate_request_id": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.local_ratelimit", "typed_config": limit},
            {"name": "envoy.filters.http.router",
             "typed_config": {"@type": f"{api}.filters.http.router.v3.Router"}},
        ],
    }  # fmt: skip
    tls = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": f"{api}.transport_sockets.tls.v3.UpstreamTlsContext"},
    }
    cluster = {
        "name": "provider",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "provider",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(place.upstream)}}]}],
        },
        **({"transport_socket": tls} if place.is_tls else {}),
    }
    listener = {
        "address": _address(place.port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager",
                          "typed_config": manager}]}
        ],
    }  # fmt: skip
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def aiohttp(place: Place) -> list[str]:
    scheme = "https" if place.is_tls else "http"
    forwarder = str(HERE / "forwarder.py")
    return [sys.executable, forwarder, str(place.port), f"{scheme}://127.0.0.1:{place.upstream}"]


def floor(mode: str) -> Callable[[Place], list[str]]:
    """Give what any proxy costs whose callers' side is aiohttp's: `front`, and `leg` with it."""
    program = str(HERE / "floor.py")
    return lambda place: [sys.executable, program, mode, str(place.port), str(place.upstream)]


def paysluice(place: Place) -> list[str]:
    """Give a sidecar with every policy on: it logs failures, and nothing of a success."""
    config = {
        "listen": f"127.0.0.1:{place.port}",
        "admin": "127.0.0.1:0",
        "drain": {"delay": "0ms", "timeout": "1s"},
        "log": {"level": "warning"},
        "providers": {
            TARGET.strip("/"): _provider(place, place.routes),
            **{f"other{number}": _provider(place, 1) for number in range(place.providers - 1)},
        },
    }
    file = place.write("paysluice.yaml", yaml.safe_dump(config))
    return [sys.executable, "-m", "proxy", "run", "--config", file]


def _provider(place: Place, routes: int) -> dict[str, Any]:
    scheme = "https" if place.is_tls else "http"
    limit = {"rate": "1000000/s", "burst": 1_000_000}
    return {
        "profile": "spotflow",
        "base_url": f"{scheme}://127.0.0.1:{place.upstream}",
        "tls": {"verify": False} if place.is_tls else {},
        "rate_limits": [{"name": "account", **limit}, {"name": "route", "per": "route", **limit}],
        "concurrency": {"max": 1000},
        "connections": {"max": 1000, "idle": "60s", "age": "1h"},
        "routes": [
            {"name": f"r{number}", "match": f"GET /r{number}/{{id}}"}
            for number in range(routes - 1)
        ],
    }


WAYS: Final = (
    Way("nginx", nginx),
    Way("HAProxy", haproxy),
    Way("Envoy", envoy),
    Way("aiohttp", aiohttp),
    Way("Paysluice", paysluice, TARGET),
)
# What is under it: these forward whatever comes, and so are compared in the simplest case only.
FLOOR: Final = (Way("aiohttp's front", floor("front")), Way("and a lean leg", floor("leg")))
