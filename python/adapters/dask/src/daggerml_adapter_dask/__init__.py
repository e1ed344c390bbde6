"""The DaggerML adapter for Dask clusters.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-adapter-dask`` and what it answers |
| ``cluster`` | finding the scheduler, or starting one on this machine |
| ``tasks`` | calls as tasks: submit, find again, collect, stop |
| ``groups`` | which calls share a task, and their outcomes |
| ``outcomes`` | what tasks return, and what it means when they do not |
| ``worker`` | the code that the machines of the cluster run |
"""

__all__: list[str] = []
