"""`paysluice health`: whether a running sidecar is ready, as a container's health check asks."""

import json
import sys

from .main import NO
from .operator import Admin, OperatorError


def health(admin: Admin) -> int:
    """Say what `/readyz` says: exit 0 where it is ready."""
    try:
        reason = json.loads(admin.get("/readyz"))["reason"]
    except OperatorError as error:
        print(f"paysluice: {error}", file=sys.stderr)  # noqa: T201
        return NO
    except (ValueError, LookupError, TypeError):
        print(f"paysluice: {admin.url} is no sidecar's", file=sys.stderr)  # noqa: T201
        return NO
    print(reason)  # noqa: T201
    return 0
