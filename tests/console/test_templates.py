"""Templates and style sheets: nothing inline, everything escaped, enough contrast, all values known."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import jinja2
import pytest
from jinja2 import nodes
from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send

from matinee.console import rendering, static
from matinee.console.design import GROUNDS, TOKENS, contrast, pairs, read_layers, tokens
from matinee.console.rendering import Rendering
from matinee.console.session import Sessions
from matinee.console.static import Static
from matinee.console.texts import Texts
from matinee.errors import NotFoundError
from matinee.serve.front import Front

TEMPLATES = sorted(rendering.FOLDER.rglob("*.jinja"))
SHEETS = sorted(static.FOLDER.rglob("*.css"))
MODULES = sorted(static.FOLDER.rglob("*.js"))
JINJA = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
NAMES = [path.relative_to(rendering.FOLDER).as_posix() for path in TEMPLATES]


@pytest.fixture(scope="module")
def environment() -> jinja2.Environment:
    made = Rendering(Texts(), Static(), Sessions(bytes(32), 1))
    return made._environments["en"]


@pytest.mark.parametrize("name", NAMES)
def test_no_template_holds_style_script_or_handlers(name: str) -> None:
    text = JINJA.sub("", (rendering.FOLDER / name).read_text(encoding="utf-8"))
    assert not re.search(r"\sstyle\s*=", text), "a style attribute: the policy forbids it, use a class"
    assert not re.search(r"\son[a-z]+\s*=", text), "a handler: the policy forbids it, use a module"
    assert "<style" not in text
    assert "javascript:" not in text
    for tag in re.findall(r"<script[^>]*>", text):
        assert 'type="module"' in tag, tag
        assert "src=" in tag, tag
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), "pages ask nobody but this server"
    assert not re.search(r"\s[a-z-]+={{", text), "an attribute without quotation marks is not safe to fill"


@pytest.mark.parametrize("name", NAMES)
def test_no_template_switches_escaping_off(name: str, environment: jinja2.Environment) -> None:
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    tree = environment.parse(source)
    assert not [one for one in tree.find_all(nodes.Filter) if one.name in ("safe", "forceescape")]
    assert not list(tree.find_all(nodes.ScopedEvalContextModifier)), "{% autoescape %}"
    assert not list(tree.find_all(nodes.MarkSafe))
    environment.get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_each_form_that_changes_something_has_the_token(name: str) -> None:
    text = (rendering.FOLDER / name).read_text(encoding="utf-8")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL):
        assert 'name="csrf"' in form or "csrf" in form, f"{name}: {form[:120]}"


def test_values_are_escaped_and_missing_ones_told(environment: jinja2.Environment) -> None:
    made = environment.from_string('<a title="{{ x }}">{{ x }} {{ t("common.brand", n=x) }}</a>')
    nasty = "\"'><script>alert(1)</script>&"
    assert "<script>" not in made.render(x=nasty)
    assert made.render(x=nasty).count("&lt;script&gt;") == 2
    with pytest.raises(jinja2.UndefinedError):
        made.render()


def test_values_in_texts_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[language]\nname = "English"\n[a]\nb = "about {what}"\n')
    made = Rendering(Texts(tmp_path), Static(), Sessions(bytes(32), 1))._environments["en"]
    shown = made.from_string('{{ t("a.b", what=x) }}').render(x="<b>")
    assert shown == "about &lt;b&gt;"


def test_every_file_that_a_template_names_is_there() -> None:
    files = Static()
    texts = [path.read_text(encoding="utf-8") for path in TEMPLATES]
    named = {name for text in texts for name in re.findall(r'static\("([^"]+)"\)', text)}
    assert {"design.css", "icon.svg"} <= named
    for name in named:
        files.address(name)


def test_every_module_that_a_module_imports_is_there() -> None:
    for path in MODULES:
        for name in re.findall(r"(?:from|import)\s*\(?\s*\"(\.[^\"]+)\"", path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_every_value_that_a_style_sheet_uses_is_known(path: Path) -> None:
    own = set(re.findall(r"--([a-z0-9-]+)\s*:", path.read_text(encoding="utf-8")))
    assert read_layers(path) <= set(tokens()) | own
    assert "url(" not in path.read_text(encoding="utf-8").replace("url(#", "")


def test_every_colour_is_shown_and_every_kind_has_tokens() -> None:
    sheet = (static.FOLDER / "style.css").read_text(encoding="utf-8")
    for one in tokens().values():
        assert not one.is_colour or f".swatch--{one.name} {{" in sheet, f"{one.name} is not on /console/style"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough_in_both_themes(theme: str) -> None:
    found = tokens()
    weak = [
        f"{pair.front} on {pair.ground}: {ratio:.2f}, expected {pair.least}"
        for pair in pairs()
        if (ratio := contrast(getattr(found[pair.front], theme), getattr(found[pair.ground], theme)))
        < pair.least
    ]
    assert not weak, "\n".join(weak)
    assert len(pairs()) > 40


def test_the_contrast_is_that_of_the_standard() -> None:
    """Known answers: the examples of WCAG's understanding documents and the ends of the scale."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert contrast("#ff0000", "#ffffff") == pytest.approx(3.998, abs=0.002)
    assert contrast("#123456", "#123456") == 1


