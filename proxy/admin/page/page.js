"use strict";
// Brings the page up to date every five seconds. What somebody is reading or filling in is let be:
// a part with an open form, or with the focus in it, is renewed once that is over.
const EVERY_MS = 5000;
const fresh = document.getElementById("fresh");

function isInUse(part) {
  return part.contains(document.activeElement) || part.querySelector("details[open] form") !== null;
}

function renew(part, newer) {
  const open = part.tagName === "DETAILS" && part.open;
  part.replaceChildren(...Array.from(newer.childNodes, (node) => document.importNode(node, true)));
  if (open) part.open = true;
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.pathname + location.search.replace(/[?&]said=[^&]*/, ""), {
      credentials: "same-origin", headers: { Accept: "text/html" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const newer = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
      if (newer !== null && !isInUse(part)) renew(part, newer);
    }
    document.title = page.title;
    fresh.textContent = `as of ${new Date().toLocaleTimeString()}`;
  } catch {
    fresh.textContent = "no answer: what is shown is old";
  }
}

fresh.textContent = "up to date";
setInterval(look, EVERY_MS);
