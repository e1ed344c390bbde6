"""The DaggerML adapter for Dask clusters.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-adapter-dask`` and what it answers |
| ``cluster`` | finding the scheduler, or starting one on this machine |
| ``answers`` | what a task gave, checked |
| ``tasks`` | a call as a task: submitted, found again, collected, stopped |
| ``worker`` | what the machines of the cluster run |
"""

__all__: list[str] = []
