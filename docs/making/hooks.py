"""What `mkdocs build` does beside its own work: pages from outside of docs/, links out of it, nothing from elsewhere.

A page links to files of the repository as it does on disk (`../cluster/README.md`, `../worlds/savannah.py`). Pages that
live outside of docs/ become pages of the site, other files are copied into it, and links are rewritten to them. A link
to nothing is left as it is, and fails the strict build.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks.evolearn")

# In the repository -> on the site. A README at the root would be a second index.
PAGES = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "cluster/README.md": "cluster.md",
    "cluster/SCALING.md": "scaling.md",
}
COPIES = "files"  # folder of the site for linked files that are no pages

LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))")
CODE = re.compile(r"^```.*?^```", re.M | re.S)
# What a browser would load by itself; a link that a reader follows is no such thing.
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|data)=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b[^>]*?\bhref=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)",
    re.I,
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside of docs/, and every file that a page links to."""
    for source, place in PAGES.items():
        files.append(File.generated(config, place, abs_src_path=str(_root(config) / source)))
    for page in files.documentation_pages():
        for target in _linked(page.content_string, _source(page.src_uri), _root(config)):
            place = _place(target)
            if place not in files.src_uris:
                files.append(File.generated(config, place, abs_src_path=str(_root(config) / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links as they are on disk into links of the site."""
    here = page.file.src_uri
    folder = posixpath.dirname(_source(here))

    def rewritten(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        if not (_root(config) / target).is_file():
            return link[0]
        return posixpath.relpath(_place(target), posixpath.dirname(here) or ".") + (link[2] or "")

    return _outside_code(LINK, rewritten, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Complain of whatever the page would load from another host."""
    for address in loaded_from_elsewhere(output):
        log.warning("%s loads %s: a page must be whole by itself", page.file.src_uri, address)
    return output


def on_post_build(config: MkDocsConfig) -> None:
    """Complain of style sheets that load from another host."""
    for path in Path(config.site_dir).rglob("*.css"):
        for address in loaded_from_elsewhere(path.read_text(encoding="utf-8")):
            log.warning("%s loads %s: a page must be whole by itself", path, address)


def loaded_from_elsewhere(text: str) -> list[str]:
    """Addresses of other hosts that a browser would load by itself, in HTML or CSS."""
    return [next(filter(None, found)) for found in LOADED.findall(text)]


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent


def _source(place: str) -> str:
    """Where a page of the site is in the repository."""
    return {place: source for source, place in PAGES.items()}.get(place, f"docs/{place}")


def _place(source: str) -> str:
    """Where a file of the repository is on the site."""
    return PAGES.get(source) or (source[5:] if source.startswith("docs/") else f"{COPIES}/{source}")


def _linked(markdown: str, source: str, root: Path) -> set[str]:
    """Files of the repository that a page links to."""
    text, folder = CODE.sub("", markdown), posixpath.dirname(source)
    targets = {posixpath.normpath(posixpath.join(folder, link[1])) for link in LINK.finditer(text)}
    return {target for target in targets if (root / target).is_file()}


def _outside_code(pattern: re.Pattern[str], replace: Any, text: str) -> str:
    """Replace in all that is no block of code."""
    parts, end = [], 0
    for block in CODE.finditer(text):
        parts += [pattern.sub(replace, text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, pattern.sub(replace, text[end:])])
