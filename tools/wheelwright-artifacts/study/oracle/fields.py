"""Metadata, one field changed at a time: what breaks it and what only looks so."""

from __future__ import annotations

#: Lines that an index refuses, in the place of the good summary.
BAD = """\
Metadata-Version: 2.4
Name: demo
Version: 1.0
Unheard-Of: yes
Author-Mail: a@example.org
Author-email: A Person <someone at example.org>
Author-email: A Person <someone@localhost>
Author-email: person
Author-email: a@example
Author-email: a@b_c.org
Author-email: a@-b.org
Author-email: a@b..org
Author-email: a@b.c1
Author-email: a..b@example.org
Author-email: .a@example.org
Author-email: a.@example.org
Author-email: A Person a@example.org
Author-email: a@host.local
Author-email: a@example.test
Author-email: a@example.invalid
Author-email: a@b.org.
Author-email: A <'a@example.org'>
Maintainer-email: A Person <someone at example.org>
Maintainer-email: nobody
Maintainer-email: a@ab--cd.example.org
Classifier: Topic :: Testing
Classifier: topic :: software development
Classifier: Programming Language :: Python :: 3.99
Classifier: Programming Language :: Python ::3
Classifier: Typing :: Typed\x20
Provides-Extra: all\x20
Classifier: Private :: Do Not Upload
Classifier: License :: OSI Approved :: MIT
Classifier: Development Status :: 5 - Stable
Classifier: Natural Language :: Ukranian
Classifier: License :: OSI Approved :: Intel Open Source License
Classifier: Topic :: Communications :: Chat :: AOL Instant Messenger
Classifier: Operating System :: MacOS X
Classifier: Framework :: Django :: 99.0
Classifier: Intended Audience :: Programmers
Dynamic: Version
Dynamic: Name
Dynamic: name
Dynamic: Metadata-Version
Dynamic: Requirements
Dynamic: Dependencies
Dynamic: Dynamic
Home-page: UNKNOWN
Home-page: example.org
Home-page: //example.org
Home-page: ftp://example.org/
Home-page: https//example.org
Home-page: mailto:a@example.org
Home-page: file:///tmp
Home-page: https://example.org:99999/
Home-page: https://example.org/[a]
Download-URL: UNKNOWN
Download-URL: ftp://example.org/demo.tar.gz
Download-URL: git+https://example.org/demo
Project-URL: Homepage, www.example.org/demo
Project-URL: Source, git@github.com:someone/demo.git
Project-URL: Source, ssh://git@example.org/demo
Project-URL: , https://example.org
Project-URL: https://example.org
Project-URL: Docs,
Project-URL: Docs
Project-URL: A label of more than thirty-two characters, https://example.org
Project-URL: Docs, https://example.org/?q=[a]
Requires-Dist: demo @ https://example.org/demo.whl
Requires-Dist: demo@git+https://example.org/demo
Requires-Dist: demo >= one
Requires-Dist: demo =1
Requires-Dist: demo >=1 <2
Requires-Dist: demo>=1.*
Requires-Dist: demo~=1
Requires-Dist: demo[x
Requires-Dist: demo[x y]
Requires-Dist: demo; python_version > 3
Requires-Dist: demo; python_versoin > '3'
Requires-Dist: demo; python_version = '3'
Requires-Dist: demo; python_version > '3' &&  os_name == 'nt'
Requires-Dist: -demo
Requires-Dist: Demo. >=1
Requires-Dist: demo===
Requires-Dist: demo; python_version > '3' &&é os_name == 'nt'
Requires-Dist: demo-
Requires-Dist: two words
Requires-Dist: demo, other
Requires-Dist: https://example.org/demo.whl
Requires-Dist: ./demo
Requires-Dist: demo>=1;
Requires-Dist: demo # comment
Requires-Dist:
Requires-Python: 3.9
Requires-Python: >=3.*
Requires-Python: ~=3
Requires-Python: >=3.9 <4
Requires-Python: >=3.9; <4
Requires-Python: =>3.9
Requires-Python: ^3.9
Requires-Python: >=3.9 or >=4
Requires-Python: >=3.nine
Requires-Python: python>=3.9
Provides-Dist: two words
Provides-Dist: demo @ https://example.org/demo.whl
Provides-Dist: demo==
Obsoletes-Dist: demo=1
Obsoletes-Dist: -demo
Obsoletes-Dist: demo @ https://example.org/demo.whl
Provides-Extra: -all
Provides-Extra: all-
Provides-Extra: all!
Provides-Extra: a b
Provides-Extra: größe
Provides-Extra: a,b
Provides-Extra:
License: MIT
License-File: NOTICE
License-File: ../LICENSE
License-File: /LICENSE
License-File: LICEN*
License-File: C:/LICENSE
License-File: a\\LICENSE
License-File: a..b
""".splitlines()

