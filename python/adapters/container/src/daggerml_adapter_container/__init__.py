"""The DaggerML adapter for containers: docker or podman, whichever is there.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-adapter-container`` and what it answers |
| ``images`` | which names of images a runnable can have |
| ``containers`` | one call in one container |
"""

__all__: list[str] = []
