"""`python -m mindgap` is the command `mindgap`."""

from mindgap.cli import main

main()
