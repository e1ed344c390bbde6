"""The names that programs of DaggerML 0.1.x import from here; see the guide "from 0.1".

New programs use :func:`daggerml.funk`, :func:`daggerml.dagclass` and :func:`daggerml.run`.

| module | holds |
|---|---|
| ``api`` | ``funkify``, ``dagclass``, ``run``, ``ref``, ``load`` |
| ``codecs`` | the delayed values that these make |
| ``testing`` | ``defunkify`` |
| ``status`` | the adapters and codecs that are installed |
| ``adapters``, ``executors`` | base classes: classes can be derived and tested, but run no calls |
| ``funks``, ``s3`` | names whose errors say what replaces them |
"""
