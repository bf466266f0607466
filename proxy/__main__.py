"""`python -m proxy` is `paysluice`."""

import sys

from proxy.cli import main

sys.exit(main())
