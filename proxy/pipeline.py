"""THE JOURNEY: the ordered list of policies around one attempt. Read this first.

A call enters at the top; its outcome leaves there too. Each position has its reason:

1. `observe`: outermost, so that it sees each call once, refusals included, and its true end: a
   payment whose caller has left ends here and nowhere else.
2. `ledger`: above the loop, so that it claims a payment once and writes down what became of it over
   all attempts; a replay spends no token, touches no circuit and pays no retry.
3. `retry`: sees each call once and each attempt's outcome; it owns the effect of the whole call.
4. `breaker`: inside the loop, so that each attempt asks the circuit again and each failure votes.
5. `limit`: inside the breaker, so that a refused call spends no token; inside the loop, because a
   retry is one more call to the provider.
6. `attempt`: the wire, once. It takes the ledger's claim just before its first byte.
"""

from collections.abc import Sequence

from proxy.breaker import BreakerPolicy
from proxy.ledger import LedgerPolicy
from proxy.limit import LimitPolicy
from proxy.observe import ObservePolicy
from proxy.retry import RetryPolicy
from proxy.terms import Policy, Service, compose


def build(
    observe: ObservePolicy,
    ledger: LedgerPolicy,
    retry: RetryPolicy,
    breaker: BreakerPolicy,
    limit: LimitPolicy,
    attempt: Service,
) -> Service:
    """Nest the journey of one provider."""
    journey: Sequence[Policy] = [observe, ledger, retry, breaker, limit]
    return compose(journey, attempt)
