"""A second emulated AWS, ministack (https://pypi.org/project/ministack/), independent of moto."""
