"""The operator's page in a real Chromium, in front of a sidecar whose provider misbehaves."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.browser import Tab, browser
from tests.support.sidecar import Sidecar, sidecar

SIM = {"profile": "sim", "base_url": "simulator"}
PAID = b'{"amount": 1999, "currency": "EUR", "reference": "order-%d"}'
FAULTS = ("none", "none", "decline", "400", "charge_then_drop")
ROWS = "document.querySelectorAll('[data-live=unknown] tbody tr').length"


async def pay(proxy: Sidecar, number: int, fault: str = "none", name: str = "acme") -> int:
    headers = {"Content-Type": "application/json", "Sim-Fault": fault}
    reply = await proxy.ask("POST", f"/{name}/payments", headers, PAID % number)
    return reply.status


@asynccontextmanager
async def page(folder: Path) -> AsyncIterator[tuple[Sidecar, Tab, str]]:
    """Run a sidecar and a browser; give both, and where the page is."""
    providers = {"acme": SIM, "mollie": SIM}
    async with sidecar(providers, stores={"ledger": f"sqlite:{folder}/l.db"}) as proxy:
        for number, fault in enumerate(FAULTS):
            await pay(proxy, number, fault)
        async with browser(folder / "chromium") as tab:
            yield proxy, tab, f"http://127.0.0.1:{proxy.app.admin_port}/"
            assert tab.complaints == []  # of scripts, or of what the page's policy forbids


async def test_a_payment_is_settled_by_keyboard(tmp_path: Path) -> None:
    async with page(tmp_path) as (_, tab, url):
        await tab.open(url)
        assert await tab.ask(ROWS) == 1
        await tab.ask("document.querySelector('.settle summary').focus()")
        await tab.press("Enter")
        await tab.press("Tab")
        await tab.press(" ")
        await tab.press("Tab")
        await tab.type("settlement file, line 14")
        await tab.press("Enter")
        await tab.wait_for("document.querySelector('.told')?.textContent == 'Settled.'")
        assert await tab.ask("document.querySelector('.calm') !== null")


async def test_the_first_key_leads_past_the_header(tmp_path: Path) -> None:
    async with page(tmp_path) as (_, tab, url):
        await tab.open(url)
        await tab.press("Tab")
        assert await tab.ask("document.activeElement.className") == "skip"
        await tab.press("Enter")
        assert await tab.ask("location.hash") == "#main"


async def test_it_brings_itself_up_to_date_but_for_what_is_in_use(tmp_path: Path) -> None:
    async with page(tmp_path) as (proxy, tab, url):
        await tab.open(url)
        await tab.ask("document.querySelector('.settle').open = true")
        await pay(proxy, 77, "charge_then_drop")
        await tab.wait_for("document.title.includes('2 unknown')")
        assert await tab.ask(ROWS) == 1  # a form is open in it
        await tab.ask("document.querySelector('.settle').open = false")
        await tab.wait_for(f"{ROWS} == 2")


async def test_it_is_read_without_scripts(tmp_path: Path) -> None:
    async with page(tmp_path) as (_, tab, url):
        await tab.do("Emulation.setScriptExecutionDisabled", value=True)
        await tab.open(url)
        text = await tab.ask("document.body.innerText")
        assert "1 of unknown outcome" in text
        assert "order-4" in text
        assert await tab.ask("document.querySelectorAll('svg rect').length") > 0


async def test_a_switch_holds_payments_back(tmp_path: Path) -> None:
    async with page(tmp_path) as (proxy, tab, url):
        await tab.open(url)
        form = "document.querySelector('#mollie .switch form')"
        await tab.ask(f"{form}.querySelector('[value=payments]').checked = true")
        await tab.ask(f"{form}.querySelector('[name=by]').value = 'kim: incident 7'")
        await tab.ask(f"{form}.requestSubmit()")
        await tab.wait_for("document.querySelector('.told') !== null")
        assert await pay(proxy, 1, name="mollie") == 503
        assert await pay(proxy, 1, name="acme") == 200


async def test_it_is_light_and_dark_and_fits(tmp_path: Path) -> None:
    """With `PAYSLUICE_PICTURES` set to a folder, the pictures are kept: `docs/images`."""
    kept = os.environ.get("PAYSLUICE_PICTURES")
    async with page(tmp_path) as (proxy, tab, url):
        await asyncio.gather(*(pay(proxy, 100 + n) for n in range(40)))
        reads = [f"/mollie/payments/pay_{number}" for number in range(30)]
        await asyncio.gather(*(proxy.ask("GET", read, {"Sim-Fault": "503"}) for read in reads))
        await tab.open(url)
        grounds = set()
        for scheme in ("light", "dark"):
            file = Path(kept or tmp_path) / f"page-{scheme}.png"
            await tab.shoot(file, scheme, 1180, 1360)
            assert file.read_bytes().startswith(b"\x89PNG")
            grounds.add(await tab.ask("getComputedStyle(document.body).backgroundColor"))
        assert len(grounds) == 2
        await tab.shoot(tmp_path / "small.png", "light", 390, 800)
        assert await tab.ask("document.documentElement.scrollWidth") <= 390
