"""Whether an SVG is a still picture and nothing more: no script, nothing from elsewhere, no way to blow up.

A browser runs an SVG that is opened as a page like a page. Here one is refused unless it is known to be
harmless, so that it may be served from the service's own address.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from matinee.observe.catalogue.image_header import Header, UnreadableImageError

MAX_BYTES = 1_000_000
MAX_ELEMENTS, MAX_DEPTH, MAX_USES = 20_000, 60, 200
SVG = "http://www.w3.org/2000/svg"
REFUSED = frozenset({
    "script", "foreignobject", "iframe", "object", "embed", "audio", "video", "canvas", "handler", "listener",
    "animate", "animatecolor", "animatemotion", "animatetransform", "set", "discard", "feimage", "link",
})  # fmt: skip
"""Elements that run, load, embed or move something, in small letters."""
REFERENCES = frozenset({"href", "src", "base"})
_URL = re.compile(r"url\(\s*['\"]?\s*(?!['\"#\s])", re.IGNORECASE)
_STYLE = re.compile(
    r"@import|expression\s*\(|javascript:|image-set|image\s*\(|cross-fade|src\s*\(|\\", re.IGNORECASE
)
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:px)?\s*")


def read_svg(data: bytes) -> Header:
    """Size of an SVG, in pixels as it says, or in the units of its view box.

    Raises
    ------
    UnreadableImageError
        It is not well-formed, or holds something that is refused.

    Examples
    --------
    >>> read_svg(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"/>')
    Header(format='svg', width_px=320, height_px=180)
    """
    if len(data) > MAX_BYTES:
        raise UnreadableImageError(
            f"has {len(data):,} bytes, more than the {MAX_BYTES:,} that an SVG may have"
        )
    found = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = found.begin
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    parser.StartDoctypeDeclHandler = found.doctype
    parser.EntityDeclHandler = found.doctype
    parser.ProcessingInstructionHandler = found.instruction
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        text = expat.errors.messages.get(problem.code, "")
        raise UnreadableImageError(f"is no well-formed SVG ({text}, line {problem.lineno})") from None
    found.check_uses()
    if found.size is None:
        raise UnreadableImageError("does not tell its size (width and height, or viewBox)")
    return Header("svg", *found.size)


class _Reader:
    """Looks at every element once.

    Attributes
    ----------
    size : tuple of int or None
    """

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self._depth = self._elements = self._uses = 0
        self._style: list[str] | None = None
        self._ids: list[str | None] = []
        self._uses_in: dict[str, set[str]] = {}

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        kind = local.lower()
        self._elements += 1
        self._depth += 1
        if self._elements == 1:
            if (space, local) != (SVG, "svg"):
                raise UnreadableImageError(f"is no SVG (it begins with <{local}>)")
            self.size = _size(attributes)
        if self._elements > MAX_ELEMENTS or self._depth > MAX_DEPTH:
            raise UnreadableImageError(
                f"has more than {MAX_ELEMENTS:,} elements, or {MAX_DEPTH} inside each other"
            )
        if self._style is not None:  # its text would be read in parts, and a browser reads it as one
            raise UnreadableImageError(f"has a style that holds <{local}>, expected only text")
        if kind in REFUSED or space == "http://www.w3.org/1999/xhtml":
            raise UnreadableImageError(f"holds <{local}>, which is not permitted in an SVG")
        self._ids.append(attributes.get("id"))
        for key, value in attributes.items():
            self._attribute(key.rpartition(" ")[2].lower(), value)
        if kind == "use":
            self._use(attributes)
        if kind == "style":
            self._style = []

    def _attribute(self, name: str, value: str) -> None:
        if name.startswith("on"):
            raise UnreadableImageError(f"holds a script ({name})")
        if name in REFERENCES and not value.strip().startswith("#"):
            raise UnreadableImageError(f'refers to something outside of itself ({name}="{value[:60]}")')
        if _URL.search(value) or _STYLE.search(value):
            raise UnreadableImageError(f'refers to something outside of itself ({name}="{value[:60]}")')

    def _use(self, attributes: dict[str, str]) -> None:
        self._uses += 1
        if self._uses > MAX_USES:
            raise UnreadableImageError(f"has more than {MAX_USES} <use> elements")
        target = next((v.strip()[1:] for k, v in attributes.items() if k.rpartition(" ")[2] == "href"), "")
        for one in self._ids:
            if one is not None:
                self._uses_in.setdefault(one, set()).add(target)

    def check_uses(self) -> None:
        """Refuse a <use> of what has a <use> inside: a few of them drawn in each other are millions."""
        for targets in self._uses_in.values():
            if any(target in self._uses_in for target in targets):
                raise UnreadableImageError("has <use> elements inside each other")

    def end(self, name: str) -> None:
        self._depth -= 1
        self._ids.pop()
        if self._style is not None and name.rpartition(" ")[2].lower() == "style":
            style, self._style = "".join(self._style), None
            if _URL.search(style) or _STYLE.search(style):
                raise UnreadableImageError("has a style that refers to something outside of itself")

    def text(self, data: str) -> None:
        if self._style is not None:
            self._style.append(data)

    def doctype(self, *_: object) -> None:
        raise UnreadableImageError("has a DOCTYPE or entities, which are not permitted in an SVG")

    def instruction(self, target: str, _data: str) -> None:
        raise UnreadableImageError(
            f"has a processing instruction ({target}), which is not permitted in an SVG"
        )


def _size(attributes: dict[str, str]) -> tuple[int, int] | None:
    sides = [_LENGTH.fullmatch(attributes.get(name, "")) for name in ("width", "height")]
    if all(sides):
        width, height = (float(side[1]) for side in sides if side is not None)
    else:
        box = attributes.get("viewBox", "").replace(",", " ").split()
        try:
            width, height = (float(box[i]) for i in (2, 3))
        except (IndexError, ValueError):
            return None
    if not (0 < width < 1e6 and 0 < height < 1e6):
        return None
    return max(round(width), 1), max(round(height), 1)
