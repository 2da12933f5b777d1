"""`python -m pipeline.versions`: see `pipeline.commands.versions`."""

import sys

from pipeline.commands.versions import main

if __name__ == "__main__":
    sys.exit(main())