def test_motion_stops_for_whoever_asks_and_rings_are_seen() -> None:
    css = TOKENS.read_text(encoding="utf-8")
    assert "prefers-reduced-motion: reduce" in css
    found = tokens()
    assert found["focus-width"].light == "2px"
    assert float(found["target-least"].light.removesuffix("rem")) * 16 >= 24
    assert set(GROUNDS) <= set(found)


def test_what_lies_beside_the_files_is_not_served(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    (folder / "sub").mkdir(parents=True)
    secret = tmp_path / "secret.css"
    secret.write_text("secret")
    (folder / "link.css").symlink_to(secret)
    (folder / "notes.txt").write_text("notes")
    (folder / "page.css").write_text("p {}")
    (folder / "sub" / "part.js").write_text("0")
    files = Static(folder)
    assert set(files.files) == {"page.css", "sub/part.js"}
    for name in (
        "link.css",
        "notes.txt",
        "../secret.css",
        str(secret),
        "sub",
        "page.css/",
        "sub/../page.css",
    ):
        with pytest.raises(NotFoundError):
            files.file(name)


def test_the_address_of_a_file_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    (tmp_path / "b.css").write_text("b {}")
    first = Static(tmp_path).address("a.css")
    assert Static(tmp_path).address("a.css") == first
    (tmp_path / "b.css").write_text("b { color: red }")
    assert Static(tmp_path).address("a.css") != first
    following = Static(tmp_path, reload=True)
    before = following.address("a.css")
    (tmp_path / "a.css").write_text("a { color: red }")
    assert following.address("a.css") != before


def test_the_mark_in_the_head_is_that_of_the_icon() -> None:
    """It stands in the page itself, so that no page waits for it."""
    shapes = re.compile(r"<(?:rect|path)[^>]*>")
    head = (rendering.FOLDER / "header.html.jinja").read_text(encoding="utf-8")
    icon = (static.FOLDER / "icon.svg").read_text(encoding="utf-8")
    assert shapes.findall(icon)
    assert shapes.findall(head) == shapes.findall(icon)


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0", ""])
def test_a_file_that_is_sent_without_the_framework_is_sent_as_with_it(accepted: str) -> None:
    files = Static()
    given = {"files": Provide(lambda: files, sync_to_thread=False)}
    framework = Litestar([static.static], dependencies=given, openapi_config=None, logging_config=None)

    async def replies(app: ASGIApp) -> list[tuple[int, dict[str, str], bytes]]:
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            out = []
            for name in files.files:
                reply = await client.get(files.address(name), headers={"Accept-Encoding": accepted})
                reply.headers.pop("x-request-id")
                out.append((reply.status_code, dict(reply.headers), reply.content))
            return out

    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError(scope["path"])

    direct = asyncio.run(replies(Front(nothing, None, files.direct())))
    assert direct == asyncio.run(replies(Front(framework)))
    assert {status for status, _, _ in direct} == {200}