#: The same, of files of another metadata version.
BAD_BY_VERSION = [
    ("2.5", "Import-Name: demo; hidden"),
    ("2.5", "Import-Name: demo-kit"),
    ("2.5", "Import-Name: demo..kit"),
    ("2.5", "Import-Name: 1demo"),
    ("2.5", "Import-Name: class"),
    ("2.5", "Import-Name: demo.import"),
    ("2.5", "Import-Name: demo;"),
    ("2.5", "Import-Name: demo private"),
    ("2.5", "Import-Name: .demo"),
    ("2.5", "Import-Namespace: demo; shown"),
    ("2.5", "Import-Namespace:"),
    ("2.5", "Import-Namespace: a b"),
    ("2.4", "Import-Name: demo"),
    ("2.4", "Import-Namespace: demo"),
]

#: Lines that an index takes.
GOOD = """\
Author: A, B and C
Author-email: a@example.org
Author-email: A Person <a.person+x@mail.example.org>
Author-email: "Person, A" <a@example.org>
Author-email: a@example.org (A Person)
Author-email: A. B. <a@example.org>
Author-email: a@example.org, b@example.org
Author-email: a@example.org, B <b at example.org>
Author-email: A <a@example.org>, B <b@localhost>
Author-email: ä@example.org
Maintainer: me
Maintainer-email: A Person <a@example.org>
Classifier: Programming Language :: Rust
Classifier: License :: OSI Approved :: MIT License
Classifier: Typing :: Typed
Dynamic: license-file
Dynamic: Home-Page
Dynamic: Requires-Dist
Dynamic: Import-Name
Home-page: https://example.org
Home-page: http://example.org/a b
Home-page: https://example.org/größe
Home-page: HTTPS://EXAMPLE.ORG/#[a]
Home-page: https://user:word@example.org:8443/a;b?c=d&e
Download-URL: https://example.org/demo-1.0.tar.gz
Project-URL: Docs, https://example.org/a,b
Project-URL: A label of thirty-two characters, https://example.org
Project-URL: Größe, http://example.org
Requires-Dist: demo
Requires-Dist: demo[x,y]>=1,<2
Requires-Dist: demo (>=1)
Requires-Dist: demo (>=1,<2) ; python_version >= '3.9'
Requires-Dist: demo==1.*
Requires-Dist: demo===wild
Requires-Dist: demo; platform_version != 'größe'
Requires-Dist: demo (===1.0-wild) ; python_version < '4'
Requires-Dist: demo!=1.2.*,>=1
Requires-Dist: Demo.Kit_x>=1.0rc1
Requires-Dist: demo; sys_platform == 'win32' and (os_name == 'nt' or extra == 'x')
Requires-Dist: demo; 'linux' in sys_platform
Requires-Dist: demo; python_version not in '3.8, 3.9'
Requires-Dist: demo; platform_release >= '6'
Requires-Dist: demo; python_full_version < '3.11.0a6'
Requires-Dist: demo>=1 ; extra == 'My_Extra'
Requires-External: libffi (>3)
Requires-External: C
Requires: demo
Provides: demo
Obsoletes: demo
Provides-Dist: demo-old; python_version < '4'
Provides-Dist: other==1.0
Obsoletes-Dist: demo-old
Provides-Extra: all
Provides-Extra: Some_Extra
Provides-Extra: a.b-c_d
Keywords: a,b c, d
Keywords: a b
Platform: any
Supported-Platform: linux-x86_64
Summary:
License:
""".splitlines()

GOOD_BY_VERSION = [
    ("2.5", "Import-Name: demo"),
    ("2.5", "Import-Name: demo; private"),
    ("2.5", "Import-Name: _demo ;private"),
    ("2.5", "Import-Name: größe"),
    ("2.5", "Import-Name:"),
    ("2.5", "Import-Namespace: demo"),
    ("2.5", "Import-Namespace: demo.kit"),
    ("2.4", "Keywords: x"),
]

