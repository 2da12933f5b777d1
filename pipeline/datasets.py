"""`python -m pipeline.datasets`: see `pipeline.commands.datasets`."""

import sys

from pipeline.commands.datasets import main

if __name__ == "__main__":
    sys.exit(main())
