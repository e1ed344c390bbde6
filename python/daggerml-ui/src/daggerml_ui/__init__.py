"""Pages to look at a DaggerML repository, in a browser or as files.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-ui``, which ``dml ui`` starts |
| ``server`` | the pages as an ASGI application, and serving it |
| ``guard`` | who may ask: the token, the Host, the Origin, the headers of answers |
| ``export`` | the pages as files that need no server |
| ``pages`` | what each page shows, one module for each |
| ``links`` | the address of each page |
| ``rendering`` | templates, in which everything is escaped |
| ``graphs`` | DAGs as lists of nodes and edges, and which of them to draw |
| ``drawing`` | the drawing of a DAG as SVG |
| ``values``, ``texts``, ``code``, ``plots`` | values as tables, texts, code, images and plots |
| ``differences`` | what differs between two values |
| ``static_files`` | the style sheet, the script and the icon of the pages |
"""

__all__: list[str] = []
