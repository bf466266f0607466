"""One try over the wire, with proof of what was sent."""
