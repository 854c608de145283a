"""Still pictures: what they hold, and that they need nothing but themselves."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len
from rich.console import Group
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from stepconv import InputError, Trace, trace
from stepconv.language import using_language
from stepconv.samples import scene
from stepconv.views import save_picture
from stepconv.views.drawing import COLUMN, MARGIN, PALETTE, html, svg
from stepconv.views.export import describe
from stepconv.views.frame import Frame
from stepconv.views.overview import Overview
from stepconv.views.theme import Look
from tests import snapshot

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def record() -> Trace:
    example = scene("digit-edges")
    return trace(example.input, example.weight, **example.options)


class Reader(HTMLParser):
    """The text of a page, and the tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.shown = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.shown |= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.shown &= tag != "pre"

    def handle_data(self, data: str) -> None:
        self.text += data if self.shown else ""


def test_text_is_what_is_printed(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "whole.txt"
    save_picture(record, path)
    assert path.read_text("utf-8") == snapshot.plain(Overview(record, Look(color=False)))


def test_markdown_has_a_heading_and_a_fence(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "step.md"
    save_picture(lambda look: Frame(record, 10, look), path, title=describe(record))
    heading, blank, fence, *body, end = path.read_text("utf-8").splitlines()
    assert heading == "# conv2d, input (1, 1, 8, 8), weight (1, 1, 3, 3), padding 1"
    assert (blank, fence, end) == ("", "```text", "```")
    shown = snapshot.plain(Frame(record, 10, Look(color=False)))
    assert body == shown.splitlines()


def test_svg_holds_every_word_at_its_column(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "step.svg"
    save_picture(lambda look: Frame(record, 10, look), path)
    root = ElementTree.fromstring(path.read_bytes())
    texts = root.findall(f"{SVG}text")
    margin = min(float(text.get("x", "")) for text in texts)
    rows = sorted({float(text.get("y", "")) for text in texts})
    lines: dict[float, str] = dict.fromkeys(rows, "")
    for text in texts:
        y, column = float(text.get("y", "")), (float(text.get("x", "")) - margin) / COLUMN
        lines[y] = lines[y].ljust(round(column)) + (text.text or "")
    plain = snapshot.plain(Frame(record, 10, Look(color=True)))
    assert list(lines.values()) == [line for line in plain.splitlines() if line]


def test_svg_has_colors_of_the_roles(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "step.svg"
    save_picture(lambda look: Frame(record, 10, look, term=4), path)
    grounds = {rect.get("fill") for rect in ElementTree.parse(path).iter(f"{SVG}rect")}
    colors = [PALETTE.ansi_colors[k] for k in (2, 3, 6)]  # filled, current, window
    assert {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colors} <= grounds


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_pictures_fetch_nothing(record: Trace, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    save_picture(record, path)
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//|@import|@font-face|url\(|<script|<link|src=", text)


def test_html_holds_the_text_and_closes_its_tags(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "step.html"
    save_picture(lambda look: Frame(record, 10, look), path, title="<a> & b")
    text = path.read_text("utf-8")
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<meta charset="utf-8">' in text
    assert "<title>&lt;a&gt; &amp; b</title>" in text
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.text + "\n" == snapshot.plain(Frame(record, 10, Look(color=True)))


def test_chinese_keeps_its_columns(tmp_path: Path) -> None:
    def page(look: Look) -> Group:
        return Group(Text("输入 8×8   a"), Text("123456789abc"))

    with using_language("zh"):
        save_picture(page, tmp_path / "page.svg")
        save_picture(page, tmp_path / "page.html")
    texts = ElementTree.parse(tmp_path / "page.svg").findall(f"{SVG}text")
    columns = [round((float(text.get("x", "")) - MARGIN) / COLUMN) for text in texts]
    assert [text.text for text in texts] == ["输入", "8×8", "a", "123456789abc"]
    assert columns == [0, 5, 11, 0]
    lengths = [int(text.get("textLength", "")) for text in texts]
    assert lengths == [COLUMN * cell_len(text.text or "") for text in texts]
    page_text = (tmp_path / "page.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page_text
    assert '<i style="width:4ch">输入</i> 8×8   a' in page_text


def test_markup_in_numbers_is_text() -> None:
    lines = [[Segment("a < b & c", Style(bold=True, strike=True, dim=True, reverse=True))]]
    drawn = ElementTree.fromstring(svg(lines, "a < b"))
    assert [text.text for text in drawn.findall(f"{SVG}text")] == ["a < b & c"]
    page = html(lines, "t", "en")
    assert "a &lt; b &amp; c</span>" in page
    assert "font-weight:bold;text-decoration:line-through;background:#" in page


def test_width_ascii_and_upper_case_suffixes(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "PAGE.TXT"
    save_picture(record, path, width=120, ascii=True)
    text = path.read_text("ascii")
    assert 80 < max(map(len, text.splitlines())) <= 120


def test_a_renderable_is_drawn_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    save_picture(Text("[bold]as it is[/]   "), path)
    assert path.read_text("utf-8") == "# stepconv\n\n```text\n[bold]as it is[/]\n```\n"


@pytest.mark.parametrize("name", ["picture.png", "picture", "picture.svg.gz", ".svg"])
def test_other_formats_are_refused(record: Trace, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.txt, \.md, \.html, \.svg"):
        save_picture(record, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_nothing_partial_is_left(record: Trace, tmp_path: Path) -> None:
    path = tmp_path / "kept.svg"
    path.write_text("precious")
    with mock.patch("os.replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        save_picture(record, path)
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["kept.svg"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, ""),
        ({"stride": 2, "padding": 1}, ", stride 2, padding 1"),
        ({"stride": (1, 2)}, ", stride [1, 2]"),
        ({"padding": "same", "padding_mode": "reflect"}, ", padding same, padding_mode reflect"),
        ({"padding": ((0, 1), (1, 1)), "dilation": 2}, ", padding [[0, 1], [1, 1]], dilation 2"),
    ],
)
def test_descriptions(arguments: dict[str, object], told: str) -> None:
    record = trace([[[1] * 6] * 6], [[[[1, 1], [1, 1]]]], **arguments)  # type: ignore[arg-type]
    assert describe(record) == f"conv2d, input (1, 6, 6), weight (1, 1, 2, 2){told}"
