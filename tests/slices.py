"""The size of the long proofs: complete in `make prove`, a slice in `make test`."""

import os
from typing import Final

EVERYTHING: Final = bool(os.environ.get("PROVE_ALL"))
