"""`python -m clnwire`: the command line."""

from clnwire.cli import main

if __name__ == "__main__":
    main()
