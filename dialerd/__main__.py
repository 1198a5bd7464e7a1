"""`python -m dialerd`."""

from dialerd.cli.main import main

main()
