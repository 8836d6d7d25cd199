"""Open every built page in a headless browser, wide and narrow, light and dark, and say what is wrong with it.

    python tests/browse.py docs/_build/html [--pictures FOLDER] [PAGE ...]

Looked for: pages and tables that scroll sideways, images without a text in their place, formulas that MathJax refuses
or leaves alone, errors of the console, files that are missing or come from elsewhere. Without playwright or a browser
it says so and ends well.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
HEIGHT = 900

FAULTS = r"""
() => {
  const faults = [], room = document.documentElement.clientWidth;
  const named = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + " " +
    (e.getAttribute("src") || e.textContent).trim().replace(/\s+/g, " ").slice(0, 50);
  const hidden = e => !e.getClientRects().length;
  const own = e => e.closest("mjx-container, pre, div.math, span.math");
  if (document.documentElement.scrollWidth > room) {
    const wide = [...document.querySelectorAll("article *")].filter(e => e.getBoundingClientRect().right > room + 1);
    faults.push("scrolls sideways: " + (wide.length ? named(wide[wide.length - 1]) : "?"));
  }
  for (const e of document.querySelectorAll("article *")) {
    const beyond = e.scrollWidth - e.clientWidth;
    if (beyond > 1 && !own(e) && !hidden(e) && /auto|scroll|hidden/.test(getComputedStyle(e).overflowX))
      faults.push(`${beyond} px are out of sight: ` + named(e));
  }
  for (const e of document.querySelectorAll("article img")) {
    const said = (e.getAttribute("alt") || "").trim();
    if (!said || /\.(png|jpe?g|svg|gif|webp)$/.test(said)) faults.push("no alt text: " + named(e));
    if (!e.complete || !e.naturalWidth) faults.push("not shown: " + named(e));
  }
  for (const e of document.querySelectorAll("mjx-merror, [data-mjx-error]"))
    faults.push("MathJax refuses: " + named(e));
  for (const e of document.querySelectorAll(".math"))
    if (!e.querySelector("mjx-container")) faults.push("MathJax leaves alone: " + named(e));
  return faults;
}
"""
SETTLED = """
async () => {
  if (document.querySelector(".math")) {
    while (!window.MathJax?.startup?.promise) await new Promise(go => setTimeout(go, 20));
    await MathJax.startup.promise;
  }
  await document.fonts.ready;
  document.querySelectorAll("img[loading=lazy]").forEach(e => e.loading = "eager");
  await Promise.all([...document.images].map(e => e.decode().catch(() => 0)));
}
"""


def browser() -> str | None:
    """The first browser there is."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def faults(folder: Path, pages: list[Path], pictures: Path | None = None) -> Iterator[str]:
    """What is wrong, as "page (width, scheme): what"."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        for path in pages:
            yield from _faults_of(opened.new_page(), path, path.relative_to(folder).as_posix(), pictures)
        opened.close()


def _faults_of(tab, path, name, pictures):
    said = []
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("requestfailed", lambda request: said.append(f"not to be had: {request.url}"))
    tab.on("request", lambda asked: said.append(f"from elsewhere: {asked.url}") if "http" in asked.url[:4] else None)
    tab.goto(path.absolute().as_uri())
    tab.evaluate(SETTLED)
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": HEIGHT})
            said += tab.evaluate(FAULTS)
            if pictures:
                picture = f"{name.replace('/', '-').removesuffix('.html')}-{width}-{scheme}.png"
                tab.screenshot(path=pictures / picture, full_page=True)
            yield from (f"{name} ({width}, {scheme}): {fault}" for fault in dict.fromkeys(said))
            said.clear()
    tab.close()


def main() -> None:
    """Print the faults; exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pages were built")
    parser.add_argument("pages", nargs="*", type=Path, help="some of them; by default all")
    parser.add_argument("--pictures", type=Path, help="keep a picture of each there")
    asked = parser.parse_args()
    pages = asked.pages or sorted(page for page in asked.folder.rglob("*.html") if "_static" not in page.parts)
    if not pages:
        sys.exit(f"error: {asked.folder}: no pages there")
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError:
        return print("pages are not looked at: playwright is not installed")
    if not browser():
        return print(f"pages are not looked at: there is none of {', '.join(BROWSERS)}")
    if asked.pictures:
        asked.pictures.mkdir(parents=True, exist_ok=True)
    found = list(faults(asked.folder, pages, asked.pictures))
    print("\n".join([*found, f"{len(pages)} pages, {len(found)} faults"]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
