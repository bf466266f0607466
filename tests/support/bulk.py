"""Bodies too large to be kept: their sizes, and the bounds that let them through."""

MIB = 1024 * 1024
SIZE = 64 * MIB
PIECE = bytes(range(256)) * 256  # 64 KiB
BOUNDS = {"max_body": "256MiB", "replay_body": "1MiB"}