#: Licence expressions that an index refuses, and that it takes.
BAD_LICENSES = [
    "", "BSD", "Apache 2.0", "MIT License", "MIT OR", "OR MIT", "MIT/Apache-2.0", "(MIT", "MIT)",
    "MIT Apache-2.0", "MIT WITH Apache-2.0", "MIT WITH", "DocumentRef-x:LicenseRef-y",
    "LicenseRef-a_b", "LicenseRef-", "MIT, Apache-2.0", "MIT and/or Apache-2.0", "()",
    "Proprietary", "GPL-2.0-or-later WITH No-Such-exception", "GPLv3", "AdditionRef-x",
    "GPL-2.0-only WITH AdditionRef-x", "LicenseRef-x+",
]  # fmt: skip
GOOD_LICENSES = [
    "MIT", "mit", "MIT OR Apache-2.0", "mit or apache-2.0", "MIT and (Apache-2.0 or bsd-3-clause)",
    "GPL-2.0", "GPL-2.0+", "LGPL-2.1-or-later", "GPL-3.0-only WITH Classpath-exception-2.0",
    "LicenseRef-Proprietary", "LicenseRef-My.Own-1", "licenseref-x", "0BSD", "Unlicense",
    "((MIT))", "Apache-2.0 WITH LLVM-exception OR MIT",
]  # fmt: skip

VERSIONS = {
    "1.0": True, "2.1.0": True, "1!2.0": True, "1.0a1": True, "1.0.post1": True, "1.0.dev3": True,
    "v1.0": True, "1.0-1": True, "1.0RC1": True, "01.0": True, "1.0+local": False, "one": False,
    "1.0.x": False, "1..0": False, "1.0-": False, "": False, "1 0": False, "latest": False,
    "1.0alpha": True, "1.0_1": False, "1,0": False, "2024-01-01": False, "1.0+": False,
}  # fmt: skip
NAMES = {
    "demo": True, "Demo": True, "d": True, "de.mo_x-y": True, "1demo": True, "-demo": False,
    "demo-": False, "demo!": False, "de mo": False, "": False, "größe": False, "_demo": False,
    "demo/x": False, "demo[x]": False,
}  # fmt: skip
METADATA_VERSIONS = {
    "1.0": False, "1.1": False, "1.2": False, "2.1": False, "2.2": False, "2.3": False,
    "2.4": True, "2.5": True, "2.0": False, "1.3": False, "3.0": False, "2.40": False,
    "2": False, "": False, "two": False, "2.4.0": False,
}  # fmt: skip
CONTENT_TYPES = {
    "text/markdown": True, "text/plain": True, "text/x-rst": True,
    "text/markdown; charset=UTF-8": True, "text/markdown; charset=UTF-8; variant=GFM": True,
    "text/markdown; variant=CommonMark": True, "Text/Markdown": True,
    "text/markdown; charset=utf-8": True, "text/plain; charset=utf-8": True,
    "text/html": False, "markdown": False, "text/rst": False, "text/x-markdown": False,
    "text/markdown; charset=latin-1": False, "text/markdown; variant=gfm": False,
    "text/markdown; variant=Pandoc": False, "text/plain; charset=ascii": False,
    "text/markdown;": True, "text/markdown; x=y": True, 'text/markdown; variant="GFM"': True,
    "text/plain; variant=x": True, "text/markdown; CHARSET = UTF-8": True,
    "text/markdown; charset": False, "text/markdown; charset=": False,
    "text/markdown; charset=UTF-8; charset=UTF-8": False, "text/markdown charset=utf-8": False,
    "text/markdown; charset=UTF-8 variant=GFM": False, "text /markdown": False,
    "text/markdown; v(x=GFM": False, 'text/markdown; variant="GFM': False,
    "text/markdown; variant=a=b": False, "application/json": False,
    "text": False, "text/markdown, text/plain": False,
}  # fmt: skip
DESCRIPTIONS = {
    "text/markdown": {"# x\n\ny\n": True, "<script>x</script>\n": True, "[a]: b\n": False},
    "text/x-rst": {"x\n=\n\ny\n": True, ".. no-such::\n": False, "`a <b>`__\n\n====\n": False},
}
