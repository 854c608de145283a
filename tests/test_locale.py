"""The Chinese catalogue is complete and right, and the language is chosen as gettext does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stepconv.errors import ShapeError
from stepconv.geometry import AXIS_NAMES
from stepconv.language import _, language, language_of, set_language, using_language
from tools import catalogue

# -- the catalogue


def test_every_message_is_in_the_catalogue_and_no_other() -> None:
    entries = {str(entry.id) for entry in catalogue.translations() if entry.id}
    assert entries == set(catalogue.source_messages())
    assert not catalogue.translations().obsolete


def test_every_message_is_translated() -> None:
    entries = [entry for entry in catalogue.translations() if entry.id]
    assert entries
    assert [entry.id for entry in entries if not entry.string or entry.fuzzy] == []


def test_translations_keep_the_placeholders() -> None:
    for message, translation in catalogue.texts(catalogue.translations()).items():
        assert catalogue.fields(translation) == catalogue.fields(message), message


def test_translations_keep_the_line_ends() -> None:
    for message, translation in catalogue.texts(catalogue.translations()).items():
        assert translation.endswith("\n") == message.endswith("\n"), message


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    assert catalogue.texts(catalogue.compiled()) == catalogue.texts(catalogue.translations())


def test_the_check_says_the_same() -> None:
    script = Path(catalogue.__file__)
    result = subprocess.run([sys.executable, script, "check"], capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, "complete")


# -- the messages in the source


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield every call in the package that takes a message: its place, name and node."""
    for path in sorted(catalogue.PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in catalogue.KEYWORDS and path.name != "errors.py":
                    yield f"{path.relative_to(catalogue.PACKAGE)}:{node.lineno}", name, node


def test_every_message_is_literal() -> None:
    places = [
        place
        for place, name, node in calls()
        if not (
            node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        )
        and not (name == "Word" and place.startswith("spec.py"))  # names of axes, tested below
    ]
    assert places == [], "only literal text can be extracted for translation"


def test_names_of_axes_are_in_the_catalogue() -> None:
    names = {name for axes in AXIS_NAMES.values() for name in axes}
    assert names <= set(catalogue.source_messages())


def test_every_message_is_extracted() -> None:
    source = catalogue.source_messages()
    lost = [
        place
        for place, _name, node in calls()
        if isinstance(node.args[0], ast.Constant) and node.args[0].value not in source
    ]
    assert lost == [], "a call within an f-string is not seen"


def test_no_text_is_translated_that_is_not_extracted() -> None:
    bare = [
        f"{path.relative_to(catalogue.PACKAGE)}:{node.lineno}"
        for path in sorted(catalogue.PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "translated"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert bare == [], "write translated(_(...)): only the text in _(...) is extracted"


def test_every_error_gives_the_values_that_its_template_names() -> None:
    seen = 0
    for place, name, node in calls():
        if name in ("_", "Word") or any(keyword.arg is None for keyword in node.keywords):
            continue
        fields = catalogue.fields(ast.literal_eval(node.args[0]))
        named = {re.split(r"[.\[!:}]", field[1:])[0] for field in fields}
        assert named == {keyword.arg for keyword in node.keywords}, place
        seen += 1
    assert seen


# -- the language


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.GB18030"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh-Hans"}, "zh"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "C"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "en"),
        ({"LANGUAGE": "zh_CN:en", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LANGUAGE": "zh_CN:en", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"LANGUAGE": "en:zh", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANGUAGE": "fr:zh_CN", "LANG": "fr_FR.UTF-8"}, "zh"),
        ({"LANGUAGE": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        # The first variable that is set decides, also for a language there is no catalogue of.
        ({"LC_ALL": "fr_FR.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANGUAGE": "fr", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_language_of_an_environment(environment: Mapping[str, str], expected: str) -> None:
    assert language_of(environment) == expected


def test_the_language_is_that_of_the_block() -> None:
    before = language()
    with using_language("zh"):
        assert language() == "zh"
        with using_language("en"):
            assert language() == "en"
        assert language() == "zh"
    assert language() == before


def test_the_language_is_restored_after_an_error() -> None:
    before = language()
    with pytest.raises(KeyError), using_language("zh" if before == "en" else "en"):
        raise KeyError
    assert language() == before


@pytest.mark.parametrize("name", ["fr", "", "zh_CN", "EN"])
def test_an_unknown_language_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not one of en, zh"):
        set_language(name)


def test_english_is_its_own_catalogue() -> None:
    with using_language("en"):
        assert _("{name} is {value}; it must be at least {least}").startswith("{name} is")


def test_an_error_reads_in_the_language_in_which_it_is_shown() -> None:
    template = "{name} is {value}; it must be at least {least}"
    error = ShapeError(template, name="stride", value=0, least=1)
    with using_language("zh"):
        chinese = str(error)
    with using_language("en"):
        assert str(error) == "stride is 0; it must be at least 1"
    assert chinese == catalogue.texts(catalogue.translations())[template].format(
        name="stride", value=0, least=1
    )
    assert re.search(r"[\u4e00-\u9fff]", chinese)


def test_a_message_without_translation_stays_english() -> None:
    with using_language("zh"):
        assert _("no such message {x}") == "no such message {x}"
