"""``python -m mentoreval``: the command line."""

from mentoreval.cli import main

main()
