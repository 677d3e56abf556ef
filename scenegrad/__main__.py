"""`python -m scenegrad` is the command line."""

import sys

from scenegrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
