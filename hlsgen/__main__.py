"""``python -m hlsgen``: the command line, by the Python that is named."""

from hlsgen.cli import main

if __name__ == "__main__":
    main()
