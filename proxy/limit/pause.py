"""The operator's switch: what of a provider's calls is held back."""

from typing import Final, Literal, TypeAlias, get_args

from proxy.terms import RouteEffect

Held: TypeAlias = Literal["none", "payments", "all"]
WORDS: Final[tuple[Held, ...]] = get_args(Held)


class Pause:
    """What is held back of one provider. It begins as configured, and then an operator says.

    What waits is held back as well; what has begun to be sent is not, nor what is only read where
    `payments` are.
    """

    def __init__(self, held: Held) -> None:
        self.held: Held = held

    def stops(self, effect: RouteEffect) -> bool:
        """Whether calls of this *effect* are held back."""
        if self.held == "payments":
            return effect is RouteEffect.PAYMENT
        return self.held == "all"
