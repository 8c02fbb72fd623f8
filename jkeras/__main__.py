"""`python -m jkeras` is the command `jkeras`."""

from jkeras.cli import main

if __name__ == "__main__":
    main()
