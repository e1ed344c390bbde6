"""The program ``daggerml-adapter-objectstore``."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version

from daggerml.remotes import HelperError

#: The name of the package that has this program.
DISTRIBUTION = "daggerml-adapter-objectstore"


def main() -> int:
    """Serves the remote at an address, by requests on standard input, until it is closed."""
    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION,
        description="Reaches DaggerML remotes on object stores. DaggerML starts it; it answers "
        "the requests of the helper protocol on standard input. Credentials, profiles and "
        "endpoints are those of the cloud's own tools.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    parser.add_argument(
        "address",
        help="s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or https://HOST/PATH",
    )
    options = parser.parse_args()
    from daggerml.remotes import serve
    from daggerml_adapter_objectstore.address import Address
    from daggerml_adapter_objectstore.objects import Objects

    try:
        address = Address.parse(options.address)
    except HelperError as problem:
        print(f"{DISTRIBUTION}: {problem}", file=sys.stderr)
        return 2
    serve(Objects(address, version(DISTRIBUTION)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
