"""`python -m bot` is `legwork`."""

from bot.cli import main

if __name__ == "__main__":
    main()
