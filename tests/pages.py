"""Laws of every page: it fetches nothing, and its charts are drawn for the dark too."""

import base64
import hashlib
import re
from html import unescape


def text(page: str) -> str:
    """What a reader sees, without charts."""
    body = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", body)))


def assert_fetches_nothing(page: str, script: str = "") -> None:
    """No script but one, nothing from elsewhere, every reference has its target."""
    if script:
        whole, page = page, page.replace(f"<script>{script}</script>", "", 1)
        assert len(page) < len(whole)
        # the browser runs what has this digest, and no other
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'\"" in page
    assert not re.search(r"<(script|iframe|object|embed|img|image|use|base)\b", page)
    targets = re.findall(r'\b(?:src|href)="([^"]*)"', page)
    assert all(target == "data:," or target[0] == "#" for target in targets)
    tags = re.sub(r'xmlns(:xlink)?="[^"]*"', "", " ".join(re.findall(r"<[^>]*>", page)))
    assert "http" not in tags.replace("http-equiv", "")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', page)) <= set(ids)


def colours(page: str) -> tuple[set[str], set[str]]:
    """Colours that charts use, and those that have a counterpart in the dark."""
    drawn = " ".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    used = set(re.findall(r'(?:fill|stroke)="(?!none|transparent|url)[^"]*"', drawn))
    return used, set(re.findall(r"svg \[([^\]]*)\]", page))
