"""The classroom: problems, the mistakes learners make with them, and what an answer shows.

A `Problem` is a layer with its numbers and a question about it. `wrong_answers` runs every
usual mistake as a real, wrong layer; `diagnose` finds those that give a learner's answer;
`generate` draws problems on which no two mistakes look alike.
"""
