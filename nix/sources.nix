# What each derivation reads, and nothing else: an edit of a guide or of the
# README builds nothing again.
{ lib }:
let
  root = ../.;
  fs = lib.fileset;
  source =
    files:
    fs.toSource {
      inherit root;
      fileset = fs.unions files;
    };
  folders = [
    ../crates
    ../tools/checks
    ../tools/wheelwright
    ../tools/wheelwright-artifacts
  ];
  # Without notes, the other build's files, and locks such as the fuzz targets'.
  isCode =
    file:
    !(lib.any file.hasExt [
      "md"
      "bazel"
      "lock"
    ]);
  code = map (fs.fileFilter isCode) folders ++ manifests;
  manifests = [
    ../Cargo.toml
    ../Cargo.lock
    ../rust-toolchain.toml
  ];
  python = fs.difference ../python ../python/tests;
  # An sdist may hold any file of a crate.
  artifacts =
    folders
    ++ manifests
    ++ [
      python
      ../wheelwright.toml
    ];
in
{
  # To compile.
  code = source code;
  # To compile wheelwright, beside crates that hold nothing.
  wheelwright = source (
    map (fs.fileFilter isCode) [
      ../tools/wheelwright
      ../tools/wheelwright-artifacts
    ]
    ++ manifests
  );
  # To build wheels and sdists.
  artifacts = source artifacts;
  # To pack one package that has no compiled code.
  package = folder: source [ (root + "/${folder}") ];
  # What says which packages there are, without their code and their words.
  packages = source (
    [ ../wheelwright.toml ]
    ++ map (fs.fileFilter (file: file.name == "pyproject.toml")) [
      ../python
      ../tools
    ]
  );
  # To run every Rust test: some compare the code with the documentation.
  tests = source (
    artifacts
    ++ [
      ../.config
      ../clippy.toml
      ../rustfmt.toml
      ../docs/reference
      ../docs/spec
    ]
  );
  # To run the Python tests.
  pythonTests = source [
    ../python/tests
    ../docs/guide/from-0.1.md
    ../docs/spec
  ];
  nix = source [
    ../flake.nix
    (fs.fileFilter (file: file.hasExt "nix") ./.)
  ];
}
