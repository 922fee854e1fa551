"""Looks over a built site: python docs/check_site.py out/docs

Links inside it lead to files and anchors that are there; scripts, styles, fonts and pictures come from the site itself
and from no other host; a Vietnamese page says that it is one. Prints what is wrong, a line each, and fails if anything
is.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# what a browser fetches by itself: element and attribute
_FETCHED = {
    ("script", "src"), ("link", "href"), ("img", "src"), ("img", "srcset"), ("source", "src"), ("source", "srcset"),
    ("iframe", "src"), ("embed", "src"), ("object", "data"), ("video", "src"), ("video", "poster"), ("audio", "src"),
    ("track", "src"), ("input", "src"), ("image", "href"), ("use", "href"),
}  # fmt: skip
_IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


class _Page(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.fetched, self.language, self._style = set(), [], [], None, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = {key: value or "" for key, value in attributes}
        if tag == "html":
            self.language = given.get("lang")
        self.ids.update(given[key] for key in ("id", "name") if key in given and (key == "id" or tag == "a"))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        for key, value in given.items():
            if (tag, key) in _FETCHED:
                self.fetched += [part.split()[0] for part in value.split(",")] if key == "srcset" else [value]
            elif key == "style":
                self.fetched += addresses(value)
        self._style = tag == "style"

    def handle_endtag(self, tag):
        self._style = False

    def handle_data(self, data):
        if self._style:
            self.fetched += addresses(data)


def addresses(style: str) -> list[str]:
    """What a style sheet fetches."""
    return [a or b for a, b in _IN_STYLE.findall(style)]


def faults(site: Path) -> list[str]:
    """What is wrong with the site, a line each."""
    site = site.resolve()
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site} has no page"]

    def target(path: Path, address: str) -> "tuple[Path, str] | None":
        """File and anchor; None for what is not in the site."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return None
        place = path.parent / unquote(parts.path) if parts.path else path
        return place.resolve(), unquote(parts.fragment)

    def fetch(path: Path, address: str):
        if address.startswith(("data:", "#")):
            return
        inside = target(path, address)
        if inside is None:
            found.append(f"{path.relative_to(site)}: fetches {address}, from outside")
        elif not inside[0].is_relative_to(site) or not inside[0].is_file():
            found.append(f"{path.relative_to(site)}: fetches {address}, which is not there")

    for path, page in pages.items():
        for address in page.fetched:
            fetch(path, address)
        for address in page.links:
            inside = target(path, address)
            if inside is None:
                continue
            place, anchor = inside
            if place.is_dir():
                place /= "index.html"
            if not place.is_relative_to(site) or not place.is_file():
                found.append(f"{path.relative_to(site)}: links to {address}, which is not there")
            elif anchor and place in pages and anchor not in pages[place].ids:
                found.append(f"{path.relative_to(site)}: links to {address}, which has no such anchor")
        if path.stem.endswith(".vi") and page.language != "vi":
            found.append(f"{path.relative_to(site)}: has lang={page.language!r}, and is in Vietnamese")
    for path in sorted(site.rglob("*.css")):
        for address in addresses(path.read_text(encoding="utf-8")):
            fetch(path, address)
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(wrong)} faults in {sys.argv[1]}")
    sys.exit(bool(wrong))
