"""The gate: what a built book must be before anybody reads it. It reads the pages, not the log.

`check_pages` looks at the HTML; `check_in_browser` opens every page in a real browser with the
network cut off. A cell says what must be on the page with a tag: `expects-player` (any widget's
`data-widget` name), and `raises-exception` where an error is the lesson.

Run `python -m lib.book.gate _build/html`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

#: Hosts that pages of other books load from; ours must not even name them in a loading attribute or script.
CDN = re.compile(r"(cdn\.jsdelivr\.net|unpkg\.com|cdnjs\.cloudflare\.com|fonts\.g(oogleapis|static)\.com|esm\.sh)")

#: Attributes through which a page makes the browser load something.
LOADING = (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("audio", "src"), ("source", "src"))

#: How long a widget may take to appear, in milliseconds.
PATIENCE_MS = 20_000

#: How many browsers open pages at the same time.
BROWSERS = 2

#: Pages Sphinx makes itself, without content of ours.
GENERATED = {"genindex.html", "search.html", "py-modindex.html"}


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one page."""

    page: str
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.page}: [{self.rule}] {self.what}"


@dataclass(frozen=True)
class Page:
    """One parsed page of the built book."""

    path: str
    soup: BeautifulSoup
    text: str


def pages(folder: Path) -> list[Page]:
    """Parse every page of a built book, the ones Sphinx makes itself left out."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        name = str(path.relative_to(folder))
        if name in GENERATED or name.startswith("_static"):
            continue
        text = path.read_text(encoding="utf-8")
        found.append(Page(name, BeautifulSoup(text, "html.parser"), text))
    return found


def check_pages(folder: Path, book: list[Page] | None = None) -> list[Finding]:
    """Check every page of a built book without a browser.

    Args:
        folder: the built book, as made by `make book`.
        book: its parsed pages, if at hand.
    """
    book = pages(folder) if book is None else book
    if not book:
        return [Finding(str(folder), "pages", "there is no page at all")]
    anchors = {page.path: _anchors(page.soup) for page in book}
    findings: list[Finding] = []
    for page in book:
        for rule in (untagged_errors, cdn_urls, missing_alt, expectations):
            findings += rule(page)
        findings += broken_links(page, folder, anchors)
    return findings


def untagged_errors(page: Page) -> Iterator[Finding]:
    """No traceback and no error output, unless its cell is tagged `raises-exception`."""
    for output in page.soup.select(".output.traceback, .output.stderr"):
        cell = output.find_parent(class_="cell")
        classes = cell.get("class", []) if isinstance(cell, Tag) else []
        if "tag_raises-exception" not in classes:
            text = output.get_text().strip()
            yield Finding(page.path, "error", f"untagged error output: {text.splitlines()[-1][:120] if text else ''}")


def cdn_urls(page: Page) -> Iterator[Finding]:
    """Nothing is loaded from another host, and no script so much as names a CDN."""
    for name, attribute in LOADING:
        for element in page.soup.find_all(name):
            address = str(element.get(attribute) or "")
            rel = element.get("rel") or []
            if re.match(r"(https?:)?//", address) and not {"canonical", "license"} & set(rel):
                yield Finding(page.path, "cdn", f"<{name}> loads {address}")
    for script in page.soup.find_all("script"):
        kind = script.get("type") or ""
        if "json" not in kind and (match := CDN.search(script.get_text())):
            yield Finding(page.path, "cdn", f"a script names {match[0]}")


def missing_alt(page: Page) -> Iterator[Finding]:
    """Every image says in words what one would see; a file name is no description."""
    for image in page.soup.find_all("img"):
        alt = str(image.get("alt") or "").strip()
        if (not alt and image.get("aria-hidden") != "true") or re.fullmatch(r"\S+\.(png|svg|jpe?g|gif|webp)", alt):
            yield Finding(page.path, "alt", f"image without description: {str(image.get('src'))[:80]}")
    for figure in page.soup.select("figure.tb-figure > svg"):
        if not str(figure.get("aria-label") or "").strip():
            yield Finding(page.path, "alt", "figure without description")


def expectations(page: Page) -> Iterator[Finding]:
    """Every cell tagged `expects-…` shows a widget, and every widget stands in such a cell."""
    for cell in page.soup.select("div.cell"):
        tags = _expected(cell)
        views = cell.select('script[type="application/vnd.jupyter.widget-view+json"]')
        if tags and not views and not cell.select("audio, [data-widget]"):
            yield Finding(page.path, "widgets", f"a cell expects {', '.join(tags)} and shows none")
        if views and not tags:
            yield Finding(page.path, "widgets", "a widget stands in a cell without an expects-… tag")
        if len(views) < len(tags):
            yield Finding(page.path, "widgets", f"a cell expects {len(tags)} widgets and shows {len(views)}")
    state = page.soup.find("script", type="application/vnd.jupyter.widget-state+json")
    models = json.loads(state.get_text())["state"] if state else {}
    for view in page.soup.select('script[type="application/vnd.jupyter.widget-view+json"]'):
        model = json.loads(view.get_text()).get("model_id")
        if model not in models:
            yield Finding(page.path, "widgets", f"no saved state for widget {model}")


def broken_links(page: Page, folder: Path, anchors: dict[str, set[str]]) -> Iterator[Finding]:
    """Every internal link leads to a page that is there, every anchor to an element that is there."""
    for link in page.soup.find_all("a", href=True):
        parts = urlsplit(str(link["href"]))
        if parts.scheme or parts.netloc or (not parts.path and not parts.fragment):
            continue
        target = page.path
        if parts.path:
            goal = ((folder / page.path).parent / unquote(parts.path)).resolve()
            if not goal.is_relative_to(folder.resolve()) or not goal.exists():
                yield Finding(page.path, "link", f"{link['href']} leads nowhere in the book")
                continue
            target = str(goal.relative_to(folder.resolve()))
        fragment = unquote(parts.fragment)
        if fragment and target in anchors and fragment not in anchors[target]:
            yield Finding(page.path, "link", f"no anchor #{fragment} on {target}")


def check_in_browser(folder: Path, only: Iterable[str] | None = None) -> list[Finding]:
    """Open every page in a real browser whose network is cut off.

    Finds requests that try to leave the host, failed requests, console errors, uncaught
    exceptions, and expected widgets that did not appear.
    """
    from lib.book.browser import opened, served

    names = list(only) if only is not None else _visited(pages(folder))

    def visit_all(share: list[str]) -> list[Finding]:
        # each thread needs a browser of its own: the tool's objects belong to the thread that made them
        with opened() as browser:
            context = browser.new_context(viewport={"width": 1200, "height": 900})
            return [finding for name in share for finding in _visit(context, address, name)]

    shares = [share for start in range(BROWSERS) if (share := names[start::BROWSERS])]
    with served(folder) as address, ThreadPoolExecutor(BROWSERS) as pool:
        findings = [finding for found in pool.map(visit_all, shares) for finding in found]
    return sorted(findings, key=lambda finding: names.index(finding.page))


def _visit(context, address: str, name: str) -> list[Finding]:
    findings: list[Finding] = []
    page = context.new_page()

    def route(handler) -> None:
        url = handler.request.url
        if url.startswith((address, "data:", "blob:")):
            handler.continue_()
        else:
            findings.append(Finding(name, "network", f"a request tried to leave: {url}"))
            handler.abort()

    page.route("**/*", route)
    page.on("pageerror", lambda error: findings.append(Finding(name, "console", f"uncaught: {error}")))
    page.on(
        "console",
        lambda message: message.type == "error" and findings.append(Finding(name, "console", message.text[:300])),
    )
    page.on(
        "response",
        lambda answer: (
            answer.status >= 400 and findings.append(Finding(name, "network", f"{answer.status} for {answer.url}"))
        ),
    )
    page.goto(address + name, wait_until="load")
    expected = page.evaluate(
        """() => [...document.querySelectorAll("div.cell")].map((cell, index) =>
             [index, [...cell.classList].filter((c) => c.startsWith("tag_expects-")).map((c) => c.slice(12))])"""
    )
    for index, kinds in expected:
        for kind in kinds:
            # A progress bar is ipywidgets' own, and bears no name of ours.
            shown = ".progress-bar" if kind == "progress" else f'[data-widget="{kind}"]'
            selector = f"div.cell >> nth={index} >> {shown}"
            try:
                page.wait_for_selector(selector, state="attached", timeout=PATIENCE_MS)
            except Exception:  # the tool's own time-out class differs between its versions
                findings.append(Finding(name, "widgets", f"the {kind} of cell {index} did not appear"))
    page.wait_for_timeout(150)
    page.close()
    return findings


def _visited(book: list[Page]) -> list[str]:
    """Name the pages that are opened in a browser: all that do not lead to another at once."""
    return [page.path for page in book if not _redirects(page)]


def _redirects(page: Page) -> bool:
    return page.soup.find("meta", attrs={"http-equiv": re.compile("refresh", re.IGNORECASE)}) is not None


def _anchors(soup: BeautifulSoup) -> set[str]:
    return {str(element["id"]) for element in soup.find_all(id=True)} | {
        str(a["name"]) for a in soup.find_all("a", attrs={"name": True})
    }


def _expected(cell: Tag) -> list[str]:
    return [name.removeprefix("tag_expects-") for name in cell.get("class") or [] if name.startswith("tag_expects-")]


def main(argv: list[str] | None = None) -> int:
    """Check a built book; print what is wrong and leave with 1 if anything is."""
    parser = argparse.ArgumentParser(prog="python -m lib.book.gate", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("_build/html"))
    parser.add_argument("--no-browser", action="store_true", help="only read the files")
    arguments = parser.parse_args(argv)
    book = pages(arguments.folder)  # parsed once: that takes longest of all that needs no browser
    findings = check_pages(arguments.folder, book)
    if not arguments.no_browser:
        findings += check_in_browser(arguments.folder, _visited(book))
    print("\n".join(map(str, findings)) or f"{len(book)} pages pass the gate")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
