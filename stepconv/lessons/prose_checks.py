"""Checks of a lesson's frame: titles, markers, and the two languages in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepconv.documents import nearest
from stepconv.errors import InputError, Word
from stepconv.files import shown
from stepconv.lessons.format import (
    Block,
    Heading,
    PageBreak,
    QuestionMarker,
    SceneMarker,
)
from stepconv.lessons.loader import Draft
from stepconv.lessons.scenes import ConvolutionScene
from stepconv.lessons.shelf import name_of
from stepconv.lessons.written import columns

WIDEST_TITLE, WIDEST_SUMMARY = 40, 100
"""Columns, so that a list of lessons fits a terminal of 80."""


def titles_fit(draft: Draft) -> Iterator[InputError]:
    """Find titles and summaries that are too wide, and prose that begins without a heading."""
    if draft.head is not None:
        for key, found, most in (
            ("title", draft.head.titles, WIDEST_TITLE),
            ("summary", draft.head.summaries, WIDEST_SUMMARY),
        ):
            for language, text in found.items():
                if columns(text) > most:
                    yield InputError(
                        '{document}, {place}: "{text}" is {count} columns wide; at most {most} fit'
                        " in a list",
                        document=name_of(draft.folder),
                        place=f"{key}.{language}",
                        text=shown(text, 80),
                        count=columns(text),
                        most=most,
                    )
    for language, blocks in draft.prose.items():
        heads = [one for one in blocks if isinstance(one, Heading) and one.level == 1]
        if not blocks or [blocks[0]] != heads:
            yield at_line(
                draft,
                language,
                heads[-1].line if len(heads) > 1 else 1,
                InputError("the prose begins with the lesson's title, # and its text; once"),
            )


def markers_fit(draft: Draft) -> Iterator[InputError]:
    """Find markers of what is not there, and scenes and questions that have no marker."""
    known = draft.questions.keys() | draft.broken
    for language, blocks in draft.prose.items():
        for block in blocks:
            if isinstance(block, SceneMarker):
                yield from _scene_marker(draft, language, block)
            elif isinstance(block, QuestionMarker) and block.question not in known:
                reason = _unknown(block.question, list(draft.questions), "question")
                yield at_line(draft, language, block.line, reason)
    if draft.prose_read:
        yield from _uses(draft)


def _scene_marker(draft: Draft, language: str, block: SceneMarker) -> Iterator[InputError]:
    if block.scene in draft.broken:
        return
    scene = draft.scenes.get(block.scene)
    if scene is None:
        reason = _unknown(block.scene, list(draft.scenes), "scene")
        yield at_line(draft, language, block.line, reason)
        return
    if not isinstance(scene, ConvolutionScene):
        if block.view or block.step:
            reason = InputError(
                "the scene {scene} is no convolution, so it has no view and no step",
                scene=scene.id,
            )
            yield at_line(draft, language, block.line, reason)
    elif block.step and block.step > scene.steps:
        reason = InputError(
            "there is no step {step}; there are {steps}", step=block.step, steps=scene.steps
        )
        yield at_line(draft, language, block.line, reason)


def _unknown(name: str, names: Sequence[str], kind: str) -> InputError:
    near = nearest(name, names)
    if near:
        return InputError(
            'there is no {kind} "{name}"; did you mean {near}?',
            kind=kind,
            name=shown(name),
            near=near,
        )
    return InputError(
        'there is no {kind} "{name}" in {file}; add it there, or take the marker out',
        kind=kind,
        name=shown(name),
        file="lesson.toml",
    )


def _uses(draft: Draft) -> Iterator[InputError]:
    """Find scenes never shown and questions not asked exactly once.

    A question asked twice is found in each language; one that a single language lacks is
    left to `keeps_in_step`.
    """
    shows = [_marked(blocks, SceneMarker) for blocks in draft.prose.values()]
    asks = [_marked(blocks, QuestionMarker) for blocks in draft.prose.values()]
    if not shows:
        return
    for kind, names, found in (
        ("scene", draft.scenes, shows),
        ("question", draft.questions, asks),
    ):
        for name in names:
            if not any(name in one for one in found):
                yield InputError(
                    "{document}, {place}: this is never used; write ::: {kind} {name} where it"
                    " belongs, or take it out",
                    document=name_of(draft.folder),
                    place=f"{kind}s.{name}",
                    kind=kind,
                    name=name,
                )
    for language, asked in zip(draft.prose, asks, strict=True):
        for name, lines in asked.items():
            if len(lines) > 1:
                reason = InputError(
                    "the question {name} is asked a second time, after line {line}; ask it once",
                    name=name,
                    line=lines[0],
                )
                yield at_line(draft, language, lines[1], reason)


def _marked(
    blocks: Sequence[Block], kind: type[SceneMarker | QuestionMarker]
) -> dict[str, list[int]]:
    """Return the lines on which each name is marked."""
    lines: dict[str, list[int]] = {}
    for block in blocks:
        if isinstance(block, kind):
            name = block.scene if isinstance(block, SceneMarker) else block.question
            lines.setdefault(name, []).append(block.line)
    return lines


def keeps_in_step(draft: Draft) -> Iterator[InputError]:
    """Find the first heading, marker or page break that the languages do not share."""
    if len(draft.prose) < 2 or not draft.prose_read:
        return
    (one, first), (other, second) = draft.prose.items()
    mine, theirs = _landmarks(first), _landmarks(second)
    for k in range(max(len(mine), len(theirs))):
        here, there = mine[k : k + 1], theirs[k : k + 1]
        if [text for text, _line in here] != [text for text, _line in there]:
            end = Word("the end")
            yield InputError(
                "{document}, line {line}: here stands {found}, and in {other}, line {there},"
                " {wanted}; headings, markers and page breaks stand in the same order in both",
                document=name_of(draft.folder, f"{other}.md"),
                line=there[0][1] if there else second[-1].line,
                found=there[0][0] if there else end,
                other=f"{one}.md",
                there=here[0][1] if here else first[-1].line,
                wanted=here[0][0] if here else end,
            )
            return


def _landmarks(blocks: Sequence[Block]) -> list[tuple[str, int]]:
    """Return what both languages share, as it is written, and its line."""
    found = []
    for block in blocks:
        match block:
            case Heading():
                text = "#" * block.level
            case SceneMarker():
                step = f" step={block.step}" if block.step else ""
                view = f" view={block.view}" if block.view else ""
                text = f"::: scene {block.scene}{step}{view}"
            case QuestionMarker():
                text = f"::: question {block.question}"
            case PageBreak():
                text = "---"
            case _:
                continue
        found.append((text, block.line))
    return found


def at_line(draft: Draft, language: str, line: int, reason: InputError) -> InputError:
    """Return the error for a line of the prose."""
    return InputError(
        "{document}, line {line}: {reason}",
        document=name_of(draft.folder, f"{language}.md"),
        line=line,
        reason=reason,
    )
