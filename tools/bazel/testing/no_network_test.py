"""Show that an action has no network: what is not declared cannot be downloaded.

Nothing is sent. A UDP socket that is connected only asks the system for a way to the
address; 192.0.2.1 and 2001:db8::1 are nobody's (they are kept for documentation).
"""

from __future__ import annotations

import errno
import socket
import sys

OUTSIDE = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]

# No way there, not allowed to look for one, or no such kind of address at all.
REFUSED = {
    errno.ENETUNREACH,
    errno.EPERM,
    errno.EACCES,
    errno.EAFNOSUPPORT,
    errno.EADDRNOTAVAIL,
}


def way_out(family: int, address: str) -> str | None:
    """Return the address that this machine would send from, or None."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((address, 443))
            return str(asked.getsockname()[0])
    except OSError as error:
        if error.errno in REFUSED:
            return None
        raise


def main() -> int:
    """Look for a way out; the exit code says whether there is one."""
    if sys.platform == "linux":
        print("interfaces:", ", ".join(name for _, name in socket.if_nameindex()))
    found = False
    for family, address in OUTSIDE:
        way = way_out(family, address)
        if way is not None:
            found = True
            print(f"error: an action can send to {address} (as {way}); its sandbox has a network")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
