"""`python -m pipeline.inspect`: see `pipeline.commands.inspect`."""

import sys

from pipeline.commands.inspect import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], prog="python -m pipeline.inspect"))
