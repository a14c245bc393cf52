"""The command line in a checkout; where it is installed, it is the command ``unbuy``."""

import sys

from cli.app import main

if __name__ == "__main__":
    sys.exit(main())
