"""`python -m local.engine`: have the engine, and print where its command lies."""

import sys

from local.engine import EngineError, ensure

if __name__ == "__main__":
    try:
        print(ensure().pulumi)
    except EngineError as error:
        sys.exit(str(error))
