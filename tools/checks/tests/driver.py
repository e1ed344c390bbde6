"""The one interpreter of a page: reads blocks as JSON lines, answers the same.

A request is {"kind": "python" | "pycon", "source", "name", "folder"}; an answer
is {"output", "failed"}. Every block sees the names that those before it made.
"""

import contextlib
import doctest
import io
import json
import linecache
import os
import sys
import traceback
import types

page = types.ModuleType("__main__")
sys.modules["__main__"] = page


def run_python(source: str, name: str) -> bool:
    # inspect.getsource finds the source of functions defined in a page.
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        exec(compile(source, name, "exec"), page.__dict__)
    except SystemExit as stop:
        return stop.code not in (None, 0)
    except BaseException:
        kind, error, trace = sys.exc_info()
        traceback.print_exception(kind, error, trace.tb_next if trace else None)
        return True
    return False


def run_pycon(source: str, name: str) -> bool:
    test = doctest.DocTestParser().get_doctest(source, page.__dict__, name, name, 0)
    test.globs = page.__dict__
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
    return runner.run(test, out=sys.stdout.write, clear_globs=False).failed > 0


answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # what a child process prints must not look like an answer
for line in sys.stdin:
    request = json.loads(line)
    os.chdir(request["folder"])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        kinds = {"python": run_python, "pycon": run_pycon}
        failed = kinds[request["kind"]](request["source"], request["name"])
    json.dump({"output": printed.getvalue(), "failed": failed}, answers)
    answers.write("\n")
    answers.flush()
