"""What every test may rely on."""

import signal

# A shell starts what it puts in the background with SIGINT ignored, and children inherit that. The
# tests interrupt processes that they start, so whoever starts the tests must not matter.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
