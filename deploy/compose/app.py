"""Stands for an application: pays every half second through the sidecar beside it.

Every fifth call meets a provider that fails in another way, so that the board has what to show.
"""

import http.client
import json
import os
import time
from itertools import count, cycle

FAULTS = ("charge_then_drop", "429_retry_after=1", "503", "decline")
EVERY_S = 0.5


def main() -> None:
    faults = cycle(FAULTS)
    for number in count(1):
        reference = f"order-{os.getpid()}-{number}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": reference}
        if number % 5 == 0:
            headers["Sim-Fault"] = next(faults)
        body = {"amount": 1000, "currency": "EUR", "reference": reference}
        sidecar = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
        try:
            sidecar.request("POST", "/sim/payments", json.dumps(body), headers)
            answer = sidecar.getresponse()
            told = answer.getheader("Paysluice-Outcome") or "succeeded"
            print(reference, answer.status, told, flush=True)
        except (OSError, http.client.HTTPException) as error:
            print(reference, "the sidecar does not answer:", type(error).__name__, flush=True)
        finally:
            sidecar.close()
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
