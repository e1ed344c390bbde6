"""Texts of `entry_points.txt`: what breaks a script and what only looks so."""

from __future__ import annotations

#: Names of scripts that an index refuses, and that it takes.
BAD_NAMES = ["../evil", "bin/x", "my tool", "a:b", "a\\b", "a+b", "x!", "a@b", "~x", "a*", "$x"]
GOOD_NAMES = ["demo", "demo-2", "de.mo", "de_mo", "Demo", "größe", "2to3", "-x"]

#: Targets of scripts that no installer makes a program of, and that all do.
BAD_TARGETS = [
    "demo", "demo:", ":main", "", "demo main", "demo:main()", "de-mo:main", "demo/x:main",
    "demo:main:x", "demo:a b", "demo.:main", ".demo:main", "demo:main # why", "demo:main; x",
    "demo:main [x", "demo:class", "import:main", "demo:1x", "demo\n    more:main",
]  # fmt: skip
GOOD_TARGETS = ["demo:main", "demo.cli:main", "demo:App.run", "demo : main", "demo:main [x, y]"]

BAD_TEXTS: dict[str, str | bytes] = {
    "no-delimiter": "[console_scripts]\nnonsense\n",
    "no-group": "demo = demo:main\n",
    "open-group": "[console_scripts\ndemo = demo:main\n",
    "empty-group": "[]\ndemo = demo:main\n",
    "no-name": "[console_scripts]\n= demo:main\n",
    "name-twice": "[console_scripts]\na = demo:main\na = demo:main\n",
    "group-twice": "[x.y]\na = b\n[x.y]\nc = d\n",
    "colon": "[console_scripts]\ndemo: demo.main\n",
    "not-utf-8": b"[console_scripts]\n\xff = demo:main\n",
    "json": '{"console_scripts": {"demo": "demo:main"}}\n',
}
GOOD_TEXTS: dict[str, str | bytes] = {
    "comments": "# a\n; b\n\n[console_scripts]\n# c\ndemo = demo:main\n",
    "windows-lines": "[console_scripts]\r\ndemo = demo:main\r\n",
    "spaces": "[console_scripts]\n  demo=demo:main\n",
    "plugins": "[x.plugins]\na thing/of 2 = demo.plugins:A [x]\n",
    "same-name-elsewhere": "[x.a]\nn = demo:a\n[x.b]\nn = demo:b\n",
    "percent": "[x.a]\nn = demo:a\np = demo\n",
    "only-a-group": "[console_scripts]\n",
}

#: Names that only some system cannot keep apart or write.
LOST = {
    "device": "[console_scripts]\nnul = demo:main\n",
    "device-number": "[console_scripts]\ncom1 = demo:main\n",
    "device-dot": "[console_scripts]\naux.x = demo:main\n",
    "case": "[console_scripts]\ndemo = demo:main\nDemo = demo:main\n",
    "both-groups": "[console_scripts]\na = demo:main\n[gui_scripts]\na = demo:main\n",
}
