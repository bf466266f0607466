"""docs/providers.md says of each bundled profile what the profile says."""

from tests.scripts.load import ROOT, script

table = script("provider_table")


def test_the_table_of_profiles_is_what_the_profiles_say() -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    written = page.partition(table.BEGIN)[2].partition(table.END)[0]
    assert written == table.rendered(), "run: python scripts/provider_table.py"
