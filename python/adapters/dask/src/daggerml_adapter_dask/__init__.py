"""The DaggerML adapter for Dask clusters."""

__all__: list[str] = []
