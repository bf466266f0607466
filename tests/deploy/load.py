"""Runs inside the image: pays over kept connections until nobody listens, and tells what it got."""

import http.client
import json
import sys
import threading

CALLERS = 8
HEADERS = {"Content-Type": "application/json"}

paid: list[str] = []
lost: list[str] = []


def caller(number: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=30)
    for turn in range(1_000_000):
        reference = f"order-{number}-{turn}"
        body = json.dumps({"amount": 1000, "currency": "EUR", "reference": reference})
        if connection.sock is None:
            try:
                connection.connect()
            except (ConnectionRefusedError, ConnectionResetError):
                return  # nothing was sent: the sidecar has said that it goes
        try:
            key = {"Idempotency-Key": reference}
            connection.request("POST", "/acme/payments", body, HEADERS | key)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            lost.append(f"{reference}: {type(error).__name__}")
            return
        if answer.status != 200:
            lost.append(f"{reference}: {answer.status}")
            return
        paid.append(reference)
        if len(paid) == 100:
            print("under load", flush=True)


threads = [threading.Thread(target=caller, args=(number,)) for number in range(CALLERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
json.dump({"paid": paid, "lost": lost}, sys.stdout)
