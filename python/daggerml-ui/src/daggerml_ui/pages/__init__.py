"""What each page shows, one module for each.

A page is made from a :class:`daggerml_ui.sources.Source`, the links, and what its address
says; it is shown by the template of its name.
"""

__all__: list[str] = []
