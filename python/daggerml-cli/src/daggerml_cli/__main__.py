"""``python -m daggerml_cli`` is ``dml``."""

from daggerml_cli import main

main()
