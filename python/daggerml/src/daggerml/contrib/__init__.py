"""What programs of DaggerML 0.1.x import from here; the guide "from 0.1" has the rest.

New programs use :func:`daggerml.funk`, :func:`daggerml.dagclass` and :func:`daggerml.run`.

| module | holds |
|---|---|
| ``api`` | ``funkify``, ``dagclass``, ``run``, ``ref``, ``load`` |
| ``codecs`` | the delayed values that these make |
| ``testing`` | ``defunkify`` |
| ``status`` | what of adapters and codecs is installed |
| ``adapters``, ``executors`` | base classes, to be read and tested; they run no calls here |
| ``funks``, ``s3`` | names that say what replaces them |
"""
