# `nix flake check`: the tests and lints of `cargo checks` that a sandbox can
# run, and the artifacts that the flake itself makes.
{
  lib,
  runCommand,
  craneLib,
  common,
  sources,
  dml,
  wheelwright,
  pinned-tools,
  package-wheels,
  pythonPackagesFor,
  python3,
  git,
  openssh,
  nixfmt,
  deadnix,
  writableTmpDirAsHomeHook,
}:
let
  arguments = common // {
    CARGO_PROFILE = "dev";
    cargoExtraArgs = "--locked --workspace";
  };
  tests = arguments // {
    src = sources.tests;
    cargoArtifacts = craneLib.buildDepsOnly arguments;
    doInstallCargoArtifacts = false;
    nativeBuildInputs = [
      git
      openssh
      python3
      writableTmpDirAsHomeHook
    ];
  };
  # The wheels of one build, in one folder.
  dist = toString (lib.attrValues package-wheels);
  pythonWithEverything = python3.withPackages (
    python:
    lib.attrValues (pythonPackagesFor python)
    ++ [
      python.blake3
      python.cbor2
      python.distributed
      python.hypothesis
      python.ipython
      python.jinja2
      python.numpy
      python.pytest
      python.starlette
      python.uvicorn
    ]
  );
in
{
  inherit dml;

  clippy = craneLib.cargoClippy (tests // { cargoClippyExtraArgs = "--all-targets -- -D warnings"; });
  nextest = craneLib.cargoNextest tests;
  doctest = craneLib.cargoDocTest tests;
  fmt = craneLib.cargoFmt { inherit (tests) pname version src; };

  # The rules of docs/spec/packaging.md, and an installation from nothing else.
  wheels =
    runCommand "daggerml-wheels-check"
      {
        nativeBuildInputs = [
          wheelwright
          python3
          writableTmpDirAsHomeHook
        ];
        inherit (pinned-tools) env;
      }
      ''
        cp --recursive --no-preserve=mode ${sources.artifacts} source && cd source
        mkdir dist
        for folder in ${dist}; do cp $folder/*.whl dist/; done
        wheelwright audit dist/*.whl
        wheelwright smoke dist
        touch $out
      '';

  # The Python packages as Nix installs them.
  pytest =
    runCommand "daggerml-pytest"
      {
        nativeBuildInputs = [
          pythonWithEverything
          git
          writableTmpDirAsHomeHook
        ];
        env.DML_NATIVE = lib.getExe dml;
      }
      ''
        cp --recursive --no-preserve=mode ${sources.pythonTests} source && cd source
        python -m pytest -q -p no:cacheprovider python/tests
        touch $out
      '';

  completions = runCommand "dml-completions-check" { } ''
    test "$(${lib.getExe dml} --version)" = "dml ${common.version}"
    ls ${dml}/share/bash-completion/completions/dml.bash \
      ${dml}/share/zsh/site-functions/_dml \
      ${dml}/share/fish/vendor_completions.d/dml.fish \
      ${dml}/share/man/man1/dml.1.gz > $out
  '';

  nix =
    runCommand "nix-code-check"
      {
        nativeBuildInputs = [
          nixfmt
          deadnix
        ];
      }
      ''
        cd ${sources.nix}
        nixfmt --check flake.nix nix/*.nix
        deadnix --fail .
        touch $out
      '';
}
