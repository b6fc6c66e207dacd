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
MAX_DRAWN = 200_000
"""Elements that are drawn when every reference inside the picture is followed: a pattern whose parts are
filled with another pattern, and so on, grows without end in a few lines."""
FILTER_COST = 100
"""A step of a filter works on each pixel: it counts as so many elements."""
LARGEST_STEP = {"numoctaves": 6.0, "stddeviation": 200.0, "radius": 100.0, "order": 9.0}
"""Of the steps of filters: above, one of them takes seconds."""
SVG = "http://www.w3.org/2000/svg"
REFUSED = frozenset({
    "script", "foreignobject", "iframe", "object", "embed", "audio", "video", "canvas", "handler", "listener",
    "animate", "animatecolor", "animatemotion", "animatetransform", "set", "discard", "feimage", "link",
    "marker",
})  # fmt: skip
"""Elements that run, load, embed or move something, in small letters; a marker is drawn at each corner of a
path, of which there may be very many."""
FOREIGN = frozenset({"http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"})
REFERENCES = frozenset({"href", "src", "base"})
_URL = re.compile(r"url\(\s*['\"]?\s*(?!['\"#\s])", re.IGNORECASE)
_STYLE = re.compile(
    r"@import|expression\s*\(|javascript:|image-set|image\s*\(|cross-fade|src\s*\(|element\s*\(|\\",
    re.IGNORECASE,
)
_MOVES = re.compile(r"@[-\w]*keyframes|(?<![-\w])[-\w]*(?:animation|transition)[-\w]*\s*:", re.IGNORECASE)
_VARIABLE = re.compile(r"var\s*\(|attr\s*\(", re.IGNORECASE)
_OWN = re.compile(r"url\(\s*['\"]?\s*#([^'\")\s]*)", re.IGNORECASE)
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
    parser.XmlDeclHandler = found.declaration
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        text = expat.errors.messages.get(problem.code, "")
        raise UnreadableImageError(f"is no well-formed SVG ({text}, line {problem.lineno})") from None
    found.check_uses()
    found.references.check(found.in_styles)
    if found.size is None:
        raise UnreadableImageError("does not tell its size (width and height, or viewBox)")
    return Header("svg", *found.size)


class _Reader:
    """Looks at every element once.

    Attributes
    ----------
    size : tuple of int or None
    references : _References
    in_styles : list of str
        Ids that style sheets refer to; each may hold for every element.
    """

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self._depth = self._elements = self._uses = 0
        self._style: list[str] | None = None
        self.references = _References()
        self.in_styles: list[str] = []
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
        if kind in REFUSED or space in FOREIGN:
            raise UnreadableImageError(f"holds <{local}>, which is not permitted in an SVG")
        self._ids.append(attributes.get("id"))
        self.references.begin(attributes.get("id"), FILTER_COST if kind.startswith("fe") else 1)
        for key, value in attributes.items():
            self._attribute(kind, key.rpartition(" ")[2].lower(), value)
        if kind == "use":
            self._use(attributes)
        if kind == "style":
            self._style = []

    def _attribute(self, kind: str, name: str, value: str) -> None:
        if name.startswith("on"):
            raise UnreadableImageError(f"holds a script ({name})")
        if name in REFERENCES and not value.strip().startswith("#"):
            raise UnreadableImageError(f'refers to something outside of itself ({name}="{value[:60]}")')
        if _URL.search(value) or _STYLE.search(value):
            raise UnreadableImageError(f'refers to something outside of itself ({name}="{value[:60]}")')
        if name == "style":
            _check_style(value)
        elif _VARIABLE.search(value):
            raise UnreadableImageError(f'uses a variable ({name}="{value[:60]}"), expected plain values')
        if kind.startswith("fe") and name in LARGEST_STEP:
            _check_step(name, value)
        if name == "href":
            self.references.to(value.strip()[1:])
        for target in _OWN.findall(value):
            self.references.to(target)

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
        self.references.end()
        if self._style is not None and name.rpartition(" ")[2].lower() == "style":
            style, self._style = "".join(self._style), None
            if _URL.search(style) or _STYLE.search(style):
                raise UnreadableImageError("has a style that refers to something outside of itself")
            _check_style(style)
            self.in_styles += _OWN.findall(style)

    def text(self, data: str) -> None:
        if self._style is not None:
            self._style.append(data)

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):  # a browser may read it otherwise
            raise UnreadableImageError(
                f'has the encoding "{encoding[:30] if encoding else ""}", expected UTF-8'
            )

    def doctype(self, *_: object) -> None:
        raise UnreadableImageError("has a DOCTYPE or entities, which are not permitted in an SVG")

    def instruction(self, target: str, _data: str) -> None:
        raise UnreadableImageError(
            f"has a processing instruction ({target}), which is not permitted in an SVG"
        )


class _References:
    """Which parts with a name draw which others, and how much is drawn when all of that is followed."""

    def __init__(self) -> None:
        self._open: list[str] = [""]
        self._own: dict[str, int] = {"": 0}
        self._to: dict[str, list[str]] = {"": []}

    def begin(self, name: str | None, cost: int) -> None:
        """An element; one with a name is drawn where it stands, and wherever it is referred to."""
        if name is not None and name not in self._own:
            self._own[name], self._to[name] = 0, []
            self._to[self._open[-1]].append(name)
            self._open.append(name)
        else:
            self._open.append(self._open[-1])
        self._own[self._open[-1]] += cost

    def to(self, name: str) -> None:
        """The element refers to another one."""
        self._to[self._open[-1]].append(name)

    def end(self) -> None:
        self._open.pop()

    def check(self, everywhere: list[str]) -> None:
        """Refuse circles, and what grows too large.

        Parameters
        ----------
        everywhere : list of str
            What style sheets refer to: it may hold for any element.
        """
        drawn: dict[str, int] = {}
        order: list[tuple[str, bool]] = [("", False)]
        inside: set[str] = set()
        while order:  # depth first, without recursion: a file may hold thousands of steps
            name, done = order.pop()
            if done:
                inside.discard(name)
                whole = self._own[name] + sum(drawn.get(one, 0) for one in self._to[name])
                drawn[name] = min(whole, 10**12)
                continue
            if name in drawn:
                continue
            inside.add(name)
            order.append((name, True))
            for one in self._to[name]:
                if one in inside:
                    raise UnreadableImageError(f"refers to itself in a circle (#{one[:60]})")
                if one in self._own and one not in drawn:
                    order.append((one, False))
        total = drawn[""] + sum(self._own.values()) * sum(drawn.get(one, 0) for one in everywhere)
        if total > MAX_DRAWN:
            raise UnreadableImageError(
                f"draws {total:,} elements when its references are followed, more than the {MAX_DRAWN:,} "
                "that an SVG may"
            )


def _check_style(text: str) -> None:
    if _MOVES.search(text):
        raise UnreadableImageError("has a style that moves something, expected a still picture")
    if _VARIABLE.search(text):
        raise UnreadableImageError("has a style with variables, expected plain values")


def _check_step(name: str, value: str) -> None:
    """Refuse a step of a filter that takes too long."""
    try:
        numbers = [float(one) for one in value.replace(",", " ").split()]
    except ValueError:
        numbers = [float("inf")]
    if any(not number <= LARGEST_STEP[name] for number in numbers):
        raise UnreadableImageError(
            f'has a filter with {name}="{value[:30]}", expected at most {LARGEST_STEP[name]:g}'
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
