"""The DaggerML remote helper for object stores: S3, Google Cloud Storage, Azure and https.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-adapter-objectstore`` |
| ``address`` | the addresses: scheme, bucket and prefix |
| ``aws`` | the settings of S3, as the AWS command line reads them |
| ``azure`` | the settings of Azure, as its command line reads them |
| ``opening`` | from an address to a store |
| ``objects`` | the six verbs on a store |
| ``problems`` | the errors of stores as those of helpers |
"""

__all__: list[str] = []
