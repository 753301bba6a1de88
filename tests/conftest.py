"""How every test runs: no test depends on how fast the machine is at the moment."""

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "wengert", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip
settings.load_profile("wengert")

os.environ.setdefault("WENGERT_CACHE", "off")  # what others have compiled is not tested

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background jobs have it
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else what is stopped so never ends
