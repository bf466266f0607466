"""The caller's side of the wire: reads a request, gives it to its journey, writes the answer.

Who may be called here: `serve.Handler` for one request, `server.Listener` for the addresses,
`journeys.Journeys` for the tasks in which calls run on when their callers leave.
"""

from .destination import Arrivals, Destination
from .journeys import Journeys
from .ourselves import Ask
from .owed import Owed
from .serve import Handler
from .server import Listener, tls_for_callers
from .settings import CallerSettings
from .tracing import Tracing
from .webhooks import Take, WebhookListener

__all__ = [
    "Arrivals",
    "Ask",
    "CallerSettings",
    "Destination",
    "Handler",
    "Journeys",
    "Listener",
    "Owed",
    "Take",
    "Tracing",
    "WebhookListener",
    "tls_for_callers",
]
