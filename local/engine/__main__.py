"""`python -m local.engine`: find or build the engine, and print the path of its command."""

import sys

from local.engine import EngineError, ensure

if __name__ == "__main__":
    try:
        print(ensure().pulumi)
    except EngineError as error:
        sys.exit(str(error))
