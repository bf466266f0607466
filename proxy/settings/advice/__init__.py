"""What `paysluice check` warns of: settings that work, and are seldom meant (docs/checks.md).

`process` looks at the whole, `provider` at one provider's settings, `profile` at them beside what
is known of that provider.
"""

from .advise import warnings
from .finding import Finding, Rule

__all__ = ["Finding", "Rule", "warnings"]
