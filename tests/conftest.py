"""How every test runs: no test depends on how fast the machine is at the moment."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "wengert", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip
settings.load_profile("wengert")
