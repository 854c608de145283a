"""Practice line by line, without a terminal: answers are read, questions and verdicts printed."""

from __future__ import annotations

from rich.console import Group
from rich.constrain import Constrain
from rich.text import Text

from stepconv.classroom.practice import Course
from stepconv.classroom.practice.keeping import Keeper
from stepconv.classroom.practice.summary import Summary
from stepconv.cli.asking import ask, show_step
from stepconv.cli.output import Output
from stepconv.cli.practice_run import cell_of, keeper_remark
from stepconv.cli.waiting import compiling, uncollected
from stepconv.language import _
from stepconv.lessons.attempt import Attempt
from stepconv.lessons.drill import Drill
from stepconv.lessons.stepping import step_of
from stepconv.views.classroom.practice import QuestionHead, beside_shown, comparison_lines
from stepconv.views.classroom.practised import Practised
from stepconv.views.lessons.prose import WIDEST
from stepconv.views.lessons.question import QuestionView


class TextLines:
    """Practice as plain text, of which standard input has the answers.

    Parameters
    ----------
    output : Output
    keeper : Keeper
    course : Course
    most : int or None
        Questions to ask.
    """

    def __init__(self, output: Output, keeper: Keeper, course: Course, most: int | None) -> None:
        self.output = output
        self.keeper = keeper
        self.drill = Drill(course, most)

    def run(self) -> None:
        """Ask until the lines or the questions end, then tell how it went."""
        try:
            while not self.drill.done:
                self._ask()
        except KeyboardInterrupt:
            self.output.screen.write("\n")  # the cursor stands behind what was typed
            raise
        finally:
            self._become(self.drill.ended())
            self._tell()

    def _ask(self) -> None:
        look = self.output.screen.look
        with uncollected(), compiling(self.output.errors):
            asked = self.drill.asked
            view = Group(
                QuestionHead(self.drill, look),
                Text(),
                Constrain(QuestionView(asked, look), WIDEST),
                Text(look.plain(f"({self.drill.course.question.form})"), look.style("note")),
            )
        answered = ask(asked, self.output, view=view, replay=self._replay, told=self._told)
        # Hints are not told of one by one.
        self.drill = self.drill.tried(answered.attempt)
        quits = answered.left == "quit"
        self._become(self.drill.ended() if quits else self.drill.next())

    def _told(self, attempt: Attempt) -> None:
        """Behind a verdict, show both ways of working, unless that would tell the answer."""
        self.drill = self.drill.tried(attempt)
        found, look = beside_shown(self.drill), self.output.screen.look
        if found is not None:
            self.output.screen.show(Group(*comparison_lines(found, look), Text()))

    def _replay(self, _attempt: Attempt) -> None:
        """Show both ways, unless they were shown already, then the step at which to look."""
        question, beside = self.drill.course.question, self.drill.beside
        if beside is not None and beside.tells:
            lines = comparison_lines(beside, self.output.screen.look)
            self.output.screen.show(Group(*lines, Text()))
        if question.trace is not None:
            cell = cell_of(self.drill, question.trace)
            show_step(self.output, question.trace, step_of(question.trace, cell))
            self.output.screen.write("\n")
        elif beside is None:
            text = _("No common slip gives this answer. Work it out once more.")
            self.output.screen.show(Group(Text(self.output.screen.look.plain(text)), Text()))

    def _become(self, drill: Drill) -> None:
        self.keeper.follow(self.drill.course, drill.course)
        self.drill = drill

    def _tell(self) -> None:
        screen, remark = self.output.screen, keeper_remark(self.keeper)
        screen.show(Practised(Summary.of(self.drill.course.results), screen.look))
        if remark:
            screen.write(screen.look.plain(remark) + "\n")
