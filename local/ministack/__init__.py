"""A second emulated AWS, ministack (https://pypi.org/project/ministack/): it is not moto."""
