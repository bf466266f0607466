"""The config read again while the process runs: what may change, and what needs a restart. Pure."""

from collections.abc import Collection, Iterator

from proxy.settings import ProviderSettings, Settings


def stands_against(
    old: Settings, new: Settings, undecided: Collection[str], *, is_forced: bool
) -> Iterator[str]:
    """Say what cannot change now; *undecided* are the providers with payments that are not decided.

    What is unknown, or may become so, is asked for by its account, where its provider is: neither
    may move under it, unless that *is_forced*.
    """
    for name in type(old).model_fields:
        if name != "providers" and getattr(old, name) != getattr(new, name):
            yield f"{name}: takes effect with a restart"
    if _addresses(old) != _addresses(new):
        yield "providers.*.listen: takes effect with a restart"
    for name in sorted(undecided):
        before, after = old.providers.get(name), new.providers.get(name)
        if before is None:
            continue
        is_moved = after is None or _whose(before) != _whose(after)
        if is_moved and not is_forced:
            yield f"providers.{name}: payments of it are not decided, it stays (or `force=1`)"


def _whose(provider: ProviderSettings) -> tuple[object, ...]:
    """Give what says whose a payment is, and whether its key is guarded."""
    return (
        provider.account,
        provider.base_url,
        provider.tenant_headers,
        provider.profile,
        provider.idempotency.mode,
        provider.idempotency.header,
        provider.idempotency.trusted,
    )


def _addresses(settings: Settings) -> list[tuple[str, object]]:
    given = settings.providers.items()
    return [(name, each.listen) for name, each in given if each.listen is not None]
