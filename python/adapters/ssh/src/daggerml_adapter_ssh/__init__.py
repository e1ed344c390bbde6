"""The DaggerML adapter for machines that ssh reaches.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-adapter-ssh`` and what it answers |
| ``calls`` | calls as jobs on hosts: start, find again, collect, stop |
| ``hosts`` | the hosts and their slots, connections to them, and which one gets a call |
| ``connection`` | one ``ssh`` process, and requests to the agent behind it |
| ``agent`` | the code that runs on a host; it is sent there |
"""

__all__: list[str] = []
