"""Lessons: folders of data, read strictly, filled in with results computed while they are read.

    shelf        which lessons there are; their heads alone, so that a list costs nothing
    loader       a lesson from its folder: `load_lesson`
    lesson       Lesson: scenes, questions, and the prose as blocks with all results filled in
    format       the blocks, for whoever draws them
    prose        Markdown to blocks; inline, what stands within a line
    scenes       a convolution, its sizes, a stack of layers, a program
    questions    what is asked, and `Question.judge`: right, wrong and why, or not to be read
    expressions  the little language of `{{ … }}`; names, what a scene offers it; written, how
                 results are shown
    checker      everything that can be wrong with a folder of lessons
    progress     how far a learner has come

`lessons/README.md` tells how a lesson is written.
"""
