"""`python -m pipeline.recommend`: see `pipeline.commands.recommend`."""

import sys

from pipeline.commands.recommend import main

if __name__ == "__main__":
    sys.exit(main())
