"""`python -m visionseek`."""

from visionseek.cli import main

main()
