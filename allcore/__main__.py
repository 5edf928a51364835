"""`python -m allcore`."""

from allcore.cli import main

main()
