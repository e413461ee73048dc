"""Reads a page as a browser would: balanced tags, ids, links, words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "source", "wbr", "col"}
MOST_BYTES = 700_000


class PageChecker(HTMLParser):
    """Checks that tags are balanced, ids unique, and collects what the page refers to and says."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert len(values) == len(attrs), f"an attribute of <{tag}> is there twice"
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("href", "src", "srcset", "action") and value]
        if tag == "img":
            self.images.append(values)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def check_page(page: str) -> PageChecker:
    """Read a page; it must be well-formed, and its ids unique."""
    checker = PageChecker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    return checker


def page_text(page: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", " ".join(check_page(page).words))


def assert_stands_alone(page: str) -> None:
    """Hold a page against what every report promises: no script, no other file, no network, nothing unfinished."""
    checker = check_page(page)
    assert len(page.encode()) < MOST_BYTES
    assert checker.tags.isdisjoint({"script", "link", "iframe", "object", "embed", "base"})
    for link in checker.links:
        assert link.startswith(("#", "data:image/png;base64,"))
    assert {link[1:] for link in checker.links if link.startswith("#")} <= set(checker.ids)
    assert "http:" not in page and "https:" not in page and "@import" not in page
    assert set(re.findall(r"url\(([^)]{1,6})", page)) <= {f"#{name[:5]}" for name in checker.ids}
    assert "nan" not in page.lower().split() and "None" not in page_text(page)
