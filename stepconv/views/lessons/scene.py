"""SceneView: a scene of a lesson as the engine's own views show it."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.lessons.scenes import ConvolutionScene, ProgramScene, Scene, SizesScene, StackScene
from stepconv.views.facts.fields import Fields
from stepconv.views.facts.sizes import Sizes
from stepconv.views.frame import Frame, views_of
from stepconv.views.lessons.breaking import broken
from stepconv.views.lessons.prose import characters, code_lines
from stepconv.views.overview import Overview
from stepconv.views.theme import Look


class SceneView:
    """The title of a scene, and what it shows.

    Parameters
    ----------
    scene : Scene
    look : Look
    view : {"table", "steps", "matrix"}, optional
        Instead of the scene's own.
    step : int, optional
        Instead of the scene's own, from 1.
    height : int, optional
        Lines that a single step may take.
    chosen : bool
        Whether it is the one of several that is stepped through.
    titled : bool
        Whether there is a line for the title, even where it has none.
    """

    def __init__(
        self,
        scene: Scene,
        look: Look,
        *,
        view: str | None = None,
        step: int | None = None,
        height: int | None = None,
        chosen: bool = False,
        titled: bool = True,
    ) -> None:
        self.scene = scene
        self.look = look
        self.view = view
        self.step = step
        self.height = height
        self.chosen = chosen
        self.titled = titled

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = self._title(options.max_width) if self.titled else []
        yield from title
        match self.scene:
            case ConvolutionScene():
                yield self._convolution(self.scene, len(title))
            case SizesScene():
                yield Sizes(self.scene.geometry, self.scene.spec, self.look)
            case StackScene():
                yield Fields(self.scene.fields, self.look)
            case ProgramScene():
                yield from self._program(self.scene, options.max_width)

    def _title(self, width: int) -> list[Text]:
        """The title, led by a rule, which tells it from the prose."""
        text = Text(self.look.plain("▸─ " if self.chosen else "── "), self.look.style("rule"))
        text.append(characters(self.scene.title, self.look), self.look.style("title"))
        return broken(text, width)

    def _convolution(self, scene: ConvolutionScene, above: int) -> RenderableType:
        trace, look = scene.trace, self.look
        view = self.view or scene.view or views_of(trace)[0]
        step = self.step or scene.step
        if not len(trace) or (step is None and view != "steps"):
            return Overview(trace, look, view=view)
        index = min(step or 1, len(trace)) - 1
        height = None if self.height is None else self.height - above
        return Frame(trace, index, look, view=view, height=height)

    def _program(self, scene: ProgramScene, width: int) -> RenderResult:
        yield from code_lines(scene.program.strip("\n"), self.look, width)
        if scene.printed:
            yield Text()
            yield Text(self.look.plain(_("It prints:")), self.look.style("label"))
            for line in code_lines(scene.printed.rstrip("\n"), self.look, width):
                line.style = self.look.style("sum")
                yield line
