"""TOML that people write: what is wrong is named with file, place and fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepconv.documents import LARGEST, Section, nearest, read_document
from stepconv.documents.kinds import written
from stepconv.errors import InputError
from stepconv.language import using_language

TABLE: dict[str, Any] = {
    "title": "One",
    "empty": "",
    "count": 3,
    "share": 0.5,
    "yes": True,
    "names": ["a", "b"],
    "gaps": ["a", ""],
    "mode": "zeros",
    "both": {"en": "One", "zh": "一"},
    "half": {"en": "One"},
    "third": {"en": "One", "zh": "一", "fr": "Un"},
    "lists": {"en": ["1", "2"], "zh": ["一", "二"]},
    "uneven": {"en": ["1", "2"], "zh": ["一"]},
    "scenes": {"valid": {"stride": 2}, "other": {}},
    "flat": {"valid": 3},
    "options": [{"en": "a"}, {"en": "b"}],
}


@pytest.fixture
def section() -> Section:
    return Section(TABLE, "lesson.toml", "scenes.valid")


def test_values_come_back_by_kind(section: Section) -> None:
    assert section.text("title") == "One"
    assert section.whole("count") == 3
    assert (section.number("count"), section.number("share")) == (3, 0.5)
    assert section.flag("yes") is True
    assert section.texts("names") == ("a", "b")
    assert section.choice("mode", ("zeros", "circular")) == "zeros"
    assert section.localized("both") == {"en": "One", "zh": "一"}
    assert section.localized_texts("lists") == {"en": ("1", "2"), "zh": ("一", "二")}
    assert [one.text("en") for one in section.items("options")] == ["a", "b"]
    assert section.value("count") == 3


def test_defaults_stand_in_for_what_is_missing(section: Section) -> None:
    nothing = object()
    for read in (
        section.text,
        section.whole,
        section.number,
        section.flag,
        section.texts,
        section.localized,
        section.localized_texts,
        section.section,
        section.items,
        section.value,
    ):
        assert read("none", nothing) is nothing
    assert section.choice("none", ("a",), "b") == "b"
    assert section.sections("none") == {}


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda s: s.text("titel"), 'scenes.valid: "titel" is missing, and there is "title"'),
        (lambda s: s.text("nothing"), 'scenes.valid: "nothing" is missing; add it'),
        (lambda s: s.text("count"), "scenes.valid.count: 3 is not a text in quotes"),
        (lambda s: s.text("empty"), "scenes.valid.empty: this is empty; write a text in quotes"),
        (lambda s: s.whole("title"), '"One" is not a whole number'),
        (lambda s: s.whole("share"), "0.5 is not a whole number"),
        (lambda s: s.whole("yes"), "true is not a whole number"),
        (lambda s: s.number("yes"), "true is not a number"),
        (lambda s: s.flag("count"), "3 is not true or false"),
        (lambda s: s.texts("title"), '"One" is not a list of texts'),
        (lambda s: s.texts("gaps"), '["a", ""] is not a list of texts'),
        (lambda s: s.section("count"), "3 is not a table"),
        (lambda s: s.items("both"), "is not a list of tables"),
        (lambda s: s.localized("half"), 'half: "zh" is missing'),
        (lambda s: s.localized("third"), 'third: there is no key "fr"; the keys here are en, zh'),
        (lambda s: s.localized_texts("uneven"), "uneven: 2 en, 1 zh; write as many in each"),
        (lambda s: s.choice("mode", ("circular", "zero")), "did you mean zero?"),
        (lambda s: s.choice("mode", ("left", "right")), '"zeros" is not one of left, right'),
        (lambda s: s.sections("flat"), "scenes.valid.flat.valid: 3 is not a table"),
        (lambda s: s.items("options")[1].text("zh"), 'options[2]: "zh" is missing'),
    ],
)
def test_refusal_names_place_and_rule(
    section: Section, read: Callable[[Section], Any], says: str
) -> None:
    with pytest.raises(InputError) as refused:
        read(section)
    assert says in str(refused.value)
    assert str(refused.value).startswith("lesson.toml, scenes.valid")


def test_unknown_key_is_named_with_the_nearest_that_was_asked_for() -> None:
    section = Section({"stride": 1, "paddng": 1}, "f.toml", "scenes.a")
    section.whole("stride")
    section.whole("padding", 0)
    with pytest.raises(InputError, match=r'scenes\.a: there is no key "paddng"; did you mean padd'):
        section.finish()


def test_section_whose_keys_were_all_asked_for_is_finished() -> None:
    section = Section({"stride": 1}, "f.toml")
    assert "stride" in section
    section.finish()


def test_inner_sections_know_their_place(section: Section) -> None:
    scenes = section.sections("scenes")
    assert scenes["valid"].place == "scenes.valid.scenes.valid"
    assert (scenes["valid"].names, scenes["other"].names) == (("stride",), ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a = 1\nb = = 2\n", "x.toml, line 2, column 5: this is not TOML"),
        (b"a = 1\na = 2\n", "x.toml, line 2"),
        (b'a = """\nx\n', "x.toml, line 3: this is not TOML"),
        (b"a = [1,\n2\n", "this is not TOML"),
        (b"a = 1\nb = '\xff'\n", "x.toml, line 2: this is not UTF-8"),
        (b"a = " + b"[" * 5000, "x.toml"),
    ],
)
def test_file_that_cannot_be_parsed_is_refused_with_the_line(
    text: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(text)
    with pytest.raises(InputError) as refused:
        read_document(path, "x.toml")
    assert says in str(refused.value)


def test_file_that_is_not_there_or_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_document(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_document(tmp_path)
    (tmp_path / "large.toml").write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(InputError, match="more than the 1000000 bytes"):
        read_document(tmp_path / "large.toml")


def test_byte_order_mark_of_an_editor_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_document(tmp_path / "x.toml").whole("a") == 1


def test_error_reads_in_the_language_of_the_moment(section: Section) -> None:
    with pytest.raises(InputError) as refused:
        section.whole("title")
    with using_language("zh"):
        chinese = str(refused.value)
    assert chinese
    assert str(refused.value).startswith("lesson.toml")


def test_values_are_shown_as_they_were_written() -> None:
    assert written({"a": [1, True], "b": "x"}) == '{ a = [1, true], b = "x" }'
    assert nearest("x" * 10_000, ["xx"]) == ""
