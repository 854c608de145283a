"""From the table of a question to the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepconv.classroom.answers import KINDS
from stepconv.documents import Localized, Section, nearest
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import LANGUAGES
from stepconv.lessons.expressions import Expression
from stepconv.lessons.filling import expressions
from stepconv.lessons.format import Spans, plain
from stepconv.lessons.inline import inline, joined
from stepconv.lessons.questions import LETTERS, LocalizedSpans, Option, Question
from stepconv.lessons.scenes import ConvolutionScene, Scene, SizesScene, scope_of


def read_question(name: str, section: Section, scenes: Mapping[str, Scene]) -> Question:
    """Return the question that a table describes.

    Raises
    ------
    InputError
        With file and place.
    """
    kind = section.choice("kind", KINDS)
    scene = _scene(section, scenes)
    clues = section.localized_texts("hints")
    question = Question(
        id=name,
        where=f"{section.document}, {section.place}",
        kind=kind,
        asks=_spans(section, "ask", section.localized("ask")),
        clues={
            language: tuple(_line(section, "hints", hint) for hint in hints)
            for language, hints in clues.items()
        },
        scope=scope_of(scenes, scene),
        scene=scene,
        options=_options(section, scenes) if kind == "choice" else (),
        **({} if kind == "choice" else _computed(section, scene)),
    )
    section.finish()
    if len(question.clues["en"]) < 2:
        raise section.refused(
            "hints", InputError("there is one hint; write at least two, the last the plainest")
        )
    return question


def _scene(section: Section, scenes: Mapping[str, Scene]) -> Scene | None:
    name = section.text("scene", None)
    if name is None:
        return None
    if name not in scenes:
        near = nearest(name, list(scenes))
        if near:
            reason = InputError(
                'there is no scene "{name}"; did you mean {near}?', name=shown(name), near=near
            )
        else:
            reason = InputError(
                'there is no scene "{name}"; the scenes are {names}',
                name=shown(name),
                names=", ".join(scenes) or "–",
            )
        raise section.refused("scene", reason)
    return scenes[name]


def _computed(section: Section, scene: Scene | None) -> dict[str, Any]:
    try:
        answer = Expression(section.text("answer"))
    except InputError as reason:
        raise section.refused("answer", reason) from reason
    decimals = section.whole("decimals", None)
    if decimals is not None and not 0 <= decimals <= 9:
        raise section.refused("decimals", InputError("{value} is not from 0 to 9", value=decimals))
    mistakes = section.texts("mistakes", ())
    if mistakes and not isinstance(scene, ConvolutionScene | SizesScene):
        raise section.refused(
            "mistakes",
            InputError("mistakes are made with a convolution; name its scene: scene = …"),
        )
    return {
        "answer": answer,
        "decimals": decimals,
        "at": _cell(section, scene),
        "mistakes": mistakes,
    }


def _cell(section: Section, scene: Scene | None) -> tuple[int, ...] | None:
    """Return the output cell at which the replay opens, where one is named."""
    cell = section.value("at", None)
    if cell is None:
        return None
    shape = scene.run.output_shape if isinstance(scene, ConvolutionScene) else ()
    whole = isinstance(cell, list) and all(type(one) is int for one in cell)
    inside = whole and len(cell) == len(shape)
    if not inside or not all(0 <= k < size for k, size in zip(cell, shape, strict=True)):
        raise section.refused(
            "at",
            InputError(
                "{cell} is no cell of the output, whose shape is {shape}; count from 0",
                cell=cell,
                shape=shape,
            ),
        )
    return tuple(cell)


def _options(section: Section, scenes: Mapping[str, Scene]) -> tuple[Option, ...]:
    options = [_option(one, scenes) for one in section.items("options")]
    if not 2 <= len(options) <= len(LETTERS):
        raise section.refused(
            "options",
            InputError(
                "there are {count}; write 2 to {most}", count=len(options), most=len(LETTERS)
            ),
        )
    right = sum(option.right for option in options)
    if right != 1:
        raise section.refused(
            "options",
            InputError("{count} options are right; mark one with right = true", count=right),
        )
    return tuple(options)


def _option(section: Section, scenes: Mapping[str, Scene]) -> Option:
    option = Option(
        texts=_spans(section, "", {name: section.text(name) for name in LANGUAGES}),
        reasons=_spans(section, "why", section.localized("why")),
        right=section.flag("right", False),
        scope=scope_of(scenes),
        where=f"{section.document}, {section.place}",
    )
    section.finish()
    return option


def _spans(section: Section, key: str, texts: Localized) -> LocalizedSpans:
    return {language: _line(section, key, text) for language, text in texts.items()}


def _line(section: Section, key: str, text: str) -> Spans:
    """Read a line of prose, expressions in it checked."""
    spans = inline(joined(text.split("\n")), lambda reason: section.refused(key, reason))
    try:
        expressions(plain(spans))
    except InputError as reason:
        raise section.refused(key, reason) from reason
    return spans
