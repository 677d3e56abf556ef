"""`python -m scenegrad.view.child REQUEST ANSWER`: the process that draws, see `rendering`."""

import sys
from pathlib import Path

from scenegrad.view.rendering import render_request

if __name__ == "__main__":
    render_request(Path(sys.argv[1]), Path(sys.argv[2]))
