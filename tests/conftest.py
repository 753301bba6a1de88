"""How every test runs: no test depends on how fast the machine is at the moment."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "wengert", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip
settings.load_profile("wengert")

os.environ.setdefault("WENGERT_CACHE", "off")  # what others have compiled is not tested
