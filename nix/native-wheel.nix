# Wheels of the native package by `wheelwright build`: the recipe of
# `cargo wheels`, and so the same files, metadata, tags and bytes.
{
  lib,
  craneLib,
  common,
  sources,
  wheelwright,
  pinned-tools,
  python3,
  writableTmpDirAsHomeHook,
  # Every artifact for every platform, or the wheel for this machine.
  every ? false,
}:
let
  inherit (lib.importTOML ../wheelwright.toml) platforms;
  settings = (lib.importTOML ../python/daggerml/pyproject.toml).tool.wheelwright;
  abi3t = map (one: "${lib.removeSuffix "t" one}-abi3t") settings.release-interpreters;
  # What the builds beside that for the oldest stable ABI are called.
  endings = settings.interpreters ++ abi3t;
  builds = lib.concatMap (row: [ row ] ++ map (one: "${row}-${one}") endings) platforms;
  # Nix installs every wheel of a folder: so only the one that its Python loads.
  own = "cp${lib.replaceStrings [ "." ] [ "" ] python3.pythonVersion}";
  rows = if every then "--for-release" else "--host --package daggerml --interpreter ${own}";
  arguments = common // {
    pname = if every then "daggerml-artifacts" else "daggerml-wheel";
    src = sources.artifacts;
    env = common.env // pinned-tools.env;
    nativeBuildInputs = [
      wheelwright
      python3
      writableTmpDirAsHomeHook
    ];
    doCheck = false;
  };
  # The dependencies, compiled with crates that hold nothing. What is packed
  # from those is no wheel, so the answer of wheelwright does not count; that
  # every platform was compiled does.
  dependencies = craneLib.buildDepsOnly (
    arguments
    // {
      extraDummyScript = ''
        cp --recursive --no-preserve=mode ${sources.packages}/. $out/
        for project in $(find $out -name pyproject.toml); do
          touch $(dirname $project)/{README.md,LICENSE}
        done
        # wheelwright compiles nothing for a package that is not there.
        mkdir --parents $out/python/daggerml/src/daggerml
        touch $out/python/daggerml/src/daggerml/__init__.py
      '';
      buildPhaseCargoCommand = ''
        wheelwright build ${rows} --no-smoke --out ignored || true
        ${
          if every then
            "for one in ${toString builds}; do ls target/wheelwright/extensions/daggerml/$one/extension; done"
          else
            # Without a match, the shell would leave nothing for `ls` to look for.
            "find target/wheelwright/extensions/daggerml -name extension | grep ."
        }
        rm -rf target/wheelwright/{extensions,stamps,tools,zig-cache}
      '';
    }
  );
in
craneLib.mkCargoDerivation (
  arguments
  // {
    cargoArtifacts = dependencies;
    doInstallCargoArtifacts = false;
    buildPhaseCargoCommand = ''
      wheelwright build ${rows} --no-smoke --out dist
    '';
    installPhaseCommand = ''
      mkdir $out
      cp dist/${if every then "*" else "*.whl"} $out/
    '';
    meta = {
      description =
        if every then "Every wheel and sdist of DaggerML" else "The wheel of daggerml for this machine";
      license = lib.licenses.mit;
    };
  }
)
