"""`python -m tasks` is `summit`."""

from tasks._program import program

program.run()
