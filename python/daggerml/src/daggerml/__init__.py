"""Version control for computations.

A repository holds values, DAGs and commits. A DAG is made step by step and
committed under a name; it can be loaded and inspected ever after:

>>> import daggerml as dml
>>> with dml.temporary() as repo, repo.new("first-result", message="hello") as dag:
...     xs = dag.put([1, 2, 3], name="xs")
...     dag.commit(dag.put({"xs": xs, "first": xs[0]}))
>>> repo.load("first-result").result.value()
{'xs': [1, 2, 3], 'first': 1}

Start with :func:`new` and :func:`load`, which use the repository of the current
directory (``dml init`` or :func:`init` makes one), or with :class:`Dml`, which
is any repository.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from daggerml._core import Blob as Blob
    from daggerml._core import Ref as Ref
    from daggerml._core import Runnable as Runnable
    from daggerml._core import Uri as Uri
    from daggerml.adapters.command import command as command
    from daggerml.dag import Dag as Dag
    from daggerml.dagclasses import StepError as StepError
    from daggerml.dagclasses import dagclass as dagclass
    from daggerml.dagclasses import run as run
    from daggerml.dml import Dml as Dml
    from daggerml.errors import BadExecutionStatusError as BadExecutionStatusError
    from daggerml.errors import CanceledExecutionError as CanceledExecutionError
    from daggerml.errors import CancellationError as CancellationError
    from daggerml.errors import CodecError as CodecError
    from daggerml.errors import DmlRepoError as DmlRepoError
    from daggerml.errors import Error as Error
    from daggerml.errors import ExecutionTimeoutError as ExecutionTimeoutError
    from daggerml.errors import NodeError as NodeError
    from daggerml.errors import NotFoundError as NotFoundError
    from daggerml.errors import Transient as Transient
    from daggerml.executions import ExecutionRecord as ExecutionRecord
    from daggerml.funks import Funk as Funk
    from daggerml.funks import funk as funk
    from daggerml.node import BlobNode as BlobNode
    from daggerml.node import ListNode as ListNode
    from daggerml.node import MapNode as MapNode
    from daggerml.node import Node as Node
    from daggerml.node import RunnableNode as RunnableNode
    from daggerml.node import ScalarNode as ScalarNode
    from daggerml.node import SetNode as SetNode
    from daggerml.projection import Projection as Projection
    from daggerml.session import clear_default_dml as clear_default_dml
    from daggerml.session import get_default_dml as get_default_dml
    from daggerml.session import init as init
    from daggerml.session import load as load
    from daggerml.session import new as new
    from daggerml.session import resume as resume
    from daggerml.session import set_default_dml as set_default_dml
    from daggerml.session import status as status
    from daggerml.session import temporary as temporary
    from daggerml.session import use_default_dml as use_default_dml
    from daggerml.session import version as version

    __version__: str

# The public names by the module that each comes from. They are imported when
# first used, so that `import daggerml` (and with it every `dml` command) costs
# next to nothing. Type checkers read the imports above, which say the same.
_NAMES = {
    "_core": "Blob Ref Runnable Uri __version__",
    "adapters.command": "command",
    "dag": "Dag",
    "dagclasses": "StepError dagclass run",
    "dml": "Dml",
    "errors": "BadExecutionStatusError CanceledExecutionError CancellationError CodecError "
    "DmlRepoError Error ExecutionTimeoutError NodeError NotFoundError Transient",
    "executions": "ExecutionRecord",
    "funks": "Funk funk",
    "node": "BlobNode ListNode MapNode Node RunnableNode ScalarNode SetNode",
    "projection": "Projection",
    "session": "clear_default_dml get_default_dml init load new resume set_default_dml status "
    "temporary use_default_dml version",
}

if not TYPE_CHECKING:  # else every misspelt name would seem to be there
    _HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}
    __all__ = [name for names in _NAMES.values() for name in names.split()]

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})
