"""The command line: argv becomes a command, a command an exit code.

Exit codes: 0 fine, 1 the answer is no, 2 usage. Errors go to standard error, a line each.
Each command imports what it needs when it runs: `version` does not wait for a web server.
"""

from .main import main

__all__ = ["main"]
