"""`python -m visionseek`."""

from visionseek.cli import main

try:
    main()
finally:
    # Where Ctrl-C met code that is run from text, such as a dataclass being made by an import, CPython 3.11 notes an
    # unhandled interrupt, although `main` handles it, and `python -m` ends by the signal rather than with the exit
    # code (Python/pythonrun.c, run_eval_code_obj). Running any text takes the note back.
    exec("")  # noqa: S102
