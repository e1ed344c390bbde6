"""``python -m daggerml_ui`` is ``daggerml-ui``."""

from daggerml_ui.cli import main

main()
