"""Tags and file names, one changed at a time."""

from __future__ import annotations

PAIRS = """\
py3-none py2-none py2.py3-none py38-none py314-none cp312-none cp27-none cp38-cp38 cp39-abi3
cp312-cp312 cp313-cp313t cp314-cp314t cp37-cp37m cp36-cp36m cp27-cp27mu cp27-cp27m cp32-abi3
cp38.cp39-cp38.cp39 cp39.cp310-abi3 pp310-pypy310_pp73 pp39-pypy39_pp73 pp311-pypy311_pp73
cp315-abi3t cp315-abi3.abi3t cp312-cp312d
cp3-abi3 py3-abi3 cp3-none cp3-cp3 py39-abi3 py3-cp39 py4-none py99-none cp31-abi3 cp27-abi3
cp312-cp311 cp312-cp312m cp312-cp312t cp37-cp37 cp38-cp38m cp39-abi4 cp39-abi cp39-py39
cp310-pypy310_pp73 pp310-abi3 pp310-cp310 pp310-pypy39_pp73 cp39-cpython39 cp399-abi3 cp3.cp39-abi3
py3.cp39-abi3 cp39-abi3.cp310 cpy39-abi3 python3-none py-none cp-abi3 cp313t-abi3 cp313t-cp313t
cp310.cp311-cp310 cp39-none.cp38 abi3-cp39 none-none any-none
""".split()  # noqa: SIM905 - so many are read best as text

PLATFORMS = """\
any win32 win_amd64 win_arm64 linux_armv6l linux_armv7l manylinux1_x86_64 manylinux1_i686
manylinux2010_x86_64 manylinux2014_aarch64 manylinux2014_ppc64le manylinux2014_s390x
manylinux_2_5_x86_64 manylinux_2_17_aarch64 manylinux_2_28_x86_64 manylinux_2_39_riscv64
manylinux_2_31_armv7l manylinux_2_17_x86_64.manylinux2014_x86_64 musllinux_1_1_x86_64
musllinux_1_2_aarch64 macosx_10_6_intel macosx_10_9_x86_64 macosx_10_9_universal2
macosx_10_12_x86_64 macosx_10_16_x86_64 macosx_11_0_arm64 macosx_11_0_universal2
macosx_12_0_x86_64 macosx_15_0_arm64 macosx_26_0_arm64 ios_13_0_arm64_iphoneos
ios_13_0_arm64_iphonesimulator ios_15_4_x86_64_iphonesimulator android_21_arm64_v8a
android_24_x86_64 android_21_armeabi_v7a android_24_x86 pyemscripten_2025_0_wasm32
win64 win_x86_64 win_ia64 win_arm windows_amd64 win_amd32 linux_x86_64 linux_aarch64 linux_armv8l
linux_i686 manylinux1_aarch64 manylinux2010_aarch64 manylinux2014_riscv64 manylinux2020_x86_64
manylinux_x86_64 manylinux_2_28 manylinux_2_x86_64 manylinux_2_28_amd64 manylinux_2_28_arm64
manylinux_2_28_loongarch64 manylinux_2_4_x86_64 manylinux_2_12_aarch64 manylinux_2_228_x86_64
manylinux_3_0_x86_64 musllinux_1_2_ppc64 musllinux_1_3_x86_64 musllinux_2_0_x86_64
musllinux_x86_64 macosx_10_9_arm64 macosx_10_17_x86_64 macosx_11_0_aarch64 macosx_11_0_amd64
macosx_11_arm64 macosx_11_1_arm64 macosx_12_3_arm64 macosx_13_3_arm64 macosx_16_0_arm64
macosx_20_0_arm64 macosx_27_0_arm64 macosx_9_0_x86_64 macosx_14_0_ppc macos_11_0_arm64 darwin_arm64
ios_11_0_arm64_iphoneos ios_13_0_arm64 ios_13_0_x86_64_iphoneos ios_13_arm64_iphoneos
android_15_x86_64 android_24_aarch64 android_arm64_v8a emscripten_3_1_58_wasm32
pyodide_2024_0_wasm32 wasi_wasm32 freebsd_14_0_release_amd64 cygwin_3_x86_64 none
""".split()  # noqa: SIM905

#: Wheel names (name, version, build) with the `.dist-info` folder where it differs.
NAMES = {
    "good": ("demo", "1.0", "", ""),
    "underscore": ("demo_kit", "1.0", "", ""),
    "build": ("demo", "1.0", "1", ""),
    "build-letters": ("demo", "1.0", "2b", ""),
    "same-version": ("demo", "1.0.0", "", ""),
    "case": ("Demo", "1.0", "", ""),
    "dot": ("demo.kit", "1.0", "", ""),
    "two-underscores": ("demo__kit", "1.0", "", ""),
    "edge-underscore": ("_demo", "1.0", "", ""),
    "plus": ("demo+x", "1.0", "", ""),
    "no-version": ("demo", "one", "", ""),
    "local": ("demo", "1.0+x", "", ""),
    "build-word": ("demo", "1.0", "b1", ""),
    "folder-case": ("demo", "1.0", "", "Demo-1.0.dist-info"),
    "folder-version": ("demo", "1.0", "", "demo-1.0.0.dist-info"),
    "folder-upper": ("demo", "1.0", "", "demo-1.0.DIST-INFO"),
    "folder-other": ("demo", "1.0", "", "other-1.0.dist-info"),
    "folder-dash": ("demo_kit", "1.0", "", "demo-kit-1.0.dist-info"),
}

#: Stems of sdists and whether an index takes them.
SDISTS = {
    "demo-1.0": True,
    "demo_kit-1.0": True,
    "demo-1.0rc1": True,
    "demo-1.0.0 of 1.0": False,
    "Demo-1.0": False,
    "demo-kit-1.0": False,
    "demo.kit-1.0": False,
    "demo-1.00": False,
    "demo-1.0-rc1": False,
    "demo-v1.0": False,
    "demo-one": False,
    "demo": False,
    "demo__kit-1.0": False,
}
